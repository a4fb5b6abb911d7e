"""The recipe for vitest with the real tool in a real sandbox, its modules part of the work area."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from runner_images import LIMITS, outcomes, put

from sandboxes.interface import REPO, RunRequest, Sandbox
from tools.recipe_runner import runner_of
from tools.recipes import VITEST
from tools.testing import RunLimits
from tools.verdicts import SuiteRun, judge

pytestmark = [pytest.mark.docker, pytest.mark.fetch]

PROJECT = {
    "package.json": json.dumps({"devDependencies": {"vitest": "^2"}}),
    "vitest.config.mjs": "export default { test: { bail: 1, testTimeout: 300 } };\n",
    "src/calc.ts": "export const add = (a: number, b: number) => a - b;\n",
    "a.test.ts": """
import { describe, it, expect, test } from 'vitest';
import { add } from './src/calc';
test('adds', () => { expect(add(1, 2)).toBe(3); });
test('ok é <x> "q"', () => { console.log('x'.repeat(1000000)); });
test.skip('skipped', () => {});
test.todo('todo');
test.fails('expected failure', () => { expect(1).toBe(2); });
describe('suite', () => {
  describe('inner', () => { it('deep', () => {}); it('deep', () => {}); });
  it.each([1, 2])('each %i', (n) => { expect(n).toBe(1); });
});
test('hangs', () => new Promise(() => {}));
test('snapshot', () => { expect({ a: 1 }).toMatchSnapshot(); });
""",
    "b.test.ts": "import { test, beforeAll } from 'vitest';\n"
    "beforeAll(() => { throw new Error('set-up'); });\ntest('never', () => {});\n",
    "c.test.ts": "import { test } from 'vitest'; test('x', () => {\n",
    "d.test.ts": "import { test } from 'vitest';\ntest('exits', () => { process.exit(0); });\n",
}
EXPECTED = {
    "a.test.ts::adds": "failed", 'a.test.ts::ok é <x> "q"': "passed", "a.test.ts::skipped": "skipped",
    "a.test.ts::todo": "skipped", "a.test.ts::expected failure": "passed",
    "a.test.ts::suite > inner > deep": "passed", "a.test.ts::suite > inner > deep #2": "passed",
    "a.test.ts::suite > each 1": "passed", "a.test.ts::suite > each 2": "failed",
    "a.test.ts::hangs": "timeout", "a.test.ts::snapshot": "failed", "b.test.ts::never": "skipped",
    "d.test.ts::exits": "failed",
}  # fmt: skip


@pytest.fixture(scope="module")
def modules_tar(vitest_modules: Path) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(vitest_modules, "node_modules")
    return buffer.getvalue()


@pytest.fixture
def sandbox(runner_sandbox: Sandbox, modules_tar: bytes) -> Sandbox:
    """A sandbox with the project and its modules."""
    runner_sandbox.put_tar(REPO, modules_tar)
    put(runner_sandbox, PROJECT)
    return runner_sandbox


@pytest.fixture(scope="module")
def before(runner_container: Sandbox, modules_tar: bytes) -> SuiteRun:
    """The project as it is."""
    runner_container.remove(REPO)
    runner_container.put_tar(REPO, modules_tar)
    put(runner_container, PROJECT)
    return run_of(runner_container)


def run_of(sandbox: Sandbox, ids: list[str] | None = None, limits: RunLimits = LIMITS) -> SuiteRun:
    return runner_of(VITEST, sandbox, sandbox.python).run(ids, limits)


def test_verdicts_are_what_vitest_says(before: SuiteRun, sandbox: Sandbox) -> None:
    assert (before.problem, before.complete) == ("", True)
    assert outcomes(before) == EXPECTED
    assert sorted(before.collection_errors) == ["b.test.ts", "c.test.ts"]
    assert "Unexpected end of file" in before.collection_errors["c.test.ts"]
    command = ("node", "node_modules/vitest/vitest.mjs", "run", "--reporter=json", "--bail=0")
    own = sandbox.run(RunRequest(command, timeout=60, cwd=REPO, env={"CI": "1"}, max_output=10_000_000))
    said = json.loads(own.stdout[own.stdout.index(b'{"numTotalTestSuites') :].splitlines()[0])
    found = list(EXPECTED.values())
    assert said["numPassedTests"] == found.count("passed")
    assert said["numFailedTests"] == found.count("failed") + found.count("timeout")
    assert said["numTotalTests"] == len(found)


def test_a_loop_without_end(sandbox: Sandbox) -> None:
    put(sandbox, {"a.test.ts": "import { test } from 'vitest';\ntest('hangs', () => { for (;;); });\n"})
    run = run_of(sandbox, limits=replace(LIMITS, seconds=4))
    assert (run.complete, run.problem) == (False, "the run took longer than its time limit")


def test_some_ids_run_only_their_files_and_a_fix_is_accepted(before: SuiteRun, sandbox: Sandbox) -> None:
    put(sandbox, {"src/calc.ts": "export const add = (a: number, b: number) => a + b;\n"})
    some = run_of(sandbox, ["a.test.ts::adds"])
    assert (some.complete, outcomes(some), some.collection_errors) == (
        True,
        {"a.test.ts::adds": "passed"},
        {},
    )
    assert judge(before, run_of(sandbox), ["a.test.ts::adds"]).reasons == ()


FORGERIES = {
    # vitest itself says that every test of the file has passed
    "worker killed": (
        "export const add = () => { process.kill(process.pid, 'SIGKILL'); };",
        "adds ends in an error",
    ),
    "report written by the code": (
        "import fs from 'fs';\nexport const add = () => { fs.writeFileSync('/workspace/junit.xml', "
        '\'<testsuites><testsuite><testcase classname="a.test.ts" name="adds" time="1"/></testsuite>'
        "</testsuites>'); process.kill(process.ppid, 'SIGKILL'); return 0; };",
        "is not complete",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(name: str, before: SuiteRun, sandbox: Sandbox) -> None:
    code, words = FORGERIES[name]
    put(sandbox, {"src/calc.ts": code})
    found = judge(before, run_of(sandbox), ["a.test.ts::adds"])
    assert not found.fixed
    assert words in "\n".join(found.reasons)


def test_vitest_not_installed(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    run = run_of(runner_sandbox)
    assert not run.complete
    assert "node_modules/vitest/vitest.mjs is missing" in run.problem
