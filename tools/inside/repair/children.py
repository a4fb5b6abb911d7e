"""Forked children with limits: each runs one piece of work in its own process group and is then killed."""

from __future__ import annotations

import ctypes
import json
import math
import os
import resource
import select
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from .wire import write_all

MAX_ANSWER = 8_000_000
HEADER = struct.Struct("<I")
# What a child sends: a new limit on its silence (seconds as a double), or its answer (framed JSON).
LIMIT, ANSWER = b"L", b"A"
SECONDS = struct.Struct("<d")
LONGEST = 1e6  # seconds; select takes no infinity
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER
CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class ChildResult:
    """`answer`: what the work returned (None unless `ended` is "answered"). `ended`: "answered",
    "timeout" (it overstepped a limit of its own), "late" (time was up for us) or "died" (it exited, was
    killed, or ran out of memory without an answer)."""

    ended: str
    answer: Any
    seconds: float


class Link:
    """The child's end. Only the process that was forked speaks; what it forks itself stays silent."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._process = descriptor, os.getpid()

    def watch(self, seconds: float) -> None:
        """From now on the child may live this long, until told otherwise (infinity: no limit)."""
        if os.getpid() == self._process:
            write_all(self._descriptor, LIMIT + SECONDS.pack(seconds))

    def answer(self, value: Any) -> NoReturn:
        """Send the answer and end the process, without unwinding or flushing anything."""
        if os.getpid() == self._process:
            data = json.dumps(value).encode()
            write_all(self._descriptor, ANSWER + HEADER.pack(len(data)) + data)
        os._exit(0)


class Child:
    """The parent's end."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid, self._descriptor, self._started = pid, descriptor, time.monotonic()

    def result(self, silence: float, finish_by: float = math.inf) -> ChildResult:
        """Wait for the answer, at most `silence` seconds (the child may change that) and until the monotonic
        time `finish_by`; then end the child and all it started."""
        data = b""
        limit = self._started + silence
        ended, answer = "died", None
        try:
            while True:
                left = min(limit, finish_by) - time.monotonic()
                if left <= 0 or not select.select([self._descriptor], [], [], min(left, LONGEST))[0]:
                    ended = "timeout" if limit <= finish_by else "late"
                    break
                chunk = os.read(self._descriptor, 65536)
                if not chunk:
                    break
                data += chunk
                while data[:1] == LIMIT and len(data) > SECONDS.size:
                    limit = time.monotonic() + SECONDS.unpack_from(data, 1)[0]
                    data = data[1 + SECONDS.size :]
                if len(data) > MAX_ANSWER:
                    break
                if data[:1] == ANSWER and len(data) > HEADER.size:
                    size = HEADER.unpack_from(data, 1)[0]
                    if len(data) > HEADER.size + size:
                        ended, answer = "answered", json.loads(data[1 + HEADER.size :][:size])
                        break
        finally:
            os.close(self._descriptor)
            end_group(self.pid)
        return ChildResult(ended, answer, time.monotonic() - self._started)


def fork(memory_bytes: int, cpu_seconds: float) -> Child | Link:
    """Fork: a Child in the parent, a Link in the child, which leads a process group with limits of its own.

    `memory_bytes` bounds the child's data (RLIMIT_DATA; 0: no bound), `cpu_seconds` its CPU time.
    """
    receiver, sender = os.pipe()
    pid = os.fork()
    if pid:
        os.close(sender)
        return Child(pid, receiver)
    os.close(receiver)
    os.setsid()
    lower_limits(cpu_seconds, memory_bytes)
    return Link(sender)


def run_in_child(work: Callable[[], Any], seconds: float, memory_bytes: int) -> ChildResult:
    """Run `work` in a fork (its result must be JSON), with nothing on its standard streams.

    `seconds` bounds wall time; `memory_bytes` bounds the child's data (RLIMIT_DATA; 0: no bound).
    """
    side = fork(memory_bytes, seconds)
    if isinstance(side, Child):
        return side.result(seconds)
    try:
        silence_streams()
        side.answer(work())
    finally:
        # Never unwind into the parent's stack, whatever the work raised.
        os._exit(0)


def silence_streams() -> None:
    """Nothing to read on stdin, nothing heard of stdout and stderr."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def lower_limits(seconds: float, memory_bytes: int) -> None:
    """CPU seconds (on every core) and data bytes of this process and those it starts; core files off."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(used.ru_utime + used.ru_stime + min(seconds, LONGEST) * CORES) + 2
    for kind, wanted in (
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, memory_bytes),
    ):
        hard = resource.getrlimit(kind)[1]
        if wanted or kind == resource.RLIMIT_CORE:
            bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(kind, (bound, hard))


def receive(descriptor: int, deadline: float) -> bytes | None:
    """One framed answer, or None at the deadline, at the end of the pipe, or when it is too large."""
    data = b""
    while True:
        if len(data) >= HEADER.size:
            size = HEADER.unpack_from(data)[0]
            if size > MAX_ANSWER:
                return None
            if len(data) >= HEADER.size + size:
                return data[HEADER.size : HEADER.size + size]
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], min(left, LONGEST))[0]:
            return None
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return None
        data += chunk


def adopt_orphans() -> bool:
    """Become the parent of whatever our children leave behind, so that `end_orphans` can find it."""
    return bool(ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0) == 0)


def end_group(pid: int) -> None:
    """End the child and its process group. The child may not have made its group yet."""
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    os.waitpid(pid, 0)


def end_orphans() -> None:
    """End what ended children left behind in process groups of its own: all children of this process."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        for orphan in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
            os.kill(int(orphan), signal.SIGKILL)
        os.waitpid(-1, 0)
