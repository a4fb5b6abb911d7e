"""What a sandbox is: two interfaces (life cycle and runtime), typed requests and results, and its errors.

Paths inside a sandbox are absolute POSIX paths. The work area is `WORK`, with the
repository in `REPO`; files of our own that run inside
live in `INSIDE`, which the code under repair can read and cannot write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Protocol, Self

WORK = "/workspace"
REPO = f"{WORK}/repo"
INSIDE = "/opt/agent-inside"
UID = 1000

BackendName = Literal["docker", "bubblewrap"]
Wanted = Literal["auto", "docker", "bubblewrap"]
"""What a user may ask for; auto prefers Docker."""


class SandboxError(RuntimeError):
    """The sandbox or its engine failed: an infrastructure error (exit code 20), not a verdict."""


class EngineMissing(SandboxError):
    """No container engine answers; the message says how to mend it."""


class ImageError(SandboxError):
    """An image or environment could not be built; `tail` holds the end of its output."""

    def __init__(self, message: str, tail: str = "") -> None:
        super().__init__(message)
        self.tail = tail


class RecipeError(ImageError):
    """A Dockerfile or devcontainer.json cannot be followed as it is written: the user's to mend."""


@dataclass(frozen=True)
class SandboxLimits:
    """Bounds of a sandbox. Bytes, processes, CPUs; the work area lies in memory and counts towards it."""

    memory_bytes: int = 2 * 2**30
    disk_bytes: int = 1 * 2**30
    processes: int = 256
    cpus: float = 2.0


@dataclass(frozen=True)
class RunRequest:
    """One command. `timeout` in seconds, after which the whole process tree dies.

    `report`: give the child a pipe as file descriptor number REPORT_FD (announced as AGENT_REPORT_FD in
    its environment) whose bytes come back as `RunResult.report`, apart from stdout and stderr.
    `max_output` bounds each of stdout, stderr and report, in bytes (stdout and stderr keep head and tail).
    `memory_bytes` bounds each process (RLIMIT_DATA). The environment is exactly `env` plus PATH, HOME,
    LANG and TMPDIR. `interactive`: its standard input stays open after `stdin` and takes more while the
    command runs (`RunnerClient.feed`).
    """

    argv: tuple[str, ...]
    timeout: float
    cwd: str = WORK
    env: Mapping[str, str] = field(default_factory=dict)
    stdin: bytes = b""
    report: bool = False
    max_output: int = 1_000_000
    max_report: int = 64_000_000
    memory_bytes: int | None = None
    interactive: bool = False


@dataclass(frozen=True)
class RunResult:
    """What a command did. `exit_code` is None when it was killed by timeout; -N when ended by signal N."""

    exit_code: int | None
    stdout: bytes
    stderr: bytes
    report: bytes
    seconds: float
    timed_out: bool = False
    out_of_memory: bool = False
    disk_full: bool = False
    truncated: bool = False


class Lifecycle(Protocol):
    """Start, stop, is it alive; as a context manager, both. `start` raises EngineMissing, ImageError or
    SandboxError."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def alive(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Runtime(Protocol):
    """Run, read, write, checkpoint, restore, export. Every method raises SandboxError when it is gone."""

    def run(self, request: RunRequest, on_report: Callable[[bytes], None] | None = None) -> RunResult:
        """Run one command; `on_report` sees chunks of the report as they arrive."""
        ...

    def read(self, path: str, max_bytes: int = 16_000_000) -> bytes:
        """Contents of a regular file. Raises FileNotFoundError, or ValueError if larger than max_bytes."""
        ...

    def write(self, path: str, data: bytes, executable: bool = False) -> None:
        """Write a file in the work area as its unprivileged owner: unlink, then create, making folders.

        What was a program (executable) stays one."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file or folder of the work area if it is there."""
        ...

    def put_tar(self, path: str, tar: bytes) -> None:
        """Unpack an uncompressed tar (regular files, folders, symlinks) below `path` in the work area."""
        ...

    def install_inside(self, files: Mapping[str, bytes]) -> None:
        """Put our own files (relative name -> bytes) into INSIDE, owned by root, readable by all."""
        ...

    def checkpoint(self, path: str) -> str:
        """Keep the state of the folder `path`; returns a token."""
        ...

    def restore(self, token: str) -> None:
        """Put the folder back as it was at `checkpoint`."""
        ...

    def export(self, path: str, max_bytes: int = 256_000_000) -> bytes:
        """A folder of the work area as tar bytes (untrusted: vet before use)."""
        ...


class Sandbox(Lifecycle, Runtime, Protocol):
    """Both interfaces; `description` says backend and image digest for the trace, `python` the
    interpreter inside that runs tests."""

    @property
    def description(self) -> str: ...
    @property
    def image_digest(self) -> str: ...
    @property
    def python(self) -> str: ...
