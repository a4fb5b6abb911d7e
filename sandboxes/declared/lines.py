"""Lines that should be requirements, and what else may stand in such a line: a file, the project itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sandboxes.declared.named import MAX_LENGTH, beside_tests

_FILE = re.compile(r"(-r|--requirement|-c|--constraint) ?=? ?([^\s=]\S*)")
_ITSELF = re.compile(r"(?:(?:-e|--editable) ?=? ?)?(?:file:)?\./?(?:\[([\w ,.-]*)\])?")


@dataclass(frozen=True)
class Itself:
    """The project with some of its extras."""

    extras: tuple[str, ...]


@dataclass(frozen=True)
class RequirementsFile:
    """Another file of requirements, or of constraints, by its path in the repository."""

    path: str
    constraints: bool = False


@dataclass(frozen=True)
class Line:
    """What should be a requirement, as it was found, and where it stands."""

    source: str
    text: object


def lines(source: str, texts: Iterable[object]) -> list[Line]:
    """Each text with its source."""
    return [Line(source, text) for text in texts]


def file_lines(source: str, texts: Iterable[str], folder: str = "") -> list[Line]:
    """Lines in the syntax of requirements files, without the files they include that tests cannot need.

    `texts` are without comments and runs of white space (see `text_lines`); paths in them are relative to
    `folder`.
    """
    found = [Line(source, _read(text, folder)) for text in texts]
    return [
        line
        for line in found
        if not (isinstance(line.text, RequirementsFile) and beside_tests(line.text.path))
    ]


def _read(text: str, folder: str) -> object:
    # Hashes belong to files as published; what was fetched is recorded by the image instead.
    text = re.sub(r" --hash[= ]\S+", "", text)
    if len(text) > MAX_LENGTH:
        return text
    if match := _FILE.fullmatch(text):
        path = posixpath.normpath(posixpath.join(folder, match[2].strip("\"'")))
        return RequirementsFile(path, constraints=match[1] in ("-c", "--constraint"))
    if match := _ITSELF.fullmatch(text.replace('"', "").replace("'", "")):
        extras = [name.strip() for name in (match[1] or "").split(",")]
        return Itself(tuple(filter(None, extras)))
    return text
