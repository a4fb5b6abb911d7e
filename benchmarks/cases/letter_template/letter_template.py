"""Fill in form letters: <name> stands for a value, <name|text> for a value or the text without one."""

from __future__ import annotations

import re
from collections.abc import Mapping

FIELD = re.compile(r"<(\w+)(?:\|([^<>]*))?>")


def names(template: str) -> list[str]:
    """The fields of a template, each once, in order."""
    return list(dict.fromkeys(match[1] for match in FIELD.finditer(template)))


def fill(template: str, values: Mapping[str, object]) -> str:
    """Raises KeyError for a field that has neither a value nor a text of its own."""

    def value(match: re.Match[str]) -> str:
        name, instead = match[1], match[2]
        if name in values:
            return str(values[name])
        if instead is None:
            raise KeyError(name)
        return instead

    return FIELD.sub(value, template)


def letters(template: str, people: list[dict[str, object]]) -> list[str]:
    return [fill(template, person) for person in people]
