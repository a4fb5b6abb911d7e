"""The map of a repository, and the parts that bear on a failing test."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandboxes.docker import DockerSandbox
from sandboxes.interface import REPO
from tools.context import Line, Part, mentioned, parts_of
from tools.inside import mapping
from tools.repository_map import RepositoryMap, map_repository, read_map

FILLER = "\n\n" + "".join(
    f"def unrelated_{n}():\n    return 'some words to fill this file {n}'\n\n\n" for n in range(60)
)
FILES = {
    "src/shop/__init__.py": "from .cart import Cart\n",
    "src/shop/prices.py": (
        "from __future__ import annotations\n\nRATES = {'a': 1,\n         'b': 2}\n\n\n"
        "class Base:\n    kind = 'x'\n\n    def reduced(self, n):\n        return n - 1\n\n\n"
        "def rate(name):\n    return RATES[name]\n" + FILLER
    ),
    "src/shop/cart.py": (
        "import math\nfrom shop.prices import Base, rate\n\n\n"
        "class Cart(Base):\n    '''A cart.'''\n\n    size: int = 0\n\n"
        "    def __init__(self, owner):\n        self.rows = []\n\n"
        "    @property\n    def total(self):\n        return self.reduced(self.raw(2))\n\n"
        "    def raw(self, n):\n        return n * rate('a')\n\n\n"
        "def checkout(cart: Cart):\n    return cart.raw(1)\n" + FILLER
    ),
    "tests/conftest.py": "import pytest\n\n\n@pytest.fixture\ndef owner():\n    return 'me'\n",
    "tests/test_cart.py": (
        "import unittest\n\nimport pytest\n\nfrom shop import Cart\n\nCASES = [1, 2]\n\n\n"
        "@pytest.fixture\ndef cart(owner):\n    return made(owner)\n\n\n"
        "def made(owner):\n    return Cart(owner)\n\n\n"
        "@pytest.mark.parametrize('n', CASES)\ndef test_total(cart, n):\n    assert cart.total == n\n\n\n"
        "class TestMore(unittest.TestCase):\n    def setUp(self):\n        self.n = 1\n\n"
        "    def test_n(self):\n        assert self.n\n" + FILLER
    ),
}  # fmt: skip


def mapped(files: Mapping[str, str]) -> RepositoryMap:
    rows = [mapping.mapped(path, text.encode()) for path, text in files.items()]
    return read_map(
        b"\n".join(json.dumps(row).encode() for row in [*rows, {"event": "end", "complete": True}])
    )


def line_of(path: str, text: str) -> Line:
    return (path, FILES[path][: FILES[path].index(text)].count("\n") + 1)


def named(parts: tuple[Part, ...], kind: str, files: Mapping[str, str] = FILES) -> list[str]:
    return [part.name or f"{part.path}:{part.first}-{part.last}" for part in parts if part.kind == kind]


def found(
    *suspicious: Line, target: str = "tests/test_cart.py::test_total[1]", said: str = ""
) -> tuple[Part, ...]:
    return parts_of(
        mapped(FILES),
        [target],
        suspicious,
        [said],
        lambda path: FILES[path].encode() if path in FILES else None,
    )


def text_of(part: Part) -> str:
    return "\n".join(FILES[part.path].split("\n")[part.first - 1 : part.last])


def test_names_are_resolved_through_imports_classes_and_bases() -> None:
    repository = mapped(FILES)

    def resolve(path: str, name: str, within: str = "") -> list[str]:
        return [f"{where}:{each.name}" for where, each in repository.resolve(path, name, within)]

    cart = "src/shop/cart.py"
    assert resolve(cart, "rate") == ["src/shop/prices.py:rate"]
    assert resolve(cart, "self.raw", "Cart.total") == [f"{cart}:Cart.raw"]
    assert resolve(cart, "self.reduced", "Cart.total") == ["src/shop/prices.py:Base.reduced"]
    assert resolve("tests/test_cart.py", "Cart") == [f"{cart}:Cart"]
    assert resolve("tests/test_cart.py", "row.raw") == [f"{cart}:Cart.raw"]
    assert resolve("tests/test_cart.py", "row.checkout") == []  # a function is no method of anything
    assert resolve(cart, "math.floor") == []
    assert resolve(cart, "print") == []
    assert resolve("no.py", "x") == []


def test_tests_come_with_their_fixtures_helpers_and_tables() -> None:
    parts = found()
    assert named(parts, "test") == ["test_total", "cart", "CASES", "tests/conftest.py:1-6", "made"]
    assert text_of(parts[0]).startswith("@pytest.mark.parametrize('n', CASES)\ndef test_total")
    assert [part.rank for part in parts if part.kind == "test"] == [1, 2, 3, 4, 5]
    more = found(target="tests/test_cart.py::TestMore::test_n")
    assert named(more, "test") == ["TestMore.test_n", "TestMore.setUp"]


def test_suspects_are_the_functions_of_the_lines_in_their_order() -> None:
    cart = "src/shop/cart.py"
    parts = found(
        line_of(cart, "def checkout"),  # runs when the file is imported
        line_of(cart, "import math"),
        line_of(cart, "return n * rate"),
        line_of(cart, "return self.reduced"),
        line_of(cart, "size: int"),
    )
    assert named(parts, "suspect") == ["Cart.raw", "Cart.total", "Cart"]
    total = next(part for part in parts if part.name == "Cart.total")
    assert text_of(total).startswith("    @property\n    def total")
    assert named(parts, "callee") == ["rate", "Base.reduced"]
    assert named(parts, "type") == ["Cart.__init__", "Base"]
    assert named(parts, "caller") == ["checkout"]
    assert named(parts, "import") == ["imports"]
    assert named(parts, "neighbour") == ["Cart"]


def test_a_suspicious_line_outside_functions_is_its_statement() -> None:
    parts = found(line_of("src/shop/prices.py", "         'b'"))
    [part] = [each for each in parts if each.kind == "suspect"]
    assert (part.name, text_of(part)) == ("RATES", "RATES = {'a': 1,\n         'b': 2}")


def test_without_suspicious_lines_what_the_output_mentions_and_the_tests_call() -> None:
    said = f"{REPO}/src/shop/prices.py:15: KeyError\ntests/test_cart.py:20: in test\n"
    parts = found(said=said)
    assert named(parts, "suspect")[:2] == ["rate", "Cart.__init__"]


def test_without_a_map_there_are_windows_around_mentions_and_the_test() -> None:
    files = {"lib/a.js": "x\n" * 500, "a.test.js": "y\n" * 100 + "test('adds up', () => {})\n" + "y\n" * 2000}
    said = "at f (file:///workspace/repo/lib/a.js:200:5)\nat b.js:3\nat ../../etc/passwd.x:3"
    parts = parts_of(
        RepositoryMap({}),
        ["a.test.js::suite > adds up"],
        (),
        [said],
        lambda path: files[path].encode() if path in files else None,
    )
    assert parts == (
        Part("a.test.js", 71, 131, "test", "adds up", 1),
        Part("lib/a.js", 170, 230, "suspect", "", 1),
    )
    files["lib/a.js"] = "x\n" * 250  # small: one part
    whole = parts_of(
        RepositoryMap({}),
        ["a.test.js::adds up"],
        (),
        [said],
        lambda path: files.get(path, "").encode() or None,
    )
    assert whole[1] == Part("lib/a.js", 1, 250, "suspect", "", 1)
    files["lib/a.js"] = "x\n" * 5000
    wide = parts_of(
        RepositoryMap({}), [], (), [said], lambda path: files[path].encode() if path in files else None
    )
    assert wide == (Part("lib/a.js", 170, 230, "suspect", "", 1),)


def test_the_last_mentioned_line_comes_first() -> None:
    read = {"a.py": b"", "src/b.py": b""}.get
    text = "a.py:3: in f\n  src/b.py:7: in g\n/workspace/repo/a.py:9: Error\nhttp://x.y:80 c.py:1 a.py:3"
    assert mentioned([text], read) == (("a.py", 3), ("a.py", 9), ("src/b.py", 7))


def test_large_functions_are_shown_around_the_line() -> None:
    files = {"a.py": "def f():\n" + "    x = 1  # words and words\n" * 1000}
    parts = parts_of(mapped(files), [], [("a.py", 500)], [], lambda path: files[path].encode())
    assert [(part.first, part.last) for part in parts] == [(470, 530)]


def test_of_a_long_test_its_beginning_is_shown_and_where_it_stopped() -> None:
    files = {"test_a.py": "def test_long():\n" + "    assert 1 == 1  # words\n" * 600}
    said = ["test_a.py:590: AssertionError"]
    parts = parts_of(mapped(files), ["test_a.py::test_long"], [], said, lambda path: files[path].encode())
    assert [(part.kind, part.first, part.last) for part in parts] == [("test", 1, 61), ("test", 560, 601)]


def test_files_that_cannot_be_parsed_are_passed_over() -> None:
    for text in (
        "def f(:\n",
        "x = (" * 5000,
        "\0",
        "-" * 50_000 + "1",
    ):
        row = mapping.mapped("a.py", text.encode())
        assert row["problem"]
        assert "definitions" not in row
    assert mapping.mapped("a.py", b"\xff")["problem"]


def test_names_are_bounded() -> None:
    text = (
        "def f():\n    "
        + "; ".join(f"x{n}()" for n in range(5000))
        + "\n"
        + "".join(f"y{n} = 1\n" for n in range(9000))
    )
    row = mapping.mapped("a.py", text.encode())
    assert len(row["definitions"][0]["calls"]) == 300
    assert len(row["definitions"]) == 5000


def test_a_report_is_not_believed() -> None:
    good = json.dumps({"event": "file", "path": "a.py", "lines": 1, "size": 1, "definitions": []}).encode()
    bad = [
        b"\xff", b"[]", b"{}", b'{"event": "file"}',
        b'{"event": "file", "path": "b.py", "lines": -1, "size": 1}',
        b'{"event": "file", "path": "c.py", "lines": 1, "size": 1, "definitions": [{"name": 1}]}',
        b'{"event": "file", "path": "d.py", "lines": 1, "size": 1, "imports": [1, 2, 3]}',
    ]  # fmt: skip
    repository = read_map(b"\n".join([*bad, good]))
    assert list(repository.files) == ["a.py"]
    assert "not whole" in repository.problem


def test_resolution_ends_where_imports_and_bases_go_in_circles() -> None:
    files = {
        "a.py": (
            "from b import x\nfrom b import *\n\n\nclass A(B):\n    def f(self):\n        self.g()\n\n\n"
            "class B(A):\n    pass\n"
        ),
        "b.py": "from a import x\nfrom a import *\n",
    }
    repository = mapped(files)
    assert repository.resolve("a.py", "x") == ()
    assert repository.resolve("a.py", "self.g", "A.f") == ()


def test_a_map_of_thousands_of_definitions_is_read_in_time() -> None:
    draw = random.Random(1).randrange
    files = {
        f"p{n}.py": "".join(
            f"class C{n}_{i}:\n  def f{draw(9000)}(a):\n    a.f{draw(9000)}().g.h()\n\n" for i in range(100)
        )
        for n in range(100)
    }
    repository = mapped(files)
    start = time.process_time()
    parts = parts_of(
        repository, [], [(f"p{n}.py", 3 + 4 * n) for n in range(100)], [], lambda path: files[path].encode()
    )
    assert len(parts) > 44
    assert time.process_time() - start < 3


def test_the_process_ends_at_its_bounds_and_follows_no_links(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(): pass\n")
    (tmp_path / "link.py").symlink_to("a.py")
    (tmp_path / "up").symlink_to("/")
    (tmp_path / "big.py").write_text("#" * 2_000_000)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.py").write_text("x = 1\n")
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "d.py").write_text("x = 1\n")

    def run(**settings: object) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-E", "-s", "-B", str(Path(mapping.__file__).with_name("mapping_run.py"))],
            cwd=tmp_path,
            input=json.dumps(
                {
                    "first": ["b/c.py", "../x.py", "/etc/x.py", "gone.py"],
                    "lines": None,
                    "seconds": 5,
                    **settings,
                }
            ).encode(),
            env={"AGENT_REPORT_FD": "1"},
            capture_output=True,
            check=True,
        )
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        return [row.get("path") or str(row["complete"]) for row in rows]

    assert run() == ["b/c.py", "a.py", "True"]
    assert run(seconds=-1) == ["False"]


@pytest.mark.docker
def test_the_map_is_made_in_the_sandbox(sandbox: DockerSandbox) -> None:
    for path, text in {**FILES, "src/shop/broken.py": "def f(:\n"}.items():
        sandbox.write(f"{REPO}/{path}", text.encode())
    for n in range(20):
        sandbox.write(f"{REPO}/other/o{n}.py", f"def other_{n}(): return None\n".encode())
    lines = [("src/shop/broken.py", 1), line_of("src/shop/cart.py", "return n * rate")]
    repository = map_repository(sandbox, sandbox.python, ["tests/test_cart.py"], lines)
    assert repository.problem == ""
    assert next(iter(repository.files)) == "tests/test_cart.py"
    assert repository.files["src/shop/broken.py"].problem == "SyntaxError"
    assert {path: repository.files[path] for path in FILES} == dict(mapped(FILES).files)
    assert not any(path.startswith("other/") for path in repository.files)
