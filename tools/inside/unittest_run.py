"""Run the unittest suite in the current folder, as `python -m unittest` would, and report to the host.

Started by path, with the parameters and events of `pytest_run` (which see), and its exit statuses: 0 all
good, 1 something failed, 5 no tests. Where the folder itself holds no tests, `tests` and `test` are searched
as `python -m unittest discover -s tests` would.
"""

from __future__ import annotations

import json
import os
import sys
import unittest
import unittest.mock  # so that the repository's files cannot stand in for it
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tools.inside import report_writer, unittest_guard, unittest_parts, watchdog
else:
    import report_writer
    import unittest_guard
    import unittest_parts
    import watchdog


def main() -> int:
    """Run what stdin asks for. Returns the exit status."""
    parameters: dict[str, Any] = json.load(sys.stdin)
    reporter = report_writer.Reporter(
        int(os.environ.pop("AGENT_REPORT_FD")), bytes.fromhex(parameters.pop("key"))
    )
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.dont_write_bytecode = True
    # The interpreter put this file's folder first; `python -m unittest` would have put the current one there.
    sys.path[0] = str(Path.cwd())
    sys.argv = ["python -m unittest"]
    # What a test starts by multiprocessing's spawn would run this file again; `-m unittest` is not run again.
    del sys.modules["__main__"].__file__

    guard = unittest_guard.Guard()
    clock = unittest_parts.Clock(reporter, watchdog.Watchdog(reporter.descriptor))
    wanted = None if parameters["ids"] is None else frozenset(parameters["ids"])
    tests, errors = unittest_parts.collect(wanted, clock, parameters["collect_seconds"])
    reporter.emit("collected", ids=list(tests), deselected=[], errors=errors, plugins=[])
    result = unittest_parts.Result(reporter, clock, tests, parameters["per_test_seconds"])
    if not parameters["collect_only"]:
        result.startTestRun()
        unittest.TestSuite(tests.values()).run(result)
        result.finish()
    status = 1 if errors or result.failed else 0 if tests else 5
    clock.stop()
    reporter.emit(
        "end", status=status, altered=guard.altered(), plugins=[], canaries=unittest_guard.broken_canaries()
    )
    return status


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a thread or an exit handler of the code under test could hang or change the code.
    os._exit(code)
