"""What sandboxes with a runner share besides it: an image, limits, and a life that a `with` block spans."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from sandboxes.client import RunnerClient
from sandboxes.interface import SandboxLimits

TMP_BYTES = 256 * 2**20
TMP_INODES = 65536
SHM_BYTES = 64 * 2**20
INSIDE_BYTES = 64 * 2**20
OPEN_FILES = 4096
CPU_PERIOD = 100_000
"""Microseconds; CPUs are bounded as a quota of this period, which may exceed those there are."""
_BYTES_PER_INODE = 4096


class RunnerSandbox(RunnerClient, ABC):
    """A sandbox of `image` within `limits`.

    `python` is the interpreter that runs tests; the runner itself uses the image's own `python3`, never one
    that code under repair could have written. `environment` is given to every command.
    """

    def __init__(
        self,
        image: str,
        limits: SandboxLimits | None,
        *,
        python: str,
        environment: Mapping[str, str] | None,
    ) -> None:
        super().__init__(environment)
        self._image = image
        self._limits = limits or SandboxLimits()
        self._python = python
        self._digest = ""

    @property
    def python(self) -> str:
        """The interpreter inside that runs tests."""
        return self._python

    @property
    def image_digest(self) -> str:
        """The content id of the image, known once started."""
        return self._digest

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def work_inodes(limits: SandboxLimits) -> int:
    """How many files the work area may hold."""
    return max(limits.disk_bytes // _BYTES_PER_INODE, 1024)
