"""What code of the repository did while pytest was being prepared, so that forks of that state are safe.

A fork made after conftest files or test modules were imported differs from a fresh process in what the
import shared (open files, threads, mapped memory, programs) and in what it already took from the code that a
candidate changes: functions that ran, code objects that were looked at, files that were read.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections import Counter
from types import (
    AsyncGeneratorType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    GeneratorType,
)
from typing import Any

# Audit events after which two forks of this process would not be independent of each other, or after which
# something outside it may have run the code that a candidate changes.
SHARING = (
    "subprocess.Popen",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "_thread.start_new_thread",
    "mmap.__new__",
    "sys.setprofile",
)
# What code of the repository took at import belongs to that process and moment, not to a fork made later.
MOMENTARY: tuple[Any, ...] = (
    *(os.getpid, os.getppid, os.getpgrp, threading.get_ident, threading.get_native_id),
    *(time.time, time.time_ns, time.monotonic, time.monotonic_ns, time.perf_counter, time.perf_counter_ns),
)
SUSPENDED: tuple[tuple[Any, str], ...] = (
    (GeneratorType, "gi_code"),
    (CoroutineType, "cr_code"),
    (AsyncGeneratorType, "ag_code"),
)


class Observed:
    """Looks on from `begin` to `end`. Then `shared` says why forks of this process would not be as good as
    fresh processes ("": they are), `ran` and `read` hold code objects of the repository that were run or
    looked at, `opened` how often a path was opened, `live` the functions of the repository."""

    def __init__(self, root: str) -> None:
        self.root = root + os.sep
        self.shared = ""
        self.ran: dict[int, CodeType] = {}
        self.read: list[CodeType] = []
        self.opened: Counter[str] = Counter()
        self.live: list[FunctionType] = []
        self._functions: list[FunctionType] = []
        self._looking = False
        self._descriptors: set[int] = set()
        self._threads = 0

    def begin(self) -> None:
        """Start looking. The audit hook stays in this process for good; after `end` it does nothing."""
        self._descriptors = _descriptors()
        self._threads = threading.active_count()
        sys.addaudithook(self._audit)
        sys.setprofile(self._profile)
        self._looking = True

    def end(self, allowed: tuple[int, ...]) -> None:
        """Stop looking. `allowed` are descriptors whose files may be open now and were not at the start."""
        self._looking = False
        if sys.getprofile() != self._profile:
            self.shared = self.shared or "the profile function was taken over"
        sys.setprofile(None)
        if threading.active_count() > self._threads:
            self.shared = self.shared or "threads run"
        files = {_file(number) for number in (0, 1, 2, *allowed)}
        if any(_file(number) not in files for number in _descriptors() - self._descriptors):
            self.shared = self.shared or "files stay open"
        self._take_stock()

    def _take_stock(self) -> None:
        gc.unfreeze()  # what the repository may have frozen would not be listed
        gc.collect()
        for thing in gc.get_objects():
            if type(thing) is FunctionType and thing.__code__.co_filename.startswith(self.root):
                self.live.append(thing)
            for kind, name in SUSPENDED:
                if type(thing) is kind and getattr(thing, name).co_filename.startswith(self.root):
                    code = getattr(thing, name)
                    self.ran[id(code)] = code
        self.read = [function.__code__ for function in self._functions]

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._looking:
            return
        if event == "object.__getattr__" and arguments[1] == "__code__":
            function = arguments[0]
            if type(function) is FunctionType:
                self._functions.append(function)
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            self.opened[os.path.abspath(os.fsdecode(arguments[0]))] += 1  # noqa: PTH100
        elif event.startswith(SHARING) and not self.shared:
            self.shared = f"{event} while importing"

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        if not frame.f_code.co_filename.startswith(self.root):
            return
        if event == "call":
            self.ran[id(frame.f_code)] = frame.f_code
        elif event == "c_call" and any(argument is each for each in MOMENTARY):
            self.shared = self.shared or f"{argument.__name__} while importing"


def _descriptors() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/fd")}  # noqa: PTH208


def _file(descriptor: int) -> tuple[int, int] | None:
    try:
        state = os.fstat(descriptor)
    except OSError:  # the one that listed the folder
        return _file(0)
    return state.st_dev, state.st_ino
