"""Warming the fork server: pytest and third-party modules are imported once, the repository's never."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import tempfile
import threading
from typing import Any

from .children import run_in_child
from .session import Watch, run_session
from .trial import Trial

WARM_SECONDS = 120.0
# Audit events after which a test may run code of the repository that only the file on disk can change.
SPAWNS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn", "os.system", "os.fork")


def warm_up() -> None:
    """Import pytest and its plugins by running it on nothing."""
    with tempfile.TemporaryDirectory() as empty:
        run_session([empty], Watch(empty, 60.0), extra=("-c", os.devnull, f"--rootdir={empty}"))


def modules_below(root: str) -> list[str]:
    """Names of loaded modules whose files belong to the repository (not to an environment inside it)."""
    found = []
    for name, module in list(sys.modules.items()):
        path = os.path.realpath(getattr(module, "__file__", None) or "")
        if path.startswith(root + os.sep) and "-packages" + os.sep not in path:
            found.append(name)
    return found


def outside_modules(root: str) -> list[str]:
    """Names of loaded modules from the standard library and installed packages, in order of import."""
    paths = sysconfig.get_paths()
    homes = tuple(
        os.path.realpath(paths[key]) + os.sep for key in ("stdlib", "platstdlib", "purelib", "platlib")
    )
    below = set(modules_below(root))
    found = []
    for name, module in list(sys.modules.items()):
        path = os.path.realpath(getattr(module, "__file__", None) or "")
        if path.startswith(homes) and name not in below and getattr(module, "__name__", "") == name:
            found.append(name)
    return found


def preload(names: list[str]) -> None:
    """Import what a run of the tests imported. A module that cannot be imported by itself is left out."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


class Warmth:
    """What a trial run showed: the outcomes on the original code, and what may be imported beforehand."""

    def __init__(self, root: str, memory_bytes: int) -> None:
        self.root, self.memory_bytes = root, memory_bytes
        self.spawns = False
        self.warm = False

    def probe(self, trial: Trial, ids: list[str], hangs: bool) -> dict[str, Any]:
        """Run the ids once in a child on the original code; then warm this process as far as is safe.

        Returns {"code", "passed", "outcomes", "durations"} of that run, or {} when it gave no answer. A run
        known to hang is only collected."""

        def look() -> dict[str, Any]:
            warm_up()
            spoiled = modules_below(self.root)
            spawned: list[str] = []
            sys.addaudithook(lambda event, _: spawned.append(event) if event.startswith(SPAWNS) else None)
            answer = trial.session(ids, "--collect-only") if hangs else trial.session(ids)
            return {
                **answer,
                "spoiled": spoiled,
                "spawned": spawned[:1],
                "modules": outside_modules(self.root),
            }

        wall = WARM_SECONDS + trial.seconds * (1 + len(ids))
        result = run_in_child(look, wall, self.memory_bytes)
        if result.ended != "answered":
            self.spawns = True
            return {}
        seen: dict[str, Any] = result.answer
        self.spawns = bool(seen["spawned"])
        if not seen["spoiled"]:
            warm_up()
            self.warm = True
            self._preload_if_safe([name for name in seen["modules"] if name not in sys.modules])
        return seen

    def _preload_if_safe(self, names: list[str]) -> None:
        """Some packages start threads or pull the repository's code in: a child tries it first."""

        def attempt() -> bool:
            preload(names)
            return not modules_below(self.root) and threading.active_count() == 1

        if names and run_in_child(attempt, WARM_SECONDS, self.memory_bytes).answer is True:
            preload(names)
