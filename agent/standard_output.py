"""Standard output and error of every command: what cannot be written is no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

import typer

from policies.vocabulary import EXIT_CODES, Outcome


class Outgoing:
    """A standard stream that does not end a command when it cannot be written to: what follows is dropped.
    problem: why, "" where only nobody reads any more (`| head`)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.problem = ""

    def write(self, text: str) -> int:
        """Write the text, if that is possible."""
        self._tried(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, if that is possible."""
        self._tried(self._stream.flush)

    def _tried(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.problem = error.strerror or str(error)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # what is buffered goes there, at the latest at exit
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def written_out() -> Iterator[None]:
    """While a command runs: output that cannot be written is one line at its end, and exit code 20 unless it
    has another; a reader that goes away is no error."""
    out, err = (None if each is None else Outgoing(each) for each in (sys.stdout, sys.stderr))
    if out is not None:
        sys.stdout = cast("TextIO", out)
    if err is not None:
        sys.stderr = cast("TextIO", err)
    code: str | int | None = 0
    try:
        yield
    except SystemExit as end:
        code = end.code
    if out is not None:
        out.flush()
        if out.problem:
            typer.echo(f"agent: cannot write to standard output: {out.problem}", err=True)
            code = code or EXIT_CODES[Outcome.INFRASTRUCTURE]
    if err is not None:
        err.flush()
    sys.exit(code)
