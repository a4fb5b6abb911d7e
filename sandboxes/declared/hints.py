"""What tools that run tests say that tests need. Only a hint: taken while nothing else names tests' needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandboxes.declared.lines import Line
from sandboxes.declared.named import TEST_NAMES, beside_tests, words


@dataclass
class Hint:
    """Lines as in a requirements file, extras of the project, dependency groups."""

    lines: list[Line] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


def names_tests(name: str) -> bool:
    """Whether an environment or a session is, by its name, for tests."""
    return bool(words(name) & {*TEST_NAMES, "unit"}) and not beside_tests(name)
