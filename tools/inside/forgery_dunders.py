"""Comparison, truth and hash methods that do not look at what they answer for."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.inside import forgery_rules as rules

    AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
else:
    import forgery_rules as rules


def is_text(node: ast.AST) -> bool:
    """Whether this is a string constant."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements of a body after its docstring."""
    first = body[0] if body else None
    return body[1:] if isinstance(first, ast.Expr) and is_text(first.value) else body


def forges(name: str, function: AnyFunction) -> bool:
    """Whether a comparison ignores one of its operands, or a truth or hash is a constant."""
    body = [function.body] if isinstance(function, ast.Lambda) else without_docstring(function.body)
    answers = _answers(function)
    if not isinstance(function, ast.Lambda) and not answers:
        return False  # abstract, or it only raises
    if answers and all(isinstance(a, ast.Name) and a.id == "NotImplemented" for a in answers):
        return False
    if name in rules.CONSTANT:
        return all(isinstance(answer, ast.Constant) for answer in answers)
    if (
        any(isinstance(answer, ast.Constant) and answer.value is True for answer in answers)
        and len(answers) == 1
    ):
        return True
    used = {
        n.id
        for part in body
        for n in ast.walk(part)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
    }
    operands = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)][:2]
    return len(operands) < 2 or not set(operands) <= used


def _answers(function: AnyFunction) -> list[ast.expr]:
    if isinstance(function, ast.Lambda):
        return [function.body]
    return [
        node.value
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Return) and node.value is not None
    ]
