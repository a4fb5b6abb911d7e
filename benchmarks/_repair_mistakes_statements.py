"""Mistakes in statements: left out, misplaced, or with the wrong keyword, exception or result.

Each maker says in its docstring what right code becomes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks._repair_source import FUNCTIONS, Change, Source, mistake

LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
SIMPLE = (ast.Assign, ast.AugAssign, ast.Expr)
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try)
EXCEPTIONS = (
    ("ValueError", "TypeError", "RuntimeError"),
    ("KeyError", "IndexError", "AttributeError"),
    ("StopIteration", "StopAsyncIteration", "GeneratorExit"),
)


@mistake("statement left out", *SIMPLE, ast.Delete)
def left_out(node: ast.stmt, source: Source) -> Iterator[Change]:
    """A statement in a function is not there."""
    called = getattr(node, "value", None)
    if source.up(node, *FUNCTIONS) and not _super_call(called):
        yield from source.drop(node)


def _super_call(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).startswith("super()")


@mistake("super call left out", ast.Expr)
def super_left_out(node: ast.Expr, source: Source) -> Iterator[Change]:
    """super().f(a) is not there."""
    if _super_call(node.value):
        yield from source.drop(node)


@mistake("guard left out", ast.If)
def guard_left_out(node: ast.If, source: Source) -> Iterator[Change]:
    """if a: return b, or raise, or continue, is not there."""
    if (
        not node.orelse
        and len(node.body) == 1
        and isinstance(node.body[0], LEAVING)
        and not _is_elif(node, source)
    ):
        yield from source.drop(node)


def _is_elif(node: ast.If, source: Source) -> bool:
    return source.text(node).startswith("elif")


@mistake("condition left out", ast.If)
def condition_left_out(node: ast.If, source: Source) -> Iterator[Change]:
    """if a: b becomes b."""
    if not node.orelse and not _is_elif(node, source) and len(node.body) == 1:
        yield source.replace(node, source.text(node.body[0]))


@mistake("return left out", ast.Return)
def return_left_out(node: ast.Return, source: Source) -> Iterator[Change]:
    """return a becomes a."""
    if node.value is not None:
        yield source.replace(node, source.text(node.value))


@mistake("wrong result", ast.Return)
def wrong_result(node: ast.Return, source: Source) -> Iterator[Change]:
    """return a becomes return None, or another variable; True becomes False."""
    if node.value is None:
        return
    yield source.replace(node.value, "None")
    if isinstance(node.value, ast.Name | ast.Call | ast.BinOp):
        yield from (source.replace(node.value, name) for name in source.names(node)[:6])


@mistake("break continue", ast.Break, ast.Continue)
def break_continue(node: ast.Break | ast.Continue, source: Source) -> Iterator[Change]:
    """break becomes continue, or is not there."""
    yield source.replace(node, "continue" if isinstance(node, ast.Break) else "break")
    yield source.replace(node, "pass")


@mistake("augmented assignment", ast.AugAssign)
def augmented(node: ast.AugAssign, source: Source) -> Iterator[Change]:
    """a += b becomes a = b, or a -= b."""
    old = {ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.BitOr: "|=", ast.FloorDiv: "//="}.get(
        type(node.op)
    )
    if old:
        yield from source.between(node.target, node.value, old, "=")
        yield from source.between(node.target, node.value, old, "-=" if old == "+=" else "+=")


@mistake("assignment instead of addition", ast.Assign)
def not_augmented(node: ast.Assign, source: Source) -> Iterator[Change]:
    """a = b becomes a += b."""
    if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name | ast.Attribute | ast.Subscript):
        yield from source.between(node.targets[0], node.value, "=", "+=")


@mistake("exception raised", ast.Raise)
def exception_raised(node: ast.Raise, source: Source) -> Iterator[Change]:
    """raise ValueError becomes raise TypeError."""
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    if isinstance(raised, ast.Name):
        for group in EXCEPTIONS:
            if raised.id in group:
                yield from (source.replace(raised, name) for name in group if name != raised.id)


@mistake("exception caught", ast.ExceptHandler)
def exception_caught(node: ast.ExceptHandler, source: Source) -> Iterator[Change]:
    """except KeyError becomes except IndexError; one of several is left out."""
    if isinstance(node.type, ast.Tuple):
        yield from (source.replace(node.type, source.text(each)) for each in node.type.elts)
    elif isinstance(node.type, ast.Name):
        for group in EXCEPTIONS:
            if node.type.id in group:
                yield from (source.replace(node.type, name) for name in group if name != node.type.id)


@mistake("else left out", ast.If)
def else_left_out(node: ast.If, source: Source) -> Iterator[Change]:
    """if a: b else: c becomes if a: b."""
    if node.orelse and not (len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)):
        yield Change(source.end(node.body[-1]), source.end(node.orelse[-1]), "")


@mistake("elif becomes if", ast.If)
def elif_to_if(node: ast.If, source: Source) -> Iterator[Change]:
    """if a: b elif c: d becomes if a: b if c: d."""
    if _is_elif(node, source):
        start = source.start(node)
        yield Change(start, start + len("elif"), "if")


@mistake("statements swapped", *SIMPLE)
def swapped(node: ast.stmt, source: Source) -> Iterator[Change]:
    """a; b becomes b; a."""
    block = source.siblings(node)
    after = block[block.index(node) + 1 : block.index(node) + 2]
    if after and isinstance(after[0], SIMPLE) and source.up(node, *FUNCTIONS):
        yield source.swap(node, after[0])


@mistake("wrong indentation", *BLOCKS)
def indentation(node: ast.If, source: Source) -> Iterator[Change]:
    """The statement after a block slips into it, or its last one out of it."""
    block = source.siblings(node)
    after = block[block.index(node) + 1 : block.index(node) + 2]
    own = getattr(node, "orelse", None) or node.body
    if isinstance(node, ast.Try) or not own or own[0].lineno == node.lineno:
        return
    outer, inner = " " * node.col_offset, " " * own[0].col_offset
    last = own[-1]
    if after and after[0].lineno == after[0].end_lineno:
        yield Change(source.start(after[0]) - len(outer), source.start(after[0]), inner)
    if len(own) > 1 and last.lineno == last.end_lineno:
        yield Change(source.start(last) - len(inner), source.start(last), outer)


@mistake("while becomes if", ast.While)
def while_to_if(node: ast.While, source: Source) -> Iterator[Change]:
    """while a becomes if a."""
    start = source.start(node)
    yield Change(start, start + len("while"), "if")


@mistake("decorator left out", *FUNCTIONS)
def decorator_left_out(node: ast.FunctionDef, source: Source) -> Iterator[Change]:
    """@a def f becomes def f."""
    for decorator in node.decorator_list:
        text = source.text(decorator)
        if not text.startswith(("overload", "typing", "abstractmethod")):
            start = source.start(decorator)
            yield Change(source.data.rindex(b"@", 0, start), source.end(decorator), "")


@mistake("declaration left out", ast.Global, ast.Nonlocal)
def declaration_left_out(node: ast.Global | ast.Nonlocal, source: Source) -> Iterator[Change]:
    """nonlocal a is not there."""
    yield from source.drop(node)
