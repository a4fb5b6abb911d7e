"""The runtime interface over a connection to a runner: what every backend with a runner shares."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any, Protocol

from sandboxes.inside.frames import FEED_WINDOW, PREFIX, decode_prefix, encode
from sandboxes.interface import RunRequest, RunResult, SandboxError

GRACE = 30.0
"""Seconds the runner may stay silent beyond a command's own timeout before it counts as gone."""
SEND_PATIENCE = 120.0
"""Seconds a runner may take no input before it counts as gone."""
COMPLAINT_BYTES = 4000
FILE_PATIENCE = 120.0
"""Seconds without a byte after which a file request counts as lost."""

_COMPLAINT = 300  # characters of an answer's complaint; the paths in it can be as long as code likes
_MODULES = (
    "frames", "identity", "files", "checkpoints", "leftovers", "syscalls", "feeding", "commands", "runner",
)  # fmt: skip

BOOTSTRAP = """
import json, os, sys, types
def take(size):
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data
for name, source in json.loads(take(int.from_bytes(take(8), "big")).decode()):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
sys.modules["sandboxes.inside.runner"].main()
"""
"""What the interpreter of the sandbox is started with: it takes the runner's source from its stdin."""


def runner_source() -> bytes:
    """The runner's modules as BOOTSTRAP reads them: 8 bytes length, then JSON pairs of name and source."""
    folder = resources.files("sandboxes.inside")
    modules = [("sandboxes", ""), ("sandboxes.inside", "")]
    modules += [(f"sandboxes.inside.{name}", (folder / f"{name}.py").read_text()) for name in _MODULES]
    body = json.dumps(modules).encode()
    return len(body).to_bytes(8, "big") + body


def gone(reason: str, complaint: bytes) -> SandboxError:
    """The error for a runner that is gone, with the end of what it wrote to stderr."""
    said = complaint[-COMPLAINT_BYTES:].decode(errors="replace").strip()
    return SandboxError(f"the sandbox is gone: {reason}" + (f": {said}" if said else ""))


class Connection(Protocol):
    """A byte stream to and from a runner. Every method raises SandboxError when the runner is gone.

    One thread may send while another receives, and `close` makes both of them raise.
    """

    def send(self, data: bytes) -> None: ...

    def receive(self, size: int, patience: float) -> bytes:
        """Exactly `size` bytes; SandboxError after `patience` seconds without any."""
        ...

    def close(self) -> None: ...


class _Input:
    """The standard input of one interactive command, which was given `sent` bytes to begin with."""

    def __init__(self, sent: int) -> None:
        self.over = False
        self._sent = sent
        self._read = 0
        self._changed = threading.Condition()

    def wait_for_room(self, size: int) -> None:
        """Wait until less than FEED_WINDOW bytes are unread, or all is over; then count `size` more."""
        with self._changed:
            self._changed.wait_for(lambda: self.over or self._sent - self._read < FEED_WINDOW)
            self._sent += size

    def note_read(self, total: int) -> None:
        with self._changed:
            self._read = total
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self.over = True
            self._changed.notify_all()


class RunnerClient:
    """`sandboxes.interface.Runtime` over a connection; one request at a time, safe to share by threads.

    A request that is broken off half-way (Ctrl-C included) leaves the stream out of step, so the connection
    is closed then and every later request raises SandboxError.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._connection: Connection | None = None
        self._search_path = ""
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._input: _Input | None = None

    def _open(self, connection: Connection, python: str) -> None:
        """Hand the runner its source and wait for its greeting."""
        self._connection = connection
        connection.send(runner_source())
        greeting, _ = self._receive(GRACE)
        folder = python.rpartition("/")[0]
        self._search_path = f"{folder}:{greeting['path']}" if folder else str(greeting["path"])

    def run(self, request: RunRequest, on_report: Callable[[bytes], None] | None = None) -> RunResult:
        """Run one command; see `Runtime.run`. `on_report` must be quick: the runner waits for it."""
        defaults = {"PATH": self._search_path, "HOME": "/tmp", "LANG": "C.UTF-8", "TMPDIR": "/tmp"}  # noqa: S108
        message = {
            "operation": "run",
            "argv": list(request.argv),
            "timeout": request.timeout,
            "cwd": request.cwd,
            "env": {**defaults, **self._environment, **request.env},
            "report": request.report,
            "max_output": request.max_output,
            "max_report": request.max_report,
            "memory_bytes": request.memory_bytes,
            "interactive": request.interactive,
        }
        report: list[bytes] = []

        def take(chunk: bytes) -> None:
            report.append(chunk)
            if on_report is not None:
                on_report(chunk)

        answer, output = self._ask(message, request.stdin, request.timeout + GRACE, take)
        return RunResult(
            exit_code=answer["exit_code"],
            stdout=output[: answer["stdout"]],
            stderr=output[answer["stdout"] :],
            report=b"".join(report),
            seconds=answer["seconds"],
            timed_out=answer["timed_out"],
            out_of_memory=answer["out_of_memory"],
            disk_full=answer["disk_full"],
            truncated=answer["truncated"],
        )

    def feed(self, data: bytes) -> bool:
        """Append to the standard input of the interactive command under way; no bytes close it.

        For a thread other than the one in `run`, from the first byte of the report on. Waits while the
        command has FEED_WINDOW bytes left to read. Whether the bytes were sent: not when it has ended.
        Raises SandboxError when the sandbox is gone.
        """
        command = self._input
        if command is None:
            return False
        command.wait_for_room(len(data))
        with self._sending:
            # Asked here, so that no input for one command can come after the request for the next.
            if command.over or self._connection is None:
                return False
            try:
                self._connection.send(encode({"operation": "feed"}, len(data)) + data)
            except BaseException:
                self._hang_up()
                raise
        return True

    def read(self, path: str, max_bytes: int = 16_000_000) -> bytes:
        """Contents of a regular file of the work area; see `Runtime.read`."""
        return self._ask({"operation": "read", "path": path, "max_bytes": max_bytes})[1]

    def write(self, path: str, data: bytes, executable: bool = False) -> None:
        """Write a file of the work area. Raises OSError when it does not fit, ValueError outside."""
        self._ask({"operation": "write", "path": path, "executable": executable}, data)

    def remove(self, path: str) -> None:
        """Remove a file or folder of the work area if it is there."""
        self._ask({"operation": "remove", "path": path})

    def put_tar(self, path: str, tar: bytes) -> None:
        """Unpack a tar below `path`; raises ValueError for members that leave it, OSError when full."""
        self._ask({"operation": "put_tar", "path": path}, tar)

    def install_inside(self, files: Mapping[str, bytes]) -> None:
        """Put our own files into INSIDE; raises ValueError for a name that leaves it."""
        sizes = [[name, len(data)] for name, data in files.items()]
        self._ask({"operation": "install_inside", "files": sizes}, b"".join(files.values()))

    def checkpoint(self, path: str) -> str:
        """Keep the state of a folder; the token is good for this sandbox only."""
        _, number = self._ask({"operation": "checkpoint", "path": path})
        return f"{int(number)}:{path}"

    def restore(self, token: str) -> None:
        """Put the folder back as it was at `checkpoint`."""
        number, _, path = token.partition(":")
        self._ask({"operation": "restore", "path": path, "number": int(number)})

    def export(self, path: str, max_bytes: int = 256_000_000) -> bytes:
        """A folder of the work area as tar bytes; raises ValueError beyond max_bytes."""
        chunks: list[bytes] = []
        self._ask({"operation": "export", "path": path, "max_bytes": max_bytes}, on_chunk=chunks.append)
        return b"".join(chunks)

    def _ask(
        self,
        message: dict[str, Any],
        payload: bytes = b"",
        patience: float = FILE_PATIENCE,
        on_chunk: Callable[[bytes], None] | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        """One request, its chunks and its answer. Raises the OSError or ValueError the runner reports."""
        with self._lock:
            try:
                answer, body = self._exchange(message, payload, patience, on_chunk)
            except BaseException:
                self._hang_up()
                raise
        if answer["kind"] == "error":
            message = answer["message"].removeprefix(f"[Errno {answer['errno']}] ")[:_COMPLAINT]
            raise ValueError(message) if answer["errno"] is None else OSError(answer["errno"], message)
        return answer, body

    def _exchange(
        self,
        message: dict[str, Any],
        payload: bytes,
        patience: float,
        on_chunk: Callable[[bytes], None] | None,
    ) -> tuple[dict[str, Any], bytes]:
        if self._connection is None:
            raise SandboxError("the sandbox is not running")
        command = _Input(len(payload))
        try:
            with self._sending:
                self._connection.send(encode(message, len(payload)))
                self._connection.send(payload)
                self._input = command if message.get("interactive") else None
            while True:
                answer, body = self._receive(patience)
                if answer["kind"] in ("done", "error"):
                    return answer, body
                if answer["kind"] == "fed":
                    command.note_read(answer["bytes"])
                elif on_chunk is not None:
                    on_chunk(body)
        finally:
            self._input = None
            command.end()

    def _receive(self, patience: float) -> tuple[dict[str, Any], bytes]:
        if self._connection is None:
            raise SandboxError("the sandbox is not running")
        try:
            header_size, body_size = decode_prefix(self._connection.receive(PREFIX.size, patience))
            answer = json.loads(self._connection.receive(header_size, patience))
        except ValueError as error:
            raise SandboxError(f"the runner sent something unreadable: {error}") from error
        return answer, self._connection.receive(body_size, patience)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
