"""Hatch's environments for tests, in pyproject.toml or hatch.toml."""

from __future__ import annotations

from sandboxes.declared.formats import listing, strings, table
from sandboxes.declared.hints import Hint, names_tests
from sandboxes.declared.lines import lines
from sandboxes.declared.pyproject import PYPROJECT
from sandboxes.declared.reader import Reader

_HATCH = "hatch.toml"


def hatch_hint(reader: Reader) -> Hint:
    """The environments `default`, `hatch-test` and those named for tests."""
    hint = Hint()
    for path, keys in ((PYPROJECT, ("tool", "hatch", "envs")), (_HATCH, ("envs",))):
        environments = table(reader.toml(path), *keys)
        for name in environments:
            if name == "default" or names_tests(name):
                environment = table(environments, name)
                for key in ("dependencies", "extra-dependencies"):
                    hint.lines += lines(f"{path}: environment {name[:40]!r}", listing(environment.get(key)))
                hint.extras += strings(environment.get("features"))
                hint.groups += strings(environment.get("dependency-groups"))
    return hint
