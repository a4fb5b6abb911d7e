"""What a command leaves besides the screen: files, whole or not at all; one line of an error; questions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from agent.errors import AgentError, TraceError, UsageError, unwritable
from agent.task import Record
from policies.vocabulary import EXIT_CODES, Outcome
from sandboxes.interface import ImageError, SandboxError
from tools.plain import plain

if TYPE_CHECKING:
    from agent.view import View

MOST_SHOWN = 2000
"""Characters of an error."""

MOST_TAIL = 4000
"""Characters of what building an image said last."""

_OBEYED = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Controls that JSON lets stand (C1, DEL) and formats: bidirectional, zero-width, tags, line separators."""


def check_output(path: Path | None) -> None:
    """Before anything is done: whether a file can be written there. Raises UsageError."""
    if path is None:
        return
    parent = path.absolute().parent
    if not parent.is_dir():
        raise UsageError(f"{parent} is not a folder; make it first")
    if path.is_dir() or (path.exists() and not os.access(path, os.W_OK)):
        raise UsageError(f"{path} cannot be written; name another file")
    if not path.exists() and not os.access(parent, os.W_OK):
        raise UsageError(f"no permission to write to {parent}; name a file elsewhere")


def check_outputs(folder: Path, patch_out: Path | None, json_out: Path | None) -> None:
    """Before anything is done: whether that is a folder, and the files can be written, the patch's as a new
    one. Raises UsageError."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    if patch_out is not None and (patch_out.exists() or patch_out.is_symlink()):
        raise UsageError(f"{patch_out} exists already; name a new file for the patch")
    check_output(patch_out)
    check_output(json_out)


def write_output(path: Path, parts: Iterable[str]) -> None:
    """Write a file, in place of one that is there: whole or not at all. Pipes and devices are written to.

    Raises UsageError for a path that cannot be written to, AgentError where the disk is full or fails.
    """
    try:
        real = path.resolve()
        if real.exists() and not real.is_file():
            with real.open("w", encoding="utf-8") as stream:
                stream.writelines(parts)
            return
        temporary = real.with_name(f".{real.name}.{os.getpid()}.part")
        try:
            with temporary.open("w", encoding="utf-8") as stream:
                stream.writelines(parts)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(real)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error


def write_json(path: Path, found: Record) -> None:
    """Write a report as JSON. Raises as `write_output` does."""
    write_output(path, [harmless_json(found.model_dump_json(indent=2)), "\n"])


def harmless_json(text: str) -> str:
    """The same JSON with characters that a terminal obeys, or that hide or reorder text, as \\uXXXX. Letters
    stay as they are. Such a character can only stand within a string."""
    return _OBEYED.sub(lambda found: _escaped(found[0]), text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def fail(message: str, code: int) -> NoReturn:
    """End the command with one line, neutralised, and its exit code."""
    typer.echo(f"agent: {plain(message, MOST_SHOWN)}", err=True)
    raise typer.Exit(code)


def written(path: Path | None, report: Record) -> None:
    """Write a command's `--json`, if it was asked for; the command fails where that fails."""
    try:
        if path is not None:
            write_json(path, report)
    except AgentError as error:
        fail(str(error), error.exit_code)


@contextmanager
def one_line_errors(view: View | None = None) -> Iterator[None]:
    """Errors become one line and the documented exit code, after the tail of what building an image said."""
    tail = ""
    try:
        yield
        return
    except AgentError as error:
        message, code = str(error), error.exit_code
    except SandboxError as error:
        message, code = str(error), EXIT_CODES[Outcome.INFRASTRUCTURE]
        tail = error.tail if isinstance(error, ImageError) else ""
    except KeyboardInterrupt:
        message, code = "interrupted", EXIT_CODES[Outcome.INTERRUPTED]
    finally:
        if view is not None:
            view.finish()
    if tail:
        typer.echo(plain(tail[-MOST_TAIL:], MOST_TAIL), err=True)
    fail(message, code)


@contextmanager
def trace_errors(view: View | None = None) -> Iterator[None]:
    """As `one_line_errors`, also of what traces name and hold: figures that cannot be in events that fit."""
    with one_line_errors(view):
        try:
            yield
        except AgentError:
            raise
        except OSError as error:
            raise UsageError(f"cannot read {error.filename}: {error.strerror or error}") from None
        except (ValueError, ArithmeticError, LookupError) as error:
            raise TraceError(f"the trace holds what no run can have written: {error}") from None


def said_yes(question: str) -> bool:
    """The person's word; the end of input is a no, Ctrl-C ends the command."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        typer.echo()
        return False
