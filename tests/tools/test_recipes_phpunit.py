"""The recipe for PHPUnit with the real tool in a real sandbox."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from runner_images import LIMITS, outcomes, put

from sandboxes.interface import REPO, RunRequest, Sandbox
from tools.recipe_runner import runner_of
from tools.recipes import PHPUNIT
from tools.testing import RunLimits
from tools.verdicts import SuiteRun, judge

pytestmark = pytest.mark.docker

CALC = "<?php\nfunction add($a, $b) { return $a - $b; }\n"
PROJECT = {
    "phpunit.xml": '<?xml version="1.0"?><phpunit bootstrap="src/calc.php"><testsuites>'
    '<testsuite name="unit"><directory>tests</directory></testsuite></testsuites></phpunit>',
    "src/calc.php": CALC,
    "tests/CalcTest.php": r"""<?php
namespace App\Tests;
use PHPUnit\Framework\TestCase;
final class CalcTest extends TestCase {
  public function testAdd(): void { $this->assertSame(3, \add(1, 2)); }
  public function testOk(): int { echo str_repeat("x", 3000000); $this->assertTrue(true); return 1; }
  /** @depends testOk */
  public function testDepends(int $one): void { $this->assertSame(1, $one); }
  public function testSkipped(): void { $this->markTestSkipped("later"); }
  public function testIncomplete(): void { $this->markTestIncomplete("later"); }
  public function testError(): void { throw new \RuntimeException("\e[31mboo"); }
  public function testRisky(): void { }
  /** @dataProvider numbers */
  public function testData($a): void { $this->assertSame(1, $a); }
  public function numbers(): array { return ["é <x>" => [1], "two" => [2], [1]]; }
}
""",
    "tests/SetUpTest.php": "<?php\nclass SetUpTest extends PHPUnit\\Framework\\TestCase {\n"
    "  public static function setUpBeforeClass(): void { throw new Exception('set-up'); }\n"
    "  public function testX(): void { $this->assertTrue(true); }\n}\n",
}
CLASS = r"tests/CalcTest.php::App\Tests\CalcTest::"
TARGET = f"{CLASS}testAdd"
ONE_TEST = (
    "<?php\nclass OneTest extends PHPUnit\\Framework\\TestCase {\n"
    "  public function testOne(): void { %s $this->assertSame(3, add(1, 2)); }\n}\n"
)
ONE = "tests/OneTest.php::OneTest::testOne"


def run_of(sandbox: Sandbox, ids: list[str] | None = None, limits: RunLimits = LIMITS) -> SuiteRun:
    return runner_of(PHPUNIT, sandbox, sandbox.python).run(ids, limits)


def test_verdicts_are_what_phpunit_says(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    run = run_of(runner_sandbox)
    assert (run.problem, run.complete) == ("", True)
    expected = {
        TARGET: "failed", f"{CLASS}testOk": "passed", f"{CLASS}testDepends": "passed",
        f"{CLASS}testSkipped": "skipped", f"{CLASS}testIncomplete": "skipped", f"{CLASS}testError": "error",
        f"{CLASS}testRisky": "skipped", f'{CLASS}testData with data set "é <x>"': "passed",
        f'{CLASS}testData with data set "two"': "failed", f"{CLASS}testData with data set #0": "passed",
        "tests/SetUpTest.php::SetUpTest::testX": "error",
    }  # fmt: skip
    assert outcomes(run) == expected
    assert "boo" in run.verdicts[f"{CLASS}testError"].message
    own = runner_sandbox.run(RunRequest(("phpunit",), timeout=60, cwd=REPO))
    last = own.stdout.decode().strip().splitlines()[-1]
    said = {word: int(number) for word, number in re.findall(r"(\w+): (\d+)", last)}
    found = list(expected.values())
    assert (said["Tests"], said["Failures"], said["Errors"]) == (len(found), 2, 2)
    assert said["Skipped"] + said["Incomplete"] + said["Risky"] == found.count("skipped")


def test_some_ids_bring_what_they_depend_on(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    wanted = [f"{CLASS}testDepends", f'{CLASS}testData with data set "é <x>"']
    run = run_of(runner_sandbox, wanted)
    assert (run.complete, run.problem, outcomes(run)) == (True, "", dict.fromkeys(wanted, "passed"))


def test_a_fix_is_accepted(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    before = run_of(runner_sandbox)
    put(runner_sandbox, {"src/calc.php": CALC.replace("-", "+")})
    assert judge(before, run_of(runner_sandbox), [TARGET]).reasons == ()


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("for (;;);", "longer than its time limit"),
        ("exit(0);", "no test report"),
        ("undefined() +;", "no test report"),
    ],
)
def test_a_suite_that_does_not_end_in_order_proves_nothing(
    before: str,
    words: str,
    runner_sandbox: Sandbox,
) -> None:
    put(runner_sandbox, {**PROJECT, "tests/OneTest.php": ONE_TEST % before})
    run = run_of(runner_sandbox, limits=replace(LIMITS, seconds=4))
    assert not run.complete
    assert words in run.problem


FORGERIES = {
    "early exit": ("exit(0);", "no test report was written"),
    "partial report": (
        "file_put_contents(getenv('AGENT_JUNIT'), '<testsuites><testsuite><testcase'); exit(0);",
        "cannot be read",
    ),
    "report of another result": (
        "file_put_contents(getenv('AGENT_JUNIT'), '<testsuites><testsuite/></testsuites>'); exit(0);",
        "holds no tests",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(name: str, runner_sandbox: Sandbox) -> None:
    code, words = FORGERIES[name]
    files = {"phpunit.xml": PROJECT["phpunit.xml"], "src/calc.php": CALC, "tests/OneTest.php": ONE_TEST % ""}
    put(runner_sandbox, files)
    before = run_of(runner_sandbox)
    assert before.failing == (ONE,)
    put(runner_sandbox, {"src/calc.php": f"<?php\nfunction add($a, $b) {{ {code} }}\n"})
    found = judge(before, run_of(runner_sandbox), [ONE])
    assert not found.fixed
    assert words in "\n".join(found.reasons)
