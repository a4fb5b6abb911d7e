"""Memory: what a run teaches, where it is kept, and that a trace needs none of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_policies import LADDER, Nobody, Scripted, driven

from agent.errors import UsageError
from agent.events import RunStarted
from agent.forecast import estimates
from agent.lessons import Attempt, Judged, Lesson, lesson
from agent.loop import drive
from agent.memory import DAY, MOST_LESSONS, learnt, read, recalled, remember
from agent.policies import policy_named
from agent.replay import replay
from agent.run import begin
from agent.settings import memory_file, resolve
from agent.sources import DEPRECIATION
from agent.state import State, start
from agent.task import Settings
from agent.trace import Trace
from policies.belief import Belief, success
from policies.estimates import DifficultyPrior
from policies.learning import Attempted, learn
from policies.priors import DEFAULT_CHECKS, default_estimates, repair_tier
from policies.vocabulary import Check, Limits

ASKED = Settings(repository="/r", tests=("t",), tiers=LADDER, limits=Limits(5.0, 900.0), memory=True)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuration and state of the test's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("AGENT_MEMORY", raising=False)


def one(run: str = "r", tier: str = "dear", right: bool = False, age: float = 0.0) -> Lesson:
    attempt = Attempt(tier=tier, right=right, dollars=0.6, seconds=5)
    judged = Judged(check=Check.SUITE, passed=False, right=False)
    return Lesson(run=run, finished=time.time() - age * DAY, attempts=(attempt,), checks=(judged,))


def start_of(settings: Settings) -> State:
    return start(RunStarted(run_id="r", time=0, versions={}, policy="marginal", settings=settings))


def chance(settings: Settings, tier: str) -> float:
    return success(Belief(), tier, estimates(start_of(settings)))


def test_a_verified_patch_is_right_and_the_attempts_before_it_are_not(tmp_path: Path) -> None:
    driven(tmp_path / "trace", "cascade", ("dear",))
    found = lesson(Trace(tmp_path / "trace").events(), 1.0)
    told = [(a.tier, a.right, a.dollars) for a in found.attempts]
    assert told == [("cheap", False, 0.05), ("middle", False, 0.2), ("dear", True, 0.6)]
    assert all(0 < a.seconds < 60 for a in found.attempts)
    text = found.model_dump_json()
    assert not any(word in text for word in ('"t"', "/r", "a.py"))


def test_a_candidate_that_fails_a_check_is_not_right(tmp_path: Path) -> None:
    driven(tmp_path / "trace", "marginal", ("cheap", "middle", "dear"), passing=False)
    found = lesson(Trace(tmp_path / "trace").events(), 1.0)
    assert found.attempts
    assert not any(a.right for a in found.attempts)
    assert not any(c.right or c.passed for c in found.checks)


def test_what_was_is_not_known_is_left_out(tmp_path: Path) -> None:
    """The truth of the last candidate of a trace cut before its verification is not known."""
    driven(tmp_path / "trace", "cascade", ("dear",))
    events = list(Trace(tmp_path / "trace").events())
    cut = [e for e in events if "submission" not in e.model_dump_json()]
    assert [a.tier for a in lesson(cut, 1.0).attempts] == ["cheap", "middle"]


def test_what_one_run_taught_moves_the_next_and_a_replay_needs_no_file(tmp_path: Path) -> None:
    driven(tmp_path / "first", "cascade", ("dear",))
    remember(memory_file(), lesson(Trace(tmp_path / "first").events(), time.time()))
    assert len(memory_file().read_text().splitlines()) == 1
    settings, notes = recalled(ASKED, DEPRECIATION)
    assert notes == ("estimates learnt from 1 run",)
    assert chance(settings, "dear") > chance(ASKED, "dear")
    assert chance(settings, "cheap") < chance(ASKED, "cheap")

    run = begin(settings, tmp_path / "second")
    expected = estimates(run.state)
    assert expected.tiers == settings.tiers
    assert expected.difficulty == settings.difficulty != DifficultyPrior()
    effects = Scripted(run, frozenset(("dear",)), True)
    state = drive(run.state, policy_named("marginal"), effects, run.append, effects.clock, Nobody())
    run.writer.close()
    memory_file().unlink()
    found = replay(tmp_path / "second")
    assert found.difference == ""
    assert found.state == state


def test_the_powers_learnt_are_the_ones_used() -> None:
    for number in range(5):
        remember(memory_file(), one(f"run {number}"))
    settings, notes = recalled(ASKED, 1.0)
    assert notes == ("estimates learnt from 5 runs",)
    known = estimates(start_of(settings))
    assert known.check(Check.SUITE).power == pytest.approx((10 * 0.7 + 5) / 15)
    assert known.final.power == known.check(Check.SUITE).power


def test_without_memory_the_priors_are_the_shipped_ones() -> None:
    assert recalled(ASKED, DEPRECIATION) == (ASKED, ())
    known = estimates(start_of(ASKED))
    shipped = default_estimates(LADDER)
    assert (known.tiers, known.difficulty, known.final.power) == (LADDER, shipped.difficulty, 0.7)
    assert known.checks == DEFAULT_CHECKS
    remember(memory_file(), one())
    off = ASKED.model_copy(update={"memory": False})
    assert recalled(off, DEPRECIATION) == (off, ())


def test_settings_of_an_older_trace_expect_what_was_shipped() -> None:
    old = ASKED.model_dump(exclude={"checks", "difficulty", "memory"})
    loaded = Settings.model_validate(old)
    assert (loaded.checks, loaded.difficulty, loaded.memory) == (DEFAULT_CHECKS, DifficultyPrior(), False)


def test_broken_and_foreign_lines_are_passed_over() -> None:
    remember(memory_file(), one("a"))
    foreign = one("b").model_dump_json().replace('"version":1', '"version":2')
    with memory_file().open("a") as stream:
        stream.write(f'{{"run":\nnot json\n\xff\n{foreign}\n{{"version":1,"run":"c","finished":NaN}}')
    lessons, broken = read(memory_file())
    assert [each.run for each in lessons] == ["a"]
    assert broken == 5
    assert any("5 lines" in note for note in recalled(ASKED, DEPRECIATION)[1])
    remember(memory_file(), one("d"))
    assert [each.run for each in read(memory_file())[0]] == ["a", "d"]


def test_a_file_that_cannot_be_read_is_said_with_the_mend() -> None:
    memory_file().mkdir(parents=True)
    with pytest.raises(UsageError, match="--no-memory"):
        recalled(ASKED, DEPRECIATION)


def test_a_run_counts_once_and_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.memory.MOST_LESSONS", 3)
    for run in ("a", "b", "a", "c", "d"):
        remember(memory_file(), one(run))
    assert [each.run for each in read(memory_file())[0]] == ["a", "c", "d"]
    assert len(memory_file().read_text().splitlines()) == 3
    assert memory_file().stat().st_mode & 0o077 == 0
    assert MOST_LESSONS >= 1000


def test_a_run_that_teaches_nothing_is_not_kept() -> None:
    remember(memory_file(), Lesson(run="r", finished=1.0))
    assert not memory_file().exists()


def test_old_evidence_depreciates() -> None:
    prior, now = default_estimates(LADDER), time.time()

    def after(age: float) -> float:
        return success(Belief(), "dear", learnt(prior, [one(age=age)], now, 0.5))

    before = success(Belief(), "dear", prior)
    assert after(0) < after(1) < after(3) < before
    assert after(7) == before, "less than a hundredth of an observation is left"
    expected = learn(prior, [Attempted("r", "dear", False, 0.6, 5, 0.25)])
    old = one(age=2).model_copy(update={"checks": ()})
    found = learnt(prior, [old], old.finished + 2 * DAY, 0.5)
    assert found == expected


@pytest.mark.parametrize(("right", "compare"), [(True, float.__gt__), (False, float.__lt__)])
def test_an_exhaustive_tier_is_told_by_what_it_searched(
    right: bool, compare: Callable[[float, float], bool]
) -> None:
    prior = default_estimates((repair_tier(),))

    def after(searched: float) -> float:
        attempt = Attempt(tier="repair", right=right, dollars=0, seconds=9, searched=searched)
        told = [Lesson(run="r", finished=0, attempts=(attempt,))]
        return learnt(prior, told, 0, 1).tier("repair").ability

    assert compare(after(0.9), prior.tier("repair").ability)
    if not right:
        assert after(0.9) < after(0.2) < prior.tier("repair").ability
        assert after(0.0) == pytest.approx(prior.tier("repair").ability)


def test_a_verified_candidate_that_may_be_wrong_says_no_more_than_it_can() -> None:
    sure = Judged(check=Check.SUITE, passed=True, right=True, sure=0.8)
    found = learnt(default_estimates(LADDER), [Lesson(run="r", finished=0, checks=(sure,))], 0, 1)
    assert found.check(Check.SUITE).power == pytest.approx(7 / 10.2)


def test_memory_is_the_users_to_set() -> None:
    assert not resolve({}, None).memory
    assert resolve({}, None).memory_depreciation == DEPRECIATION
    assert resolve({"memory": "true"}, None).memory
    hostile = resolve({}, b"[tool.agent]\nmemory = true\nmemory_depreciation = 0.1\n")
    assert not hostile.memory and hostile.memory_depreciation == DEPRECIATION
    assert any("memory" in note for note in hostile.notes)
