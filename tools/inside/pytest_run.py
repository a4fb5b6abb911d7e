"""Run pytest in the current folder, as `python -m pytest` would, and report to the host what happened.

Started by path. Parameters come as JSON on stdin: `ids` (null: all), `collect_only`, `key` (hex),
`per_test_seconds`, `collect_seconds`. Events go to the descriptor named by AGENT_REPORT_FD, one per line:
`collected`, `start`, `alarm`, `finish`, `end`, each signed with the key (see `report_writer`).
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import tempfile
from pathlib import Path

# Imported while sys.path holds only our folder and the environment: the repository's files cannot
# stand in for any of these. unittest, doctest and pdb are what pytest itself imports later.
import doctest  # noqa: F401  isort: skip
import pdb  # noqa: F401  isort: skip
import unittest.mock  # noqa: F401  isort: skip
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tools.inside import pytest_guard, pytest_plugin, report_writer
else:
    import pytest_guard
    import pytest_plugin
    import report_writer


def options(scratch: str) -> list[str]:
    """Command-line options that win over the repository's addopts and settings.

    No positional arguments, ever: they would change rootdir and testpaths, and with them the ids.
    """
    settings = {
        "cache_dir": f"{scratch}/cache",
        "faulthandler_timeout": "0",
        "log_cli": "false",
        "required_plugins": "",
    }
    chosen = [
        "-q",
        "--color=no",
        "--tb=short",
        "--capture=fd",
        "--maxfail=0",
        "--continue-on-collection-errors",
    ]
    for name, value in settings.items():
        chosen += ["-o", f"{name}={value}"]
    return chosen


def main() -> int:
    """Run what stdin asks for. Returns pytest's exit status (see pytest.ExitCode)."""
    parameters: dict[str, Any] = json.load(sys.stdin)
    reporter = report_writer.Reporter(
        int(os.environ.pop("AGENT_REPORT_FD")), bytes.fromhex(parameters.pop("key"))
    )
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    scratch = tempfile.mkdtemp(prefix="pytest-run-")
    sys.dont_write_bytecode = True
    sys.pycache_prefix = f"{scratch}/pycache"  # the repository's own .pyc files are not used
    # The interpreter put this file's folder first; `python -m pytest` would have put the current one there.
    sys.path[0] = str(Path.cwd())
    sys.argv = ["pytest"]

    canaries = None if parameters["collect_only"] else pytest_guard.Canaries(scratch)
    guard = pytest_guard.Integrity(canaries)
    guard.remember()
    report = pytest_plugin.Report(parameters, reporter, pytest_plugin.Deadline(reporter), guard)
    plugins = [pytest_plugin.Options(guard, missing_plugins()), report, *([canaries] if canaries else [])]
    arguments = options(scratch) + ([] if canaries else ["--collect-only", "-qq"])
    status = int(pytest.main(arguments, plugins=plugins))
    reporter.emit(
        "end",
        status=status,
        altered=guard.altered(),
        plugins=guard.plugins(),
        canaries=canaries.broken() if canaries else [],
    )
    return status


def missing_plugins() -> frozenset[str]:
    """Well-known plugins that are not installed; their options are then accepted and ignored."""
    return frozenset(name for name in pytest_plugin.OPTIONS_OF if importlib.util.find_spec(name) is None)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a thread or an exit handler of the code under test could hang or change the code.
    os._exit(code)
