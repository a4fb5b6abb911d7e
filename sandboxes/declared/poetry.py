"""[tool.poetry]: dependencies, groups and extras, in the older form and beside [project]."""

from __future__ import annotations

from collections.abc import Iterable

from sandboxes.declared.formats import string, strings, table
from sandboxes.declared.named import MAX_SAME_NAME, WANTED_NAMES, from_another_index, normal, shorten
from sandboxes.declared.poetry_versions import all_of, alternatives, platform_marker, python_marker
from sandboxes.declared.project import Project
from sandboxes.declared.pyproject import PYPROJECT
from sandboxes.declared.reader import Reader

_SOURCE = "[tool.poetry]"
_ELSEWHERE = ("git", "path", "url", "file")


def read_poetry(reader: Reader, project: Project) -> None:
    """Add what Poetry's tables say. What it takes from a path, git or an address is a note."""
    poetry = table(reader.toml(PYPROJECT), "tool", "poetry")
    project.say_name(poetry.get("name"))
    if poetry.get("package-mode") is False:
        project.installable = False
    needed = table(poetry, "dependencies")
    project.say_python(f"{_SOURCE} python", _python(reader, needed.pop("python", None)))
    for name, entry in needed.items():
        if table(entry).keys() & set(_ELSEWHERE) or from_another_index(table(entry), "source"):
            project.elsewhere.add(normal(name))
    required, optional = _split(needed)
    if required and project.needs is None:
        project.say_needs(_SOURCE, _all_requirements(reader, required))
    on_request: dict[str, list[str]] = {}
    for name, entry in optional:
        on_request.setdefault(normal(name), []).extend(_texts(reader, name, entry))
    for extra, names in table(poetry, "extras").items():
        held = [text for name in strings(names) for text in on_request.get(normal(name), [])]
        project.say_extra(_SOURCE, extra, held)
    groups = {"dev": {"dependencies": poetry.get("dev-dependencies")}} | table(poetry, "group")
    includes = {name: strings(table(groups, name).get("include-groups")) for name in groups}
    wanted = {*WANTED_NAMES, *(normal(other) for others in includes.values() for other in others)}
    for name in groups:
        if normal(name) in wanted:
            required, _ = _split(table(groups, name, "dependencies"))
            included = [{"include-group": other} for other in includes[name]]
            project.say_group(_SOURCE, name, [*_all_requirements(reader, required), *included])


def _python(reader: Reader, text: object) -> str:
    if not isinstance(text, str):
        return ""
    try:
        return str(alternatives(text)[-1])
    except ValueError as error:
        reader.note(f"{_SOURCE}: python: {shorten(text)}: {error}")
        return ""


def _split(entries: dict[str, object]) -> tuple[list[tuple[str, object]], list[tuple[str, object]]]:
    """(What is always needed, what only an extra asks for.) A list stands for one entry per condition."""
    required: list[tuple[str, object]] = []
    optional: list[tuple[str, object]] = []
    for name, value in entries.items():
        for entry in value[:MAX_SAME_NAME] if isinstance(value, list) else [value]:
            (optional if table(entry).get("optional") is True else required).append((name, entry))
    return required, optional


def _all_requirements(reader: Reader, entries: Iterable[tuple[str, object]]) -> list[str]:
    return [text for name, entry in entries for text in _texts(reader, name, entry)]


def _texts(reader: Reader, name: str, entry: object) -> list[str]:
    """The entry as the text of a requirement, or nothing with a note of why."""
    details = {"version": entry} if isinstance(entry, str) else table(entry)
    found = [key for key in _ELSEWHERE if key in details]
    found += ["another index"] if from_another_index(details, "source") else []
    if found or not details:
        reader.note(f"{_SOURCE}: refused {shorten(name)}: {f'from {found[0]}' if found else 'not a version'}")
        return []
    try:
        markers = all_of(
            [
                python_marker(string(details.get("python", "*"))),
                platform_marker(string(details["platform"])) if "platform" in details else "",
                string(details.get("markers")),
            ]
        )
    except ValueError as error:
        reader.note(f"{_SOURCE}: refused {shorten(name)}: its condition cannot be read: {error}")
        return []
    extras = ",".join(strings(details.get("extras")))
    version = _version(reader, name, details.get("version", "*"))
    return [f"{name}{f'[{extras}]' if extras else ''}{version}{f'; {markers}' if markers else ''}"]


def _version(reader: Reader, name: str, text: object) -> str:
    try:
        choices = alternatives(string(text))
    except ValueError as error:
        reader.note(f"{_SOURCE}: {shorten(name)} without its bound {shorten(text)}: {error}")
        return ""
    if len(choices) > 1:
        # A requirement cannot say "or"; whatever fits the last alternative fits the whole.
        reader.note(f"{_SOURCE}: {shorten(name)}: of {shorten(text)} only the last alternative counts")
    return str(choices[-1])
