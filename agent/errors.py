"""Errors that end a run with one clear line and a documented exit code."""

from __future__ import annotations

from policies.vocabulary import EXIT_CODES, Outcome


class AgentError(Exception):
    """An error with one clear line for the person; `exit_code` follows the contract for CI."""

    exit_code: int = EXIT_CODES[Outcome.INFRASTRUCTURE]


class UsageError(AgentError, ValueError):
    """Bad arguments, configuration, repository or test; nothing was touched."""

    exit_code = EXIT_CODES[Outcome.USAGE]


class TraceLost(AgentError):
    """The trace of a run under way cannot be written any more (disk full, folder gone)."""


class TraceError(AgentError, ValueError):
    """A trace was altered or is not understood. `line`: the 1-based line of `events.jsonl`, 0 when no single
    line is concerned."""

    exit_code = 1

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line
