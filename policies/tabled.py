"""W for large tasks: states with nothing in hand from tables, a candidate in hand solved check by check.

The same economics as `policies.lookahead`, and equal to it where no limit binds and nothing is read or
planned after a failure. What is approximated otherwise (the README of this package says what it loses):
- reading or planning after failures inside the plan recounts them as if made with the richer knowledge;
- under a limit the plan goes by what the failures on the way are expected to leave of it. Each move followed
  is held to what is really left in its state, so W is that of a policy that can be kept to.
"""

from __future__ import annotations

from typing import TypeAlias

from policies.estimates import PLANNED, ReadEstimate, TierEstimate
from policies.held import Plan, plan
from policies.lookahead import NOTHING, Parts, own
from policies.looks import Further, Looks
from policies.moves import Model, Move
from policies.power import Hand
from policies.progress import State
from policies.tables import Choice, Learning, Table
from policies.vocabulary import Check, Limits, StepKind

_Key: TypeAlias = tuple[frozenset[str], frozenset[str], Limits]
"""What is known, what was bought, and what is left of the limits."""


KEPT = 0.8
"""A choice that keeps so much of what the next best promises is followed without looking at that: it keeps
less than promised where what is left of a limit turns out to be less than expected."""


class TabledProgramme:
    """The plan of a large task (see `policies.lookahead.Lookahead`)."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._from: State | None = None
        self._tables: dict[_Key, Table] = {}
        self._found: dict[tuple[frozenset[str], frozenset[str], bool], Table] = {}
        self._parts: dict[State, Parts] = {}
        self._plans: dict[tuple[str, float, float, frozenset[Check]], Plan] = {}
        self._looks = Looks(model)

    def start(self, state: State) -> None:
        """Plan from `state` on: tables count failures, and what is left, from here."""
        if self._from is not None and _goes_on(self._from, state):
            return
        limited = self._from is not None and self._from._replace(dollars=0, seconds=0) == state._replace(
            dollars=0, seconds=0
        )
        self._tables = {key: table for key, table in self._tables.items() if limited and key[2] == Limits()}
        self._from = state
        self._parts.clear()
        self._plans.clear()
        self._found.clear()

    def worth(self, state: State) -> float:
        """W(state) in dollars, at least 0."""
        return self.parts(state).worth(self.model.prices)

    def later_parts(self, move: Move) -> Parts:
        """E[W(b') | move] in its parts."""
        total = NOTHING
        for probability, after in move.branches:
            total = total.plus(self.parts(after), probability)
        return total

    def parts(self, state: State) -> Parts:
        """W(state) in its parts, following the plan."""
        if state not in self._parts:
            self._parts[state] = self._follow(state)
        return self._parts[state]

    def _follow(self, state: State) -> Parts:
        if state.hand is not None and not state.preparations:
            return self._held(state, state.hand)
        if state.preparations:
            move = self.model.prepare(state, self.model.estimates.preparation(state.preparations[0]))
            return self._better(NOTHING, move)
        best = NOTHING
        choices = self._choices(state, not state.unlimited)
        if not choices:  # by what was expected to be left; more may be
            choices = self._choices(state, False)
        for promised, choice in choices:
            if best.worth(self.model.prices) >= KEPT * promised:
                break
            best = self._better(best, self._move(state, choice))
        return best

    def _better(self, best: Parts, move: Move) -> Parts:
        """What comes of the move, or `best` if that is worth as much."""
        if move.refused:
            return best
        parts = own(move).plus(self.later_parts(move))
        return parts if parts.worth(self.model.prices) > best.worth(self.model.prices) else best

    def _move(self, state: State, choice: Choice) -> Move:
        match choice:
            case StepKind.READ, ReadEstimate() as read:
                return self.model.read(state, read)
            case StepKind.PLAN, TierEstimate() as tier:
                return self.model.plan(state, tier)
            case _, TierEstimate() as tier:
                return self.model.act(state, tier)
        raise ValueError(f"no such choice: {choice}")

    # A candidate in hand: which checks to buy, and how to end.

    def _held(self, state: State, hand: Hand) -> Parts:
        """What comes of the candidate. Going on without it is looked up once, as if all had been spent that
        the longest way to its end takes: under a limit a little too careful, and never too bold."""
        model, looks, final = self.model, self._looks, self.model.estimates.final
        dropped = model.progress.dropped(state)
        fits = frozenset(check.check for check in model.estimates.checks if not model.refuses(state, check))
        promised = self._promised(model.spent(dropped, 0.0, final.seconds))
        q = model.hand_chance(state, hand)
        key = (hand.tier, q, promised, fits)
        if key not in self._plans:
            self._plans[key] = plan(model, looks, *key)
        choices, mass = self._plans[key]

        def longest(number: int) -> tuple[float, float]:
            """Dollars and seconds at most spent from this look on."""
            choice = choices[number]
            if not isinstance(choice, Further):
                return 0.0, final.seconds
            ways = [longest(after) for after in (choice.passed, choice.failed) if after is not None]
            dollars, seconds = (max(way) for way in zip(*ways, strict=True))
            return choice.check.dollars + dollars, choice.check.seconds + seconds

        begin = looks.number(hand)
        going_on = self.parts(model.spent(dropped, *longest(begin)))

        def follow(number: int, state: State) -> Parts:
            said = looks.records[number]
            record = Hand(hand.tier, said.passed, hand.knowledge, said.failed, said.repeats, hand.share)
            at, choice = state._replace(hand=record), choices[number]
            if not isinstance(choice, Further) or model.refuses(at, choice.check):
                submit, ways = model.submit(at), [going_on, own(model.defer(at))]
                if not submit.refused:
                    ways.append(own(submit).plus(going_on, 1 - submit.probability))
                return max(ways, key=lambda parts: parts.worth(model.prices))
            passing = mass[choice.passed] / mass[number] if mass[number] > 0 else 1.0
            dollars, seconds = choice.check.dollars, choice.check.seconds
            after = model.spent(state, dollars, seconds)
            failed = going_on if choice.failed is None else follow(choice.failed, after)
            parts = Parts(dollars=dollars, seconds=seconds)
            return parts.plus(follow(choice.passed, after), passing).plus(failed, 1 - passing)

        return follow(begin, state)

    def _promised(self, state: State) -> float:
        """W of a state with nothing in hand; under limits what the table expects, without following it."""
        if state.unlimited:
            return self.parts(state).worth(self.model.prices)
        choices = self._choices(state, True)
        return choices[0][0] if choices else 0.0

    # Tables.

    def _choices(self, state: State, limited: bool) -> list[tuple[float, Choice]]:
        key = (state.knowledge, state.bought, limited)
        if key not in self._found:
            self._found[key] = self._table(state, limited)
        return self._found[key].choices(state.failures, state.last_tier)

    def _table(self, state: State, limited: bool, planner: TierEstimate | None = None) -> Table:
        """The table for what is known in `state`, counting from where the plan starts. planner: who made the
        plan that was bought since, the cheapest if not said."""
        begin = self._from = self._from or state
        left = self._left(begin, state, planner) if limited else Limits()
        key = (state.knowledge, state.bought, left)
        if key not in self._tables:
            learning = tuple(self._open(state, begin, limited, planner))
            free = self._tables.get((state.knowledge, state.bought, Limits()))
            predicted = free.predicted if free else None
            self._tables[key] = Table(
                self.model, self._looks, begin.failures, state.knowledge, left, learning, predicted
            )
        return self._tables[key]

    def _left(self, begin: State, state: State, planner: TierEstimate | None) -> Limits:
        """What is left for the table once what was bought since is paid."""
        estimates, bought = self.model.estimates, state.bought - begin.bought
        dollars, seconds = 0.0, sum(read.seconds for read in estimates.reads if read.subject in bought)
        planners = [tier for tier in estimates.tiers if tier.can_plan] if planner is None else [planner]
        if PLANNED in bought and planners:
            dollars += min(tier.plan_dollars + tier.switch_dollars for tier in planners)
            seconds += min(tier.plan_seconds for tier in planners)
        return Limits(begin.dollars - dollars, begin.seconds - seconds)

    def _open(
        self, state: State, begin: State, limited: bool, planner: TierEstimate | None
    ) -> list[Learning]:
        """Reads and plans still to be had, with the tables after them."""
        model, learning = self.model, []
        latency, learned = model.prices.latency, model.progress.learned
        for read in model.estimates.reads:
            if read.subject not in state.bought and read.gives not in state.knowledge:
                after = self._table(learned(state, read.subject, read.gives), limited, planner)
                learning.append(Learning(read, latency * read.seconds, after))
        if PLANNED not in state.bought:
            for tier in model.progress.left_to_try(begin.failures)[0]:
                if tier.can_plan:
                    after = self._table(learned(state, PLANNED, PLANNED), limited, tier)
                    learning.append(Learning(tier, tier.plan_dollars + latency * tier.plan_seconds, after))
        return learning


def _goes_on(earlier: State, state: State) -> bool:
    """Whether a plan made at `earlier` is as good in `state`: the same one, or no limits, and all that failed
    since was tried with what is known now."""
    if not (earlier.unlimited and state.unlimited):
        return earlier == state
    before = {(failed.tier, failed.knowledge): failed.times for failed in earlier.failures}
    known = tuple(sorted(state.knowledge))
    for failed in state.failures:
        times = before.pop((failed.tier, failed.knowledge), 0)
        if failed.times < times or (failed.times > times and failed.knowledge != known):
            return False
    return not before
