"""The autonomy schedule as a file: the shipped `schedule.toml`, or one of the user's own in the same form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from pydantic import Field, ValidationError, model_validator

from agent.autonomy.form import (
    LEVELS,
    Asks,
    Confirming,
    Entry,
    Level,
    Rules,
    asks_of,
    check_known,
    first_problem,
)
from agent.errors import UsageError
from policies.amounts import show_money
from policies.autonomy import Attention, Confirmation, Schedule
from policies.estimates import CheckEstimate
from policies.priors import default_estimates
from policies.risk import TAIL_LEVEL, WORST_LEVEL, ClassRisk, Risks
from policies.stakes import CLEAN_RECORD, Stakes, stakes
from policies.vocabulary import ActionClass, Check, Prices
from policies.waiting import News
from sandboxes.toml import load_toml
from tools.plain import plain_line

MOST_NOTE = 500
RIGHT = 0.9
"""P(right) at which the stakes are shown unless said otherwise."""


class _Attention(Entry):
    glance: float = Field(ge=0)
    confirm: float = Field(ge=0)
    two_people: float = Field(ge=0)

    @model_validator(mode="after")
    def _rising(self) -> _Attention:
        if not self.glance <= self.confirm <= self.two_people:
            raise ValueError("needs glance <= confirm <= two_people")
        return self


class _Class(Confirming):
    confirmation: Level
    severity: float = Field(ge=0)
    irreversible_share: float = Field(ge=0, le=1)
    reason: str = ""


class _File(Entry):
    attention: _Attention
    classes: dict[str, _Class]
    paths: Rules = Field(default_factory=list)
    branches: Rules = Field(default_factory=list)


@dataclass(frozen=True)
class ScheduleFile:
    """A schedule, and what the file asks for by path and by branch."""

    schedule: Schedule
    asks: Asks


def load_schedule(path: Path | None) -> Schedule:
    """The schedule in the file at `path`, or the shipped one, with its rules by path and by branch. Raises
    UsageError with one line."""
    found = load_schedule_file(path)
    return replace(found.schedule, paths=found.asks.paths, branches=found.asks.branches)


def load_schedule_file(path: Path | None) -> ScheduleFile:
    """What is in the file at `path`, or ships. Raises UsageError with one line."""
    if path is None:
        return _parsed("the shipped schedule", (files("agent") / "schedule.toml").read_bytes())
    if not path.is_file():
        raise UsageError(f"schedule: {path} is not a file; save `agent schedule` to one and name that")
    try:
        return _parsed(f"schedule {path}", path.read_bytes())
    except OSError as error:
        raise UsageError(f"schedule: cannot read {path}: {error.strerror or error}") from None


def stricter_levels(source: str, asked: Mapping[str, Level]) -> tuple[tuple[ActionClass, Confirmation], ...]:
    """An `autonomy` table of `source` as levels. Raises UsageError for an unknown action class."""
    _check_known(source, asked)
    return tuple((ActionClass(name), LEVELS[level]) for name, level in asked.items())


def as_toml(schedule: Schedule, prices: Prices, right: float = RIGHT, notes: tuple[str, ...] = ()) -> str:
    """The schedule as a file that `load_schedule` reads; comments say what these prices ask for beyond it,
    and what an action puts at stake whose patch is right with probability `right`."""
    attention = schedule.attention
    suite = default_estimates(()).check(Check.SUITE)
    value, risk, irreversible = map(show_money, (prices.value, prices.risk, prices.irreversible))
    lines = [
        *(f"# note: {plain_line(note, MOST_NOTE)}" for note in notes),
        f"# Comments hold at a value of {value}, a risk price of {risk}, irreversible {irreversible}.",
    ]
    lines += ["", "# H, dollars", "[attention]"]
    lines += [f"{name} = {getattr(attention, name)!r}" for name in ("glance", "confirm", "two_people")]
    people = dict(schedule.people)
    for entry in schedule.risks.classes:
        level, told = schedule.scheduled(entry.action_class), schedule.told(entry.action_class)
        more = people.get(entry.action_class) if level is Confirmation.MULTI_PARTY else None
        lines += [
            "",
            f"[classes.{entry.action_class}]",
            *_confirming(level, more, told),
            f"severity = {entry.severity!r}",
            f"irreversible_share = {entry.irreversible_share!r}",
            f"reason = {json.dumps(entry.reason)}",
            *(
                f"# {line}"
                for line in in_words(stakes_of(schedule, entry.action_class, right, prices, suite))
            ),
        ]
    rules = [("paths", rule) for rule in schedule.paths] + [("branches", rule) for rule in schedule.branches]
    for table, rule in rules:
        more = rule.people if rule.level is Confirmation.MULTI_PARTY else None
        lines += [
            "",
            *([f"# {plain_line(rule.source)}"] if rule.source else []),
            f"[[{table}]]",
            f"match = {_text(rule.match)}",
            *_confirming(rule.level, more, rule.notify),
            f"classes = [{', '.join(_text(each) for each in rule.classes)}]",
        ]
    return "\n".join(lines)


def _confirming(level: Confirmation, people: int | None, told: tuple[str, ...]) -> list[str]:
    return [
        f'confirmation = "{level.word}"',
        *([f"people = {people}"] if people else []),
        *([f"notify = [{', '.join(map(_text, told))}]"] if told else []),
    ]


def _text(text: str) -> str:
    """A printable text as TOML."""
    return json.dumps(text, ensure_ascii=False)


def stakes_of(
    schedule: Schedule, action_class: ActionClass, right: float, prices: Prices, suite: CheckEstimate
) -> Stakes:
    """What an action with a patch that is right with probability `right` puts at stake."""
    return stakes(action_class, right, prices, News(suite.power, suite.sensitivity), schedule)


def in_words(found: Stakes) -> list[str]:
    """The stakes, a line for each part that there is."""
    lines = [
        f"pricing asks for {level.word} where P(right) is below {below:.4g}"
        for level, below in found.stricter
    ]
    measure = f"loss at its CVaR of {TAIL_LEVEL:.0%}" if found.tail else "expected loss"
    if found.loss > 0 or found.worst > 0:
        lines += [
            f"at P(right) = {found.right:.2f}: {measure} {show_money(found.loss + found.surcharge)}; "
            f"needs {found.level.word}; a*, the schedule aside, is {found.optimum.word}",
            f"known only by {CLEAN_RECORD} right ones: expected loss at most {show_money(found.worst)} "
            f"({WORST_LEVEL:.0%} credible)",
        ]
    if found.surcharge > 0:
        lines.append(
            f"{show_money(found.surcharge)} of it is for what cannot be undone: a snapshot that undoes all "
            f"is worth up to {show_money(found.snapshot)}, waiting for the suite {show_money(found.waiting)}"
        )
    return lines


def _parsed(source: str, data: bytes) -> ScheduleFile:
    try:
        file = _File.model_validate(load_toml(data))
    except ValidationError as error:
        raise UsageError(f"{source}: {first_problem(error)}") from None
    except ValueError as error:
        raise UsageError(f"{source} is not valid TOML: {error}") from None
    _check_known(source, file.classes)
    missing = [each for each in ActionClass if each not in file.classes]
    if missing:
        raise UsageError(f"{source}: no entry for {', '.join(missing)}; every action class needs one")
    named = [(each, file.classes[each]) for each in ActionClass]
    risks = (ClassRisk(each, entry.severity, entry.irreversible_share, entry.reason) for each, entry in named)
    try:
        asks = asks_of(source, file.classes, file.paths, file.branches)
        schedule = Schedule(
            tuple((each, LEVELS[entry.confirmation]) for each, entry in named),
            Attention(**file.attention.model_dump()),
            Risks(tuple(risks)),
            tuple(sorted(asks.people)),
            tuple(sorted(asks.notify)),
        )
        return ScheduleFile(schedule, asks)
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from None


def _check_known(source: str, names: Mapping[str, object]) -> None:
    try:
        check_known(names)
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from None
