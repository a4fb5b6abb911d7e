"""`agent outcome`: what became of a patch, beside its trace, in the audit and in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from audit_parts import traced
from test_policies import LADDER
from typer.testing import CliRunner, Result

from agent.audit.later import LATER
from agent.audit.ours import our_run
from agent.cli import app
from agent.lessons import Lesson, lesson
from agent.memory import read, remember
from agent.settings import memory_file
from agent.task import Settings
from agent.trace import EVENTS, Trace
from policies.vocabulary import ActionClass, Limits

ASKED = Settings(
    repository="/r",
    tests=("t",),
    tiers=LADDER,
    limits=Limits(5.0, 900.0),
    delivery=ActionClass.COMMIT,
    memory=True,
)


@pytest.fixture(autouse=True)
def not_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def outcome(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["outcome", *map(str, arguments)])


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A fixed run, of which memory keeps what it taught."""
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    remember(memory_file(), lesson(Trace(tmp_path / "trace").events(), 1000.0))
    return tmp_path / "trace"


def kept() -> list[Lesson]:
    return read(memory_file())[0]


def test_a_word_is_kept_with_the_trace_and_the_newest_counts(trace: Path) -> None:
    before = (trace / EVENTS).read_bytes()
    assert outcome(trace, "--merged").exit_code == 0
    told = outcome(trace, "--reworked", "45")
    assert told.exit_code == 0 and "reworked (45 minutes): recorded for run" in told.stdout
    later = our_run(trace).later
    assert [(each.word, each.minutes) for each in later] == [("merged", 0.0), ("reworked", 45.0)]
    assert (trace / EVENTS).read_bytes() == before
    audited = " ".join(CliRunner().invoke(app, ["audit", str(trace)]).stdout.split())
    assert "(reworked later)" in audited and "rework $45.00" in audited


def test_a_revert_teaches_that_the_candidate_was_wrong(trace: Path) -> None:
    (was,) = kept()
    assert [each.right for each in was.attempts] == [False, False, True]
    told = outcome(trace, "--reverted")
    assert "memory learns from it" in told.stdout
    (now,) = kept()
    assert [each.right for each in now.attempts] == [False, False, False]
    assert now.finished == was.finished  # it is as old as it was
    outcome(trace, "--merged")
    assert [each.right for each in kept()[0].attempts] == [False, False, True]


def test_checks_that_passed_a_reverted_patch_were_wrong_about_it(tmp_path: Path) -> None:
    settings = ASKED.model_copy(update={"delivery": ActionClass.DRAFT})
    traced(tmp_path / "trace", "pipeline", settings, ("cheap",))
    remember(memory_file(), lesson(Trace(tmp_path / "trace").events(), 1000.0))
    outcome(tmp_path / "trace", "--reverted")
    (now,) = kept()
    assert now.checks and all(each.passed and not each.right and each.sure == 1 for each in now.checks)
    outcome(tmp_path / "trace", "--reworked", "10")  # neither right nor wrong: as the run itself saw it
    assert all(each.right and each.sure < 1 for each in kept()[0].checks)


def test_the_truth_of_a_patch_that_was_handed_over_comes_out_later(tmp_path: Path) -> None:
    """Nobody had confirmed a publish, so the run ended deferred, and was worth an unknown amount."""
    settings = ASKED.model_copy(update={"delivery": ActionClass.PUBLISH})
    traced(tmp_path / "trace", "marginal", settings, ("cheap",), passing=True)
    events = list(Trace(tmp_path / "trace").events())
    assert lesson(events, 1.0, truth=False).attempts[-1].right is False
    assert lesson(events, 1.0, truth=True).attempts[-1].right is True


def test_memory_keeps_to_newer_runs_of_a_task(trace: Path) -> None:
    (was,) = kept()
    newer = was.model_copy(update={"run": "newer", "finished": 2000.0})
    remember(memory_file(), newer)
    told = outcome(trace, "--reverted")
    assert told.exit_code == 0 and "memory stays as it is" in told.stdout
    assert kept() == [newer]


def test_a_run_that_memory_knows_nothing_of_teaches_nothing(trace: Path, tmp_path: Path) -> None:
    before = kept()
    traced(tmp_path / "theirs", "pipeline", ASKED, ("cheap",))
    told = outcome(tmp_path / "theirs", "--merged")
    assert told.exit_code == 0 and "memory stays as it is: nothing of this run is kept" in told.stdout
    assert kept() == before


def test_under_ci_nothing_is_learnt_unless_it_is_asked_for(
    trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    before = kept()
    told = outcome(trace, "--reverted")
    assert told.exit_code == 0 and "memory stays as it is (under CI" in told.stdout
    assert kept() == before
    assert "memory learns from it" in outcome(trace, "--reverted", "--memory").stdout
    assert kept() != before


def test_a_run_that_was_not_to_be_learnt_from_teaches_nothing(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "cascade", ASKED.model_copy(update={"memory": False}), ("dear",))
    told = outcome(tmp_path / "trace", "--reverted")
    assert told.exit_code == 0 and "was not to be learnt from" in told.stdout
    assert not memory_file().exists()


def test_what_cannot_be_said_is_one_clear_error(trace: Path, tmp_path: Path) -> None:
    traced(tmp_path / "nothing", "cascade", ASKED, ())
    open_ = tmp_path / "open"
    traced(open_, "cascade", ASKED, ("dear",))
    lines = (open_ / EVENTS).read_bytes().splitlines(keepends=True)
    (open_ / EVENTS).write_bytes(b"".join(lines[:-1]))
    torn = tmp_path / "torn"
    traced(torn, "cascade", ASKED, ("dear",))
    (torn / EVENTS).write_bytes((torn / EVENTS).read_bytes() + lines[-1][:40])
    altered = tmp_path / "altered"
    traced(altered, "cascade", ASKED, ("dear",))
    data = (altered / EVENTS).read_bytes()
    (altered / EVENTS).write_bytes(data.replace(b'"dollars":0.6', b'"dollars":0.1', 1))
    for arguments, code, said in (
        ((trace,), 2, "say one of --merged, --reverted, --reworked MINUTES"),
        ((trace, "--merged", "--reverted"), 2, "say one of"),
        ((trace, "--reworked", "-5"), 2, "reworked"),
        ((trace, "--reworked", "1e9"), 2, "minutes of rework"),
        ((trace, "--reworked", "nan"), 2, "reworked"),
        ((tmp_path, "--merged"), 2, "is neither a folder with a trace nor"),
        ((tmp_path / "nothing", "--merged"), 2, "ended as 'not-fixed', with no patch in hand"),
        ((open_, "--merged"), 2, "has not ended"),
        ((altered, "--merged"), 1, "was altered"),
        ((torn, "--merged"), 1, "is cut off"),
    ):
        told = outcome(*arguments)
        assert told.exit_code == code and said in told.stderr, (arguments, told.stderr)
    assert not (trace / LATER).exists() and not (torn / LATER).exists()


def test_words_moved_to_another_trace_do_not_hold(trace: Path, tmp_path: Path) -> None:
    outcome(trace, "--merged")
    traced(tmp_path / "other", "cascade", ASKED, ("dear",))
    (tmp_path / "other" / LATER).write_bytes((trace / LATER).read_bytes())
    audited = CliRunner().invoke(app, ["audit", str(tmp_path / "other")])
    assert audited.exit_code == 1 and "said of another trace" in audited.stdout.replace("\n  ", " ")
