"""JUnit reports: read safely, and matched to the ids that were collected."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.local_runtime import write_tree
from tools.junit import JUnitFailure, failing_tests, junit_cases, match_node_ids, near_matches
from tools.verdicts import VerdictOutcome

REPORT = b"""<?xml version="1.0"?>
<testsuites><testsuite name="s">
<testcase classname="tests.test_a" name="test_ok" time="0.5"/>
<testcase classname="tests.test_a.TestB" name="test_c[1-x]" time="soon">
<failure message="boo">line</failure></testcase>
<testsuite name="inner"><testcase name="lonely" time="nan"><error message="gone"/></testcase></testsuite>
<testcase classname="k" name="s"><skipped/></testcase>
</testsuite></testsuites>"""


def test_failures_and_errors_are_found() -> None:
    assert failing_tests(REPORT) == (
        JUnitFailure("tests.test_a.TestB", "test_c[1-x]", "", "boo\nline"),
        JUnitFailure("", "lonely", "", "gone"),
    )


def test_all_cases_with_outcomes_and_times() -> None:
    cases = {case.id: (case.outcome, case.seconds) for case in junit_cases(REPORT)}
    assert cases == {
        "tests.test_a::test_ok": (VerdictOutcome.PASSED, 0.5),
        "tests.test_a.TestB::test_c[1-x]": (VerdictOutcome.FAILED, 0.0),
        "lonely": (VerdictOutcome.ERROR, 0.0),
        "k::s": (VerdictOutcome.SKIPPED, 0.0),
    }


def test_a_single_suite_as_root() -> None:
    single = b"<testsuite><testcase name='t'><failure/></testcase></testsuite>"
    assert [failure.name for failure in failing_tests(single)] == ["t"]


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>
<testsuites><testsuite><testcase name="&b;"/></testsuite></testsuites>"""
EXTERNAL = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
<testsuites><testsuite><testcase name="&e;"/></testsuite></testsuites>"""
REFUSED = {
    "entity bomb": (BOMB, "DTD or entities"),
    "external entity": (EXTERNAL, "DTD or entities"),
    "DTD alone": (b'<!DOCTYPE testsuites SYSTEM "x.dtd"><testsuites/>', "DTD or entities"),
    "not XML": (b"FAILED test_a", "not a readable JUnit report"),
    "empty": (b"", "not a readable JUnit report"),
    "cut off": (REPORT[:-20], "not a readable JUnit report"),
    "another root": (b"<html/>", "its root is <html>"),
    "unknown encoding": (
        b'<?xml version="1.0" encoding="nope"?><testsuites/>',
        "not a readable JUnit report",
    ),
    "too deep": (
        b"<testsuites>" + b"<testsuite>" * 5000 + b"</testsuite>" * 5000 + b"</testsuites>",
        "nested deeper",
    ),
    "too large": (b"<testsuites>" + b" " * 50_000_001 + b"</testsuites>", "larger than 50 MB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_harmful_or_broken_reports_are_refused_in_one_line(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason) as refused:
        failing_tests(data)
    assert "\n" not in str(refused.value)


@given(st.binary(max_size=300))
def test_any_bytes_give_failures_or_one_clear_error(data: bytes) -> None:
    try:
        failing_tests(data)
    except ValueError as error:
        assert "JUnit report" in str(error)


COLLECTED = (
    "tests/test_a.py::test_x",
    "tests/test_a.py::TestB::test_c[1-x]",
    "tests/sub/test_a.py::test_x",
    "tests/test_b.py::test_p[a::b]",
    "tests/test_b.py::test_p[other]",
)


@pytest.mark.parametrize(
    ("classname", "name", "file", "expected"),
    [
        ("tests.test_a", "test_x", "", "tests/test_a.py::test_x"),
        ("tests.sub.test_a", "test_x", "", "tests/sub/test_a.py::test_x"),
        ("tests.test_a.TestB", "test_c[1-x]", "", "tests/test_a.py::TestB::test_c[1-x]"),
        ("test_a.TestB", "test_c[1-x]", "", "tests/test_a.py::TestB::test_c[1-x]"),
        ("work.repo.tests.test_b", "test_p[a::b]", "", "tests/test_b.py::test_p[a::b]"),
        ("test_a", "test_x", "", None),
        ("test_a", "test_x", "tests/sub/test_a.py", "tests/sub/test_a.py::test_x"),
        ("tests.test_a", "test_unknown", "", None),
        ("other.place", "test_x", "", None),
        ("", "test_x", "", None),
    ],
)
def test_matching_to_node_ids(classname: str, name: str, file: str, expected: str | None) -> None:
    failure = JUnitFailure(classname, name, file, "")
    matched, unmatched = match_node_ids([failure], COLLECTED)
    assert list(matched) == ([expected] if expected else [])
    assert unmatched == (() if expected else (failure,))


def test_pytest_own_report_matches_its_own_ids(tmp_path: Path) -> None:
    source = """
import pytest
@pytest.mark.parametrize("x", ["a b", "x::y", "[z]", "é"])
def test_p(x):
    assert not x
class TestK:
    class TestInner:
        def test_m(self):
            assert 0
def test_ok(): pass
"""
    write_tree(tmp_path, {"tests/unit/test_q.py": source})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=r.xml", "tests"]
    subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    collected = [line for line in listed.stdout.splitlines() if "::" in line]
    matched, unmatched = match_node_ids(failing_tests((tmp_path / "r.xml").read_bytes()), collected)
    assert unmatched == ()
    assert sorted(matched) == sorted(test for test in collected if "test_ok" not in test)


def test_near_matches() -> None:
    assert near_matches("tests/test_a.py::test_xx", COLLECTED)[0] == "tests/test_a.py::test_x"
    assert near_matches("test_x", COLLECTED)[:2] == ("tests/test_a.py::test_x", "tests/sub/test_a.py::test_x")
    assert "tests/test_b.py::test_p[other]" in near_matches("tests/test_b.py::test_p", COLLECTED)
    assert near_matches("nothing like it at all", COLLECTED) == ()
