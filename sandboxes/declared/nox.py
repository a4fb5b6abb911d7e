"""noxfile.py, scanned for literal arguments of `session.install`; it is never run."""

from __future__ import annotations

import re

from sandboxes.declared.hints import Hint, names_tests
from sandboxes.declared.lines import file_lines
from sandboxes.declared.literals import arguments
from sandboxes.declared.reader import Reader

_NOXFILE = "noxfile.py"
_SESSION = re.compile(r"^def[ \t]+(\w{1,100})[ \t]*\(", re.MULTILINE)
_INSTALL = re.compile(r"\bsession\.install\(")
_WITH_VALUE = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")


def nox_hint(reader: Reader) -> Hint:
    """What the sessions named for tests install."""
    source = reader.text(_NOXFILE)
    starts = [(match.start(), match[1]) for match in _SESSION.finditer(source)]
    hint = Hint()
    for number, (start, name) in enumerate(starts):
        if names_tests(name):
            end = starts[number + 1][0] if number + 1 < len(starts) else len(source)
            for call in _INSTALL.finditer(source, start, end):
                hint.lines += file_lines(_NOXFILE, _joined(arguments(source, call.end() - 1)))
    return hint


def _joined(arguments: list[str]) -> list[str]:
    """Arguments as lines of a requirements file; options about anything else are left out."""
    found: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument in _WITH_VALUE:
            found.append(f"{argument} {next(waiting, '')}")
        elif not argument.startswith("-") or argument.startswith(("-r", "-e")):
            found.append(argument)
    return found
