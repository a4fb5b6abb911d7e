"""What a CI job says fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.ci.failing import CACHE, Reported, read_cache, read_reports
from agent.errors import UsageError

REPORT = (
    '<testsuite><testcase classname="tests.test_a" name="test_one"><failure>boom</failure></testcase>'
    '<testcase classname="tests.test_a" name="test_two"/></testsuite>'
)


def test_reports_are_taken_together_and_green_ones_are_no_error(tmp_path: Path) -> None:
    first, green, again = (tmp_path / name for name in ("1.xml", "2.xml", "3.xml"))
    first.write_text(REPORT)
    green.write_text("<testsuites/>")
    again.write_text(REPORT)
    reported = read_reports([first, green, again])
    assert [failure.name for failure in reported.failures] == ["test_one"]
    found = reported.among(["tests/test_a.py::test_one", "tests/test_a.py::test_two"])
    assert found == (("tests/test_a.py::test_one",), ())
    assert reported.among(["tests/test_b.py::test_one"]) == ((), ("tests.test_a::test_one",))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<testsuite", "not a readable JUnit report"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><testsuite>&a;</testsuite>', "declares a DTD or entities"),
        ("<html/>", "its root is <html>"),
    ],
)
def test_a_hostile_report_is_one_clear_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "r.xml").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_reports([tmp_path / "r.xml"])


def cache(folder: Path, text: str) -> Path:
    (folder / CACHE).parent.mkdir(parents=True)
    (folder / CACHE).write_text(text)
    return folder


def test_what_pytest_says_failed_last(tmp_path: Path) -> None:
    reported = read_cache(cache(tmp_path, json.dumps({"t.py::a": True, "t.py::gone": True})))
    assert reported.among(["t.py::a", "t.py::b"]) == (("t.py::a",), ("t.py::gone",))


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, "\x00"])
def test_a_cache_that_is_none_is_one_clear_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not what pytest writes there"):
        read_cache(cache(tmp_path, text))


def test_a_cache_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run pytest first"):
        read_cache(tmp_path)
    (tmp_path / CACHE).parent.mkdir(parents=True)
    (tmp_path / CACHE).symlink_to("/etc/passwd")
    with pytest.raises(UsageError, match="run pytest first"):
        read_cache(tmp_path)


def test_nothing_reported_is_no_source() -> None:
    assert Reported().source == "" and Reported().among(["t"]) == ((), ())
