"""What a repository's `.agent/autonomy.toml` may say, and the entries that the user's own schedule shares
with it. Data from a stranger: bounded, read as TOML, never executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic import model_validator as after_all

from agent import units
from agent.autonomy.patterns import check_pattern
from agent.errors import UsageError
from policies.autonomy import BY_PATH, MOST_PEOPLE, TWO, Confirmation, PathRule
from policies.vocabulary import ActionClass
from sandboxes.toml import load_toml
from tools.plain import plain_line

FILE = ".agent/autonomy.toml"
MOST_BYTES = 64 * 1024
MOST_RULES = 100
"""Of paths, and of branches."""

MOST_VALUE = 1e9
"""Dollars."""

THE_TEAM = ("the team",)
"""Who is meant by `notify = true`."""

Level: TypeAlias = Literal["free", "confirm", "multi-party"]
LEVELS: dict[str, Confirmation] = {level.word: level for level in Confirmation}


def _names(value: object) -> object:
    if isinstance(value, bool):
        return THE_TEAM if value else ()
    return tuple(value) if isinstance(value, list) else value


def _entry(value: object) -> object:
    return {"confirmation": value} if isinstance(value, str) else value


def _one_line(name: str) -> str:
    if plain_line(name, 100) != name or not name:
        raise ValueError("a name is one line of 1 to 100 printable characters")
    return name


def _dollars(value: object) -> object:
    return units.money(str(value)) if isinstance(value, str | int | float) else value


def _classes(names: tuple[str, ...]) -> tuple[str, ...]:
    check_known(names)
    return names


Name: TypeAlias = Annotated[str, AfterValidator(_one_line)]
Names: TypeAlias = Annotated[tuple[Name, ...], BeforeValidator(_names), Field(max_length=20)]
Pattern: TypeAlias = Annotated[str, AfterValidator(check_pattern)]
Dollars: TypeAlias = Annotated[float, BeforeValidator(_dollars), Field(ge=0, le=MOST_VALUE)]
ClassNames: TypeAlias = Annotated[
    tuple[str, ...], BeforeValidator(_names), AfterValidator(_classes), Field(min_length=1, max_length=6)
]


class Entry(BaseModel):
    """Base of everything such a file holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


class Confirming(Entry):
    """Who is to confirm, and who is to be told."""

    confirmation: Level | None = None
    people: int | None = Field(default=None, ge=TWO, le=MOST_PEOPLE)
    notify: Names = ()

    @after_all(mode="after")
    def _of_more_than_one(self) -> Confirming:
        if self.people is not None and self.confirmation != "multi-party":
            raise ValueError('people goes with confirmation = "multi-party"')
        return self


class RuleEntry(Confirming):
    """What is asked for where a path, or a branch, matches."""

    match: Pattern
    classes: ClassNames | None = None
    value: Dollars | None = None

    def rule(self, source: str) -> PathRule:
        """What it asks for, without V."""
        classes = BY_PATH if self.classes is None else tuple(ActionClass(each) for each in self.classes)
        level = LEVELS[self.confirmation or "free"]
        return PathRule(self.match, level, self.people or TWO, self.notify, classes, source)


Rules: TypeAlias = Annotated[list[RuleEntry], Field(max_length=MOST_RULES)]


ClassEntry: TypeAlias = Annotated[Confirming, BeforeValidator(_entry)]


class _File(Entry):
    classes: dict[str, ClassEntry] = {}
    paths: Rules = []
    branches: Rules = []


@dataclass(frozen=True)
class Asks:
    """What one source asks for. paths, branches: rules by what a patch changes, and by the branch it is for;
    path_values, branch_values: V in dollars by the same patterns."""

    source: str
    levels: tuple[tuple[ActionClass, Confirmation], ...] = ()
    people: tuple[tuple[ActionClass, int], ...] = ()
    notify: tuple[tuple[ActionClass, tuple[str, ...]], ...] = ()
    paths: tuple[PathRule, ...] = ()
    branches: tuple[PathRule, ...] = ()
    path_values: tuple[tuple[str, float], ...] = ()
    branch_values: tuple[tuple[str, float], ...] = ()


def unnamed(asks: Asks | None) -> Asks | None:
    """What is asked for, whoever asks: to compare versions."""
    if asks is None:
        return None
    paths, branches = (
        tuple(replace(rule, source="") for rule in rules) for rules in (asks.paths, asks.branches)
    )
    return replace(asks, source="", paths=paths, branches=branches)


def asks_of(
    source: str,
    classes: Mapping[str, Confirming],
    paths: list[RuleEntry],
    branches: list[RuleEntry],
) -> Asks:
    """The entries of a file as what is asked for. Raises ValueError for an unknown action class."""
    check_known(classes)
    entries = [(ActionClass(name), entry) for name, entry in classes.items()]
    return Asks(
        source,
        tuple((each, LEVELS[entry.confirmation]) for each, entry in entries if entry.confirmation),
        tuple((each, entry.people) for each, entry in entries if entry.people),
        tuple((each, entry.notify) for each, entry in entries if entry.notify),
        tuple(entry.rule(source) for entry in paths),
        tuple(entry.rule(source) for entry in branches),
        tuple((entry.match, entry.value) for entry in paths if entry.value is not None),
        tuple((entry.match, entry.value) for entry in branches if entry.value is not None),
    )


def parse(data: bytes, source: str) -> Asks:
    """What a repository's file asks for; `source`: which version it is, in words. Raises UsageError with one
    line."""
    if len(data) > MOST_BYTES:
        raise UsageError(f"{source}: it is larger than {MOST_BYTES // 1024} KB; make it shorter")
    try:
        file = _File.model_validate(load_toml(data))
        return asks_of(source, file.classes, file.paths, file.branches)
    except ValidationError as error:
        raise UsageError(f"{source}: {first_problem(error)}") from None
    except ValueError as error:
        raise UsageError(f"{source}: {plain_line(str(error))}") from None


def first_problem(error: ValidationError) -> str:
    """Where the first problem is, and what it is."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = plain_line(".".join(map(str, problem["loc"])), 120)
    why = plain_line(problem["msg"].removeprefix("Value error, "))
    return f"{where}: {'no such setting' if problem['type'] == 'extra_forbidden' else why}"


def check_known(names: Mapping[str, object] | tuple[str, ...]) -> None:
    """Raises ValueError for a name that is no action class."""
    known = [str(each) for each in ActionClass]
    for name in names:
        if name not in known:
            raise ValueError(
                f"unknown action class '{name}'; known: {', '.join(known)} (a transfer is a deploy)"
            )
