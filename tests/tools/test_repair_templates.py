"""Every template's documented examples, and the spans they edit."""

from __future__ import annotations

import ast

import pytest

from tools.inside.repair.candidates import Space
from tools.inside.repair.registry import TEMPLATES, Place, template
from tools.inside.repair.scope import Project
from tools.inside.repair.source import Source

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


def test_every_template_shows_an_example() -> None:
    assert {name for name, _, _ in EXAMPLES} == set(TEMPLATES)


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
]


@pytest.mark.parametrize(("name", "before", "after"), SOURCES)
def test_real_sources(name: str, before: str, after: str) -> None:
    assert after in results(name, before)


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
        for c in Space(made, None, 0).candidates
        if c.template == "missing import"
    }
    assert {b"from shapes import area", b"from elsewhere import area"} <= lines
    assert b"from pathlib import Path as Path" in lines


def test_a_defined_name_gets_no_import() -> None:
    made = project(main="import re\n\n\ndef f(json):\n    return [math for math in re.findall(json, 'x')]\n")
    assert not [c for c in Space(made, None, 0).candidates if c.template == "missing import"]


def test_comprehension_variables_stay_inside() -> None:
    found = results("variable", "def f(a):\n    b = [c for c in a]\n    return b\n")
    assert not any(text.endswith("return c\n") for text in found)
    assert any("[a for c in a]" in text for text in found)
