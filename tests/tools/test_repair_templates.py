"""Every template's documented examples, and the spans they edit."""

from __future__ import annotations

import ast
import re

import pytest

from tools.inside.repair.registry import TEMPLATES, Place, template
from tools.inside.repair.scope import Project
from tools.inside.repair.source import Source
from tools.inside.repair.space import whole_space
from tools.repair.reports import MOST_TEMPLATES, TEMPLATE_NAME

EXAMPLES = [
    (name, *(part.strip().replace("\\n", "\n") for part in line.split("  ->  ")))
    for name, entry in TEMPLATES.items()
    for line in (entry.propose.__doc__ or "").splitlines()
    if "  ->  " in line
]


def project(**files: str) -> Project:
    made = Project()
    for name, text in files.items():
        made.add(Source(f"{name}.py", text.encode()))
    return made


def results(template_name: str, text: str | bytes) -> set[str]:
    """All sources that one template makes of a source."""
    data = text if isinstance(text, bytes) else text.encode()
    source = Source("module.py", data)
    made = Project()
    made.add(source)
    entry = TEMPLATES[template_name]
    return {
        source.apply(edit.start, edit.end, edit.replacement).decode()
        for node in ast.walk(source.tree)
        if isinstance(node, entry.nodes)
        for edit in entry.propose(node, Place(source, made))
    }


@pytest.mark.parametrize(("name", "before", "after"), EXAMPLES)
def test_documented_example(name: str, before: str, after: str) -> None:
    assert after in results(name, before)


@pytest.mark.parametrize("line", ["from .tables import {}", "from shop.tables import {} as RATE"])
def test_a_name_that_a_module_of_the_project_does_not_have_is_replaced(line: str) -> None:
    made = Project()
    made.add(Source("shop/__init__.py", b""))
    made.add(Source("shop/tables.py", b"RATES = [1]\nKINDS = []\nFAR = 1\n"))
    source = Source("shop/cart.py", (line.format("RATS") + "\n\nprint(KINDS)\n").encode())
    made.add(source)
    entry, node = TEMPLATES["imported name"], source.tree.body[0]
    edits = list(entry.propose(node, Place(source, made)))
    assert [edit.replacement for edit in edits] == [b"KINDS", b"RATES"]
    assert {source.data[edit.start : edit.end] for edit in edits} == {b"RATS"}


def test_every_template_shows_an_example() -> None:
    assert {name for name, _, _ in EXAMPLES} == set(TEMPLATES)


def test_every_name_is_one_that_a_report_may_hold() -> None:
    assert all(re.fullmatch(TEMPLATE_NAME, name) for name in TEMPLATES)
    assert len(TEMPLATES) < MOST_TEMPLATES


def test_a_name_is_registered_once() -> None:
    with pytest.raises(ValueError, match="exists"):
        template("number", ast.Constant, prior=1.0)(lambda node, place: iter(()))


# (template, before, after): whole small sources, format and comments kept.
SOURCES = [
    (
        "comparison operator",
        'def ältester(xs):\n    größe = "ß€"; n = 0  # naïve\n    return n  <  len(xs)  # ≤?\n',
        'def ältester(xs):\n    größe = "ß€"; n = 0  # naïve\n    return n  <=  len(xs)  # ≤?\n',
    ),
    (
        "comparison operator",
        "x = (a)  # a < b\ny = (a\n     # is < right?\n     < (b))\n",
        "x = (a)  # a < b\ny = (a\n     # is < right?\n     <= (b))\n",
    ),
    ("comparison operator", "ok = a not  in b\n", "ok = a in b\n"),
    ("comparison operator", "ok = 0 < a < 10\n", "ok = 0 < a <= 10\n"),
    ("arithmetic operator", "y = (a) * (b)\n", "y = (a) + (b)\n"),
    ("operand order", "y = a + 1 - b * 2\n", "y = (b * 2) - (a + 1)\n"),
    (
        "variable",
        "def f(a):\n    def g(b):\n        return b\n    return g\n",
        "def f(a):\n    def g(b):\n        return a\n    return g\n",
    ),
    (
        "attribute",
        "class A:\n    class B:\n        def f(self):\n"
        "            self.é = self.x\n            return self.x\n",
        "class A:\n    class B:\n        def f(self):\n"
        "            self.é = self.x\n            return self.é\n",
    ),
    (
        "guard",
        "def f(x):\r\n\treturn x.y\r\n",
        "def f(x):\r\n\tif x is None:\r\n\t\treturn None\r\n\treturn x.y\r\n",
    ),
    (
        "guard",
        "def f(xs):\n    for x in xs:\n        use(x)\n",
        "def f(xs):\n    for x in xs:\n        if not x:\n            continue\n        use(x)\n",
    ),
    (
        "extended condition",
        "def f(a, xs):\n    if a or a > 1:\n        pass\n",
        "def f(a, xs):\n    if xs and (a or a > 1):\n        pass\n",
    ),
    ("dropped condition", "ok = (a and\n      b and c)\n", "ok = (a and\n      b)\n"),
    ("slice bounds", "y = xs[1:n - 1:2]\n", "y = xs[1:n:2]\n"),
    ("range bounds", "for i in range(a, b - 1):\n    pass\n", "for i in range(a, b):\n    pass\n"),
    ("argument", "f(a, key=b)\n", "f(a)\n"),
    (
        "return at the end",
        "def f(xs):\n    r = []\n    for x in xs: r.append(x)\n",
        "def f(xs):\n    r = []\n    for x in xs: r.append(x)\n    return r\n",
    ),
    (
        "missing import",
        '"""Doc."""\nfrom __future__ import annotations\nimport os\nx = re.escape(os.sep)\n',
        '"""Doc."""\nfrom __future__ import annotations\nimport re\nimport os\nx = re.escape(os.sep)\n',
    ),
    (
        "dedented statement",
        "def f(xs):\n    for x in xs:\n        y = x\n        return y\n",
        "def f(xs):\n    for x in xs:\n        y = x\n    return y\n",
    ),
    ("tuple order", "a, b = b, a\n", "a, b = a, b\n"),
    ("loop kind", "if a:\n    n += 1\n", "while a:\n    n += 1\n"),
    (
        "sunk statement",
        "def f(xs):\r\n\tn = 0\r\n\tfor x in xs:\r\n\t\tn += x  # ß\r\n",
        "def f(xs):\r\n\tfor x in xs:\r\n\t\tn = 0\r\n\t\tn += x  # ß\r\n",
    ),
    (
        "hoisted statement",
        "while a:\n    b = [\n        1,\n    ]\n    c(b)",
        "b = [\n    1,\n]\nwhile a:\n    c(b)",
    ),
    ("moved further", "a = 1; x = 2\nb = 2\nc = 3\nd = 4", "a = 1; x = 2\nd = 4\nb = 2\nc = 3\n"),
    (
        "branches",
        "if a:\n    b  # why\nelif c:\n    d\nelse:\n    e\n",
        "if a:\n    b  # why\nelif c:\n    e\nelse:\n    d\n",
    ),
    ("argument inserted", "def f(a, b):\n    return g(a)\n", "def f(a, b):\n    return g(b, a)\n"),
    (
        "passed on parameter",
        "def f(a, b):\n    f(\n        a,\n    )\n",
        "def f(a, b):\n    f(\n        a,\n    b)\n",
    ),
    ("pattern", 'p = re.compile("é\\\\d{2}")\n', 'p = re.compile("é\\\\d{3}")\n'),
    ("class in a pattern", 'p = re.compile(rb"[^a-z]")\n', 'p = re.compile(rb"[a-z]")\n'),
    (
        "repetition in a pattern",
        "p = re.compile(b'[^a-z]x?')\n",
        "p = re.compile(b'[^a-z]+x?')\n",
    ),
    ("field", 'y = f"ä{b}-{a.é}" f"{c}"\n', 'y = f"ä{a.é}-{b}" f"{c}"\n'),
    ("variable", 'def f(ä, b):\n    return f"é{ä:>{b}}"\n', 'def f(ä, b):\n    return f"é{b:>{b}}"\n'),
    (
        "everywhere",
        "def f(a, b):\n    return f'{a}' + a\n",
        "def f(a, b):\n    return f'{b}' + b\n",
    ),
    (
        "loop update",
        "def f(node, key):\r\n\twhile node.key != key:\r\n\t\tg(node.next)\r\n",
        "def f(node, key):\r\n\twhile node.key != key:\r\n\t\tg(node.next)\r\n\t\tnode = node.next\r\n",
    ),
    (
        "filled container",
        "def f(xs):\n    seen, ys = set(), []\n    for x in xs:\n        if x not in seen:\n"
        "            ys.append(x)\n",
        "def f(xs):\n    seen, ys = set(), []\n    for x in xs:\n        if x not in seen:\n"
        "            ys.append(x)\n            seen.add(x)\n",
    ),
    (
        "names swapped",
        "def f(a, b):\n    return (a\n            - g(b))\n",
        "def f(a, b):\n    return (b\n            - g(a))\n",
    ),
    (
        "mutable default",
        'def f(a, b=[], *, c=1):\n    """Doc."""\n    return b\n',
        'def f(a, b=None, *, c=1):\n    """Doc."""\n    if b is None:\n        b = []\n    return b\n',
    ),
    ("everywhere", "def f(ä, b):\n    return ä + len(ä)\n", "def f(ä, b):\n    return b + len(b)\n"),
    ("slice by a name", "y = xs[:-n]\n", "y = xs[:len(xs) - n]\n"),
    (
        "instance attribute",
        "class A:\n    def __init__(self):\n        self.n = 0\n\n    xs = []\n",
        "class A:\n    def __init__(self):\n        self.xs = []\n        self.n = 0\n\n",
    ),
]


@pytest.mark.parametrize(("name", "before", "after"), SOURCES)
def test_real_sources(name: str, before: str, after: str) -> None:
    assert after in results(name, before)


ODD = """# ñ
import re, math; from os import path
LIMIT = "ä" \\
    "b"
@property
class Ünique(Base): xs = []; ys: dict = {}
async def go(a, *b, c={}, **d):
\t'''dôc'''
\tasync with a as é, b: await é(*b, **d); return
\ttry:
\t\tfor i, (j, k) in enumerate(a): yield (i
\t\t\t+ j)
\t\telse: del d["é"]; d["é"] += 1
\texcept (KeyError, ValueError) as e: raise Error(f"{é!r:>{k}}") from e
\telse: x = y = [lambda z: z[1:2, ::-1] for _ in a if _ if not _]
\tfinally:
\t\twhile 0 <= i < 3 and (j or k): i -= 1; continue
\tif (n := len(a)) > 1: pass
\telif a: global LIMIT; LIMIT = -a // 2 % 3 ** 2
\telse:
\t\tassert a, "é"
\treturn re.sub("é+", "%5.2f {x:3}" "", a, flags=re.I) if a else {**c, 1: {2}, 3: (4,)}
self.é.b()
"""


@pytest.mark.parametrize("text", [ODD, ODD.replace("\n", "\r\n"), ODD.rstrip(), ODD.replace("\t", "  ")])
def test_any_layout_is_edited_within_its_bounds(text: str) -> None:
    """Edits stay inside the file, cut no character in two, and are few for one node."""
    source = Source("odd.py", text.encode())
    made = Project()
    made.add(source)
    for entry in TEMPLATES.values():
        for node in ast.walk(source.tree):
            if isinstance(node, entry.nodes) and source.statement(node) is not None:
                edits = list(entry.propose(node, Place(source, made)))
                assert len(edits) <= (150 if entry.name in ("guard", "extended condition") else 40), (
                    entry.name
                )
                for edit in edits:
                    assert 0 <= edit.start <= edit.end <= len(source.data)
                    assert edit.weight > 0
                    source.apply(edit.start, edit.end, edit.replacement).decode()


def test_borrowed_code_names_only_what_is_defined_there() -> None:
    text = "def f(a):\n    b = [c for c in a if c.x]\n    if b: pass\ndef g(d):\n    if d: pass\n    k = d\n"
    for name in ("borrowed condition", "other condition", "borrowed statement", "borrowed expression"):
        for found in results(name, text):
            first, second = (
                {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
                for function in ast.parse(found).body
            )
            assert first <= {"a", "b", "c"}
            assert second <= {"d", "k"}


def test_a_byte_order_mark_is_kept() -> None:
    assert "\ufeffy = a - b\n" in results("arithmetic operator", b"\xef\xbb\xbfy = a + b\n")


def test_imports_come_from_the_projects_own_files() -> None:
    made = project(
        main="def f(p):\n    return Path(area(p))\n",
        shapes="def area(p):\n    return p\n",
        other="from pathlib import Path as Path\nfrom elsewhere import area\n",
    )
    lines = {
        c.replacement.strip().split(b"\n")[0]
        for c in whole_space(made, None, 0).candidates.values()
        if c.template == "missing import"
    }
    assert {b"from shapes import area", b"from elsewhere import area"} <= lines
    assert b"from pathlib import Path as Path" in lines


def test_a_defined_name_gets_no_import() -> None:
    made = project(main="import re\n\n\ndef f(json):\n    return [math for math in re.findall(json, 'x')]\n")
    assert not [c for c in whole_space(made, None, 0).candidates.values() if c.template == "missing import"]


def test_comprehension_variables_stay_inside() -> None:
    found = results("variable", "def f(a):\n    b = [c for c in a]\n    return b\n")
    assert not any(text.endswith("return c\n") for text in found)
    assert any("[a for c in a]" in text for text in found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("loop update", "def f(n):\n    while n > 1:\n        n -= 1\n"),
        ("loop update", "def f(xs):\n    while xs:\n        xs.pop()\n"),
        ("filled container", "def f(x):\n    seen = set()\n    seen.add(x)\n    return x in seen\n"),
        ("unread name", "def f(a, b):\n    return [a + 1, a + 2, a + 3, a + 4, b + 5]\n"),
        ("unread parameter", "def f(a, b):\n    pass\n"),
        ("unused import", "import math\ny = math.pi * x\n"),
        ("unused import", "import math\n__all__ = ['math']\ny = 3 * x\n"),
        ("undone step", "def f(x):\n    on.add(x)\n    g(x)\n    return x\n"),
        ("membership", "def f(x, xs):\n    if x in xs or x: xs.add(x)\n"),
    ],
)
def test_what_nothing_is_missing_in_is_left_alone(name: str, text: str) -> None:
    assert not results(name, text)
