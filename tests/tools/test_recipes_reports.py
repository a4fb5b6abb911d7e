"""JUnit reports of the recipes' tools, read without them: what is told apart, sorted, refused."""

from __future__ import annotations

import pytest

from sandboxes.interface import RunResult
from tools.reading import Reading, checked
from tools.recipe_runner import read_junit
from tools.recipes import ReportFormat
from tools.verdicts import Verdict, VerdictOutcome


def suite(*cases: str) -> bytes:
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>".encode()


def outcomes(reading: Reading) -> dict[str, str]:
    return {test: str(verdict.outcome) for test, verdict in reading.verdicts.items()}


def test_equal_names_are_numbered_and_files_are_sorted() -> None:
    case = '<testcase file="{}" classname="s" name="x" time="1"/>'
    data = suite(case.format("b.js"), case.format("a.js"), case.format("b.js"))
    found = read_junit(data, "node", "/repo")
    assert list(found.verdicts) == ["a.js::s > x", "b.js::s > x", "b.js::s > x #2"]


def test_what_vitest_did_not_run_has_not_passed() -> None:
    case = '<testcase classname="a.ts" name="{}" time="{}">{}</testcase>'
    data = suite(
        case.format("run", 0.001, ""), case.format("not", 0, ""), case.format("todo", 0, "<skipped/>")
    )
    found = outcomes(read_junit(data, "vitest", "/repo"))
    assert found == {"a.ts::run": "passed", "a.ts::not": "error", "a.ts::todo": "skipped"}


@pytest.mark.parametrize(
    ("report", "case"),
    [
        (
            "node",
            '<testcase file="a.js" classname="" name="a.js" time="1"><failure message="no"/></testcase>',
        ),
        ("vitest", '<testcase classname="a.js" name="a.js" time="1"><failure message="no"/></testcase>'),
    ],
)
def test_a_file_that_does_not_load(report: ReportFormat, case: str) -> None:
    found = read_junit(suite(case), report, "/repo")
    assert (dict(found.verdicts), dict(found.errors)) == ({}, {"a.js": "no"})


def test_phpunit_files_are_relative_and_risky_tests_prove_nothing() -> None:
    head = '<testcase name="testX" class="A\\T" classname="A.T" file="/repo/tests/T.php" time="1">'
    data = suite(f'{head}<error type="PHPUnit\\Framework\\RiskyTestError">none</error></testcase>')
    assert outcomes(read_junit(data, "phpunit", "/repo")) == {r"tests/T.php::A\T::testX": "skipped"}


def test_an_old_node_is_refused() -> None:
    found = read_junit(suite('<testcase file="" classname="" name="a" time="1"/>'), "node", "/repo")
    assert "node 18.19 or newer" in found.problem


@pytest.mark.parametrize(
    ("outcome", "exit_code", "words"),
    [
        (VerdictOutcome.PASSED, 0, ""),
        (VerdictOutcome.FAILED, 1, ""),
        (VerdictOutcome.FAILED, 0, "exit code 0, which its report does not explain"),
        (VerdictOutcome.PASSED, 1, "exit code 1, which its report does not explain"),
        (VerdictOutcome.PASSED, -9, "signal 9, which its report does not explain"),
    ],
)
def test_report_and_exit_code_must_agree(outcome: VerdictOutcome, exit_code: int, words: str) -> None:
    result = RunResult(exit_code, b"", b"", b"", 1.0)
    problem = checked(Reading({"a": Verdict("a", outcome)}), result).problem
    assert words in problem
    assert bool(words) == bool(problem)


def test_errors_explain_an_exit_code_and_an_empty_report_proves_nothing() -> None:
    failed = RunResult(1, b"", b"", b"", 1.0)
    assert checked(Reading(errors={"a.js": "no"}), failed).problem == ""
    assert checked(Reading(), failed).problem == "the test report holds no tests"
