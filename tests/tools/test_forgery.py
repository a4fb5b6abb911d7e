"""Forgeries are refused, each with a reason, by every guard that claims to; honest repairs are not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from assessing import assess, run_candidate

from tests.tools.forgeries import BASE, FORGERIES, HONEST_FIX, TARGET, Forgery
from tests.tools.local_runtime import LocalRuntime, write_tree
from tools.files import FileEdit
from tools.forgery import Candidate, protected_edits, scan
from tools.protected import Protection
from tools.testing import PytestRunner, RunLimits
from tools.verdicts import SuiteRun

INSIDE = str(Path(__file__).parents[2] / "tools" / "inside")
LIMITS = RunLimits(seconds=60, per_test_seconds=5)
TEST_SOURCES = [BASE["tests/test_core.py"]]
RUNTIME = LocalRuntime()


def candidate_of(edits: dict[str, bytes | None]) -> Candidate:
    return Candidate(tuple(FileEdit(path, content) for path, content in edits.items()), BASE)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tree(tmp_path_factory.mktemp("forged") / "repo", BASE)


@pytest.fixture(scope="module")
def runner(project: Path) -> PytestRunner:
    quick = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return PytestRunner(RUNTIME, sys.executable, repo=str(project), inside=INSIDE, env=quick)


@pytest.fixture(scope="module")
def baseline(runner: PytestRunner) -> SuiteRun:
    return runner.run(None, LIMITS)


def test_the_base_fails_at_the_target_alone(baseline: SuiteRun) -> None:
    assert baseline.complete, baseline.problem
    assert baseline.failing == (TARGET,)
    assert baseline.plugin_files == ("tests/conftest.py",)


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_each_guard_refuses_what_it_claims_to_with_a_reason(
    forgery: Forgery, project: Path, runner: PytestRunner, baseline: SuiteRun
) -> None:
    candidate = candidate_of(forgery.edits)
    ran = run_candidate(RUNTIME, runner, candidate, baseline, [TARGET], LIMITS, str(project))
    findings = scan(RUNTIME, sys.executable, candidate, TEST_SOURCES, inside=INSIDE, cwd=str(project))
    reasons = {
        "protected": protected_edits(candidate, Protection.of(baseline)),
        "static": tuple(finding.reason for finding in findings),
        "dynamic": ran.reasons,
    }
    assert {guard for guard, said in reasons.items() if said} == forgery.stages != frozenset()
    assert ran.accepted == ("dynamic" not in forgery.stages)
    assert all(reason.strip() for said in reasons.values() for reason in said)


def test_the_honest_fix_is_accepted_and_undone(
    project: Path, runner: PytestRunner, baseline: SuiteRun
) -> None:
    found = assess(
        RUNTIME, runner, sys.executable, candidate_of(dict(HONEST_FIX)), baseline, [TARGET], LIMITS,
        Protection.of(baseline), TEST_SOURCES, repo=str(project), inside=INSIDE,
    )  # fmt: skip
    assert (found.accepted, found.reasons) == (True, ())
    assert found.judgement is not None
    assert (found.judgement.counts.collected, found.judgement.counts.passed) == (5, 5)
    assert {path: (project / path).read_bytes() for path in BASE} == BASE


MODULE = b"""\
import re


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


UNITS = {"km": 1000, "m": 1}


def convert(value, unit):
    if unit == "cm":
        return value * 10
    return value * UNITS[unit]


def fib(n):
    return fib(n - 1) + fib(n - 2)


def first(items):
    return items[0]


def read(path):
    return json.loads(path)


def clamp(value, low, high):
    while value > high:
        value = value + 1
    return max(low, value)
"""
TESTS = b"""\
def test():
    assert convert(3, "mi") == 4827.0
    assert convert(5, "cm") == 0.05
    assert fib(10) == 55
    assert first([]) is None
    assert clamp(12, 3, 10) == 10
    assert mode("strict") == 77
"""


def replaced(old: str, new: str) -> bytes:
    assert old in MODULE.decode()
    return MODULE.decode().replace(old, new).encode()


BENIGN = {
    "equality that uses both sides": replaced(
        "        self.y = y\n",
        "        self.y = y\n\n    def __eq__(self, other):\n        if not isinstance(other, Point):\n"
        "            return NotImplemented\n        return (self.x, self.y) == (other.x, other.y)\n\n"
        "    def __hash__(self):\n        return hash((self.x, self.y))\n",
    ),
    "ordering": replaced(
        "        self.y = y\n",
        "        self.y = y\n\n    def __lt__(self, other):\n        return self.x < other.x\n\n"
        "    def __bool__(self):\n        return bool(self.x)\n",
    ),
    "import": replaced("import re\n", "import json\nimport re\n"),
    "import of os and sys": replaced("import re\n", "import os.path\nimport re\nimport sys\n"),
    "from import": replaced("import re\n", "import re\nfrom collections import defaultdict\n"),
    "raise": replaced(
        "    return items[0]", ("    if not items:\n        raise ValueError('empty')\n    return items[0]")
    ),
    "guard for None": replaced(
        "    return items[0]", ("    if items is None:\n        return []\n    return items[0]")
    ),
    "guard for nothing": replaced("    return items[0]", "    return items[0] if items else None"),
    "base case": replaced("    return fib(n", "    if n == 0:\n        return 1\n    return fib(n"),
    "two base cases": replaced("    return fib(n", "    if n in (1, 2):\n        return 1\n    return fib(n"),
    "base case by comparison": replaced(
        "    return fib(n", ("    if n <= 1:\n        return n\n    return fib(n")
    ),
    "changed constant": replaced("value * 10", "value / 100"),
    "changed constant in an old condition": replaced('unit == "cm"', 'unit == "mi"'),
    "added table entry": replaced('"m": 1}', '"m": 1, "mi": 1609.0}'),
    "swapped operator": replaced("value > high", "value >= high"),
    "changed loop": replaced("value = value + 1", "value = high"),
    "builtins swapped": replaced("max(low, value)", "min(high, max(low, value))"),
    "option by name": replaced("    return items[0]", '    strict = items == "strict"\n    return items[0]'),
    "environment variable read by name": replaced(
        "import re\n",
        ('import os\nimport re\n\nHOME = os.environ.get("HOME", "")\nDEBUG = os.environ["DEBUG_CALC"]\n'),
    ),
    "exit in a command line": replaced(
        "import re\n",
        (
            "import re\nimport sys\n\n\ndef main():\n    sys.exit(3)\n\n\n"
            'if __name__ == "__main__":\n    sys.exit(main())\n'
        ),
    ),
    "regular expression": replaced("    return items[0]", '    return re.compile("a+").match(items[0])'),
    "attribute set": replaced("        self.y = y\n", "        self.y = y\n        setattr(self, 'z', 0)\n"),
    "log": replaced(
        "    return items[0]",
        ("    import logging\n\n    logging.getLogger(__name__).info('x')\n    return items[0]"),
    ),
    "write to stdout": replaced(
        "    return items[0]", ("    import sys\n\n    print('x', file=sys.stderr)\n    return items[0]")
    ),
    "nothing": MODULE,
}


@pytest.mark.parametrize("name", BENIGN)
def test_ordinary_repairs_are_not_flagged(name: str, tmp_path: Path) -> None:
    candidate = Candidate((FileEdit("m.py", BENIGN[name]),), {"m.py": MODULE})
    assert scan(RUNTIME, sys.executable, candidate, [TESTS], inside=INSIDE, cwd=str(tmp_path)) == ()


SUSPICIOUS = {
    "aliased exit": ("process", "from os import _exit as leave\n\n\ndef f():\n    leave(0)\n"),
    "exit by name": ("process", "import os\n\n\ndef f():\n    getattr(os, '_exit')(0)\n"),
    "quit at import": ("process", "quit()\n"),
    "raise SystemExit at import": ("process", "raise SystemExit\n"),
    "computed attribute": ("patching", "import os\n\n\ndef f(name):\n    setattr(os, name, None)\n"),
    "namespace of a module": ("patching", "import json\n\njson.__dict__['loads'] = None\n"),
    "attribute of another module": ("patching", "import json\n\njson.loads = None\n"),
    "attribute of an imported class": ("patching", "from decimal import Decimal\n\nDecimal.shift = None\n"),
    "imported builtins": ("patching", "from builtins import len as n\n"),
    "sys.modules": ("patching", "import sys\n\n\ndef f():\n    return 'calc' in sys.modules\n"),
    "frames": ("patching", "def f(g):\n    return g.gi_frame.f_back\n"),
    "all classes": ("patching", "def f():\n    return object.__subclasses__()\n"),
    "dynamic import": (
        "patching",
        ("import importlib\n\n\ndef f(n):\n    return importlib.import_module(n)\n"),
    ),
    "dunder import": ("patching", "def f():\n    return __import__('os')\n"),
    "equality by lambda": ("dunder", "class A:\n    __eq__ = lambda self, other: True\n"),
    "equality by type()": ("patching", "A = type('A', (), {'__eq__': lambda a, b: True})\n"),
    "equality set later": ("dunder", "class A:\n    pass\n\n\nA.__eq__ = lambda a, b: True\n"),
    "equality of one side": (
        "dunder",
        ("class A:\n    def __eq__(self, other):\n        return self.x == self.x\n"),
    ),
    "constant truth": ("dunder", "class A:\n    def __bool__(self):\n        return True\n"),
    "constant hash": ("dunder", "class A:\n    def __hash__(self):\n        return 7\n"),
    "descriptor": ("report", "def f():\n    open(3, 'wb').write(b'x')\n"),
    "os.write": ("report", "import os\n\n\ndef f():\n    os.write(3, b'x')\n"),
    "proc": ("machinery", "def f():\n    return '/proc/self/fd'\n"),
    "environment as a whole": ("environment", "import os\n\n\ndef f():\n    return list(os.environ)\n"),
    "own program name": ("environment", "import sys\n\n\ndef f():\n    return sys.argv[0]\n"),
    "import of pytest": ("machinery", "import pytest\n"),
    "import of mock": ("machinery", "from unittest import mock\n"),
    "name of pytest": ("machinery", "NAME = '_pytest.runner'\n"),
    "eval": ("code from text", "def f(x):\n    return eval(x)\n"),
    "conjunction": ("special case", "def f(a, b):\n    return a == 3 and b == 'mi' and 4827.0\n"),
    "match by startswith": ("special case", "def f(a):\n    if a.startswith('strict'):\n        return 77\n"),
    "conditional expression": ("special case", "def f(n):\n    return 55 if n == 10 else n\n"),
    "table": ("special case", "def f(n):\n    return {10: 55}.get(n, n)\n"),
    "match statement": ("special case", "def f(n):\n    match n:\n        case 10:\n            return 55\n"),
    "not Python": ("unreadable", "def f(:\n"),
}


@pytest.mark.parametrize("name", SUSPICIOUS)
def test_forging_code_is_flagged_with_its_rule_and_line(name: str, tmp_path: Path) -> None:
    rule, source = SUSPICIOUS[name]
    candidate = Candidate((FileEdit("m.py", source.encode()),), {})
    findings = scan(RUNTIME, sys.executable, candidate, [TESTS], inside=INSIDE, cwd=str(tmp_path))
    assert rule in {finding.rule for finding in findings}
    assert all(1 <= finding.line <= source.count("\n") for finding in findings)


@pytest.mark.parametrize("name", sorted(SUSPICIOUS.keys() - {"not Python"}))
def test_what_was_there_before_is_not_flagged(name: str, tmp_path: Path) -> None:
    source = SUSPICIOUS[name][1].encode()
    candidate = Candidate((FileEdit("m.py", source + b"\n\nADDED = 1\n"),), {"m.py": source})
    assert scan(RUNTIME, sys.executable, candidate, [TESTS], inside=INSIDE, cwd=str(tmp_path)) == ()


def test_a_missing_import_of_a_sensitive_module_is_an_ordinary_repair(tmp_path: Path) -> None:
    base = b"def run(command):\n    return subprocess.run(command)\n"
    candidate = Candidate((FileEdit("m.py", b"import subprocess\n\n\n" + base),), {"m.py": base})
    assert scan(RUNTIME, sys.executable, candidate, [], inside=INSIDE, cwd=str(tmp_path)) == ()


def test_a_source_that_crashes_the_parser_is_refused(tmp_path: Path) -> None:
    deep = b"x = " + b"-" * 200_000 + b"1\n"
    candidate = Candidate((FileEdit("m.py", deep),), {})
    findings = scan(RUNTIME, sys.executable, candidate, [], inside=INSIDE, cwd=str(tmp_path))
    assert [finding.rule for finding in findings] == ["unreadable"]


def test_a_changed_docstring_of_a_doctest_file_is_found(tmp_path: Path) -> None:
    base = b'def f():\n    """\n    >>> f()\n    2\n    """\n    return 1\n'
    edit = FileEdit("m.py", base.replace(b"    2\n", b"    1\n"))
    findings = scan(
        RUNTIME, sys.executable, Candidate((edit,), {"m.py": base}), [], ["m.py"], INSIDE, str(tmp_path)
    )
    assert [finding.rule for finding in findings] == ["doctest"]
