"""The search of the history as a step of a run: decided where it pays, billed, replayed from its record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_policies import LADDER, Nobody, Scripted

from agent.events import StepDecided, StepDone
from agent.history import HISTORY, history_row
from agent.loop import drive
from agent.observations import CommitSeen, HistoryDone, IntakeDone, Observation, ReproductionDone
from agent.policies import policy_named
from agent.replay import replay
from agent.run import begin
from agent.state import State
from agent.task import Settings
from agent.trace import Trace
from agent.words import history
from policies.vocabulary import Limits, Outcome, Prices, Step

FOUND = HistoryDone(
    commits=20,
    looks=5,
    since=(CommitSeen(id="c" * 40, date="2026-01-02", subject="break it"),),
    suspects=1,
    passes=CommitSeen(id="d" * 40, date="2026-01-01", subject="fine"),
)


class WithHistory(Scripted):
    """As `Scripted`, of a repository with so many commits, whose tests take so long and passed so often."""

    commits, seconds_each, passes = 20, 0.5, 0

    def _observation(self, step: Step) -> Observation:
        if step == HISTORY:
            return FOUND
        seen = super()._observation(step)
        if isinstance(seen, IntakeDone):
            return seen.model_copy(update={"commits": self.commits})
        if isinstance(seen, ReproductionDone):
            return seen.model_copy(update={"seconds_each": self.seconds_each})
        return seen


def driven(folder: Path, policy: str = "marginal", **changed: object) -> tuple[State, WithHistory]:
    """A run in which no tier finds anything. changed: of the settings, or of the repository."""
    of_effects = {name: changed.pop(name) for name in ("commits", "seconds_each") if name in changed}
    settings = Settings(
        repository="/r", tests=("t",), tiers=LADDER, limits=Limits(dollars=5.0, seconds=900.0)
    ).model_copy(update=changed)
    run = begin(settings, folder, policy)
    effects = WithHistory(run, frozenset(), True)
    for name, value in of_effects.items():
        setattr(effects, name, value)
    state = drive(run.state, policy_named(policy), effects, run.append, effects.clock, Nobody())
    run.writer.close()
    return state, effects


@pytest.mark.parametrize("policy", ["marginal", "cascade"])
def test_it_is_the_last_step_before_handing_over_and_replays(tmp_path: Path, policy: str) -> None:
    state, effects = driven(tmp_path / "trace", policy)
    assert state.ended is Outcome.NOT_FIXED and state.history == FOUND
    assert effects.steps[-1] == "read history" and effects.steps.count("read history") == 1
    assert replay(tmp_path / "trace").difference == ""
    decided, done = [
        event
        for event in Trace(tmp_path / "trace").events()
        if (isinstance(event, StepDecided) and event.decision.chosen == HISTORY)
        or (isinstance(event, StepDone) and event.step == HISTORY)
    ]
    assert isinstance(decided, StepDecided) and isinstance(done, StepDone)
    assert decided.decision.reason == (
        "read history before handing over: to know since which commit it fails spares a person about $1.50 "
        "of looking, for $0.09 of waiting"
    )
    assert done.bill.dollars == 0 and done.bill.seconds == 1.0


@pytest.mark.parametrize(
    "changed",
    [
        {"commits": 0},  # outside git, and in traces that do not say
        {"commits": 1},  # nothing before the one that fails
        {"seconds_each": 60.0},  # a look costs more than the glance it spares
        {"prices": Prices(latency=1.0, value=2000.0)},
        {"limits": Limits(dollars=5.0, seconds=20.0)},
    ],
)
def test_it_is_not_bought_where_it_does_not_pay_or_fit(tmp_path: Path, changed: dict[str, object]) -> None:
    state, effects = driven(tmp_path / "trace", **changed)
    assert "read history" not in effects.steps and state.history is None


def test_a_clean_tree_has_one_place_less_to_look_at(tmp_path: Path) -> None:
    state, _ = driven(tmp_path / "trace", commits=5)
    clean = replace(state, history=None)
    assert clean.intake is not None
    dirty = replace(clean, intake=clean.intake.model_copy(update={"dirty": 1}))
    rows = [history_row(clean), history_row(dirty)]
    assert [row and row.quote.seconds for row in rows] == [3 * 1.5, 4 * 1.5]


def test_in_a_job_it_is_for_single_tests_only(tmp_path: Path) -> None:
    """A group of tests is taken apart first; no single commit need have broken all of them."""
    state, _ = driven(tmp_path / "trace")
    of_job = state.settings.model_copy(update={"surveyed": ("intake",)})
    state = replace(state, history=None, settings=of_job)
    assert history_row(state) is not None and state.reproduction is not None
    two = state.reproduction.model_copy(update={"targets": ("t", "u"), "passes": (0, 0)})
    assert history_row(replace(state, reproduction=two)) is None


def test_what_fails_only_sometimes_is_not_searched_for(tmp_path: Path) -> None:
    state, _ = driven(tmp_path / "trace")
    assert state.reproduction is not None
    flaky = state.reproduction.model_copy(update={"passes": (1,)})
    assert history_row(replace(state, history=None, reproduction=flaky)) is None


def seen(**changed: object) -> list[str]:
    return history(FOUND.model_copy(update=changed))


def test_what_it_came_to_is_said_in_words() -> None:
    last = ["it passes at dddddddddddd 2026-01-01 fine", "5 of 20 commits looked at"]
    assert seen() == ["fails since cccccccccccc 2026-01-02 break it", *last]
    assert seen(since=(), suspects=0, uncommitted=True) == ["fails since what is not committed yet", *last]
    several = seen(suspects=3, untold=2)
    assert several[0] == "fails since one of these, which could not be told apart:"
    assert several[2] == "and 2 more" and several[-1].endswith("looked at, 2 of them could not be run")
    oldest = CommitSeen(id="e" * 40, date="", subject="begin")
    none = {"since": (), "suspects": 0, "passes": None, "oldest": oldest}
    assert seen(**none)[0] == "not seen to pass at any commit, back to eeeeeeeeeeee begin"
    assert seen(**none, shallow=True)[0].endswith("; the clone is shallow, its history ends there")
    assert seen(**none, complete=False)[0].endswith("; time ran out")
    assert seen(problem="no git")[0] == "the history cannot be searched: no git"
