"""Code of the same function or file put elsewhere: conditions, expressions, constants, names everywhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations, permutations

from .ingredients import (
    Piece,
    best,
    conditions,
    expressions,
    is_callee,
    is_read,
    piece,
    read_names,
    usable,
    variables,
    with_name,
)
from .registry import Edit, Place, template
from .scope import dotted
from .source import walked

TESTED = (ast.If, ast.While, ast.IfExp, ast.comprehension)
OPERATIONS = (
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.BoolOp,
    ast.Attribute,
    ast.Subscript,
    ast.Starred,
    ast.Await,
)


def _tests(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.comprehension):
        return node.ifs
    return [node.test] if isinstance(node, (ast.If, ast.While, ast.IfExp)) else []


def _other_conditions(test: ast.expr, place: Place) -> Iterator[tuple[Piece, float]]:
    """Conditions of the function, then of the file, that can stand where `test` does, with a weight."""
    source = place.source
    function = source.function(test)
    own = source.code(test)
    near = conditions(function, source) if function is not None else ()
    known = {each.code for each in near}
    far = [each for each in conditions(source.tree, source) if each.code not in known]
    for scale, pieces in ((1.0, near), (0.3, far)):
        for each in pieces:
            if each.code not in own and own not in each.code and usable(each, test, place):
                shared = bool(each.names & set(read_names(test)))
                yield each, scale * (1.0 if shared else 0.6)


@template("borrowed condition", *TESTED, ast.Return, prior=1.5)
def borrowed_condition(node: ast.AST, place: Place) -> Iterator[Edit]:
    """Add a condition that stands elsewhere in the function or file.

    def f(a, b):\\n if a > 1: pass\\n if b: pass  ->  def f(a, b):\\n if a > 1 and b: pass\\n if b: pass
    """
    source, edits = place.source, []
    tests = _tests(node)
    if isinstance(node, ast.Return) and isinstance(node.value, (ast.Compare, ast.BoolOp)):
        tests = [node.value]
    for test in tests:
        code = source.code(test)
        simple = not isinstance(test, (ast.BoolOp, ast.IfExp, ast.Lambda, ast.NamedExpr))
        inner = code if simple else b"(" + code + b")"
        for other, weight in best_pieces(_other_conditions(test, place), 8):
            is_plain = other.kind is not ast.BoolOp and other.kind is not ast.IfExp
            extra = other.code if is_plain else b"(" + other.code + b")"
            if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
                first = source.span(test.values[0])[1]
                edits.append(Edit(first, first, b" and " + extra, weight * 0.5))
            negated = b"not " + (b"(" + extra + b")" if other.kind is ast.Compare else extra)
            for text, share in (
                (inner + b" and " + extra, 1.0),
                (inner + b" or " + extra, 0.8),
                (extra + b" and " + inner, 0.5),
                (inner + b" and " + negated, 0.5),
                (inner + b" or " + negated, 0.3),
            ):
                edits.append(Edit(*source.span(test), text, weight * share))
    yield from best(edits, 40)


def best_pieces(pieces: Iterator[tuple[Piece, float]], most: int) -> list[tuple[Piece, float]]:
    return sorted(pieces, key=lambda pair: -pair[1])[:most]


@template("other condition", *TESTED, prior=1.0)
def other_condition(node: ast.AST, place: Place) -> Iterator[Edit]:
    """Test what is tested elsewhere in the function or file, as it is or negated.

    def f(a, b):\\n if a: pass\\n if b: pass  ->  def f(a, b):\\n if b: pass\\n if b: pass
    """
    for test in _tests(node):
        for other, weight in best_pieces(_other_conditions(test, place), 12):
            yield Edit(*place.source.span(test), other.code, weight)
            yield Edit(*place.source.span(test), b"not (" + other.code + b")", weight * 0.4)


@template("bounds condition", *TESTED, prior=1.0)
def bounds_condition(node: ast.AST, place: Place) -> Iterator[Edit]:
    """Ask for the bounds of an index, the presence of a key or enough elements as well; compare with another
    variable.

    def f(xs, i):\\n while xs[i]: i += 1  ->  def f(xs, i):\\n while i < len(xs) and xs[i]: i += 1
    def f(d, k):\\n if d[k]: pass  ->  def f(d, k):\\n if k in d and d[k]: pass
    """
    source = place.source
    for test in _tests(node):
        code = source.code(test)
        inner = b"(" + code + b")" if isinstance(test, (ast.BoolOp, ast.IfExp, ast.Lambda)) else code
        span = source.span(test)
        body = (
            [test] if isinstance(node, (ast.IfExp, ast.comprehension)) else [test, *getattr(node, "body", [])]
        )
        seen: dict[bytes, float] = {}
        for rank, part in enumerate(body[:4]):
            for each in walked(part):
                if isinstance(each, ast.Subscript) and not isinstance(each.slice, (ast.Slice, ast.Tuple)):
                    base, index = source.code(each.value), source.code(each.slice)
                    for guard in (
                        index + b" < len(" + base + b")",
                        index + b" in " + base,
                        b"len(" + base + b") > 1",
                    ):
                        seen.setdefault(guard, 1.0 / (1 + rank))
                    if not isinstance(each.slice, ast.Constant):
                        seen.setdefault(index + b" >= 0", 0.7 / (1 + rank))
        for guard, weight in list(seen.items())[:10]:
            if len(guard) <= 60 and b"\n" not in guard:
                yield Edit(*span, guard + b" and " + inner, weight)
                yield Edit(*span, inner + b" and " + guard, weight * 0.4)


@template("borrowed expression", ast.Call, ast.BinOp, ast.Subscript, ast.Attribute, ast.Name, prior=1.5)
def borrowed_expression(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Put another expression of the function, as it is or with one of its names replaced.

    def f(a, b): return len(a) + a * b  ->  def f(a, b): return len(a) + len(a)
    def f(a, b):\\n x = a[0]\\n return b  ->  def f(a, b):\\n x = a[0]\\n return b[0]
    """
    source = place.source
    function = source.function(node)
    if function is None or not is_read(node) or is_callee(node, source):
        return
    parent = source.parents[node]
    if (
        isinstance(node, ast.Name)
        and isinstance(parent, (ast.Attribute, ast.Subscript))
        and parent.value is node
    ):
        return
    own, span = source.code(node), source.span(node)
    mine = read_names(node)
    around = piece(parent, source) if isinstance(parent, ast.expr) else None
    edits: dict[bytes, float] = {}
    for other in expressions(function, source):
        if other.code == own or (around is not None and around.code == other.code):
            continue
        weight = 1.0 if other.kind is type(node) else 0.4
        torn = other.kind in (ast.BinOp, ast.Compare) and isinstance(parent, OPERATIONS)
        code = b"(" + other.code + b")" if torn else other.code
        if usable(other, node, place):
            edits[code] = max(edits.get(code, 0.0), weight)
        for name in [n for n in mine if n not in other.names][:2]:
            for old in sorted(other.values - {"self", "cls"})[:2]:
                swapped = with_name(code, old, name)
                renamed = Piece(swapped, (other.names - {old}) | {name}, frozenset(), other.kind)
                if swapped != own and usable(renamed, node, place):
                    edits[swapped] = max(edits.get(swapped, 0.0), weight * 0.6)
    for code, weight in sorted(edits.items(), key=lambda item: (-item[1], item[0]))[:15]:
        yield Edit(*span, code, weight)


@template("return predicate", ast.Return, prior=1.0)
def return_predicate(node: ast.Return, place: Place) -> Iterator[Edit]:
    """Return a condition about the variables, or an expression of the function, instead of a constant or
    name.

    def f(a, b): return True  ->  def f(a, b): return a == b
    def f(xs): return False  ->  def f(xs): return not xs
    """
    source = place.source
    function, value = source.function(node), node.value
    if function is None or not isinstance(value, (ast.Constant, ast.Name)):
        return
    names = [name.encode() for name in variables(node, place)[:6]]
    found: dict[bytes, float] = {}
    if isinstance(value, ast.Constant):
        for rank, name in enumerate(names):
            for text in (
                b"not " + name,
                b"bool(" + name + b")",
                name + b" is None",
                b"len(" + name + b") == 0",
            ):
                found[text] = 0.5 / (1 + 0.3 * rank)
        for position, one in enumerate(names):
            for other in names[position + 1 : position + 4]:
                for operator in (b" == ", b" != ", b" < ", b" > ", b" <= ", b" >= ", b" in "):
                    found[one + operator + other] = 1.0 / (2 + position)
    for each in (*conditions(function, source), *expressions(function, source)):
        if usable(each, node, place):
            found.setdefault(each.code, 0.6)
    for text, weight in sorted(found.items(), key=lambda item: (-item[1], item[0]))[:30]:
        yield Edit(*source.span(value), text, weight)


def read_attributes(node: ast.AST) -> list[str]:
    """Dotted attributes that the node reads, as they come."""
    found = [dotted(n) for n in walked(node) if isinstance(n, ast.Attribute) and is_read(n)]
    return [name for name in dict.fromkeys(found) if name]


def _own_values(node: ast.AST, place: Place, known: list[str]) -> list[str]:
    """Attributes of `self` that the function reads beside those that are known."""
    function = place.source.function(node)
    every = read_attributes(function) if function is not None else []
    return [name for name in every if name.startswith("self.") and name not in known]


@template("compared condition", *TESTED, ast.Return, ast.Assign, prior=1.0)
def compared_condition(node: ast.AST, place: Place) -> Iterator[Edit]:
    """Add a comparison of a name with 0, of two names, or of two things' same attribute to a condition.

    def f(n, xs):\\n if not xs: pass  ->  def f(n, xs):\\n if n < 0 or not xs: pass
    def f(a, b):\\n if a.x > 1 and b.x: pass  ->  def f(a, b):\\n if a.x == b.x and a.x > 1 and b.x: pass
    def f(a, n): return a and n  ->  def f(a, n): return a and a > 0 and n
    def f(a, b, n): return n > 0  ->  def f(a, b, n): return a < b and n > 0
    """
    source, edits = place.source, []
    tests = _tests(node)
    if isinstance(node, (ast.Return, ast.Assign)) and isinstance(node.value, (ast.Compare, ast.BoolOp)):
        tests = [node.value]
    for test in tests:
        code, used = source.code(test), read_names(test)
        is_or = isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or)
        loose = is_or or isinstance(test, (ast.IfExp, ast.Lambda, ast.NamedExpr))
        inner = b"(" + code + b")" if loose else code
        names = variables(test, place)[:6]
        found: list[tuple[str, float]] = []
        for name in names:
            weight = 1.0 if name in used else 0.5
            found += [(f"{name} < 0", weight), (f"{name} > 0", weight), (f"{name} == 0", weight * 0.6)]
        things = [*names, *(["self"] if "self" in place.project.names(test, source).local else [])]
        for one, other in combinations(things, 2):
            if "self" not in (one, other):
                weight = 0.6 if one in used or other in used else 0.3
                found += [(f"{one} {sign} {other}", weight) for sign in ("==", "<", ">", "!=")]
        for one, other in combinations(things, 2):
            mine = place.project.attributes(one, test, source).keys()
            others = place.project.attributes(other, test, source).keys()
            for attribute in sorted(mine | others)[:5] if mine & others else ():
                found += [(f"{one}.{attribute} {s} {other}.{attribute}", 0.7) for s in ("==", "<", ">")]
        own = [n for n in read_attributes(test) if n.startswith("self.")]
        for one, other in permutations([*own, *_own_values(test, place, own)][:4], 2):
            found += [(f"{one} {sign} {other}", 0.8 if one in own else 0.4) for sign in ("<=", "==")]
        for text, weight in found:
            edits.append(Edit(*source.span(test), text.encode() + b" and " + inner, weight))
            if isinstance(test, ast.BoolOp) and not is_or:  # behind the guard that may stand first
                end = source.span(test.values[0])[1]
                edits.append(Edit(end, end, b" and " + text.encode(), weight))
            edits.append(Edit(*source.span(test), text.encode() + b" or " + code, weight * 0.8))
    yield from best(edits, 40)
