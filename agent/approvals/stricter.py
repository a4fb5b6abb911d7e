"""What is asked for where one schedule is on record and another is in force now: the stricter counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.autonomy.patterns import rules_asking, schedule_for
from agent.settings import Resolved
from policies.autonomy import Confirmation, Schedule, required
from policies.vocabulary import ActionClass, Prices


@dataclass(frozen=True)
class Asked:
    """The level of confirmation, how many people that is, and whether a price of risk asks for it, beyond
    what is scheduled."""

    level: Confirmation
    people: int
    by_price: bool = False


def strictest(
    in_force: Sequence[tuple[Prices, Schedule]],
    action_class: ActionClass,
    right: float,
    paths: tuple[str, ...],
) -> Asked:
    """What all of these ask for together, of a patch that changes these paths and is right with probability
    `right`."""
    schedules = [(prices, schedule_for(schedule, paths)) for prices, schedule in in_force]
    level = max(required(action_class, right, prices, each) for prices, each in schedules)
    people = max(each.readers(level, action_class) for _, each in schedules)
    return Asked(level, people, level > max(each.scheduled(action_class) for _, each in schedules))


def who_asks(own: Resolved, action_class: ActionClass, paths: tuple[str, ...]) -> str:
    """Whose word it is that so many are asked now: of a rule by path, or of the schedule's line."""
    after = schedule_for(own.schedule, paths)
    level = after.scheduled(action_class)
    people = after.readers(level, action_class)
    for rule in rules_asking(own.schedule, action_class, level, people, paths):
        return f"{rule.source}, paths {rule.match}"
    return dict(own.origins).get(action_class, "the schedule")
