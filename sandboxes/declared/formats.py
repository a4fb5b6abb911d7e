"""Text, INI and JSON of a repository: data that may be hostile, so read in bounded time."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping

Sections = dict[str, dict[str, str]]

# UTF-32 before UTF-16: the byte order mark of the one begins with that of the other.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(data: bytes) -> str:
    """Text by its byte order mark, else UTF-8, else Latin-1; line ends become `\\n`."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, errors="replace")
            break
    else:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def load_ini(text: str) -> Sections:
    """Sections of options as configparser reads them, without defaults and interpolation. Raises ValueError.

    (configparser itself takes time quadratic in the length of a line, and in the number of faulty lines.)
    """
    sections: dict[str, dict[str, list[str]]] = {}
    options: dict[str, list[str]] | None = None
    value: list[str] | None = None
    indent = 0
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        level = len(line) - len(line.lstrip())
        if not stripped or stripped[0] in "#;":
            continue
        if value is not None and level > indent:
            value.append(stripped)
            continue
        indent = level
        if stripped[0] == "[" and "]" in stripped:
            options, value = sections.setdefault(stripped[1 : stripped.rindex("]")], {}), None
            continue
        key, delimiter, first = _split_option(stripped)
        if options is None or not delimiter:
            raise ValueError(f"line {number} is neither a section nor an option")
        value = options[key.strip().lower()] = [first.strip()]
    return {name: {key: "\n".join(value) for key, value in held.items()} for name, held in sections.items()}


def _split_option(line: str) -> tuple[str, str, str]:
    """(Name, delimiter, value) by the first `=` or `:`; no delimiter if there is none."""
    by_equals, by_colon = line.partition("="), line.partition(":")
    return by_equals if len(by_equals[0]) <= len(by_colon[0]) else by_colon


def load_json(data: bytes) -> object:
    """The document. Raises ValueError for what is no JSON or nested too deeply."""
    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def table(data: object, *keys: str) -> dict[str, object]:
    """The table found by following `keys`, empty where there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return dict(data) if isinstance(data, Mapping) else {}


def listing(value: object) -> list[object]:
    """A list as it is, empty where it is none."""
    return list(value) if isinstance(value, list) else []


def string(value: object) -> str:
    """A string as it is, "" for anything else (whose text may be too deep to make)."""
    return value if isinstance(value, str) else ""


def strings(value: object) -> list[str]:
    """The strings of a list; a string stands for a list of one."""
    return [value] if isinstance(value, str) else [item for item in listing(value) if isinstance(item, str)]


def text_lines(value: str) -> list[str]:
    """The lines of a setting or a requirements file: without comments, blanks and runs of white space."""
    lines = (" ".join(re.sub(r"(^|\s)#.*$", "", line).split()) for line in value.split("\n"))
    return [line for line in lines if line]
