"""Memory: what a run teaches, where it is kept, and that a trace needs none of it."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_policies import LADDER, Nobody, Scripted, driven

from agent.events import Event, RunStarted, StepDone
from agent.fix import _remember
from agent.fold import start
from agent.forecast import estimates
from agent.lessons import MOST_OUTCOMES, Attempt, Judged, Lesson, lesson
from agent.loop import drive
from agent.memory import (
    DAY,
    MOST_BYTES,
    MOST_LESSONS,
    learnt,
    read,
    recall,
    recalled,
    remember,
    template_factors,
)
from agent.observations import AttemptDone, CheckDone, SubmissionDone
from agent.policies import policy_named
from agent.replay import replay
from agent.run import Run, begin
from agent.settings import REPAIR, Resolved, memory_file, resolve
from agent.sources import DEPRECIATION
from agent.state import State
from agent.task import Settings
from agent.trace import Trace, TraceWriter
from agent.view import View
from policies.belief import Belief, success
from policies.estimates import DifficultyPrior
from policies.learning import LEAST_FACTOR, MOST_FACTOR, Attempted, learn
from policies.priors import DEFAULT_CHECKS, default_estimates, repair_tier
from policies.vocabulary import ActionClass, Bill, Check, Limits, Step, StepKind
from tools.repair.reports import MOST_TEMPLATES, Tally

ASKED = Settings(repository="/r", tests=("t",), tiers=LADDER, limits=Limits(5.0, 900.0), memory=True)


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configuration and state of the test's own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("CI", raising=False)


def setting(depreciation: float = DEPRECIATION, memory: bool = True) -> Resolved:
    return replace(resolve({}, None), memory=memory, memory_depreciation=depreciation)


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
    settings, notes = recalled(ASKED, setting())
    assert notes == ("estimates learnt from 1 finished run",)
    assert chance(settings, "dear") > chance(ASKED, "dear")
    assert chance(settings, "cheap") < chance(ASKED, "cheap")
    known = settings.learnt
    assert known is not None and known.runs == 1 and known.depreciation == DEPRECIATION
    assert time.time() - 60 < known.oldest == known.newest <= time.time()

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
    settings, notes = recalled(ASKED, setting(1.0))
    assert notes == ("estimates learnt from 5 finished runs",)
    known = estimates(start_of(settings))
    assert known.check(Check.SUITE).power == pytest.approx((10 * 0.7 + 5) / 15)
    assert known.final.power == known.check(Check.SUITE).power


def test_without_memory_the_priors_are_the_shipped_ones() -> None:
    assert recalled(ASKED, setting()) == (ASKED, ())
    known = estimates(start_of(ASKED))
    shipped = default_estimates(LADDER)
    assert (known.tiers, known.difficulty, known.final.power) == (LADDER, shipped.difficulty, 0.7)
    assert known.checks == DEFAULT_CHECKS
    remember(memory_file(), one())
    off = ASKED.model_copy(update={"memory": False})
    assert recalled(off, setting(memory=False)) == (off, ())


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
    assert any("5 lines" in note for note in recalled(ASKED, setting())[1])
    remember(memory_file(), one("d"))
    assert [each.run for each in read(memory_file())[0]] == ["a", "d"]


def occupied(file: Path) -> None:
    file.mkdir(parents=True)


def pipe(file: Path) -> None:
    file.parent.mkdir(parents=True)
    os.mkfifo(file)


def away(file: Path) -> None:
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    file.parent.write_text("a file where the folder should be")


def endless(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.symlink_to("/dev/zero")


@pytest.mark.parametrize("spoil", [occupied, pipe, away, endless])
def test_a_file_that_cannot_be_read_costs_one_note_and_nothing_else(spoil: Callable[[Path], None]) -> None:
    spoil(memory_file())
    settings, notes = recalled(ASKED, setting())
    (note,) = notes
    assert "shipped estimates are used" in note and "--no-memory" in note
    assert settings == ASKED.model_copy(update={"memory": False}), "so nothing is written either: one note"


class Notes:
    """A view that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


def test_a_store_that_cannot_be_written_costs_one_note(tmp_path: Path) -> None:
    state, _ = driven(tmp_path / "trace", "cascade", ("dear",))
    memory_file().parent.parent.mkdir(parents=True, exist_ok=True)
    memory_file().parent.symlink_to("/proc/self")  # nobody can make a file there, not even root
    run = Run(cast("TraceWriter", None), state, tmp_path / "trace")
    notes = Notes()
    _remember(run, cast("View", notes))
    (note,) = notes.told
    assert "was not kept" in note and "memory.lock" in note


def test_a_huge_foreign_file_is_read_in_part() -> None:
    memory_file().parent.mkdir(parents=True)
    memory_file().write_bytes(b"x\n" * MOST_BYTES + one("a").model_dump_json().encode())
    began = time.process_time()
    lessons, broken = read(memory_file())
    assert [each.run for each in lessons] == ["a"]
    assert 0 < broken < 2 * MOST_LESSONS
    assert time.process_time() - began < 1


def keep(path: Path, process: int) -> None:
    for number in range(8):
        remember(path, one(f"{process} {number}"))
        read(path)


def test_runs_at_the_same_time_lose_nothing() -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=keep, args=(memory_file(), number)) for number in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    lessons, broken = read(memory_file())
    assert ({each.run for each in lessons}, broken) == ({f"{p} {n}" for p in range(4) for n in range(8)}, 0)


def test_a_lock_that_is_never_given_up_does_not_hold_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.memory.PATIENCE", 0.05)
    remember(memory_file(), one("a"))
    with memory_file().with_suffix(".lock").open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="another run"):
            remember(memory_file(), one("b"))
    assert [each.run for each in read(memory_file())[0]] == ["a"]


def test_a_lesson_is_small_whatever_happened(tmp_path: Path) -> None:
    """No run weighs more than so many outcomes, and the whole file is bounded."""
    attempt = Attempt(tier="t" * 41, right=False, dollars=0.123456789012345, seconds=123.4567890123)
    judged = Judged(check=Check.AFFECTED, passed=False, right=False)
    names = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}" for number in range(MOST_TEMPLATES)]
    most = Lesson(
        run="r" * 100,
        finished=1e9,
        attempts=(attempt,) * MOST_OUTCOMES,
        checks=(judged,) * MOST_OUTCOMES,
        templates={name.ljust(20, "x"): Tally(10**4, 100, 0.123456) for name in names},
    )
    assert len(most.model_dump_json()) < 40_000
    with pytest.raises(ValueError, match="at most"):
        Lesson(run="r", finished=1.0, attempts=(attempt,) * (MOST_OUTCOMES + 1))


OUTCOMES = st.builds(
    Attempt,
    tier=st.sampled_from(("repair", "cheap", "gone")),
    right=st.booleans(),
    dollars=st.sampled_from((0.0, 5e-324, 0.2, 1e6)),
    seconds=st.sampled_from((0.0, 5e-324, 7.0, 1e9)),
    knowledge=st.sampled_from(((), ("localised",), ("no such thing",))),
    searched=st.sampled_from((None, 0.0, 0.5, 1.0)),
)
TALLIES = st.builds(
    Tally,
    tried=st.sampled_from((0, 10**12)),
    passed=st.sampled_from((0, 10**12)),
    mass=st.sampled_from((0.0, 5e-324, 0.3, 1.0)),
)
LESSONS = st.builds(
    Lesson,
    run=st.sampled_from(("a", "b", "c")),
    finished=st.sampled_from((0.0, 1e9, 1e12)),
    attempts=st.lists(OUTCOMES, max_size=4).map(tuple),
    checks=st.lists(
        st.builds(Judged, check=st.sampled_from(Check), passed=st.booleans(), right=st.booleans()), max_size=3
    ).map(tuple),
    templates=st.dictionaries(st.sampled_from(("index", "guard", "gone")), TALLIES),
    template=st.sampled_from(("", "index", "never tried")),
)


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.lists(LESSONS, max_size=5), st.sampled_from((0.5, 0.99, 1.0)))
def test_whatever_a_file_says_gives_estimates_that_hold(told: list[Lesson], depreciation: float) -> None:
    """Each field in its range, and all of it nonsense: what is out of range for a policy would raise."""
    prior = default_estimates((*LADDER, repair_tier()))
    found = learnt(prior, told, 1e9, depreciation)
    for tier in found.tiers:
        assert 0 < success(Belief(), tier.name, found) < 1
        assert 0 <= tier.dollars <= tier.worst_dollars and 0 < tier.seconds <= tier.worst_seconds
    ASKED.model_validate(
        {**ASKED.model_dump(), "template_factors": template_factors(told, 1e9, depreciation)}
    )


def test_a_run_counts_once_and_only_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.memory.MOST_LESSONS", 3)
    for run in ("a", "b", "a", "c", "d"):
        remember(memory_file(), one(run))
    assert [each.run for each in read(memory_file())[0]] == ["a", "c", "d"]
    assert len(memory_file().read_text().splitlines()) == 3
    assert memory_file().stat().st_mode & 0o077 == 0
    assert MOST_LESSONS >= 100


def test_runs_of_one_task_count_once(tmp_path: Path) -> None:
    """The same failing tests of the same tree again are no further evidence."""
    for run, task in (("a", "one"), ("b", "two"), ("c", "one")):
        remember(memory_file(), one(run).model_copy(update={"task": task}))
    assert [each.run for each in read(memory_file())[0]] == ["b", "c"]
    for name in ("first", "second"):
        driven(tmp_path / name, "cascade", ("dear",))
    first, second = (lesson(Trace(tmp_path / name).events(), 1.0) for name in ("first", "second"))
    assert first.task == second.task != ""


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
    assert (resolve({}, None).memory, resolve({}, None).teaches) == (True, True)
    assert resolve({}, None).memory_depreciation == DEPRECIATION
    off = resolve({"memory": "false"}, None)
    assert (off.memory, off.teaches) == (False, False)
    hostile = resolve({"memory": "false"}, b"[tool.agent]\nmemory = true\nmemory_depreciation = 0.1\n")
    assert not hostile.memory and hostile.memory_depreciation == DEPRECIATION
    assert any("memory" in note for note in hostile.notes)


@pytest.mark.parametrize(
    ("ci", "said", "memory", "teaches"),
    [
        ("true", None, True, False),
        ("1", None, True, False),
        ("true", "true", True, True),
        ("true", "false", False, False),
        ("false", None, True, True),
        ("", None, True, True),
    ],
)
def test_under_ci_what_was_learnt_is_used_and_nobody_teaches(
    ci: str, said: str | None, memory: bool, teaches: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code of a pull request decides how its run ends, so it must not decide what others expect."""
    monkeypatch.setenv("CI", ci)
    found = resolve({"memory": said}, b"[tool.agent]\nmemory = true\n")
    assert (found.memory, found.teaches) == (memory, teaches)


@pytest.mark.parametrize("right", [True, False])
def test_one_run_moves_little_however_much_happened_in_it(right: bool) -> None:
    """Somebody else's code may decide how a run ends; it takes many to teach something false."""
    prior = default_estimates((*LADDER, repair_tier()))
    attempts = [
        Attempt(tier=tier.name, right=right, dollars=0.1, seconds=1, searched=1.0 if tier.slices else None)
        for tier in prior.tiers
        for _ in range(12)
    ]
    judged = Judged(check=Check.SUITE, passed=False, right=False)
    hostile = Lesson(run="r", finished=0, attempts=tuple(attempts), checks=(judged,) * MOST_OUTCOMES)
    found = learnt(prior, [hostile], 0, 1)
    for tier in prior.tiers:
        assert abs(success(Belief(), tier.name, found) - success(Belief(), tier.name, prior)) < 0.12
    assert found.check(Check.SUITE).power == pytest.approx((10 * 0.7 + 1) / 11)


def test_a_clock_that_was_wrong_does_not_count_for_ever() -> None:
    prior, now = default_estimates(LADDER), time.time()
    ahead = one(age=-3650)
    assert learnt(prior, [ahead], now, 0.99) == prior


def test_one_source_for_all_commands() -> None:
    for number in range(5):
        remember(memory_file(), one(f"run {number}"))
    found = recall(LADDER, setting())
    settings, _ = recalled(ASKED, setting())
    known = estimates(start_of(settings))
    assert found.runs == 5
    assert [tier.ability for tier in found.estimates.tiers] == pytest.approx([t.ability for t in known.tiers])
    assert found.estimates.final.power == pytest.approx(known.final.power)
    assert found.estimates.final.power > 0.7


SEARCHING = Settings(repository="/r", tests=("t",), tiers=(repair_tier(),), memory=True)


def attempt(mass: float = 0.1, ahead: float = 0.0, template: str = "", **tallies: Tally) -> AttemptDone:
    """A slice of the embedded tier's search; `template`: what its candidate was made by."""
    return AttemptDone(
        tier=REPAIR,
        patch="blob" if template else "",
        tree=f"{mass} {ahead} {template}",
        mass=mass,
        ahead=ahead,
        planned=(0.1,),
        template=template,
        templates=tallies,
    )


def taught(*seen: AttemptDone | CheckDone | SubmissionDone, settings: Settings = SEARCHING) -> Lesson:
    step = Step(StepKind.ACT, ActionClass.DRAFT, tier=REPAIR)
    events: list[Event] = [RunStarted(run_id="r", time=0, versions={}, policy="marginal", settings=settings)]
    events += [StepDone(step=step, observation=each, bill=Bill()) for each in seen]
    return lesson(events, time.time())


FAILED = CheckDone(check=Check.SUITE, passed=False, key="k")
VERIFIED = SubmissionDone(verified=True, key="k", targets_passed=1, patch="blob")


def test_a_lesson_tells_what_was_tried_of_each_template_and_which_one_fixed() -> None:
    searched = (
        attempt(0.3, index=Tally(3, 0, 0.2), guard=Tally(1, 0, 0.1)),
        attempt(0.1, template="guard", guard=Tally(2, 1, 0.05)),
        FAILED,
        attempt(0.1, template="index", index=Tally(1, 1, 0.02)),
    )
    found = taught(*searched, VERIFIED)
    assert found.template == "index"
    assert found.templates == {"index": Tally(4, 1, 0.22), "guard": Tally(3, 1, 0.15)}
    unknown = taught(*searched)
    assert unknown.template == "", "the truth of the last candidate did not come out"
    assert unknown.templates == {"index": Tally(3, 0, 0.2), "guard": Tally(3, 1, 0.15)}
    refuted = taught(*searched, SubmissionDone(verified=False))
    assert (refuted.template, refuted.templates) == ("", found.templates)


def test_candidates_found_beside_a_wrong_one_are_not_ruled_out_with_it() -> None:
    """They lie ahead, and so does the mass that an attempt counts for them."""
    (first, second) = taught(attempt(0.3, 0.1, "guard"), FAILED, attempt(0.2)).attempts
    assert (first.searched, second.searched) == (0.2, 0.4)


def test_what_was_learnt_before_a_run_is_not_learnt_from_it_again() -> None:
    """The same search under other factors: as much tried in all, in the proportion of the shipped priors."""
    tuned = SEARCHING.model_copy(update={"template_factors": {"index": 2.0}})
    seen = attempt(0.3, index=Tally(3, 0, 0.2), guard=Tally(1, 0, 0.1))
    found = taught(seen, settings=tuned).templates
    assert found == {"index": Tally(3, 0, 0.15), "guard": Tally(1, 0, 0.15)}


def test_template_factors_are_recalled_into_the_settings_and_recorded(tmp_path: Path) -> None:
    tallies = {"index": Tally(4, 1, 0.2), "guard": Tally(9, 0, 0.6)}
    remember(memory_file(), taught(attempt(0.8, template="index", **tallies), VERIFIED))
    settings, _ = recalled(SEARCHING, setting())
    assert settings.template_factors == {"index": 1.231, "guard": 0.8}  # 4 / 3.25, 3 / 3.75
    begin(settings, tmp_path / "trace").writer.close()
    (started,) = Trace(tmp_path / "trace").events()
    assert isinstance(started, RunStarted)
    assert started.settings.template_factors == settings.template_factors
    assert recalled(SEARCHING, setting(memory=False))[0].template_factors == {}
    other, _ = recalled(ASKED, setting())
    assert other.template_factors == {}, "its tiers have no templates"


def test_under_ci_it_is_said_that_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def notes(**flags: object) -> tuple[str, ...]:
        return recalled(ASKED, resolve(flags, None))[1]

    assert notes() == ()
    monkeypatch.setenv("CI", "true")
    (note,) = notes()
    assert "nothing of this run is kept" in note
    assert notes(memory="true") == notes(memory="false") == ()


def test_old_searches_depreciate_and_one_task_counts_once() -> None:
    seen = (attempt(0.4, template="index", index=Tally(4, 1, 0.1), guard=Tally(9, 0, 0.3)), VERIFIED)
    found = taught(*seen)

    def factor(age: float) -> float:
        return template_factors([found], found.finished + age * DAY, 0.5).get("index", 1.0)

    assert factor(0) > factor(1) > factor(3) > 1 == factor(7)
    for run in ("a", "b"):
        remember(memory_file(), found.model_copy(update={"run": run, "task": "one"}))
    assert recall((repair_tier(),), setting()).templates["index"].factor == pytest.approx(factor(0), abs=1e-3)


def test_no_file_makes_a_template_likelier_than_the_bound() -> None:
    """A file that was tampered with: lines out of range are none, and the rest moves within bounds."""
    honest = taught(attempt(0.4, template="index", index=Tally(4, 1, 0.1), guard=Tally(9, 0, 0.3)), VERIFIED)
    text = honest.model_dump_json()
    memory_file().parent.mkdir(parents=True)
    with memory_file().open("w") as stream:
        for old, new in (
            ("[4,1,0.1]", "[4,1,1e9]"),
            ("[4,1,0.1]", "[-4,1,0.1]"),
            ("[4,1,0.1]", "[4,1,NaN]"),
            ("[4,1,0.1]", "[4,1]"),
            ('"index":', '"../etc":'),
            ('"template":"index"', '"template":"<script>"'),
        ):
            assert old in text
            stream.write(text.replace(old, new) + "\n")
        for number in range(MOST_LESSONS):
            sure = text.replace('"run":"r"', f'"run":"{number}"').replace("[4,1,0.1]", "[4,1,0.0]")
            stream.write(sure.replace("[9,0,0.3]", "[9,0,1.0]") + "\n")
    assert read(memory_file())[1] == 6
    settings, _ = recalled(SEARCHING, setting(1.0))
    assert settings.template_factors == {"index": MOST_FACTOR, "guard": LEAST_FACTOR}


def test_lines_and_traces_from_before_templates_were_told_are_read() -> None:
    old = one("a").model_dump(exclude={"templates", "template"})
    assert Lesson.model_validate(old).templates == {}
    assert template_factors([Lesson.model_validate(old)], time.time(), 1.0) == {}
    settings = Settings.model_validate(SEARCHING.model_dump(exclude={"template_factors"}))
    assert settings.template_factors == {}
