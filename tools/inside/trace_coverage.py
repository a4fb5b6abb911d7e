"""Runs failing tests and some others under a line tracer and reports what each of them executed.

Settings (JSON on stdin): `root` (the repository), `failing` and `others` (test ids), `timeout` (seconds per
test phase), `limits` ({id: seconds} in place of those), `budget` (seconds after which no further passing test
is started), `memory_bytes` (per process).

Reports (JSON lines): `test` {id, outcome, seconds, error, frames, lines, origins}, `import` {lines}, `end`
{tracer, restarts}. `lines` maps a path below the root to first lines of executed statements; `frames` are
[path, line, function], innermost first; `origins` are [path, line] of what bound the names read where a file
that is asked for by its name raised. A supervisor outlives tests that kill or freeze the process.
"""

from __future__ import annotations

import faulthandler
import os
import re
import select
import signal
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from .repair.children import lower_limits
from .repair.lines import Statements
from .repair.origins import origins
from .repair.session import Watch, run_session
from .repair.wire import Reporter, write_all
from .tracers import make_tracer

MAX_RESTARTS = 8
GRACE_SECONDS = 2.0
COLLECT_SECONDS = 120.0
INNERMOST = 2  # frames whose names are looked up


def main(settings: dict[str, Any]) -> int:
    """Run until every failing test has been seen, or MAX_RESTARTS processes have died."""
    reporter = Reporter()
    root = os.path.realpath(settings["root"])
    todo = [*settings["failing"], *settings["others"]]
    started = time.monotonic()
    restarts = 0
    while todo and restarts <= MAX_RESTARTS:
        budget = settings["budget"] - (time.monotonic() - started)
        if restarts and not set(todo) & set(settings["failing"]) and budget <= 0:
            break
        done = _Supervisor(reporter, root, todo, {**settings, "budget": budget}).run()
        if done is None:
            break
        todo = todo[todo.index(done) + 1 :] if done in todo else []
        restarts += 1
    reporter.send("end", restarts=restarts)
    return 0


class _Supervisor:
    """One worker process: passes its reports on, and ends it when it dies or freezes."""

    def __init__(self, reporter: Reporter, root: str, ids: list[str], settings: dict[str, Any]) -> None:
        self.reporter, self.root, self.ids, self.settings = reporter, root, ids, settings
        self.running: str | None = None

    def run(self) -> str | None:
        """None when the worker finished; else the id of the test that killed or froze it."""
        receiver, sender = os.pipe()
        with tempfile.TemporaryFile() as dump:
            pid = os.fork()
            if pid == 0:
                os.close(receiver)
                try:
                    work(sender, self.root, self.ids, self.settings, dump.fileno())
                finally:
                    os._exit(0)
            os.close(sender)
            finished = self._relay(receiver, pid)
            os.close(receiver)
            os.waitpid(pid, 0)
            if finished:
                return None
            dump.seek(0)
            frames = dumped_frames(dump.read(1_000_000).decode("utf-8", "replace"), self.root)
            frames = Statements(self.root).frames(frames)
        name = self.running or self.ids[0]
        error = "the process froze or was killed in this test"
        self.reporter.send(
            "test", id=name, outcome="failed", seconds=0.0, error=error, frames=frames, lines={}
        )
        return name

    def _relay(self, receiver: int, pid: int) -> bool:
        """Pass lines on until the worker says it is finished. A silent worker is asked for its stack and
        killed."""
        limit = COLLECT_SECONDS
        buffer = b""
        try:
            while select.select([receiver], [], [], limit)[0]:
                chunk = os.read(receiver, 1 << 16)
                if not chunk:
                    return False
                buffer += chunk
                *lines, buffer = buffer.split(b"\n")
                for line in lines:
                    if line == b"finished":
                        return True
                    if line.startswith(b"started "):
                        self.running = line[8:].decode()
                        limit = 3 * self.settings["timeout"] + GRACE_SECONDS
                    else:
                        write_all(self.reporter.descriptor, line + b"\n")
            os.kill(pid, signal.SIGUSR1)
            time.sleep(0.3)
            return False
        finally:
            for end in (os.killpg, os.kill):
                try:
                    end(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue


def work(sender: int, root: str, ids: list[str], settings: dict[str, Any], dump: int) -> None:
    """Worker process: trace one pytest session and report each test as it ends."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    lower_limits(
        settings["budget"] + 4 * settings["timeout"] * (1 + len(settings["failing"])),
        settings["memory_bytes"],
    )
    faulthandler.register(signal.SIGUSR1, file=dump, all_threads=False)
    reporter = Reporter(sender)
    tracer = make_tracer(root)
    trace = _Trace(reporter, tracer, Statements(root), root, ids, settings)
    tracer.start()
    run_session(ids, trace.watch, trace)
    trace.finish()
    write_all(sender, b"finished\n")


class _Trace:
    """A pytest plugin: switches the tracer's context with the test, and reports."""

    def __init__(
        self,
        reporter: Reporter,
        tracer: Any,
        statements: Statements,
        root: str,
        ids: list[str],
        settings: dict[str, Any],
    ) -> None:
        self.reporter, self.tracer, self.statements, self.root = reporter, tracer, statements, root
        self.settings = settings
        self.order = {name: position for position, name in enumerate(ids)}
        self.failing = set(settings["failing"])
        self.limits: dict[str, float] = settings["limits"]
        self.deadline = time.monotonic() + settings["budget"]
        self.tests: set[str] = set()
        self.watch = Watch(root, settings["timeout"], self.start, self.end, self.uncollected, tracer.folder)
        self.sent: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """The order asked for: failing tests first."""
        items.sort(key=lambda item: self.order.get(item.nodeid, len(self.order)))
        self.tests = {os.path.realpath(str(item.fspath)) for item in items}

    def pytest_collection_finish(self) -> None:
        self.reporter.send("import", lines=self.lines(""))

    def pytest_runtest_setup(self, item: Any) -> None:
        if item.nodeid not in self.failing and time.monotonic() > self.deadline:
            import pytest

            pytest.skip("out of time")

    def start(self, name: str) -> None:
        write_all(self.reporter.descriptor, f"started {name}\n".encode())
        self.watch.seconds = self.limits.get(name, self.settings["timeout"])
        self.tracer.switch(name)

    def end(self, name: str) -> None:
        lines = self.lines(name)
        self.tracer.switch("")
        self.send(name, lines)

    def uncollected(self, name: str) -> None:
        """A file was not collected. One that was asked for has run what was imported so far."""
        if name in self.failing:
            inner = [frame[:2] for frame in self.watch.frames[name] if frame[0] != name][:INNERMOST]
            read = [place for path, line in inner for place in origins(self.root, path, line)]
            self.send(name, self.lines(""), read)

    def send(self, name: str, lines: dict[str, list[int]], read: Sequence[tuple[str, int]] = ()) -> None:
        watch = self.watch
        self.sent.add(name)
        self.reporter.send(
            "test",
            id=name,
            outcome=watch.outcomes.get(name, "failed"),
            seconds=watch.durations.get(name, 0.0),
            error=watch.errors.get(name, ""),
            frames=self.statements.frames(watch.frames.get(name, [])),
            lines=lines,
            origins=list(read),
        )

    def finish(self) -> None:
        """Collection errors are reported like tests, under the id of what could not be collected."""
        if not self.watch.collected:
            self.reporter.send("import", lines=self.lines(""))
        for name in self.watch.outcomes:
            if name not in self.sent:
                self.send(name, {})

    def lines(self, context: str) -> dict[str, list[int]]:
        found = {}
        for path, lines in self.tracer.take(context).items():
            if path not in self.tests and path.startswith(self.root + os.sep):
                relative = path[len(self.root) + 1 :]
                found[relative] = self.statements.of(relative, lines)
        return found


def dumped_frames(text: str, root: str) -> list[tuple[str, int, str]]:
    """Frames of a faulthandler dump that lie below the root, innermost first (its own order)."""
    found: dict[tuple[str, int, str], None] = {}
    for path, line, function in re.findall(r'File "(.+)", line (\d+) in (.+)', text):
        real = os.path.realpath(path)
        if real.startswith(root + os.sep) and "-packages" + os.sep not in real:
            found[(real[len(root) + 1 :], int(line), function)] = None
    return list(found)[:60]
