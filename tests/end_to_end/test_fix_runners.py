"""`agent fix` with other runners than pytest, by the real tools."""

from __future__ import annotations

from pathlib import Path

import pytest
from driver import World, make_repository, refused
from runner_images import runner_image

__all__ = ["runner_image"]

pytestmark = pytest.mark.docker

GO = {
    "go.mod": b"module example.org/shop\n\ngo 1.19\n",
    "shop.go": b"package shop\n\nfunc Total(prices []int) int {\n\treturn len(prices)\n}\n",
    "shop_test.go": b"""\
package shop

import "testing"

func TestEmpty(t *testing.T) {
	if Total(nil) != 0 {
		t.Fatal("not nothing")
	}
}

func TestTotal(t *testing.T) {
	if got := Total([]int{2, 3}); got != 5 {
		t.Fatalf("got %d", got)
	}
}
""",
}
GO_FIX = """\
package shop

func Total(prices []int) int {
	total := 0
	for _, price := range prices {
		total += price
	}
	return total
}
"""
NODE = {
    "package.json": b'{"name": "shop", "type": "module", "scripts": {"test": "node --test"}}\n',
    "shop.js": b"export const total = (prices) => prices.length;\n",
    "shop.test.js": b"""\
import test from "node:test";
import assert from "node:assert";
import { total } from "./shop.js";

test("empty", () => assert.equal(total([]), 0));
test("total", () => assert.equal(total([2, 3]), 5));
""",
}
NODE_FIX = "export const total = (prices) => prices.reduce((sum, price) => sum + price, 0);\n"


@pytest.mark.parametrize(
    ("files", "runner", "edits"),
    [(GO, "go", {"shop.go": GO_FIX}), (NODE, "node", {"shop.js": NODE_FIX})],
    ids=["go", "node"],
)
def test_a_patch_of_a_priced_tier_is_verified_by_the_repository_s_own_runner(
    world: World,
    tmp_path: Path,
    runner_image: str,
    files: dict[str, bytes],
    runner: str,
    edits: dict[str, str],
) -> None:
    world.tier("dear", dollars=0.1, ability=3, attempts=2, replies=[{"edits": edits}])
    repository = make_repository(tmp_path / "r", files)
    ran = world.fix(repository, "--image", runner_image)
    assert ran.code == 0, ran.output
    assert ran.events("result")[0]["observation"]["runner"] == runner
    assert "act repair" not in ran.steps(), "the embedded tier knows Python only"
    assert ran.report["dollars"] == 0.1
    assert all(path in ran.report["diff"] for path in edits)


def test_a_patch_of_the_tests_is_dropped_in_other_languages_too(
    world: World, tmp_path: Path, runner_image: str
) -> None:
    softened = GO["shop_test.go"].decode().replace("got != 5", "got == 5")
    world.tier("dear", dollars=0.1, ability=3, attempts=1, replies=[{"edits": {"shop_test.go": softened}}])
    ran = world.fix(make_repository(tmp_path / "r", GO), "--image", runner_image)
    assert ran.code == 10, ran.output
    (attempt,) = (
        done for event in ran.events("result") if (done := event["observation"])["type"] == "attempt"
    )
    assert any("shop_test.go" in reason for reason in attempt["dropped"])


def test_unittest_by_name_is_repaired(world: World, tmp_path: Path) -> None:
    repository = make_repository(
        tmp_path / "r",
        {
            "shop.py": b"def discount(price, percent):\n    return price - price * percent / 10\n",
            "test_shop.py": b"import unittest\nfrom shop import discount\n\n\n"
            b"class ShopTest(unittest.TestCase):\n"
            b"    def test_none(self):\n        self.assertEqual(discount(50, 0), 50)\n\n"
            b"    def test_half(self):\n        self.assertEqual(discount(50, 50), 25)\n",
        },
    )
    ran = world.fix(repository, "--runner", "unittest")
    assert ran.code == 0, ran.output
    assert "+    return price - price * percent / 100" in ran.report["diff"]


def test_runners_that_cannot_be(world: World, calc: Path) -> None:
    refused(world.fix(calc, "--runner", "nose"), "unknown test runner 'nose'", "phpunit")
    refused(
        world.fix(calc, "--runner", "go", "--tests-command", "true"), "runner and tests-command", "not both"
    )
    without = world.fix(calc, "--runner", "go")
    assert without.code == 10 and "no tier here can repair what" in without.output
    world.tier("dear", dollars=0.1, ability=3, attempts=1, replies=[])
    refused(world.fix(calc, "--runner", "go"), "go is missing")
