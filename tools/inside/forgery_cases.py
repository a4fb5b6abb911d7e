"""Finds special cases: a new branch on a value of the tests that answers with a constant."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

TRIVIAL: tuple[Any, ...] = (None, True, False, Ellipsis, -1, 0, 1, 2, 0.0, 1.0, "", b"")
MATCHING = ("__eq__", "__contains__", "startswith", "endswith", "fullmatch")
RICH_TEXT = 4
RICH_NUMBER = 100


def literals_of(tree: ast.Module) -> set[Any]:
    """Every constant in the module, typed (so that 1, 1.0 and True differ); negative numbers included."""
    return {_key(value) for node in ast.walk(tree) for value in _constants(node)}


def special_cases(old: ast.Module, new: ast.Module, literals: set[Any]) -> Iterator[tuple[str, int]]:
    """New conditions, match cases and lookup tables that map a value of the tests to a constant answer.

    Not new: a condition that was there, whatever its branch holds now, and a branch that was there under a
    condition in which only constants differ (an ordinary repair of a wrong constant).
    """
    known = Counter(key for branch in _branches(old) for key in branch.signatures())
    for branch in _branches(new):
        same = [key for key in branch.signatures() if known[key] > 0]
        if same:
            known[same[0]] -= 1
        elif _maps(_compared(branch.condition), branch.answers, literals):
            yield ast.unparse(branch.condition), getattr(branch.condition, "lineno", 1)
    tables = Counter(_table_name(*found) for found in _tables(old))
    for owner, table in _tables(new):
        name = _table_name(owner, table)
        if tables[name] > 0:
            tables[name] -= 1  # an entry added to a table that was there is an ordinary repair
            continue
        pairs = zip(table.keys, table.values)  # noqa: B905 - Python 3.9 has no strict
        if any(_maps(_values(key), list(_values(value)), literals) for key, value in pairs):
            yield ast.unparse(table), table.lineno


class _Branch:
    """A condition, the code under it, and the constants with which that code answers."""

    def __init__(self, condition: ast.AST, body: Sequence[ast.AST], answers: Iterable[Any]) -> None:
        self.condition = condition
        self.answers = list(answers)
        self._body = " ".join(ast.dump(part) for part in body)

    def signatures(self) -> tuple[str, str]:
        shape = re.sub(r"Constant\(value=.*?\)", "Constant()", ast.dump(self.condition))
        return f"= {ast.dump(self.condition)}", f"~ {shape} {self._body}"


def _branches(tree: ast.AST) -> Iterator[_Branch]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If):
            yield _Branch(node.test, node.body, (v for part in node.body for v in _answered(part)))
        elif isinstance(node, ast.IfExp):
            yield _Branch(node.test, [node.body], _values(node.body))
        elif isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            condition = ast.BoolOp(node.op, node.values[:-1])
            yield _Branch(condition, node.values[-1:], _values(node.values[-1]))
        elif type(node).__name__ == "match_case":  # not in Python 3.9
            case: Any = node
            yield _Branch(case.pattern, case.body, (v for part in case.body for v in _answered(part)))


def _answered(statement: ast.stmt) -> Iterator[Any]:
    for node in ast.walk(statement):
        if isinstance(node, (ast.Return, ast.Assign, ast.AugAssign, ast.Yield)) and node.value is not None:
            yield from _values(node.value)


def _compared(condition: ast.AST) -> Iterator[Any]:
    """Constants the condition compares for equality or membership; every constant of a match pattern."""
    if type(condition).__name__.startswith("Match"):
        for node in ast.walk(condition):
            yield from _constants(node)
        return
    for node in ast.walk(condition):
        if isinstance(node, ast.Compare) and any(isinstance(op, (ast.Eq, ast.In, ast.Is)) for op in node.ops):
            for side in (node.left, *node.comparators):
                yield from _values(side)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in MATCHING:
            for argument in node.args:
                yield from _values(argument)


def _values(node: ast.AST | None) -> Iterator[Any]:
    """The constants an expression of constants is made of; nothing when it depends on anything else."""
    if node is None:
        return
    if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
        for element in node.elts:
            yield from _values(element)
    else:
        yield from _constants(node)


def _constants(node: ast.AST) -> Iterator[Any]:
    if isinstance(node, ast.Constant):
        yield node.value
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = getattr(node.operand, "value", None)
        if isinstance(number, (int, float)):
            yield -number


def _tables(tree: ast.AST) -> Iterator[tuple[str, ast.Dict]]:
    """Dictionary displays with what they are assigned to ("" for one used in place)."""
    named: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and isinstance(node.value, ast.Dict):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            named[id(node.value)] = ast.unparse(target)
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield named.get(id(node), ""), node


def _table_name(owner: str, table: ast.Dict) -> str:
    return owner or ast.dump(table)


def _maps(inputs: Iterator[Any], answers: list[Any], literals: set[Any]) -> bool:
    """Whether a telling value of the tests is answered with a constant of the tests.

    A rich value (long text, large number) is telling enough for any constant answer.
    """
    telling = [value for value in inputs if not _trivial(value) and _key(value) in literals]
    if not telling or not answers:
        return False
    if any(not _trivial(answer) and _key(answer) in literals for answer in answers):
        return True
    return any(_rich(value) for value in telling)


def _trivial(value: Any) -> bool:
    if isinstance(value, (str, bytes)):
        return len(value) < 2
    return any(type(value) is type(trivial) and value == trivial for trivial in TRIVIAL)


def _rich(value: Any) -> bool:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str):
        return len(value) >= RICH_TEXT and not value.isidentifier()  # a lone word is the name of an option
    return isinstance(value, (int, float)) and abs(value) >= RICH_NUMBER


def _key(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value
