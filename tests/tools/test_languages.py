"""The map of files in other languages than Python, parsed in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.context import parts_of
from tools.languages import map_languages
from tools.repository_map import RepositoryMap

FILLER = "".join(f"// words that fill this file, line {n}\n" for n in range(120))
SCRIPT = {
    "lib/cart.js": (
        "import { rate as tax } from './prices.js';\n\nconst LIMIT = 3;\n\n"
        "export class Cart extends Base {\n  size = 0;\n\n  total(n) {\n"
        "    return this.raw(n) * tax('a');\n  }\n\n"
        "  raw(n) { return n > LIMIT ? n : 0; }\n}\n\n"
        "export const checkout = (cart) => cart.total(1);\n" + FILLER
    ),
    "lib/prices.js": "export function rate(name) {\n  return RATES[name];\n}\n" + FILLER,
    "test/cart.test.js": (
        "import { test, describe } from 'node:test';\nimport { Cart } from '../lib/cart.js';\n\n"
        "describe('cart', () => {\n  test('adds up', () => {\n    new Cart().total(2);\n  });\n"
        "  test('other', () => {});\n});\n" + FILLER
    ),
}  # fmt: skip
GO = {
    "shop/cart.go": (
        "package shop\n\nimport \"fmt\"\n\n// Cart holds rows.\ntype Cart struct {\n\trows []int\n}\n\n"
        "func (c *Cart) Total() int {\n\treturn sum(c.rows)\n}\n\n"
        "func Print(c Cart) { fmt.Println(c.Total()) }\n" + FILLER
    ),
    "shop/sum.go": "package shop\n\nfunc sum(rows []int) int {\n\treturn 1\n}\n" + FILLER,
    "shop/cart_test.go": (
        "package shop\n\nfunc TestTotal(t *testing.T) {\n\tc := Cart{}\n\tc.Total()\n}\n" + FILLER
    ),
}  # fmt: skip
PHP = {
    "src/Cart.php": (
        "<?php\nnamespace Shop;\nuse Shop\\Prices;\n\nclass Cart extends Base\n{\n"
        "    private array $rows = [];\n\n    public function total(): int\n    {\n"
        "        return $this->raw(2) * Prices::rate('a');\n    }\n\n"
        "    private function raw(int $n): int { return $n; }\n}\n" + FILLER
    ),
    "src/Prices.php": "<?php\nclass Prices {\n    static function rate($n) { return 1; }\n}\n" + FILLER,
    "tests/CartTest.php": (
        "<?php\nclass CartTest extends TestCase {\n    public function testTotal(): void\n    {\n"
        "        $this->assertSame(2, (new Cart())->total());\n    }\n}\n" + FILLER
    ),
}  # fmt: skip


def named(files: Mapping[str, str], target: str, said: str) -> dict[str, list[str]]:
    def read(path: str) -> bytes | None:
        return files[path].encode() if path in files else None

    repository = map_languages(files, read, list(files)[:1])
    assert repository.problem == ""
    found: dict[str, list[str]] = {}
    for part in parts_of(repository, [target], (), [said], read):
        found.setdefault(part.kind, []).append(part.name)
    return found


def test_javascript() -> None:
    found = named(SCRIPT, "test/cart.test.js::cart > adds up", "at Cart.total (lib/cart.js:9:17)")
    assert found == {
        "test": ["cart > adds up"],
        "suspect": ["Cart.total"],
        "callee": ["Cart.raw", "rate"],
        "type": ["Cart"],
        "caller": ["checkout"],
        "import": ["imports"],
        "neighbour": ["Cart"],
    }


def test_typescript() -> None:
    files = {
        "a.ts": (
            "interface Row { n: number }\n\ntype Rows = Row[];\n\n"
            "export function total(rows: Rows): number {\n  return rows.length;\n}\n" + FILLER
        ),
        "b.tsx": "const App = () => <p>{total([])}</p>;\n" + FILLER,
    }
    found = named(files, "x.test.ts", "a.ts:6")
    assert found["suspect"] == ["total"]
    assert found["type"] == ["Rows"]
    assert found["caller"] == ["App"]


def test_go() -> None:
    found = named(GO, "example.com/m/shop::TestTotal/case", "cart.go:11\nshop/cart.go:11 +0x1d")
    assert found["test"] == ["TestTotal"]
    assert found["suspect"] == ["Cart.Total"]
    assert found["callee"] == ["sum"]
    assert found["type"] == ["Cart"]
    assert found["caller"] == ["Print"]


def test_php() -> None:
    found = named(PHP, "tests/CartTest.php::Shop\\CartTest::testTotal", "src/Cart.php:11")
    assert found["test"] == ["CartTest.testTotal"]
    assert found["suspect"] == ["Cart.total"]
    assert found["callee"] == ["Cart.raw", "Prices.rate"]
    assert "Cart" in found["type"]


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200_000,
        "function f() {" * 20_000,
        "describe('x', () => {" * 5_000,
        "class A { b() { " * 10_000,
        "\0\ud7ff" * 1000,
        "`${" * 100_000,
        "a." * 200_000,
    ],
)
def test_hostile_text_costs_bounded_time_and_never_raises(text: str) -> None:
    files = {"a.js": text, "b.js": "function fine() {}\n"}
    start = time.monotonic()
    repository = map_languages(files, lambda path: files[path].encode(), ["b.js"], seconds=20)
    assert time.monotonic() - start < 60
    assert [each.name for each in repository.files["b.js"].definitions] == ["fine"]


def test_without_the_parsers_the_map_is_empty_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", os.fspath(python))
    files = {"a.js": "function f() {}\n"}
    assert map_languages(files, lambda path: files[path].encode(), []) == RepositoryMap(
        {}, "the map is not whole: its process ended early"
    )


def test_a_process_that_takes_too_long_is_ended() -> None:
    files = {"a.js": "function f() {}\n" * 20_000}
    start = time.monotonic()
    repository = map_languages(files, lambda path: files[path].encode(), [], seconds=0.1)
    assert "not whole" in repository.problem
    assert time.monotonic() - start < 3


def test_other_files_and_vendored_ones_are_left_out() -> None:
    files = dict.fromkeys(
        ("a.py", "README.md", "node_modules/x.js", "vendor/x.go", "a.min"), "function f() {}"
    )
    assert map_languages(files, lambda path: files[path].encode(), []) == RepositoryMap({})
