"""How a process ended, by its exit and by its own last words (untrusted)."""

from __future__ import annotations

import re

from sandboxes.interface import RunResult
from tools.verdicts import Shortage

SHOWN_OUTPUT = 8_000
# How the last line of an error begins, as pytest and Python write it.
_RAISED = r"^(?:E|INTERNALERROR>)?\s*[\w.]*"
_NO_TIME = re.compile(_RAISED + r"TimeLimit: .*took longer than its time limit$")
_NO_MEMORY = re.compile(_RAISED + r"(?:MemoryError\b|Error: \[Errno 12\])")
_NO_DISK = re.compile(_RAISED + r"Error: \[Errno 28\]")


def shortage(result: RunResult, hung: bool = False) -> Shortage | None:
    """What a process that came to nothing ran out of: as the sandbox saw it, or by its own last words.
    `hung`: its watchdog ended it."""
    if result.out_of_memory:
        return Shortage("memory")
    if result.timed_out or hung:
        return Shortage("time", result.seconds)
    return Shortage("disk") if result.disk_full else shortage_said(last_words(result), result.seconds)


def shortage_said(message: str, seconds: float) -> Shortage | None:
    """The same by the exception that a message ends with; `seconds` is how long it might take."""
    last = last_line(message)
    if _NO_MEMORY.search(last):
        return Shortage("memory")
    if _NO_TIME.search(last):
        return Shortage("time", seconds)
    return Shortage("disk") if _NO_DISK.search(last) else None


def last_words(result: RunResult) -> str:
    """What a process said of its errors, or all it printed (untrusted)."""
    return (result.stderr.strip() or result.stdout.strip()).decode("utf-8", "replace")


def last_line(text: str) -> str:
    """The last line that is not blank, "" without any."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def exit_words(result: RunResult) -> str:
    """How a process ended, in words."""
    if result.out_of_memory:
        return "out of memory"
    if result.exit_code is None:
        return "killed"
    return f"signal {-result.exit_code}" if result.exit_code < 0 else f"exit code {result.exit_code}"


def output_tail(result: RunResult) -> str:
    """The end of what a process printed (untrusted)."""
    said = result.stdout.decode("utf-8", "replace"), result.stderr.decode("utf-8", "replace")
    return "\n".join(end_of(part, SHOWN_OUTPUT) for part in said if part)


def end_of(text: str, most: int) -> str:
    """The last characters, behind a mark where there are more, by which a redactor knows of the cut."""
    return text if len(text) <= most else f"…{text[-most:]}"
