"""What is in force: the user's schedule, tightened by what the repository's versions ask for, and V by branch
and by path.

Levels, people and who is told are only ever added to. V spends the user's money: a repository's rules can
raise it only by the user's word, `--trust-repo-config`, and only those of its base; else they can lower it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent.autonomy.form import Asks
from agent.autonomy.patterns import names_branch
from policies.amounts import show_money
from policies.autonomy import TWO, PathRule, Schedule
from policies.vocabulary import ActionClass


@dataclass(frozen=True)
class InForce:
    """origins: who asks for the level of each action class. notes: what was asked for and is not heeded."""

    schedule: Schedule
    origins: tuple[tuple[ActionClass, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ValueInForce:
    """V in dollars where no path says otherwise, who says so, V by path, and by path its most."""

    value: float
    source: str
    by_path: tuple[tuple[str, float], ...] = ()
    caps: tuple[tuple[str, float], ...] = ()
    notes: tuple[str, ...] = ()


def in_force(schedule: Schedule, whose: str, sources: Sequence[Asks], branch: str) -> InForce:
    """`schedule`, which is `whose`, tightened by all of the sources, for a change to `branch`."""
    origins = {each: whose for each, _ in schedule.levels}
    notes = []
    for asks in sources:
        if ignored := [each for each, level in asks.levels if level < schedule.scheduled(each)]:
            notes.append(f"{asks.source} asks for less than the schedule does, ignored: {', '.join(ignored)}")
        rules = tuple(rule for rule in asks.branches if names_branch(rule.match, branch))
        before = schedule
        schedule = schedule.tightened(asks.levels, asks.people, asks.notify)
        origins |= _changed(before, schedule, asks.source)
        for rule in rules:
            before, schedule = schedule, schedule.under([rule])
            origins |= _changed(before, schedule, f"{asks.source}, branches {rule.match}")
        paths, branches = _with(schedule.paths, asks.paths), _with(schedule.branches, asks.branches)
        schedule = replace(schedule, paths=paths, branches=branches)
    return InForce(schedule, tuple(origins.items()), tuple(notes))


def _with(rules: tuple[PathRule, ...], asked: tuple[PathRule, ...]) -> tuple[PathRule, ...]:
    known = {replace(rule, source="") for rule in rules}
    return (*rules, *(rule for rule in asked if replace(rule, source="") not in known))


def _changed(before: Schedule, after: Schedule, source: str) -> dict[ActionClass, str]:
    return {each: source for each in ActionClass if _asked(before, each) != _asked(after, each)}


def _asked(schedule: Schedule, each: ActionClass) -> tuple[int, int]:
    level = schedule.scheduled(each)
    return level, schedule.readers(level, each)


def loosened(base: Asks, tree: Asks | None) -> list[str]:
    """Where the working tree's version asks for less than the base's, in words; what it drops, too."""
    if tree is None:
        return ["all of it"]
    levels, people, told = dict(tree.levels), dict(tree.people), dict(tree.notify)
    found = [str(each) for each, level in base.levels if levels.get(each, 0) < level]
    found += [f"people of {each}" for each, number in base.people if people.get(each, TWO) < number]
    found += [f"notify of {each}" for each, names in base.notify if not {*names} <= {*told.get(each, ())}]
    for what, ours, theirs in (
        ("paths", base.paths, tree.paths),
        ("branches", base.branches, tree.branches),
    ):
        found += [
            f"{what} {rule.match}" for rule in ours if not any(_covers(other, rule) for other in theirs)
        ]
    return list(dict.fromkeys(found))


def _covers(other: PathRule, rule: PathRule) -> bool:
    return (
        other.match == rule.match
        and other.level >= rule.level
        and other.people >= rule.people
        and {*other.classes} >= {*rule.classes}
        and {*other.notify} >= {*rule.notify}
    )


def value_in_force(
    value: float, whose: str, own: Sequence[Asks], repository: Sequence[Asks], branch: str, *, trusted: bool
) -> ValueInForce:
    """V, by the rules of the user's own sources and, as far as they may, of the repository's base."""
    heeded = (*own, *repository) if trusted else tuple(own)
    found, source = value, whose
    for asks in heeded:
        for match, dollars in asks.branch_values:
            if names_branch(match, branch) and (source == whose or dollars > found):
                found, source = dollars, f"{asks.source}, branches {match}"
    by_path = tuple(pair for asks in heeded for pair in asks.path_values)
    notes, caps = list[str](), tuple[tuple[str, float], ...]()
    for asks in () if trusted else repository:
        named = [(match, v) for match, v in asks.branch_values if names_branch(match, branch)]
        if named and (lower := max(v for _, v in named)) < found:
            found, source = lower, f"{asks.source}, branches"
        raising = [f"{match} {show_money(v)}" for match, v in (*named, *asks.path_values) if v > found]
        if raising:
            notes.append(
                f"{asks.source} sets a value above yours, {show_money(found)}, ignored without "
                f"--trust-repo-config: {', '.join(raising[:5])}"
            )
        caps += asks.path_values
    if source != whose:
        notes.append(f"the value is {show_money(found)}, says {source}")
    notes += [f"values by path: {_listed(by_path)}"] if by_path else []
    notes += [f"values by path, at most: {_listed(caps)}"] if any(v < found for _, v in caps) else []
    return ValueInForce(found, source, by_path, caps, tuple(notes))


def _listed(values: tuple[tuple[str, float], ...]) -> str:
    shown = ", ".join(f"{match} {show_money(v)}" for match, v in values[:5])
    return f"{shown}{' …' if len(values) > 5 else ''}"
