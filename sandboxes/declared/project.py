"""What the files of a repository say about the project, gathered before any of it is taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sandboxes.declared.formats import string
from sandboxes.declared.lines import Line, lines
from sandboxes.declared.named import beside_tests, normal


@dataclass
class Project:
    """Gathered from the most standard source to the least: what a source has said, no later one changes.

    `name`: in normal form, "" if none. `needs`: what the project needs to run. `extras`, `groups`: lines by
    normal name; a line of a group may include another (PEP 735). `default_groups`: wanted whatever they are
    called. `build`: what [build-system] requires, if it says; `setup_requires`: what setup.py wants besides.
    `pythons`: the interpreters it says it works with, as specifier sets. `elsewhere`: names it takes from a
    path, a repository or an address, which must not be fetched from an index under that name. `constraints`:
    bounds on versions that require nothing.
    """

    name: str = ""
    needs: list[Line] | None = None
    extras: dict[str, list[Line]] = field(default_factory=dict)
    groups: dict[str, list[Line]] = field(default_factory=dict)
    default_groups: list[str] = field(default_factory=list)
    build: list[Line] | None = None
    setup_requires: list[Line] = field(default_factory=list)
    installable: bool = False
    pythons: list[Line] = field(default_factory=list)
    elsewhere: set[str] = field(default_factory=set)
    constraints: list[Line] = field(default_factory=list)

    def say_name(self, name: object) -> None:
        """A name, unless one is known."""
        if isinstance(name, str) and name and not self.name:
            self.name = normal(name)

    def say_needs(self, source: str, texts: Iterable[object]) -> None:
        """What the project needs, unless that is known."""
        if self.needs is None:
            self.needs = lines(source, texts)

    def say_extra(self, source: str, name: str, texts: Iterable[object]) -> None:
        """What an extra holds, unless that is known."""
        self.extras.setdefault(normal(name), lines(source, texts))

    def say_group(self, source: str, name: str, texts: Iterable[object]) -> None:
        """What a group holds; tools add theirs to the standard group of that name."""
        self.groups.setdefault(normal(name), []).extend(lines(source, texts))

    def say_python(self, source: str, text: object) -> None:
        """A specifier set of interpreters."""
        if text not in (None, ""):
            self.pythons.append(Line(source, text))


def group_lines(project: Project, names: Iterable[str]) -> tuple[list[Line], list[str]]:
    """(Lines of the groups, notes of includes that cannot be followed.)

    With the groups they include, but not with those that by their name are for documentation, style, ...
    """
    found: list[Line] = []
    notes: list[str] = []
    begun: set[str] = set()
    waiting = [normal(name) for name in names]
    while waiting:
        name = waiting.pop(0)
        if name in begun:
            continue
        begun.add(name)
        for line in project.groups.get(name, []):
            if not isinstance(line.text, dict):
                found.append(line)
                continue
            included = normal(string(line.text.get("include-group")))
            if included in project.groups:
                waiting += [] if beside_tests(included) else [included]
            else:
                notes.append(f"{line.source}: cannot include the group {included[:60]!r}")
    return found, notes
