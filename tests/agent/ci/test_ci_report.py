"""How a job ended, and what it leaves."""

from __future__ import annotations

import json
from importlib.resources import files
from itertools import permutations
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest

from agent.ci.flaky import flaky_test
from agent.ci.outputs import junit, summary, write_outputs
from agent.ci.report import (
    SCHEMA_FILE,
    JobReport,
    TaskReport,
    generated_schema,
    job_report,
    outcome_of,
)
from agent.ci.survey import Survey
from policies.autonomy import DEFAULT_SCHEDULE
from policies.vocabulary import EXIT_CODES, Outcome, Prices
from tools.junit import junit_cases
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome

HASH = "a" * 64


def task(outcome: Outcome, test: str = "t.py::test") -> TaskReport:
    return TaskReport(
        tests=(test,), also=(), outcome=outcome, exit_code=EXIT_CODES[outcome], explanation="why", value=20,
        dollars=0, seconds=1, posterior=0.9, diff="", run_id="r", trace="/t", head_hash=HASH,
    )  # fmt: skip


def job(*tasks: TaskReport, outcome: Outcome = Outcome.NOT_FIXED) -> JobReport:
    return JobReport(
        outcome=outcome, exit_code=EXIT_CODES[outcome], repository="/r", head="h", tree="t", failing=(),
        fixed=(), tasks=tasks, not_begun=(), flaky=(flaky_test("t.py::now", 3, 8),),
        passing=(), unknown=(), patch="", dollars=0, seconds=9, suite_seconds=1,
    )  # fmt: skip


def test_a_job_is_fixed_only_if_every_failure_was() -> None:
    assert outcome_of(True, [Outcome.FIXED]) is Outcome.FIXED
    order = [
        Outcome.INFRASTRUCTURE, Outcome.LIMIT, Outcome.DEFERRED, Outcome.FLAKY, Outcome.NOT_FIXED,
        Outcome.FIXED,
    ]  # fmt: skip
    for ended in permutations(order, 3):
        assert outcome_of(False, ended) is min(ended, key=order.index)
    assert outcome_of(False, [Outcome.NOT_REPRODUCED]) is Outcome.NOT_REPRODUCED
    assert outcome_of(False, [Outcome.FIXED, Outcome.NOT_REPRODUCED]) is Outcome.NOT_REPRODUCED


def surveyed(*failing: str) -> Survey:
    state = SimpleNamespace(
        intake=SimpleNamespace(head="h", dirty=0, tree_hash="t"),
        settings=SimpleNamespace(repository="/r", prices=Prices(), schedule=DEFAULT_SCHEDULE),
        baseline=None,
    )
    return Survey(state, None, None, tuple((test,) for test in failing))  # type: ignore[arg-type]


def test_reports_that_name_no_failure_do_not_make_a_red_suite_fine() -> None:
    red = job_report(surveyed(), (), (), b"", None, 1.0, red=("t.py::red",))
    assert (red.outcome, red.exit_code, red.still_failing) == (Outcome.NOT_REPRODUCED, 13, ("t.py::red",))
    assert "fails still t.py::red" in red.lines()
    green = job_report(surveyed(), (), (), b"", None, 1.0)
    assert (green.outcome, green.exit_code) == (Outcome.NOTHING_TO_FIX, 0)


def test_what_fails_still_and_how_likely_all_of_it_is_right_is_said() -> None:
    tasks = (task(Outcome.FIXED, "t.py::a"), task(Outcome.FIXED, "t.py::b"))
    red = ["t.py::b", "t.py::chance", *(f"t.py::other{n}" for n in range(25))]
    noticed = (flaky_test("t.py::chance", 1, 9, asked=False),)
    found = job_report(surveyed("t.py::a", "t.py::b"), tasks, (), b"diff", None, 1.0, noticed, red=red)
    assert (found.outcome, found.still_failing) == (Outcome.FIXED, tuple(red[2:]))
    assert found.right == pytest.approx(0.81)
    lines = [line for line in found.lines() if line.startswith(("right", "fails still"))]
    assert lines[0].startswith("right       with probability 0.81")
    assert (len(lines), lines[1], lines[-1]) == (22, "fails still t.py::other0", "fails still and 5 more")
    assert job_report(surveyed("t.py::a"), (), (), b"", None, 1.0).right is None


def test_the_result_keeps_to_its_published_schema() -> None:
    published = files("agent.ci").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")
    assert published == generated_schema()
    schema = json.loads(published)
    jsonschema.Draft202012Validator.check_schema(schema)
    valid = jsonschema.Draft202012Validator(schema)
    result = json.loads(job(task(Outcome.FIXED)).model_dump_json())
    assert list(valid.iter_errors(result)) == []
    assert list(valid.iter_errors({**result, "exit_code": "none"})) != []


def test_text_of_the_repository_is_text_in_the_summary() -> None:
    text = summary(job(task(Outcome.NOT_FIXED, "t.py::test[<script>|`x`\n::error::]")))
    assert "<script>" not in text and "\n::error::" not in text and "`x`" not in text
    assert HASH in text and "failed 3 of 8 times" in text


def test_the_verification_is_written_as_a_report_that_can_be_read() -> None:
    ids = ("a/b.py::C::test[1]", "a/b.py::test_slow", "a/b.py::test_off", "a/b.py::test_ok")
    outcomes = (
        VerdictOutcome.FAILED, VerdictOutcome.TIMEOUT, VerdictOutcome.SKIPPED, VerdictOutcome.PASSED,
    )  # fmt: skip
    verdicts = {
        test: Verdict(test, outcome, 0.5, "said \x00\x1b[31m ]]> <x>")
        for test, outcome in zip(ids, outcomes, strict=True)
    }
    cases = junit_cases(junit(SuiteRun(ids, verdicts, complete=True)).encode())
    assert [case.id for case in cases] == [
        "a.b.C::test[1]", "a.b::test_slow", "a.b::test_off", "a.b::test_ok",
    ]  # fmt: skip
    assert [case.outcome.value for case in cases] == ["failed", "failed", "skipped", "passed"]
    assert "\x1b" not in cases[0].message


def test_files_and_the_summary_of_the_ci_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step.md"))
    (tmp_path / "step.md").write_text("before\n")
    out = tmp_path / "out"
    out.mkdir()
    assert write_outputs(out, job(), None, Prices()) == ""
    assert {path.name for path in out.iterdir()} == {"result.json", "summary.md", "flaky.txt"}
    assert JobReport.model_validate_json((out / "result.json").read_bytes()) == job()
    assert (tmp_path / "step.md").read_text() == "before\n" + (out / "summary.md").read_text()
