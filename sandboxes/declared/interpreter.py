"""Which interpreters a repository says it works with, as one specifier set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from sandboxes.declared.formats import text_lines
from sandboxes.declared.lines import Line
from sandboxes.declared.named import shorten
from sandboxes.declared.project import Project
from sandboxes.declared.reader import Reader

_PYTHON_VERSION = ".python-version"
_MAX_LENGTH = 300


def read_python_version(reader: Reader, project: Project) -> None:
    """`.python-version`: the minor version of the first line that names one of CPython's."""
    for line in text_lines(reader.text(_PYTHON_VERSION)):
        if match := re.fullmatch(r"(?:cpython-|python-)?(\d{1,2}\.\d{1,3})(\.[\w.]{1,20})?t?", line):
            project.say_python(_PYTHON_VERSION, f"=={match[1]}.*")
            return


def required_python(reader: Reader, said: Sequence[Line]) -> str:
    """What all of `said` allow, "" for any. What leaves no version together with those before is a note."""
    allowed = SpecifierSet()
    for line in said:
        specifiers = _read(line.text)
        if specifiers is None:
            reader.note(f"{line.source}: {shorten(line.text)} is no set of versions")
        elif _possible(allowed & specifiers):
            allowed &= specifiers
        else:
            reader.note(f"{line.source}: {shorten(line.text)} fits no Python that {str(allowed)!r} allows")
    return ",".join(sorted({str(specifier) for specifier in allowed}))


def _read(text: object) -> SpecifierSet | None:
    if not isinstance(text, str) or len(text) > _MAX_LENGTH or not text.isprintable():
        return None
    try:
        specifiers = SpecifierSet(text)
    except InvalidSpecifier:
        return None
    return None if any(specifier.operator == "===" for specifier in specifiers) else specifiers


def _possible(specifiers: SpecifierSet) -> bool:
    return any(specifiers.contains(version) for version in _versions())


@cache
def _versions() -> tuple[Version, ...]:
    """The versions of Python there are and may be, the usual first."""
    minors = [f"3.{minor}" for minor in (*range(8, 30), *range(8))] + ["2.7"]
    return tuple(Version(f"{minor}.{patch}") for patch in range(30) for minor in minors)
