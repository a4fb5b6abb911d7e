"""Run pytest in the current folder, as `python -m pytest` would, and report to the host what happened.

Started by path. Parameters come as JSON on stdin: `ids` (null: all), `collect_only`, `key` (hex),
`per_test_seconds`, `hanging` ({id: seconds} in place of those), `computing_seconds` (0: without limit),
`collect_seconds`. Events go to the descriptor named by AGENT_REPORT_FD, one per line: `collected`, `start`,
`alarm`, `finish`, `end`, each signed with the key (see `report_writer`).
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
from _pytest.config import Config

if TYPE_CHECKING:
    from tools.inside import (
        deadline,
        installed_bytecode,
        pytest_guard,
        pytest_plugin,
        report_writer,
        watchdog,
    )
else:
    import deadline
    import installed_bytecode
    import pytest_guard
    import pytest_plugin
    import report_writer
    import watchdog


SEARCH_SECONDS = 10.0
MAIN = str(Path(pytest.__file__).with_name("__main__.py"))
"""What the main module is under `python -m pytest`."""

SETTINGS = (
    "pytest.ini",
    ".pytest.ini",
    "pytest.toml",
    ".pytest.toml",
    "pyproject.toml",
    "tox.ini",
    "setup.cfg",
)


def _leave_installed(config: Any, hook: Any, *_: Any) -> None:
    config.pluginmanager.rewrite_hook = hook


# pytest compiles all modules of installed plugins in each process, to word failures of their own assertions:
# two seconds where Hypothesis is installed. Tests and conftest files are worded as ever.
Config._mark_plugins_for_rewrite = _leave_installed  # type: ignore[assignment]


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
    installed_bytecode.use(f"{scratch}/pycache")
    # The interpreter put this file's folder first; `python -m pytest` would have put the current one there.
    sys.path[0] = str(Path.cwd())
    sys.argv = ["pytest"]
    # What a test starts by multiprocessing's spawn runs the main module again, under another name.
    sys.modules["__main__"].__file__ = MAIN

    canaries = None if parameters["collect_only"] else pytest_guard.Canaries(scratch)
    guard = pytest_guard.Integrity(canaries)
    guard.remember()
    clock = deadline.Deadline(reporter, watchdog.Watchdog(reporter.descriptor))
    report = pytest_plugin.Report(parameters, reporter, clock, guard)
    plugins = [pytest_plugin.Options(guard, ignored_options()), report, *([canaries] if canaries else [])]
    arguments = options(scratch) + ([] if canaries else ["--collect-only", "-qq"])
    status = int(pytest.main(arguments, plugins=plugins))
    clock.begin(SEARCH_SECONDS)
    clock.arm(SEARCH_SECONDS)
    try:
        guard.search_classes()
    except deadline.TimeLimit:
        guard.note("a class of the repository does not end a comparison")
    clock.disarm()
    reporter.emit(
        "end",
        status=status,
        altered=guard.altered(),
        plugins=guard.plugins(),
        canaries=canaries.broken() if canaries else [],
    )
    return status


def ignored_options() -> dict[str, Any]:
    """Options of well-known plugins that the settings name although the plugin is not loaded.

    They are accepted and ignored. An option that a conftest.py names is its own business.
    """
    autoload = not os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    here = Path.cwd()
    settings = _text_of([here / name for name in SETTINGS])
    conftests = _text_of([*here.glob("conftest.py"), *here.glob("*/conftest.py")])
    return {
        option: values
        for plugin, options_of in pytest_plugin.OPTIONS_OF.items()
        if not (autoload and importlib.util.find_spec(plugin))
        for option, values in options_of.items()
        if option in settings and option not in conftests
    }


def _text_of(paths: list[Path]) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in paths if path.is_file())


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a thread or an exit handler of the code under test could hang or change the code.
    os._exit(code)
