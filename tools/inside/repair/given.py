"""Screens candidates that were given: any edits of any files, in the given order.

Settings (JSON on stdin): `root`, `candidates` (lists of [path, content in base64 or null]), `targets` and
`affected` (test ids), `reference` ({target: [outcome, path, line]} of a cold run on the tree as it is),
`seconds`, `test_seconds`, `collect_seconds`, `memory_bytes`.

Reports (JSON lines): `verdict` {index, verdict, mode, why, seconds} for each candidate as it is known; `end`
{why}: "" when all were screened or time was up, else why the rest cannot be told here. Exit code 1 when a
file of the tree was changed, so that it must be put back.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import installed_bytecode
from .nest import Limits
from .screener import SPOILED, Screener
from .tree import Edits, Tree, Unwatchable, places_of
from .wire import Reporter


@contextmanager
def scratch_folder() -> Iterator[str]:
    """A folder for pytest's cache (`visible`) and our own files (`hidden`); compiled files go there too."""
    scratch = tempfile.mkdtemp(prefix="agent-screen-")
    for name in ("visible", "hidden", "compiled"):
        Path(scratch, name).mkdir()
    installed_bytecode.use(f"{scratch}/compiled")
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def originals(root: str, candidates: list[Edits]) -> dict[str, bytes]:
    """What the files that candidates edit hold; those that are not there are left out."""
    names = {name for edits in candidates for name in edits}
    return {name: Path(root, name).read_bytes() for name in names if Path(root, name).is_file()}


def main(settings: dict[str, Any]) -> int:
    """Screen and report; a TERM signal still puts the files under trial back."""
    started = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    reporter = Reporter()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with scratch_folder() as scratch:
        from .judged import modules_below  # imports pytest: only now is its path set

        root = os.path.realpath(settings["root"])
        if modules_below(root):
            reporter.send("end", why="pytest itself imports the repository")
            return 0
        candidates: list[Edits] = [
            {path: None if content is None else base64.b64decode(content) for path, content in rows}
            for rows in settings["candidates"]
        ]
        try:
            tree = Tree(root, places_of(root), f"{scratch}/hidden")
        except Unwatchable as error:
            reporter.send("end", why=str(error))
            return 0
        screener = Screener(
            tree,
            scratch,
            settings["targets"],
            settings["affected"],
            Limits(settings["test_seconds"], settings["collect_seconds"]),
            settings["memory_bytes"],
            candidates.__getitem__,
            originals(root, candidates),
            started + settings["seconds"],
        )
        try:
            why = _screen_all(screener, len(candidates), settings, reporter)
        finally:
            screener.close()
        reporter.send("end", why=why)
        return int(tree.spoiled)


def _screen_all(screener: Screener, count: int, settings: dict[str, Any], reporter: Reporter) -> str:
    reference = {test: (row[0], row[1], row[2]) for test, row in settings["reference"].items()}
    _, difference = screener.baseline(reference)
    if difference:
        return difference
    for index in range(count):
        began = time.monotonic()
        found = screener.screen(index)
        if found.verdict == "late":
            return ""
        reporter.send(
            "verdict",
            index=index,
            verdict=found.verdict,
            mode=found.mode,
            why=found.why[:300],
            seconds=time.monotonic() - began,
        )
        if screener.tree.spoiled:
            return SPOILED
    return ""
