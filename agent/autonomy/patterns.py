"""Rules by path: patterns as in .gitignore, bounded, since a stranger may have written them, and what they
make of a schedule and of V."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from pathspec import GitIgnoreSpec

from policies.autonomy import Confirmation, PathRule, Schedule
from policies.vocabulary import ActionClass, Prices

MOST_PATTERN, MOST_PATH = 200, 1000
"""Characters. A longer path is taken to match whatever the pattern: rules only ask for more."""

MOST_STARS, MOST_DEEP = 2, 2
"""`*` within a part of a path, and `**` in a pattern: matching takes as long as a power of them; so at most
0.02 s."""


def check_pattern(pattern: str) -> str:
    """The pattern, if it is one that may be used. Raises ValueError, in words."""
    if not pattern or len(pattern) > MOST_PATTERN or not pattern.isprintable() or pattern != pattern.strip():
        raise ValueError(f"a pattern has 1 to {MOST_PATTERN} printable characters, and no blanks at its ends")
    if pattern.startswith(("!", "#")):
        raise ValueError("a pattern says what matches; it cannot begin with ! or #")
    deep = len(re.findall(r"\*{2,}", pattern))
    if deep > MOST_DEEP or any(part.count("*") > MOST_STARS for part in pattern.split("/")):
        raise ValueError(f"a pattern has at most {MOST_DEEP} ** and, between slashes, {MOST_STARS} *")
    try:
        usable = all(each.include for each in _spec(pattern).patterns)
    except (ValueError, re.error):
        usable = False
    if not usable:
        raise ValueError("it is no pattern as in .gitignore")
    return pattern


@lru_cache(maxsize=1024)
def _spec(pattern: str) -> GitIgnoreSpec:
    return GitIgnoreSpec.from_lines([pattern])


@lru_cache(maxsize=4096)
def matches(pattern: str, path: str) -> bool:
    """Whether a path of a repository (with slashes, from its top folder) is one that the pattern means."""
    return len(path) > MOST_PATH or _spec(pattern).match_file(path)


def touches(pattern: str, paths: Iterable[str]) -> bool:
    """Whether the pattern means one of these paths."""
    return any(matches(pattern, path) for path in paths)


def names_branch(pattern: str, branch: str) -> bool:
    """Whether the pattern means the branch: it counts from the beginning of the name."""
    return bool(branch) and matches(f"/{pattern.lstrip('/')}", branch)


def schedule_for(schedule: Schedule, paths: tuple[str, ...]) -> Schedule:
    """The schedule for a patch that changes these paths: the strictest of its rules counts."""
    if not schedule.paths or not paths:
        return schedule
    return _tightened(schedule, paths)


def schedule_into(schedule: Schedule, branch: str) -> Schedule:
    """The schedule for what goes to this branch, which may be another than the run was for."""
    return schedule.under(rule for rule in schedule.branches if names_branch(rule.match, branch))


@lru_cache(maxsize=64)
def _tightened(schedule: Schedule, paths: tuple[str, ...]) -> Schedule:
    return schedule.under(rule for rule in schedule.paths if touches(rule.match, paths))


def rules_asking(
    schedule: Schedule, action_class: ActionClass, level: Confirmation, people: int, paths: tuple[str, ...]
) -> tuple[PathRule, ...]:
    """The rules by which a patch that changes these paths needs `level` of so many `people`; none where the
    schedule without its rules asks for as many."""
    if schedule.readers(schedule.scheduled(action_class), action_class) >= people:
        return ()
    return tuple(
        rule
        for rule in schedule.paths
        if action_class in rule.classes
        and (rule.level, rule.people) >= (level, people)
        and touches(rule.match, paths)
    )


Values: TypeAlias = tuple[tuple[str, float], ...]
"""Patterns with dollars."""


def valued(prices: Prices, values: Values, caps: Values, paths: tuple[str, ...]) -> Prices:
    """The prices with V by path. Of the `values` that match the most valuable counts, where none does, V; the
    `caps` that match only lower that, to the most valuable of them."""
    return _valued(prices, values, caps, paths) if paths and (values or caps) else prices


@lru_cache(maxsize=64)
def _valued(prices: Prices, values: Values, caps: Values, paths: tuple[str, ...]) -> Prices:
    found, most = ([value for match, value in each if touches(match, paths)] for each in (values, caps))
    value = max(found, default=prices.value)
    value = min(value, max(most, default=value))
    return Prices(value, prices.latency, prices.risk, prices.irreversible)
