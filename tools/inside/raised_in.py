"""Where in the repository an exception was raised."""

from __future__ import annotations

import importlib.util
import os
import traceback
from typing import Any

import pytest

FRAMES = 50


def inside(path: Any) -> str:
    """A path relative to the repository, or "" for a path outside it."""
    relative = os.path.relpath(str(path)) if path else ".."
    return "" if relative.startswith("..") else relative


def implicated(error: BaseException) -> list[str]:
    """Files of the repository in which an edit could keep this exception from being raised while a test file
    is imported: those it passed through, and one that lacks a name which was imported from it.

    None of them where no edit there could: a module outside the repository is missing or does not load, or
    a file cannot be parsed.
    """
    if isinstance(error, pytest.Collector.CollectError):
        error = error.__cause__ or error
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    passed = [inside(file) for file in files if not file.startswith("<")]  # such as <frozen importlib>
    if isinstance(error, SyntaxError) and inside(_own(SyntaxError, "filename", error)):
        return []
    lacking = ""
    if isinstance(error, ModuleNotFoundError):
        package = _own(ImportError, "name", error).rpartition(".")[0]
        if not _in_the_repository(package):
            return []
    elif isinstance(error, ImportError):
        lacking = inside(_own(ImportError, "path", error))
        if passed[-1:] == [""]:
            return []
    return sorted({*passed[-FRAMES:], lacking} - {""})


def _own(kind: type[BaseException], name: str, error: BaseException) -> str:
    """An attribute as the builtin class keeps it, whatever a class of the repository makes of it."""
    value = vars(kind)[name].__get__(error)
    return value if isinstance(value, str) else ""


def _in_the_repository(package: str) -> bool:
    """Whether it is a package of the repository, which is found where it is not imported (any more) too."""
    try:
        spec = importlib.util.find_spec(package.partition(".")[0]) if package else None
    except (ImportError, ValueError):
        return False
    return spec is not None and any(map(inside, spec.submodule_search_locations or ()))
