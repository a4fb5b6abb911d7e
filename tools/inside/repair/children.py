"""Forked children with limits: each runs one piece of work in its own process group and is then killed."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .wire import write_all

MAX_ANSWER = 8_000_000
HEADER = struct.Struct("<I")


@dataclass(frozen=True)
class ChildResult:
    """`answer`: what the work returned (None unless `ended` is "answered"). `ended`: "answered",
    "timeout" or "died" (it exited, was killed, or ran out of memory without an answer)."""

    ended: str
    answer: Any
    seconds: float


def run_in_child(work: Callable[[], Any], seconds: float, memory_bytes: int) -> ChildResult:
    """Fork, run `work` there (its result must be JSON), and end the child's whole process group.

    `seconds` bounds wall time; `memory_bytes` bounds the child's data (RLIMIT_DATA; 0: no bound).
    """
    started = time.monotonic()
    receiver, sender = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(receiver)
            _enter(seconds, memory_bytes)
            answer = json.dumps(work()).encode()
            write_all(sender, HEADER.pack(len(answer)) + answer)
        finally:
            # Never unwind into the parent's stack, whatever the work raised.
            os._exit(0)
    os.close(sender)
    try:
        data = receive(receiver, started + seconds)
    finally:
        os.close(receiver)
        end_group(pid)
    elapsed = time.monotonic() - started
    if data is not None:
        return ChildResult("answered", json.loads(data), elapsed)
    return ChildResult("timeout" if elapsed >= seconds else "died", None, elapsed)


def _enter(seconds: float, memory_bytes: int) -> None:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    lower_limits(seconds, memory_bytes)


def lower_limits(seconds: float, memory_bytes: int) -> None:
    """CPU seconds and data bytes of this process and those it starts; core files off."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = int(used.ru_utime + used.ru_stime + seconds) + 2
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
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        chunk = os.read(descriptor, 65536)
        if not chunk:
            return None
        data += chunk


def end_group(pid: int) -> None:
    """End the child and its process group. The child may not have made its group yet."""
    for end in (os.killpg, os.kill):
        try:
            end(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    os.waitpid(pid, 0)
