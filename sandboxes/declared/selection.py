"""What is taken of all that was gathered: each requirement once, none that contradicts one taken before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from packaging.requirements import Requirement

from sandboxes.declared.lines import Itself, Line, RequirementsFile
from sandboxes.declared.named import MAX_SAME_NAME, TEST_NAMES, normal, parse_requirement, shorten
from sandboxes.declared.project import Project, group_lines
from sandboxes.declared.reader import Reader, shown
from sandboxes.declared.requirement_files import requirement_lines

MAX_LINES = 5000


@dataclass
class Selection:
    """Requirements and constraints, in the order in which they were taken.

    `tests_named`: something taken is for tests, so hints about tests are not needed.
    """

    reader: Reader
    project: Project
    requirements: dict[str, list[Requirement]] = field(default_factory=dict)
    build: dict[str, list[Requirement]] = field(default_factory=dict)
    constraints: dict[str, list[Requirement]] = field(default_factory=dict)
    tests_named: bool = False
    _extras: set[str] = field(default_factory=set)
    _files: set[RequirementsFile] = field(default_factory=set)
    _lines: int = 0

    def take(self, found: Iterable[Line], *, for_tests: bool = True) -> None:
        """Take named requirements, following files and references to the project itself."""
        waiting = list(reversed(list(found)))
        while waiting:
            line = waiting.pop()
            if isinstance(line.text, RequirementsFile):
                waiting += reversed(self._of_file(line.source, line.text))
            elif isinstance(line.text, Itself):
                waiting += reversed(self._of_extras(line.text.extras))
            elif requirement := self._named(line):
                if normal(requirement.name) == self.project.name:
                    waiting += reversed(self._of_extras(requirement.extras))
                elif self._fits(line, requirement, self.requirements) and for_tests:
                    self.tests_named |= normal(requirement.name).startswith("pytest")

    @property
    def count(self) -> int:
        """How many requirements were taken."""
        return sum(map(len, self.requirements.values()))

    def take_missing(self, found: Iterable[Line]) -> None:
        """Take what is required by no name yet."""
        for line in found:
            requirement = self._named(line)
            if requirement and not self.requirements.get(normal(requirement.name)):
                self._fits(line, requirement, self.requirements)

    def take_extras(self, names: Iterable[str]) -> None:
        """Take what these extras of the project hold."""
        self.take(self._of_extras(names))

    def take_groups(self, names: Iterable[str]) -> None:
        """Take what these dependency groups hold."""
        wanted = list(names)
        found, notes = group_lines(self.project, wanted)
        for note in notes:
            self.reader.note(note)
        self.tests_named |= any(self.project.groups.get(name) for name in wanted if name in TEST_NAMES)
        self.take(found)

    def take_build(self, found: Iterable[Line]) -> None:
        """Take requirements of building the project."""
        for line in found:
            if requirement := self._named(line):
                self._fits(line, requirement, self.build)

    def constrain(self, found: Iterable[Line]) -> None:
        """Take constraints; one that contradicts what was taken is left out, and all such share a note."""
        stale: dict[str, list[str]] = {}
        for line in found:
            requirement = self._named(line)
            if requirement is None:
                continue
            name = normal(requirement.name)
            # pip itself is the tool that installs, and is kept at the version that was chosen for it.
            if name in ("pip", self.project.name) or name in self.project.elsewhere:
                continue
            requirement.extras.clear()
            taken = [*self.requirements.get(name, []), *self.build.get(name, [])]
            known = self.constraints.setdefault(name, [])
            if any(_contradict(requirement, other) for other in [*taken, *known]):
                stale.setdefault(line.source, []).append(name)
            elif len(known) < MAX_SAME_NAME:
                known.append(requirement)
        for source, names in stale.items():
            some = ", ".join(sorted(set(names))[:5])
            self.reader.note(f"{source}: contradicts the requirements, left out for: {some}")

    def _named(self, line: Line) -> Requirement | None:
        self._lines += 1
        if self._lines > MAX_LINES:
            self.reader.note(f"more than {MAX_LINES} lines of requirements; the rest is left out")
            return None
        requirement = parse_requirement(line.text)
        if isinstance(requirement, Requirement):
            return requirement
        self.reader.note(f"{line.source}: refused {shorten(line.text)}: {requirement}")
        return None

    def _fits(self, line: Line, requirement: Requirement, among: dict[str, list[Requirement]]) -> bool:
        """Whether the requirement was taken, now or before."""
        name = normal(requirement.name)
        known = among.setdefault(name, [])
        if requirement in known:
            return True
        reason = ""
        if among is self.requirements and name in self.project.elsewhere:
            reason = "the project does not take it from an index"
        elif len(known) >= MAX_SAME_NAME:
            reason = "required too often"
        elif other := next((other for other in known if _contradict(requirement, other)), None):
            reason = f"contradicts {other}"
        if reason:
            self.reader.note(f"{line.source}: left out {requirement}: {reason}")
        else:
            known.append(requirement)
        return not reason

    def _of_file(self, source: str, file: RequirementsFile) -> list[Line]:
        if file.path not in self.reader:
            self.reader.note(f"{source}: cannot include {shown(file.path)}")
            return []
        if file in self._files or self._lines > MAX_LINES:
            return []
        self._files.add(file)
        found = requirement_lines(self.reader, file.path)
        if not file.constraints:
            return found
        self.project.constraints += [line for line in found if isinstance(line.text, str)]
        return []

    def _of_extras(self, names: Iterable[str]) -> list[Line]:
        wanted = sorted({normal(name) for name in names} - self._extras)
        self._extras.update(wanted)
        self.tests_named |= any(self.project.extras.get(name) for name in wanted if name in TEST_NAMES)
        return [line for name in wanted for line in self.project.extras.get(name, [])]


def _contradict(one: Requirement, other: Requirement) -> bool:
    """Whether one pins a version that the other excludes, wherever both count."""
    if str(one.marker) != str(other.marker):
        return False
    return any(
        pin.operator == "==" and not pin.version.endswith(".*") and not bounds.contains(pin.version, True)
        for pins, bounds in ((one.specifier, other.specifier), (other.specifier, one.specifier))
        for pin in pins
    )
