"""Slices of the embedded tier's search: proposals out of turn are neither lost nor made twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from agent import repairing
from agent.errors import TraceError
from agent.events import RunStarted, StepDone
from agent.fold import apply, start
from agent.forecast import estimates
from agent.observations import AttemptDone, CheckDone
from agent.repairing import Searching, act_repair
from agent.settings import REPAIR
from agent.state import Search, State
from agent.task import Settings
from policies.belief import Belief, hand_right
from policies.priors import repair_tier
from policies.vocabulary import ActionClass, Bill, Check, Step, StepKind
from tools.repair.reports import RepairError, Tally
from tools.repair.results import Proposal, SearchResult, SearchSpace

COUNT = 100
ACT = Step(StepKind.ACT, ActionClass.DRAFT, tier=REPAIR)


@dataclass
class FakeSearch:
    """A space in which some candidates pass. Of those that pass together the one with the largest number of
    `merits` is proposed, as the search inside does."""

    merits: dict[int, float]
    asked: list[int] = field(default_factory=list)

    def advance(
        self,
        start: int,
        seconds: float,
        most: int,
        on_progress: object,
        proposed: Sequence[int],
        earlier: Sequence[int],
    ) -> SearchResult:
        skipped = {*proposed, *earlier}
        found = [index for index in self.merits if index >= start and index not in skipped]
        if (not found or found[0] >= start + most) and not earlier:
            return SearchResult(min(COUNT, start + most), most, None, not found, 0.0, 1.0)
        found = [index for index in found if found[0] < start + most]
        passing = [*found, *earlier]
        best = max(passing, key=self.merits.__getitem__)
        self.asked.append(best)
        share = self.merits[best] / sum(self.merits[index] for index in passing)
        proposal = Proposal(
            "a.py", str(best).encode(), f"t{'x' * min(best, 30)}", 1, f"candidate {best}", best
        )
        reached = (best + 1 if best == found[0] else found[0]) if found else min(COUNT, start + most)
        tried, rivals = found[0] + 1 - start if found else most, len(passing)
        ahead = 0.01 * sum(index >= reached for index in found)
        return SearchResult(
            reached,
            tried,
            proposal,
            False,
            0.0,
            3.0,
            passing=tuple(passing),
            clusters=rivals,
            share=share,
            rival_mass=ahead,
            rival_seconds=2.0,
            templates={"index": Tally(tried, 0, 0.01 * tried), f"t{'x' * min(best, 30)}": Tally(1, 1, 0.0)},
        )


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(repairing, "vet", lambda *_: ())
    monkeypatch.setattr(repairing, "patched_tree_hash", lambda _, edits: f"tree {edits[0].content.decode()}")
    masses = tuple(size / COUNT for size in range(COUNT + 1))
    space = SearchSpace(COUNT, masses, 0.2, False)
    searching = Searching(FakeSearch({3: 1.0, 5: 4.0, 8: 2.0}), space)  # type: ignore[arg-type]
    return SimpleNamespace(
        searching=searching, left=600.0, base_of=lambda _: None, store=lambda data: "blob", say=lambda _: None
    )


def began() -> State:
    settings = Settings(repository="r", tiers=(repair_tier(),))
    state = start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))
    return replace(state, belief=Belief(), searches={REPAIR: Search(total=COUNT, planned=(0.5, 0.5))})


def done(state: State, observation: Any) -> State:
    return apply(state, StepDone(step=ACT, observation=observation, bill=Bill()))


def test_rivals_of_a_candidate_that_was_dropped_come_next_and_none_twice(world: Any) -> None:
    state, shares = began(), []
    for _ in range(3):
        attempt = act_repair(world, state)
        assert attempt.patch and attempt.planned
        assert attempt.mass > 0
        shares.append(attempt.share)
        state = done(state, attempt)
        assert state.belief.hand is not None and state.belief.hand.share == attempt.share
        assert 0 < hand_right(state.belief, estimates(state)) < 1
        failed = CheckDone(check=Check.SUITE, passed=False, key="k")
        state = done(state, failed)
    assert world.searching.search.asked == [5, 8, 3]
    assert shares == pytest.approx([4 / 7, 2 / 3, 1.0])
    assert state.searches[REPAIR].next_index == 4
    assert state.searches[REPAIR].proposed == (5, 8)
    last = act_repair(world, state)
    assert (last.patch, last.share) == ("", 1.0)
    assert last.next_index > 8 and last.proposed == ()


def test_a_candidate_stays_in_hand_unless_another_attempt_finds_a_likelier_one(world: Any) -> None:
    """Another attempt is made of one that nothing speaks against: what it finds is compared with it."""
    attempt = act_repair(world, began())
    state = done(began(), attempt)
    world.searching.search.merits[60] = 8.0
    state = done(state, CheckDone(check=Check.SUITE, passed=True, key="k"))
    before = hand_right(state.belief, estimates(state))

    again = act_repair(world, state)
    assert again.again and again.tree == "tree 5" and again.planned
    assert (again.index, again.passing, again.share) == (5, (5, 3, 8), pytest.approx(4 / 7))
    assert 8 < again.next_index < 60
    state = done(state, again)
    hand = state.belief.hand
    assert hand is not None and hand.passed == {Check.SUITE}, "its checks count on"
    assert state.belief.failed(REPAIR) == 1 and not state.refused and not state.notes
    first, vain = attempt.mass, again.mass
    assert state.searches[REPAIR].used == (vain, first), "the hand's is the next after what failed"
    right = hand_right(state.belief, estimates(state))
    assert right > before, "more was searched, and nothing else found"
    merged = replace(state.searches[REPAIR], used=(first + vain,))
    alone = replace(state, searches={REPAIR: merged}, belief=replace(state.belief, failures=()))
    assert right < hand_right(alone.belief, estimates(alone)), "what was searched in vain is not its own"

    better = act_repair(world, state)
    assert (better.again, better.index, better.share) == (False, 60, pytest.approx(8 / 15))
    state = done(state, better)
    assert state.belief.hand is not None and state.belief.hand.passed == frozenset()
    assert state.belief.failed(REPAIR) == 1
    assert state.searches[REPAIR].used == (vain, pytest.approx(first + better.mass))
    assert state.notes == ("a.py:1: candidate 5 — less likely than one that was found later",)

    state = done(state, CheckDone(check=Check.SUITE, passed=False, key="k"))
    assert state.searches[REPAIR].passing == (5, 3, 8) and state.refused == {"tree 60"}
    back = act_repair(world, state)
    assert (back.index, back.share, back.again) == (5, pytest.approx(4 / 7), False)
    assert back.next_index == better.next_index, "nothing was searched for it"
    assert back.planned


def test_an_attempt_without_time_or_result_leaves_the_candidate_in_hand(world: Any) -> None:
    state = done(began(), act_repair(world, began()))
    world.left = 0.0
    for message in ("", "broken"):
        if message:
            world.left, world.searching.search = 600.0, BrokenSearch({})
        seen = act_repair(world, state)
        assert seen.again and (seen.tree, seen.planned) == ("tree 5", ())
        after = done(state, seen)
        assert after.belief.hand == state.belief.hand and after.belief.failed(REPAIR) == 1


@dataclass
class BrokenSearch(FakeSearch):
    """It ends without a result."""

    def advance(self, *given: object) -> SearchResult:
        raise RepairError("no space left")


def test_a_rival_that_may_not_be_edited_is_forgotten(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state = done(began(), act_repair(world, began()))
    state = done(state, act_repair(world, state))
    world.searching.search.merits[60] = 0.1
    state = done(state, CheckDone(check=Check.SUITE, passed=False, key="k"))
    assert state.searches[REPAIR].passing == (3, 8)
    no_more = (b"3", b"8")
    monkeypatch.setattr(
        repairing, "vet", lambda *given: ("a forgery",) if given[-1][0].content in no_more else ()
    )
    seen = act_repair(world, state)
    assert (seen.index, seen.passing, len(seen.dropped)) == (60, (60,), 2)


def test_a_trace_that_keeps_a_candidate_which_was_not_in_hand_is_refused(world: Any) -> None:
    seen = act_repair(world, began()).model_copy(update={"again": True})
    with pytest.raises(TraceError, match="was not in hand before"):
        done(began(), seen)


def test_a_candidate_of_an_older_trace_is_given_up_for_another_attempt(world: Any) -> None:
    older = act_repair(world, began()).model_copy(update={"index": None, "passing": ()})
    state = done(began(), older)
    state = done(state, act_repair(world, state))
    assert state.refused == {"tree 5"} and "given up" in state.notes[-1]


def test_a_refused_rival_makes_room_for_the_next_in_the_same_slice(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        repairing, "vet", lambda *given: ("a forgery",) if given[-1][0].content == b"5" else ()
    )
    attempt = act_repair(world, began())
    assert attempt.description.endswith("candidate 8")
    assert (attempt.next_index, attempt.proposed, attempt.plausible) == (3, (5, 8), 2)
    assert (attempt.template, attempt.ahead) == ("txxxxxxxx", pytest.approx(0.02))
    assert attempt.templates == {
        "index": Tally(5, 0, pytest.approx(0.05)),
        "txxxxx": Tally(1, 1, 0.0),
        "txxxxxxxx": Tally(1, 1, 0.0),
    }
    assert [each.split(" ")[1] for each in attempt.dropped]


def test_an_attempt_of_an_older_trace_has_no_rivals() -> None:
    seen = AttemptDone.model_validate({"type": "attempt", "tier": REPAIR, "patch": "blob", "tree": "t"})
    assert (seen.share, seen.proposed, seen.ahead, seen.template, seen.templates) == (1.0, (), 0, "", {})
    with pytest.raises(ValueError, match="share"):
        AttemptDone(tier=REPAIR, share=0.0)


@dataclass
class MovingSearch(FakeSearch):
    """Nothing passes; some single edits move the failure, and `pairs` can be made of them."""

    moved: tuple[int, ...] = ()
    pairs: int = 20
    firsts: list[tuple[int, ...]] = field(default_factory=list)

    def advance(self, start: int, seconds: float, most: int, *_: Any) -> SearchResult:
        count = COUNT if start < COUNT else COUNT + self.pairs
        reached = min(count, start + most)
        return SearchResult(reached, most, None, reached == count, 0.0, 1.0, moved=self.moved)

    def prepare(self, seconds: float) -> SearchSpace:
        return SearchSpace(COUNT, tuple(0.9 * n / COUNT for n in range(COUNT + 1)), 0.2, False)

    def add_pairs(self, firsts: Sequence[int], seconds: float) -> SearchSpace:
        space = self.prepare(seconds)
        self.firsts.append(tuple(firsts))
        if not self.pairs:
            return space
        more = tuple(0.9 + 0.1 * n / self.pairs for n in range(1, self.pairs + 1))
        return replace(space, count=COUNT + self.pairs, masses=(*space.masses, *more))


def test_when_no_single_edit_is_left_pairs_of_those_that_moved_the_failure_are_planned(world: Any) -> None:
    search = MovingSearch({}, moved=(3, 7))
    world.searching = Searching(search, search.prepare(0.0))  # type: ignore[arg-type]
    first = act_repair(world, began())
    assert (first.next_index, first.moved, search.firsts) == (50, (3, 7), [])
    state = done(began(), first)
    second = act_repair(world, state)
    assert (second.next_index, second.total, search.firsts) == (COUNT, COUNT + 20, [(3, 7)])
    assert (second.moved, second.note) == ((3, 7), "")
    assert sum(second.planned or ()) == pytest.approx(0.1)
    assert second.mass == pytest.approx(0.45), "of the slice, without the pairs"
    third = act_repair(world, done(state, second))
    assert (third.next_index, third.planned) == (COUNT + 20, ())
    assert third.note == "every candidate was tried"
    assert third.moved == second.moved, "so that a search that is resumed makes the same pairs"


def test_where_no_pair_can_be_made_the_search_is_over(world: Any) -> None:
    search = MovingSearch({}, pairs=0)
    world.searching = Searching(search, search.prepare(0.0))  # type: ignore[arg-type]
    last = act_repair(world, done(began(), act_repair(world, began())))
    assert (last.next_index, last.planned, last.note) == (COUNT, (), "every candidate was tried")


@pytest.mark.parametrize(("index", "firsts"), [(COUNT, [(3, 7)]), (COUNT - 1, [])])
def test_a_search_that_is_resumed_makes_the_same_pairs(
    monkeypatch: pytest.MonkeyPatch, index: int, firsts: list[tuple[int, ...]]
) -> None:
    search = MovingSearch({})
    monkeypatch.setattr(repairing, "RepairSearch", lambda *_, **__: search)
    monkeypatch.setattr(repairing, "test_seconds", lambda *_: 2.0)
    world: Any = SimpleNamespace(
        sandbox=SimpleNamespace(python="python"),
        say=lambda _: None,
        base_of=lambda _: SimpleNamespace(files=()),
        memory_bytes=1,
        pristine="p",
        left=60.0,
        search_without=frozenset(),
    )
    state = replace(began(), searches={REPAIR: Search(next_index=index, moved=(3, 7))})
    made = repairing.prepare_search(world, state, None, ())
    assert search.firsts == firsts
    assert made.space.count == COUNT + (20 if firsts else 0)


def test_a_slice_takes_as_long_as_all_before_it_at_the_pace_that_was_seen() -> None:
    def sizes(*seen: SearchResult) -> tuple[int, float]:
        masses = tuple(n / 1000 for n in range(1001))
        searching = Searching(FakeSearch({}), SearchSpace(1000, masses, 0.2, False))  # type: ignore[arg-type]
        for each in seen:
            searching.learn_pace(each)
        planned, seconds = repairing.planned_slices(searching, 0)
        return round(1000 * planned[0]), seconds

    def result(tried: int, trying: float, seconds: float) -> SearchResult:
        return SearchResult(tried, tried, None, False, 0.0, seconds, trying=trying, rival_seconds=1.0)

    assert sizes() == (50, pytest.approx(1.5 + 10))
    assert sizes(result(5, 50.0, 51.0)) == (250, pytest.approx(1.5 + 50)), "a handful shows no pace"
    assert sizes(result(20, 40.0, 45.0)) == (20, pytest.approx(4 + 40))
    assert sizes(result(20, 40.0, 41.0), result(40, 40.0, 44.0)) == (80, pytest.approx(3 + 80))
