"""Calls: sibling functions and methods, wrapped and unwrapped calls, keyword arguments, missing calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .ingredients import passed_keywords
from .registry import Edit, Place, template

SIBLING_FUNCTIONS = (
    ("any", "all"),
    ("min", "max"),
    ("list", "tuple", "set", "sorted", "reversed", "frozenset", "iter"),
    ("int", "float", "round", "str", "bool"),
    ("str", "repr"),
    ("sum", "len", "max", "min"),
    ("floor", "ceil", "trunc", "round"),
    ("sqrt", "isqrt", "cbrt"),
    ("hex", "oct", "bin", "str"),
    ("ord", "chr", "int"),
    ("sum", "prod"),
    ("gcd", "lcm"),
    ("log", "log2", "log10"),
    ("sin", "cos", "tan"),
    ("zip", "zip_longest"),
    ("isinstance", "issubclass"),
    ("getattr", "hasattr"),
    ("dict", "OrderedDict", "defaultdict"),
    ("enumerate", "range"),
    ("map", "filter"),
    ("abs", "int"),
)
SIBLING_METHODS = (
    ("append", "extend", "add", "insert"),
    ("append", "appendleft"),
    ("pop", "popleft", "popitem"),
    ("add", "update"),
    ("remove", "discard", "pop"),
    ("startswith", "endswith"),
    ("lower", "upper", "casefold", "title", "capitalize", "swapcase"),
    ("strip", "lstrip", "rstrip"),
    ("split", "rsplit", "splitlines"),
    ("partition", "rpartition"),
    ("find", "rfind", "index", "rindex"),
    ("removeprefix", "removesuffix", "lstrip", "rstrip"),
    ("keys", "values", "items"),
    ("get", "pop", "setdefault"),
    ("union", "intersection", "difference", "symmetric_difference"),
    ("issubset", "issuperset", "isdisjoint"),
    ("match", "search", "fullmatch", "findall"),
    ("ljust", "rjust", "center", "zfill"),
    ("isdigit", "isalpha", "isalnum", "isnumeric", "isspace", "isdecimal"),
    ("isupper", "islower", "istitle"),
    ("count", "index", "find"),
    ("sqrt", "isqrt", "cbrt"),
    ("sum", "prod", "fsum"),
    ("gcd", "lcm"),
    ("log", "log2", "log10", "exp"),
    ("sin", "cos", "tan"),
    ("ceil", "trunc"),
    ("encode", "decode"),
    ("read", "readline", "readlines"),
    ("write", "writelines"),
    ("days", "seconds", "total_seconds"),
    ("sort", "reverse"),
    ("bisect_left", "bisect_right", "bisect", "insort"),
    ("permutations", "combinations", "product"),
    ("floor", "ceil"),
    ("group", "groups"),
    ("copy", "deepcopy"),
)


def siblings(name: str, families: tuple[tuple[str, ...], ...] = SIBLING_FUNCTIONS) -> list[tuple[str, float]]:
    """(sibling, weight) pairs: the fewer siblings a name has in a family, the likelier each is meant."""
    found: dict[str, float] = {}
    for family in families:
        for other in family if name in family else ():
            if other != name:
                found[other] = max(found.get(other, 0.0), 1.0 / (len(family) - 1))
    return list(found.items())


@template("sibling function", ast.Name, prior=4.0)
def sibling_function(node: ast.Name, place: Place) -> Iterator[Edit]:
    """Swap a builtin or well-known function with one of its kind.

    y = any(xs)  ->  y = all(xs)
    y = min(a, b)  ->  y = max(a, b)
    """
    names = place.project.names(node, place.source)
    for other, weight in siblings(node.id):
        if names.defined(other):
            yield Edit(*place.source.span(node), other.encode(), weight)


@template("sibling method", ast.Attribute, prior=4.0)
def sibling_method(node: ast.Attribute, place: Place) -> Iterator[Edit]:
    """Swap a well-known method with one of its kind.

    xs.append(y)  ->  xs.extend(y)
    y = s.startswith(p)  ->  y = s.endswith(p)
    """
    end = place.source.span(node)[1]
    start = end - len(node.attr.encode())
    for other, weight in siblings(node.attr, SIBLING_METHODS):
        yield Edit(start, end, other.encode(), weight)


@template("reversed order", ast.Call, prior=2.0)
def reversed_order(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Sort the other way round.

    y = sorted(xs)  ->  y = sorted(xs, reverse=True)
    y = sorted(xs, reverse=True)  ->  y = sorted(xs)
    y = list(xs)  ->  y = sorted(xs, reverse=True)
    """
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    source = place.source
    if name in ("list", "tuple", "reversed") and len(node.args) == 1 and isinstance(node.func, ast.Name):
        argument = source.code(node.args[0])
        if not isinstance(node.args[0], ast.GeneratorExp):
            yield Edit(*source.span(node), b"sorted(" + argument + b", reverse=True)", 0.3)
    if name not in ("sorted", "sort"):
        return
    for keyword in node.keywords:
        if keyword.arg == "reverse":
            every = sorted([*node.args, *node.keywords], key=lambda n: source.span(n))
            position = every.index(keyword)
            start = source.span(every[position - 1])[1] if position else source.span(keyword)[0]
            yield Edit(start, source.span(keyword)[1], b"")
            return
    closing = source.span(node)[1] - 1
    comma = b", " if node.args or node.keywords else b""
    if not any(isinstance(arg, ast.GeneratorExp) for arg in node.args):
        yield Edit(closing, closing, comma + b"reverse=True")


@template("keyword argument", ast.Call, prior=1.5)
def keyword_argument(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Flip a boolean keyword, or pass a keyword that a sibling call in this file passes.

    f(a, strict=True)  ->  f(a, strict=False)
    f(a)\\nf(b, deep=1)  ->  f(a, deep=1)\\nf(b, deep=1)
    """
    source = place.source
    for keyword in node.keywords:
        if isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool):
            yield Edit(*source.span(keyword.value), repr(not keyword.value.value).encode())
    own = {keyword.arg for keyword in node.keywords}
    if any(isinstance(arg, ast.GeneratorExp) for arg in node.args):
        return
    closing = source.span(node)[1] - 1
    comma = b", " if node.args or node.keywords else b""
    name, extra = source.code(node.func), {}
    for arg, code in passed_keywords(source).get(name, ()):
        if arg not in own:
            extra[code] = True
    for code in sorted(extra)[:6]:
        yield Edit(closing, closing, comma + code)


@template("unwrapped call", ast.Call, prior=1.5)
def unwrapped_call(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Use an argument instead of the call, or the object instead of its method's result.

    y = abs(x)  ->  y = x
    y = s.strip()  ->  y = s
    """
    if isinstance(place.source.parents[node], ast.Expr):
        return
    span = place.source.span(node)
    for arg in node.args[:3]:
        if not isinstance(arg, (ast.Starred, ast.GeneratorExp)):
            yield Edit(*span, place.source.atom(arg))
    if isinstance(node.func, ast.Attribute):
        yield Edit(*span, place.source.code(node.func.value), 0.7)


WRAPPERS = (
    b"list",
    b"abs",
    b"str",
    b"int",
    b"len",
    b"sorted",
    b"set",
    b"tuple",
    b"float",
    b"bool",
    b"reversed",
    b"dict",
)


@template("wrapped value", ast.Name, ast.Call, ast.Attribute, ast.BinOp, ast.Subscript, prior=1.5)
def wrapped_value(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Convert a value, copy it, or clamp it at zero.

    return x  ->  return list(x)
    y = a - b  ->  y = max(0, a - b)
    """
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    parent = place.source.parents[node]
    is_argument = isinstance(parent, ast.Call) and node in parent.args
    fits = (
        ast.Return,
        ast.Assign,
        ast.For,
        ast.Compare,
        ast.BinOp,
        ast.comprehension,
        ast.Subscript,
        ast.FormattedValue,
    )
    if not (isinstance(parent, fits) or is_argument):
        return
    code, span = place.source.code(node), place.source.span(node)
    scale = 0.5 if is_argument or isinstance(parent, (ast.BinOp, ast.Subscript)) else 1.0
    for rank, wrapper in enumerate(WRAPPERS):
        yield Edit(*span, wrapper + b"(" + code + b")", scale / (1 + 0.2 * rank))
    if isinstance(node, ast.BinOp):
        yield Edit(*span, b"max(0, " + code + b")", scale)
    if isinstance(node, (ast.Name, ast.Attribute)):
        yield Edit(*span, code + b".copy()", 0.3 * scale)
        yield Edit(*span, code + b"()", 0.5 * scale)


@template("string method", ast.Name, ast.Call, ast.Attribute, ast.Subscript, prior=0.6)
def string_method(node: ast.expr, place: Place) -> Iterator[Edit]:
    """Normalise a string before it is compared, returned or looked up.

    if a == b: pass  ->  if a.lower() == b: pass
    return s  ->  return s.strip()
    """
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    parent = place.source.parents[node]
    if isinstance(parent, (ast.Compare, ast.Return, ast.Assign)):
        for method in (b".strip()", b".lower()", b".upper()"):
            yield Edit(*place.source.span(node), place.source.code(node) + method)


@template("missing await", ast.Call, prior=0.5)
def missing_await(node: ast.Call, place: Place) -> Iterator[Edit]:
    """Await a call in a coroutine function.

    async def f():\\n    return g()  ->  async def f():\\n    return await g()
    """
    parent = place.source.parents[node]
    if isinstance(place.source.function(node), ast.AsyncFunctionDef) and not isinstance(parent, ast.Await):
        code = b"await " + place.source.code(node)
        in_value = isinstance(parent, (ast.Attribute, ast.Subscript))
        yield Edit(*place.source.span(node), b"(" + code + b")" if in_value else code)


@template("dictionary access", ast.Subscript, prior=1.0)
def dictionary_access(node: ast.Subscript, place: Place) -> Iterator[Edit]:
    """Look up with a default instead of an error.

    y = d[k]  ->  y = d.get(k)
    y = d[k]  ->  y = d.get(k, 0)
    """
    if not isinstance(node.ctx, ast.Load) or isinstance(node.slice, (ast.Slice, ast.Tuple)):
        return
    head, key = place.source.code(node.value), place.source.code(node.slice)
    for default in (b"", b", 0", b", []", b', ""'):
        yield Edit(*place.source.span(node), head + b".get(" + key + default + b")")


@template("formatted string", ast.Constant, prior=0.5)
def formatted_string(node: ast.Constant, place: Place) -> Iterator[Edit]:
    """Add a missing f-prefix.

    def g(x): return "got {x}"  ->  def g(x): return f"got {x}"
    """
    code = place.source.code(node)
    part = isinstance(place.source.parents[node], (ast.Expr, ast.JoinedStr, ast.FormattedValue))
    if isinstance(node.value, str) and b"{" in code and code[:1] in (b'"', b"'") and not part:
        start = place.source.span(node)[0]
        yield Edit(start, start, b"f")
