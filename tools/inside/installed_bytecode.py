"""Compiled files: those of installed packages are used, the repository's own are not.

`sys.pycache_prefix` alone would hide both, and then every run compiles pytest's modules, the standard
library's and every dependency's again: most of the time of a small suite.
"""

from __future__ import annotations

import os
import sys
from importlib import machinery
from typing import Any


class _Installed(machinery.SourceFileLoader):
    """Finds the compiled file beside the source, where an installer put it."""

    def get_data(self, path: str) -> bytes:
        prefix = sys.pycache_prefix
        if prefix and path.startswith(prefix + os.sep):
            folder, name = os.path.split(path[len(prefix) :])
            path = os.path.join(folder, "__pycache__", name)  # noqa: PTH118 (on every import's path)
        return super().get_data(path)


def use(scratch: str) -> None:
    """From now on modules are compiled in memory, except those of the interpreter's own folders.

    `scratch`: a folder of ours; where compiled files of the repository are looked for, and there are none.
    """
    sys.dont_write_bytecode = True
    sys.pycache_prefix = scratch
    finder = machinery.FileFinder.path_hook(
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (_Installed, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )
    installed = tuple({os.path.join(folder, "") for folder in (sys.prefix, sys.base_prefix)})  # noqa: PTH118
    below = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118

    def hook(path: str) -> Any:
        if not path.startswith(installed) or path.startswith(below):
            raise ImportError("not installed")
        return finder(path)

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
