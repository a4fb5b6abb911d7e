"""Errors that end a run with one clear line and a documented exit code."""

from __future__ import annotations

import errno

from policies.vocabulary import EXIT_CODES, Outcome

_OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})


class AgentError(Exception):
    """An error with one clear line for the person: `what`, and a `mend` that only `agent fix` has, or "".
    `exit_code` follows the contract for CI."""

    exit_code: int = EXIT_CODES[Outcome.INFRASTRUCTURE]

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(f"{what}; {mend}" if mend else what)
        self.what, self.mend = what, mend


class UsageError(AgentError, ValueError):
    """Bad arguments, configuration, repository or test; nothing was touched."""

    exit_code = EXIT_CODES[Outcome.USAGE]


class NotApproved(AgentError):
    """More people have to approve before something is delivered; nothing was touched."""

    exit_code = EXIT_CODES[Outcome.DEFERRED]


def unwritable(path: object, error: OSError) -> AgentError:
    """A file that cannot be written: the disk is full or fails (exit code 20), else it is the path (2)."""
    message = f"cannot write {path}: {error.strerror or error}"
    return AgentError(message) if error.errno in _OF_THE_DISK else UsageError(message)


class TraceLost(AgentError):
    """The trace of a run under way cannot be written any more (disk full, folder gone)."""


class TraceError(AgentError, ValueError):
    """A trace was altered or is not understood. `line`: the 1-based line of `events.jsonl`, 0 when no single
    line is concerned."""

    exit_code = 1

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line
