"""A runtime without a sandbox, for fixture repositories of our own: plain subprocesses in a folder."""

from __future__ import annotations

import contextlib
import os
import resource
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from sandboxes.interface import RunRequest, RunResult


class LocalRuntime:
    """Implements what these tests use of `sandboxes.interface.Runtime`, with real processes and files."""

    def run(self, request: RunRequest, on_report: Callable[[bytes], None] | None = None) -> RunResult:
        out, into = os.pipe()
        env = {"PATH": os.environ["PATH"], "HOME": request.cwd, "LANG": "C.UTF-8", **request.env}
        if request.report:
            env["AGENT_REPORT_FD"] = str(into)

        def limit() -> None:
            if request.memory_bytes is not None:
                resource.setrlimit(resource.RLIMIT_DATA, (request.memory_bytes, request.memory_bytes))

        started = time.monotonic()
        process = subprocess.Popen(
            request.argv,
            cwd=request.cwd,
            env=env,
            pass_fds=(into,),
            preexec_fn=limit,
            start_new_session=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.close(into)
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write(request.stdin)
        process.stdin.close()
        pieces: dict[int, bytearray] = {
            out: bytearray(),
            process.stdout.fileno(): bytearray(),
            process.stderr.fileno(): bytearray(),
        }
        with selectors.DefaultSelector() as waiting:
            for descriptor in pieces:
                waiting.register(descriptor, selectors.EVENT_READ)
            while waiting.get_map() and time.monotonic() - started < request.timeout:
                for key, _ in waiting.select(0.05):
                    chunk = os.read(key.fd, 65536)
                    if not chunk:
                        waiting.unregister(key.fd)
                    elif key.fd == out and on_report:
                        on_report(chunk)
                    pieces[key.fd] += chunk
                if process.poll() is not None and not waiting.select(0):
                    break
        timed_out = process.poll() is None and time.monotonic() - started >= request.timeout
        try:
            process.wait(max(0.0, request.timeout - (time.monotonic() - started)))
        except subprocess.TimeoutExpired:
            timed_out = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        result = RunResult(
            exit_code=None if timed_out else process.returncode,
            stdout=bytes(pieces[process.stdout.fileno()]),
            stderr=bytes(pieces[process.stderr.fileno()]),
            report=bytes(pieces[out]),
            seconds=time.monotonic() - started,
            timed_out=timed_out,
        )
        process.stdout.close()
        process.stderr.close()
        os.close(out)
        return result

    def read(self, path: str, max_bytes: int = 16_000_000) -> bytes:
        data = Path(path).read_bytes()
        if len(data) > max_bytes:
            raise ValueError("too large")
        return data

    def write(self, path: str, data: bytes, executable: bool = False) -> None:
        self.remove(path)
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)

    def remove(self, path: str) -> None:
        if Path(path).is_dir() and not Path(path).is_symlink():
            shutil.rmtree(path)
        else:
            Path(path).unlink(missing_ok=True)

    def put_tar(self, path: str, tar: bytes) -> None:
        raise NotImplementedError

    def install_inside(self, files: Mapping[str, bytes]) -> None:
        raise NotImplementedError

    def checkpoint(self, path: str) -> str:
        raise NotImplementedError

    def restore(self, token: str) -> None:
        raise NotImplementedError

    def export(self, path: str, max_bytes: int = 256_000_000) -> bytes:
        raise NotImplementedError


def write_tree(root: Path, files: Mapping[str, bytes | str]) -> Path:
    """Write a fixture repository."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return root
