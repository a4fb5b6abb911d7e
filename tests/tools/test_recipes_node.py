"""The recipe for node's own runner with the real tool in a real sandbox."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from runner_images import LIMITS, outcomes, put

from sandboxes.interface import REPO, RunRequest, Sandbox
from tools.detection import recipe_named
from tools.recipe_runner import runner_of
from tools.recipes import Recipe, node
from tools.testing import RunLimits
from tools.verdicts import SuiteRun, judge

pytestmark = pytest.mark.docker

PROJECT = {
    "package.json": json.dumps({"scripts": {"test": "node --test"}}),
    "calc.js": "exports.add = (a, b) => a - b;\n",
    "a.test.js": """
const { test, describe, it } = require('node:test');
const assert = require('node:assert');
const { add } = require('./calc.js');
test('adds', () => assert.strictEqual(add(1, 2), 3));
test('ok', () => console.log('x'.repeat(3000000)));
test('throws', () => { throw new TypeError('\\x1b[31mboo'); });
test('skipped', { skip: 'later' }, () => {});
test('failing todo', { todo: true }, () => { throw new Error(); });
test('"quotes" <xml> é ☃ & ]]>', () => {});
test('parent', async (t) => {
  await t.test('child', () => {});
  await t.test('bad child', () => { throw 1; });
});
test('own failure', async (t) => { await t.test('child', () => {}); throw new Error('after'); });
describe('suite', () => { describe('inner', () => { it('deep', () => {}); it('deep', () => {}); }); });
test('slow', { timeout: 200 }, () => new Promise((done) => setTimeout(done, 500)));
""",
    "b.test.mjs": "import test from 'node:test';\ntest('ok', () => {});\n",
    "c.test.mjs": "import test from 'node:test';\ntest('first', () => {});\n"
    "test('exits', () => process.exit(3));\n",
    "d.test.mjs": "import test from 'node:test'; test('x', () => {\n",
    "e.test.js": "const { describe, it, before } = require('node:test');\n"
    "describe('set-up', () => { before(() => { throw new Error('hook'); }); it('x', () => {}); });\n",
}
A = "a.test.js::"


def run_of(
    sandbox: Sandbox, ids: list[str] | None = None, recipe: Recipe | None = None, limits: RunLimits = LIMITS
) -> SuiteRun:
    return runner_of(recipe or node(), sandbox, sandbox.python).run(ids, limits)


@pytest.fixture(scope="module")
def before(runner_container: Sandbox) -> SuiteRun:
    """The project as it is."""
    runner_container.remove(REPO)
    put(runner_container, PROJECT)
    return run_of(runner_container)


def test_verdicts_are_what_node_says(before: SuiteRun, runner_sandbox: Sandbox) -> None:
    run = before
    put(runner_sandbox, PROJECT)
    assert (run.problem, run.complete) == ("", True)
    expected = {
        f"{A}adds": "failed", f"{A}ok": "passed", f"{A}throws": "failed", f"{A}skipped": "skipped",
        f"{A}failing todo": "skipped", f'{A}"quotes" <xml> é ☃ & ]]>': "passed",
        f"{A}parent > child": "passed", f"{A}parent > bad child": "failed", f"{A}parent": "failed",
        f"{A}own failure > child": "passed", f"{A}own failure": "failed",
        f"{A}suite > inner > deep": "passed", f"{A}suite > inner > deep #2": "passed",
        f"{A}slow": "timeout", "b.test.mjs::ok": "passed", "e.test.js::set-up > x": "failed",
    }  # fmt: skip
    assert outcomes(run) == expected
    assert sorted(run.collection_errors) == ["c.test.mjs", "d.test.mjs", "e.test.js"]
    assert "SyntaxError" in run.collection_errors["d.test.mjs"]
    assert "boo" in run.verdicts[f"{A}throws"].message
    own = runner_sandbox.run(RunRequest(("node", "--test", "--test-reporter=tap"), timeout=60, cwd=REPO))
    said = {word: int(number) for word, number in re.findall(rb"^# (\w+) (\d+)$", own.stdout, re.MULTILINE)}
    found = list(expected.values())
    whole_files = 2  # c and d, which node counts as a test each
    assert said[b"tests"] == len(found) + whole_files
    assert said[b"pass"] == found.count("passed")
    assert said[b"skipped"] + said[b"todo"] == found.count("skipped")
    assert said[b"fail"] + said[b"cancelled"] == found.count("failed") + found.count("timeout") + whole_files


def test_a_test_that_hangs(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, {"a.test.js": "require('node:test')('hangs', () => { for (;;); });\n"})
    run = run_of(runner_sandbox, limits=replace(LIMITS, seconds=2))
    assert (run.complete, run.problem) == (False, "the run took longer than its time limit")


def test_some_ids_run_only_their_files(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    run = run_of(runner_sandbox, ["b.test.mjs::ok"])
    assert (run.complete, outcomes(run), run.collection_errors) == (True, {"b.test.mjs::ok": "passed"}, {})


def test_flags_and_files_of_the_package_are_kept(runner_sandbox: Sandbox) -> None:
    script = "node --require ./set.js --test --test-reporter=spec 'checks/*.check.js' more.js"
    package = json.dumps({"scripts": {"test": script.replace("'", "")}})
    put(
        runner_sandbox,
        {
            "package.json": package,
            "set.js": "globalThis.set = true;\n",
            "checks/a.check.js": "require('node:test')('a', () => { if (!set) throw 1; });\n",
            "more.js": "require('node:test')('m', () => { if (!set) throw 1; });\n",
            "left.test.js": "require('node:test')('left out', () => {});\n",
        },
    )
    recipe = recipe_named("node", {"package.json": package.encode()}.get)
    ids = {"checks/a.check.js::a": "passed", "more.js::m": "passed"}
    assert outcomes(run_of(runner_sandbox, recipe=recipe)) == ids
    assert outcomes(run_of(runner_sandbox, ["more.js::m"], recipe)) == {"more.js::m": "passed"}


def test_a_fix_is_accepted(before: SuiteRun, runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, {**PROJECT, "calc.js": "exports.add = (a, b) => a + b;\n"})
    assert judge(before, run_of(runner_sandbox), [f"{A}adds"]).reasons == ()


FORGERIES = {
    "early exit": ("exports.add = () => process.exit(0);", "no longer collected"),
    "report written by the code": (
        "const fs = require('fs');\nexports.add = () => {\n"
        "for (const name of ['/proc/self/fd/3', `/proc/${process.ppid}/fd/1`])\n"
        "try { fs.writeFileSync(name, '<testsuites/>'); } catch {}\nreturn 0; };",
        "adds fails",
    ),
    "parent killed": ("exports.add = () => { process.kill(process.ppid, 'SIGKILL'); };", "is not complete"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(name: str, before: SuiteRun, runner_sandbox: Sandbox) -> None:
    code, words = FORGERIES[name]
    put(runner_sandbox, {**PROJECT, "calc.js": code})
    found = judge(before, run_of(runner_sandbox), [f"{A}adds"])
    assert not found.fixed
    assert words in "\n".join(found.reasons)
