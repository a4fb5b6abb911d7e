"""Every single-edit defect that can be made in a file."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks import _repair_mistakes, _repair_mistakes_calls, _repair_mistakes_statements
from benchmarks._repair_source import MAKERS, PARSER, Change, Defect, Source

# Importing them registers their makers.
_ = (_repair_mistakes, _repair_mistakes_calls, _repair_mistakes_statements)
KINDS = tuple(MAKERS)


def apply(data: bytes, change: Change) -> bytes:
    """The file with the change made."""
    return data[: change.start] + change.text.encode() + data[change.end :]


def defects(data: bytes) -> Iterator[Defect]:
    """What could be a defect, of every kind; by kind, then by place. `another_program` says if it is one.

    Raises SyntaxError or UnicodeDecodeError when the file cannot be read.
    """
    source = Source(data)
    for kind, (types, maker) in MAKERS.items():
        for node in source.nodes:
            for change in maker(node, source) if isinstance(node, types) else ():
                yield Defect(kind, data.count(b"\n", 0, change.start) + 1, change)


def another_program(wrong: bytes, right: bytes) -> bool:
    """Whether a file compiles and is not the same program as another, whatever its layout."""
    with PARSER:
        try:
            tree = ast.parse(wrong)
            compile(tree, "defect", "exec")
        except (SyntaxError, ValueError):
            return False
        return ast.dump(tree) != ast.dump(ast.parse(right))
