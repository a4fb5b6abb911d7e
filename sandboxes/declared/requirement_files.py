"""Requirements files: which of them are for running and testing, and the lines of one."""

from __future__ import annotations

import enum
import posixpath
import re
from collections.abc import Iterable

from sandboxes.declared.formats import text_lines
from sandboxes.declared.lines import Line, file_lines
from sandboxes.declared.named import DEV_NAMES, TEST_NAMES, beside_tests, words
from sandboxes.declared.reader import Reader, shown

_AT_ROOT = re.compile(r"(?:[\w.-]+[-_.])?requirements(?:[-_.]?[\w.-]+)?\.(?:txt|in)")
_FOLDER = re.compile(r"((?:tests?/)?requirements)/[\w.-]+\.(?:txt|in)")
_IN_TESTS = re.compile(r"(tests?)/(?:test[-_.])?requirements(?:[-_.]tests?)?\.(?:txt|in)")
_PLAIN_WORDS = frozenset(
    (
        "requirements",
        "reqs",
        "base",
        "common",
        "core",
        "main",
        "default",
        "install",
        "runtime",
        "py3",
        "python3",
    )
)
_TEST_WORDS = frozenset({*TEST_NAMES, "unit"})
_DEV_WORDS = frozenset({*DEV_NAMES, "local"})
_CI_WORDS = frozenset({"ci"})
_UNASKED_WORDS = frozenset(
    ("prod", "production", "deploy", "deployment", "build", "min", "minimum", "lowest", "oldest")
)


class Purpose(enum.IntEnum):
    """What a file is for, by its name; of the last three, only the first that there is counts."""

    RUNNING = 0
    TESTS = 1
    DEVELOPMENT = 2
    CI = 3


def requirement_files(paths: Iterable[str]) -> list[tuple[str, Purpose]]:
    """The files to take with their purpose, in that order.

    Files with other words in their names count only in a folder `requirements/` that has none without, and
    never those for documentation, style, releases or production. A `.in` counts where there is no `.txt`.
    """
    found: list[str] = []
    folders: dict[str, list[str]] = {}
    for path in sorted(paths):
        if match := _FOLDER.fullmatch(path):
            folders.setdefault(match[1], []).append(path)
        elif _IN_TESTS.fullmatch(path) or (_AT_ROOT.fullmatch(path) and _known(path)):
            found.append(path)
    for inside in folders.values():
        found += [path for path in inside if _known(path)] or [path for path in inside if not _beside(path)]
    compiled = {_stem(path) for path in found if path.endswith(".txt")}
    taken = [path for path in found if path.endswith(".txt") or _stem(path) not in compiled]
    purposes = {path: _purpose(path) for path in taken}
    beyond = min((purpose for purpose in purposes.values() if purpose), default=Purpose.RUNNING)
    wanted = [(path, purpose) for path, purpose in purposes.items() if purpose in (Purpose.RUNNING, beyond)]
    return sorted(wanted, key=lambda item: (item[1], item[0]))


def requirement_lines(reader: Reader, path: str) -> list[Line]:
    """The lines of a requirements file."""
    text = reader.text(path).replace("\\\n", " ")
    return file_lines(shown(path), text_lines(text), posixpath.dirname(path))


def _purpose(path: str) -> Purpose:
    found = _words(path)
    if found & _CI_WORDS:
        return Purpose.CI
    if found & _TEST_WORDS or path.startswith(("test/", "tests/")):
        return Purpose.TESTS
    return Purpose.DEVELOPMENT if found & _DEV_WORDS else Purpose.RUNNING


def _known(path: str) -> bool:
    return _words(path) <= _PLAIN_WORDS | _TEST_WORDS | _DEV_WORDS | _CI_WORDS


def _beside(path: str) -> bool:
    return beside_tests(posixpath.basename(_stem(path))) or bool(_words(path) & _UNASKED_WORDS)


def _words(path: str) -> set[str]:
    """The words of the file's name; `requirementsdev` is two."""
    stem = posixpath.basename(_stem(path)).lower()
    return words(re.sub(r"^requirements(?=[a-z])", "requirements-", stem))


def _stem(path: str) -> str:
    return path.rsplit(".", 1)[0]
