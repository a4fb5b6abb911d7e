"""A sandbox for tests of what is built on sandboxes: files in memory, commands answered by a function."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from sandboxes.interface import INSIDE, WORK, RunRequest, RunResult, SandboxError

Handler = Callable[[RunRequest], RunResult]


class ScriptedSandbox:
    """`sandboxes.interface.Sandbox` without a container.

    `handler` answers `run`, or raises SandboxError; after that the sandbox counts as gone, as a real one
    does. `files` (absolute path -> bytes), `executable` (paths) and `requests` are the test's to look at
    and to change.
    """

    def __init__(self, handler: Handler) -> None:
        self.files: dict[str, bytes] = {}
        self.executable: set[str] = set()
        self.requests: list[RunRequest] = []
        self._handler = handler
        self._kept: list[tuple[str, dict[str, bytes]]] = []
        self._alive = False

    @property
    def description(self) -> str:
        return "scripted"

    @property
    def image_digest(self) -> str:
        return "scripted"

    @property
    def python(self) -> str:
        return "python3"

    def start(self) -> None:
        self._alive = True

    def stop(self) -> None:
        self._alive = False

    def alive(self) -> bool:
        return self._alive

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def run(self, request: RunRequest, on_report: Callable[[bytes], None] | None = None) -> RunResult:
        """Record the request and let the handler answer; its report arrives in one chunk."""
        self._must_live()
        self.requests.append(request)
        try:
            result = self._handler(request)
        except SandboxError:
            self._alive = False
            raise
        if on_report is not None and result.report:
            on_report(result.report)
        return result

    def read(self, path: str, max_bytes: int = 16_000_000) -> bytes:
        self._must_live()
        if path not in self.files:
            raise FileNotFoundError(path)
        if len(self.files[path]) > max_bytes:
            raise ValueError(f"{path} has more than {max_bytes} bytes")
        return self.files[path]

    def write(self, path: str, data: bytes, executable: bool = False) -> None:
        self._must_live()
        self.files[_within(WORK, path)] = data
        if executable:
            self.executable.add(path)

    def remove(self, path: str) -> None:
        self._must_live()
        for name in self._below(_within(WORK, path)):
            del self.files[name]
            self.executable.discard(name)

    def put_tar(self, path: str, tar: bytes) -> None:
        """Unpack regular files; folders and links have no place in a map of contents."""
        self._must_live()
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
            for member in archive:
                body = archive.extractfile(member)
                if body is not None:
                    self.files[_within(path, posixpath.join(path, member.name))] = body.read()

    def install_inside(self, files: Mapping[str, bytes]) -> None:
        self._must_live()
        for name, data in files.items():
            self.files[_within(INSIDE, posixpath.join(INSIDE, name))] = data

    def checkpoint(self, path: str) -> str:
        self._must_live()
        self._kept.append((path, {name: self.files[name] for name in self._below(path)}))
        return str(len(self._kept) - 1)

    def restore(self, token: str) -> None:
        self._must_live()
        path, files = self._kept[int(token)]
        for name in self._below(path):
            del self.files[name]
        self.files.update(files)

    def export(self, path: str, max_bytes: int = 256_000_000) -> bytes:
        self._must_live()
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:") as archive:
            for name in sorted(self._below(path)):
                member = tarfile.TarInfo(posixpath.relpath(name, path))
                member.size = len(self.files[name])
                archive.addfile(member, io.BytesIO(self.files[name]))
        if out.tell() > max_bytes:
            raise ValueError(f"{path} holds more than {max_bytes} bytes")
        return out.getvalue()

    def _below(self, path: str) -> list[str]:
        return [name for name in self.files if name == path or name.startswith(path.rstrip("/") + "/")]

    def _must_live(self) -> None:
        if not self._alive:
            raise SandboxError("the sandbox is not running")


def _within(top: str, path: str) -> str:
    """`path` made plain. Raises ValueError when it lies outside `top`."""
    plain = posixpath.normpath(path)
    if not plain.startswith(top.rstrip("/") + "/"):
        raise ValueError(f"{path} lies outside {top}")
    return plain
