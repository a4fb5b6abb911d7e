"""The map of a repository in other languages than Python, parsed in a bounded process of its own on the host.

No code of the repository runs in it, and nothing of it is parsed in this process. Where the process crashes,
hangs or lacks a parser, the map is empty or cut short and says so; `tools.context` then goes by lines.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import PurePosixPath

from tools.repository_map import RepositoryMap, read_map

EXTENSIONS = frozenset({"js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "go", "php"})
SKIPPED_FOLDERS = frozenset({"node_modules", "vendor", "dist", "build", ".git"})
SECONDS = 10.0
MAX_FILES = 1_000
MAX_FILE_BYTES = 500_000
MAX_TOTAL_BYTES = 4_000_000
MAX_OUTPUT = 32_000_000


def map_languages(
    paths: Iterable[str],
    read: Callable[[str], bytes | None],
    first: Sequence[str],
    seconds: float = SECONDS,
) -> RepositoryMap:
    """Map the files whose language is known: those of `first`, then those nearest to them, within the bounds.

    Never raises for what the files hold.
    """
    chosen: list[dict[str, str]] = []
    total = 0
    for path in _nearest([path for path in paths if _known(path)], first):
        data = read(path)
        if data is None or len(data) > MAX_FILE_BYTES:
            continue
        total += len(data)
        if total > MAX_TOTAL_BYTES or len(chosen) >= MAX_FILES:
            break
        chosen.append({"path": path, "text": data.decode("utf-8", "replace")})
    if not chosen:
        return RepositoryMap({})
    report, problem = _parsed(json.dumps({"files": chosen, "seconds": 0.7 * seconds}).encode(), seconds)
    return _with_packages(read_map(report, problem))


def _known(path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.suffix[1:] in EXTENSIONS and not SKIPPED_FOLDERS & set(pure.parts[:-1])


def _nearest(paths: Sequence[str], first: Sequence[str]) -> list[str]:
    """In order: those asked for, those in their folders, the others."""
    folders = {PurePosixPath(path).parent for path in first}

    def distance(path: str) -> tuple[int, str]:
        if path in first:
            return (0, path)
        return (1 if PurePosixPath(path).parent in folders else 2, path)

    return sorted(paths, key=distance)


def _parsed(request: bytes, seconds: float) -> tuple[bytes, str]:
    """What the process wrote, and why that is not all ("" when it is)."""

    with (
        as_file(files("tools") / "language_parser.py") as program,
        tempfile.TemporaryDirectory(prefix="marginal-agent-") as scratch,
        tempfile.TemporaryFile() as output,
    ):
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", str(program)],
            cwd=scratch,
            env={"PATH": os.defpath},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        problem = ""
        try:
            process.communicate(request, timeout=seconds)
            if process.returncode:
                problem = "the map is not whole: its process ended early"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            problem = f"the map is not whole: it took longer than {seconds:.0f} s"
        output.seek(0)
        return output.read(MAX_OUTPUT), problem


def _with_packages(repository: RepositoryMap) -> RepositoryMap:
    """In Go the files of a folder see each other's names."""
    found = dict(repository.files)
    folders: dict[str, list[str]] = {}
    for path in found:
        if path.endswith(".go"):
            folders.setdefault(str(PurePosixPath(path).parent), []).append(path)
    for paths in folders.values():
        for path in paths:
            beside = [".".join(PurePosixPath(each).with_suffix("").parts) for each in paths if each != path]
            found[path] = replace(found[path], stars=tuple(beside[:200]))
    return RepositoryMap(found, repository.problem)
