"""Where things stand inside f-strings, whatever Python parsed them."""

from __future__ import annotations

import ast

import pytest

from tools.inside.repair.candidates import enumerated
from tools.inside.repair.scope import Project
from tools.inside.repair.source import Source

TEXT = """# ñ
x = f"a{b}c{d.e + 1!r:>{width}.{n}f}" f'{z["k"]}' "plain{not}" rf"\\d{q}" \\
   f"é{ü.x}"
y = f'''line
 {{esc}} {f(a,
   b)} \\N{BULLET} {g(f"in {h[i]} {j!s}")} end'''
w = f"{x != y} {a if b else 'c'} {(lambda q: q)(1):02d} {d['a:b']}{'}'} { s } {t :>10}"
def f():
    raise E(f"{self.x[0]:{w}} of {', '.join(sorted(k))}") from None
"""


def inside(source: Source) -> list[ast.expr]:
    """Expressions in the fields of all f-strings, each once, in the order they stand in."""
    fields = [node for node in ast.walk(source.tree) if isinstance(node, ast.FormattedValue)]
    found = [node for field in fields for node in ast.walk(field.value) if isinstance(node, ast.expr)]
    own = [node for node in found if not isinstance(source.parents[node], ast.JoinedStr)]
    return sorted(dict.fromkeys(own), key=source.span)


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT])
def test_every_expression_is_found_where_it_stands(text: str) -> None:
    source = Source("module.py", text.encode())
    found = inside(source)
    assert len(found) > 40
    for node in found:
        if not isinstance(node, ast.JoinedStr) or source.data[source.span(node)[0]] == ord("f"):
            parsed = ast.parse(b"(" + source.code(node) + b"\n)", mode="eval").body
            assert ast.dump(parsed) == ast.dump(node)
    strings = {node for node in ast.walk(source.tree) if isinstance(node, ast.JoinedStr)}
    assert strings == source.located


@pytest.mark.parametrize("text", [TEXT, TEXT.replace("\n", "\r\n")])
def test_a_name_replaced_in_place_is_the_only_thing_that_changes(text: str) -> None:
    source = Source("module.py", text.encode())
    names = [node for node in inside(source) if isinstance(node, ast.Name)]
    for position, node in enumerate(names):
        start, end = source.span(node)
        changed = Source("module.py", source.apply(start, end, b"replaced"))
        now = [each.id for each in inside(changed) if isinstance(each, ast.Name)]
        assert now == ["replaced" if at == position else each.id for at, each in enumerate(names)]


def test_text_between_fields_is_found() -> None:
    source = Source("module.py", b"y = f'a-{b}: {c}.' 'd'\n")
    node = next(node for node in ast.walk(source.tree) if isinstance(node, ast.JoinedStr))
    texts = [source.code(each) for each in node.values if isinstance(each, ast.Constant)]
    assert texts == [b"a-", b": ", b".' 'd"]


@pytest.mark.parametrize("text", ["y = f'{x=}'\n", "y = f'{x, 1}'\n", "y = f'{x = !r}' + f\"{a['b']}\"\n"])
def test_what_is_not_understood_takes_the_place_of_the_whole_string(text: str) -> None:
    source = Source("module.py", text.encode())
    strange = next(node for node in ast.walk(source.tree) if isinstance(node, ast.JoinedStr))
    assert strange not in source.located
    assert {source.span(each) for each in ast.walk(strange) if isinstance(each, ast.expr)} == {
        source.span(strange)
    }


def test_edits_inside_fstrings_leave_the_string_whole() -> None:
    made = Project()
    data = b"def f(name, word):\n    raise KeyError(f'--{word} {name!r} needs a value')\n"
    made.add(Source("module.py", data))
    found = {data[: c.start] + c.replacement + data[c.end :] for c in enumerated(made, None, 0)}
    for old, new in (
        (b"{word}", b"{name}"),
        (b"!r", b""),
        (b"--", b"-"),
        (b"{word} {name!r}", b"{name} {word!r}"),
    ):
        assert data.replace(old, new) in found
