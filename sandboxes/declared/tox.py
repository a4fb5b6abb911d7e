"""tox's environments for tests: tox.ini, setup.cfg, pyproject.toml, tox.toml."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sandboxes.declared.formats import Sections, load_ini, string, strings, table, text_lines
from sandboxes.declared.hints import Hint, names_tests
from sandboxes.declared.lines import file_lines
from sandboxes.declared.pyproject import PYPROJECT
from sandboxes.declared.reader import Reader

_INI, _CFG, _TOML = "tox.ini", "setup.cfg", "tox.toml"
_REFERENCE = re.compile(r"\{\[([^\]{}]{1,100})\](\w{1,50})\}")
_DEFAULT = re.compile(r"\{env:\w{1,100}:([^{}]*)\}")


def tox_hint(reader: Reader) -> Hint:
    """What the base environment and those named for tests list, of the first file that configures tox."""
    if _INI in reader:
        return _of_sections(reader.ini(_INI), _INI)
    if "tox:tox" in (sections := reader.ini(_CFG)):
        return _of_sections(sections, _CFG)
    configured = table(reader.toml(PYPROJECT), "tool", "tox")
    if legacy := string(configured.get("legacy_tox_ini")):
        try:
            return _of_sections(load_ini(legacy), PYPROJECT)
        except ValueError:
            reader.note(f"{PYPROJECT}: legacy_tox_ini cannot be read")
    return _of_tables(configured or reader.toml(_TOML), PYPROJECT if configured else _TOML)


def _of_sections(sections: Sections, source: str) -> Hint:
    hint = Hint()
    begun: set[tuple[str, str]] = set()
    for section in sections:
        if section == "testenv" or (section.startswith("testenv:") and names_tests(section[8:])):
            hint.lines += file_lines(source, _setting(sections, (section, "deps"), begun))
            hint.extras += _names(_setting(sections, (section, "extras"), begun))
            hint.groups += _names(_setting(sections, (section, "dependency_groups"), begun))
    return hint


def _of_tables(configured: dict[str, object], source: str) -> Hint:
    environments = table(configured, "env")
    chosen = [table(configured, "env_run_base")]
    chosen += [table(environments, name) for name in environments if names_tests(name)]
    hint = Hint()
    for environment in chosen:
        hint.lines += file_lines(source, map(_placed, _dependencies(environment.get("deps"))))
        hint.extras += strings(environment.get("extras"))
        hint.groups += strings(environment.get("dependency_groups"))
    return hint


def _dependencies(value: object) -> list[str]:
    """Lines of the list; a list may hold a text of several lines."""
    return [line for text in strings(value) for line in text_lines(text)]


def _setting(sections: Sections, place: tuple[str, str], begun: set[tuple[str, str]]) -> list[str]:
    """The lines of a setting that count, with those it refers to in other sections (`{[base]deps}`).

    `begun`: the settings that were read already, which are not read again.
    """
    found: list[str] = []
    waiting = [place]
    while waiting:
        section, key = waiting.pop(0)
        if (section, key) in begun:
            continue
        begun.add((section, key))
        for line in map(_unconditional, text_lines(sections.get(section, {}).get(key, ""))):
            if reference := _REFERENCE.fullmatch(line):
                waiting.append((reference[1], reference[2]))
            elif line:
                found.append(_placed(line))
    return found


def _unconditional(line: str) -> str:
    """The line without its condition, or "" where that is about something else than tests.

    `py311: x` counts for one interpreter only; `test: x` and `!docs: x` count where tests run.
    """
    match = re.fullmatch(r"([!\w.{},-]{1,200}?) ?:(?!//) ?(.*)", line)
    if not match or line.startswith("-") or match[1].count("{") != match[1].count("}"):
        return line
    alternatives = [part.strip("{} ") for part in match[1].split(",")]
    wanted = any(
        names_tests(part) if not part.startswith("!") else not names_tests(part) for part in alternatives
    )
    return match[2] if wanted else ""


def _placed(line: str) -> str:
    """The line with tox's own folders replaced by the root, and variables by their defaults."""
    line = _DEFAULT.sub(r"\1", line)
    return re.sub(r"\{(toxinidir|tox_root|package_root)\}/?", "./", line)


def _names(found: Iterable[str]) -> list[str]:
    return [name.strip() for line in found for name in line.split(",") if name.strip()]
