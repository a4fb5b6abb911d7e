"""What a repository declares to need, read as data: nothing of it is executed.

Only named requirements (PEP 508) are taken. Addresses, paths, version control and options for pip could
make the fetch step reach where the repository likes; they are refused and named in `notes`.
"""

from __future__ import annotations

import configparser
import hashlib
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from sandboxes.toml import load_toml

TEST_NAMES = ("test", "tests", "testing", "dev")
_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
_REQUIREMENT_FILES = re.compile(
    r"(requirements[-_.]?(dev|tests?|testing)?|(dev|tests?)[-_.]requirements|requirements/[\w.-]+)\.txt"
)
_MAX_DEPTH = 20
_DEFAULT_BUILD = ("setuptools", "wheel")


@dataclass(frozen=True)
class Declarations:
    """What a repository declares: PEP 508 strings, sorted and without repeats.

    `installable`: it says how to build itself. `digest`: hash of the bytes of every file that was read.
    `notes`: one line for each thing that was refused or could not be read.
    """

    requirements: tuple[str, ...] = ()
    build_requirements: tuple[str, ...] = ()
    installable: bool = False
    digest: str = ""
    notes: tuple[str, ...] = ()


@dataclass
class _Reader:
    """Collects while reading; `files` maps repository paths to contents."""

    files: Mapping[str, bytes]
    requirements: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    own_extras: list[str] = field(default_factory=list)

    def take(self, lines: Iterable[object], source: str, into: set[str]) -> None:
        """Take the acceptable requirement strings of `lines`."""
        for line in lines:
            requirement = parse_requirement(line)
            if isinstance(requirement, Requirement):
                into.add(str(requirement))
            else:
                self.notes.append(f"{source}: refused {shorten(line)}: {requirement}")


def read_declarations(files: Mapping[str, bytes]) -> Declarations:
    """Read pyproject.toml, setup.cfg and requirements files out of `files` (path -> bytes).

    Never raises for what the files hold: what cannot be read is a note.
    """
    reader = _Reader(files)
    for path in sorted(files):
        if _REQUIREMENT_FILES.fullmatch(path):
            _read_requirement_file(reader, path, depth=0)
    wanted = [*TEST_NAMES, *(_normal(extra.strip()) for extra in reader.own_extras if extra.strip())]
    project, build = _read_pyproject(reader, wanted)
    configured = _read_setup_cfg(reader, wanted)
    installable = project or configured or "setup.py" in files
    reader.used.update(name for name in _FILES if name in files)
    return Declarations(
        requirements=tuple(sorted(reader.requirements)),
        build_requirements=tuple(sorted(build or (_DEFAULT_BUILD if installable else ()))),
        installable=installable,
        digest=_digest(files, reader.used),
        notes=tuple(dict.fromkeys(reader.notes)),
    )


def parse_requirement(line: object) -> Requirement | str:
    """A named requirement, or the reason why it is none."""
    if not isinstance(line, str):
        return "not a string"
    if not line.isprintable() or set(line) & set("$#\\"):
        return "a character that pip would read as more than a requirement"
    try:
        requirement = Requirement(line)
    except (InvalidRequirement, RecursionError):
        return "not a named requirement"
    return "an address" if requirement.url else requirement


def shorten(line: object) -> str:
    """A value from the repository, quoted and bounded, for a note."""
    text = repr(line)
    return text if len(text) <= 120 else text[:117] + "..."


def _read_pyproject(reader: _Reader, wanted: list[str]) -> tuple[bool, set[str]]:
    """(Whether it says how to build the project, its build requirements.)"""
    build: set[str] = set()
    data = _toml(reader)
    project, system = _table(data, "project"), _table(data, "build-system")
    name = _normal(str(project.get("name", "")))
    extras = {_normal(key): _list(value) for key, value in _table(project, "optional-dependencies").items()}
    reader.take(_list(system.get("requires")), "[build-system]", build)
    lines = _list(project.get("dependencies"))
    for extra in wanted:
        lines += extras.get(extra, [])
    groups = {_normal(key): value for key, value in _table(data, "dependency-groups").items()}
    for group in TEST_NAMES:
        lines += _group(reader, groups, group, ())
    _take_with_own_extras(reader, lines, name, extras)
    return bool(system or project), build


def _toml(reader: _Reader) -> dict[str, Any]:
    try:
        return load_toml(reader.files.get("pyproject.toml", b""))
    except ValueError as error:
        reader.notes.append(f"pyproject.toml cannot be read: {type(error).__name__}: {shorten(str(error))}")
        return {}


def _group(reader: _Reader, groups: Mapping[str, object], name: str, above: tuple[str, ...]) -> list[object]:
    """Lines of a dependency group with those it includes (PEP 735)."""
    lines: list[object] = []
    for item in _list(groups.get(name)):
        if not isinstance(item, dict):
            lines.append(item)
            continue
        included = _normal(str(item.get("include-group", "")))
        if included in (*above, name) or included not in groups:
            reader.notes.append(f"[dependency-groups] {name}: cannot include {shorten(included)}")
        else:
            lines += _group(reader, groups, included, (*above, name))
    return lines


def _take_with_own_extras(
    reader: _Reader, lines: list[object], name: str, extras: Mapping[str, list[object]]
) -> None:
    """Take lines, replacing the project's reference to itself (`name[extra]`) by what that extra holds."""
    waiting = list(lines)
    seen: set[str] = set()
    while waiting:
        line = waiting.pop(0)
        requirement = parse_requirement(line)
        if isinstance(requirement, Requirement) and name and _normal(requirement.name) == name:
            for extra in sorted({_normal(extra) for extra in requirement.extras} - seen):
                seen.add(extra)
                waiting += extras.get(extra, [])
        else:
            reader.take([line], "pyproject.toml", reader.requirements)


def _read_setup_cfg(reader: _Reader, wanted: list[str]) -> bool:
    """Whether setup.cfg says how to build the project."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(reader.files.get("setup.cfg", b"").decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        reader.notes.append(f"setup.cfg cannot be read: {shorten(str(error))}")
        return False
    lines = parser.get("options", "install_requires", fallback="").splitlines()
    for extra in wanted:
        lines += parser.get("options.extras_require", extra, fallback="").splitlines()
    reader.take([line for line in map(_uncomment, lines) if line], "setup.cfg", reader.requirements)
    return parser.has_section("options") or parser.has_option("metadata", "name")


def _read_requirement_file(reader: _Reader, path: str, depth: int) -> None:
    if path in reader.used:
        return
    reader.used.add(path)
    text = reader.files[path].decode(errors="replace").replace("\\\n", " ")
    for line in filter(None, map(_uncomment, text.splitlines())):
        included = re.match(r"(?:-r|--requirement)[\s=]*(\S+)$", line)
        itself = re.match(r"(?:(?:-e|--editable)[\s=]*)?\.(?:\[([\w\s,.-]*)\])?$", line)
        if itself:
            reader.own_extras += (itself[1] or "").split(",")
        elif not included:
            # Hashes belong to files as published; what was fetched is recorded by the image instead.
            reader.take([re.sub(r"\s--hash[=\s]\S+", "", line)], path, reader.requirements)
        else:
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), included[1]))
            if target in reader.files and depth < _MAX_DEPTH:
                _read_requirement_file(reader, target, depth + 1)
            else:
                reader.notes.append(f"{path}: cannot include {shorten(included[1])}")


def _normal(name: str) -> str:
    """A project, extra or group name in the form in which equal names are equal."""
    return str(canonicalize_name(name))


def _uncomment(line: str) -> str:
    return re.sub(r"(^|\s)#.*$", "", line).strip()


def _table(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []


def _digest(files: Mapping[str, bytes], names: Iterable[str]) -> str:
    total = hashlib.sha256()
    for name in sorted(names):
        total.update(f"{name}\0{len(files[name])}\0".encode(errors="surrogateescape"))
        total.update(files[name])
    return total.hexdigest()
