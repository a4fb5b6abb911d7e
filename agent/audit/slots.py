"""A run's steps as the bars of a plot: each step its own, or several in one where there are very many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.audit.gains import attention_in
from agent.audit.realised import delivered_of, step_loss
from agent.audit.runs import BeliefAt, Run, Step
from agent.audit.shown import money
from tools.plain import plain_line

MOST_SLOTS = 400
_LARGEST = 1e15
"""What is beyond it, or negative, is no amount that a plot can hold."""


@dataclass(frozen=True)
class Slot:
    """Steps that share a bar. What they took, in dollars; `known`: some of it is; `unknown`: some of it is
    not. people: their attention. belief: after the last of them."""

    first: int
    last: int
    name: str
    money: float
    time: float
    risk: float
    people: float
    known: bool
    unknown: bool
    belief: BeliefAt | None

    @property
    def price(self) -> float:
        """All of it in dollars."""
        return self.money + self.time + self.risk + self.people

    @property
    def label(self) -> str:
        """Its number, or its numbers."""
        return str(self.first) if self.first == self.last else f"{self.first}–{self.last}"

    @property
    def words(self) -> str:
        """What a pointer over the bar is told."""
        parts = f"{money(self.money)} money, {money(self.time)} time, {money(self.risk)} risk"
        if self.people:
            parts += f", {money(self.people)} attention"
        return (
            f"step {self.label}, {self.name}: {parts}{', and more that is unknown' if self.unknown else ''}"
        )


def slots_of(run: Run) -> tuple[Slot, ...]:
    """The run's steps as at most MOST_SLOTS bars."""
    together = max(1, math.ceil(len(run.steps) / MOST_SLOTS))
    starts = range(0, len(run.steps), together)
    return tuple(_slot(run.steps[first : first + together], run) for first in starts)


def axis_title(slots: Sequence[Slot]) -> str:
    """What the axis of these counts."""
    return "step" if all(slot.first == slot.last for slot in slots) else "steps, several in a bar"


def _slot(steps: Sequence[Step], run: Run) -> Slot:
    """Steps as one bar."""
    delivered = delivered_of(run)
    share = run.schedule.risks.of(delivered).irreversible_share if delivered else 0.0
    loss = run.prices.risk + run.prices.irreversible * share
    dollars, seconds = [step.dollars for step in steps], [step.seconds for step in steps]
    losses = [step_loss(step, run) for step in steps]
    names = {step.name for step in steps}
    return Slot(
        first=steps[0].number,
        last=steps[-1].number,
        name=plain_line(steps[0].name, 60) if len(names) == 1 else f"{len(steps)} steps",
        money=_sum(dollars),
        time=run.prices.latency * _sum(seconds),
        risk=loss * _sum(losses),
        people=_sum(attention_in(step, run) for step in steps),
        known=any(each is not None for each in (*dollars, *seconds)),
        unknown=any(None in amounts for amounts in (dollars, seconds, losses)),
        belief=next((step.belief for step in reversed(steps) if step.belief), None),
    )


def _sum(amounts: Iterable[float | None]) -> float:
    return math.fsum(each for each in amounts if each is not None and 0 <= each < _LARGEST)
