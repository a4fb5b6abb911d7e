"""The recipe for Go with the real tool in a real sandbox: no network, read-only root, unprivileged."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from runner_images import LIMITS, outcomes, put

from sandboxes.interface import REPO, RunRequest, Sandbox
from tools.recipe_runner import runner_of
from tools.recipes import GO
from tools.testing import RunLimits
from tools.verdicts import SuiteRun, judge

pytestmark = pytest.mark.docker

CALC = "package calc\n\nfunc Add(a, b int) int { return a - b }\n"
PROJECT = {
    "go.mod": "module example.com/calc\n\ngo 1.19\n",
    "calc.go": CALC,
    "calc_test.go": """package calc
import ("fmt"; "strings"; "syscall"; "testing")
func TestAdd(t *testing.T) { if Add(1, 2) != 3 { t.Errorf("Add = %d\\x1b[31m", Add(1, 2)) } }
func TestFlood(t *testing.T) { fmt.Println(strings.Repeat("x", 3000000)) }
func TestNoLineFeed(t *testing.T) { fmt.Print("no line feed") }
func TestSkipped(t *testing.T) { t.Skip("later") }
func TestSub(t *testing.T) {
	for _, name := range []string{"a b", "é/x", "a b"} {
		t.Run(name, func(t *testing.T) { t.Parallel(); if strings.Contains(t.Name(), "é") { t.Fail() } })
	}
}
func TestNoNetwork(t *testing.T) {
	socket, _ := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	address := syscall.SockaddrInet4{Port: 80, Addr: [4]byte{192, 0, 2, 1}}
	if err := syscall.Connect(socket, &address); err != syscall.ENETUNREACH { t.Fatal(err) }
}
func ExampleAdd() { fmt.Println(Add(1, 2)) // Output: 3
}
""",
    "broken/broken.go": 'package broken\n\nfunc F() int { return "x" }\n',
    "broken/broken_test.go": 'package broken\nimport "testing"\nfunc TestB(t *testing.T) { F() }\n',
    "panics/p_test.go": """package panics
import "testing"
func TestFirst(t *testing.T) {}
func TestPanic(t *testing.T) { var m map[string]int; m["a"] = 1 }
func TestLast(t *testing.T) {}
""",
    "exits/e_test.go": """package exits
import ("os"; "testing")
func TestBefore(t *testing.T) {}
func TestExit(t *testing.T) { os.Exit(0) }
""",
    "none/none.go": "package none\n",
}
HANGS = """package hangs
import ("testing"; "time")
func TestQuick(t *testing.T) {}
func TestHang(t *testing.T) { time.Sleep(time.Hour) }
"""
P = "example.com/calc"


def run_of(sandbox: Sandbox, ids: list[str] | None = None, limits: RunLimits = LIMITS) -> SuiteRun:
    return runner_of(GO, sandbox, sandbox.python).run(ids, limits)


def own_words(sandbox: Sandbox) -> list[dict[str, str]]:
    """The events of the tool itself, run without us."""
    env = {"GOCACHE": "/workspace/own", "GOPROXY": "off", "CGO_ENABLED": "0"}
    result = sandbox.run(
        RunRequest(("go", "test", "-json", "./..."), timeout=120, cwd=REPO, env=env, max_output=20_000_000)
    )
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith(b"{")]


def test_verdicts_are_what_go_says(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    heard: list[int] = []
    run = runner_of(GO, runner_sandbox, runner_sandbox.python).run(
        None, LIMITS, lambda verdict, done, total: heard.append(total - done)
    )
    assert (run.problem, run.complete) == ("", True)
    assert outcomes(run) == {
        f"{P}::TestAdd": "failed", f"{P}::TestFlood": "passed", f"{P}::TestNoLineFeed": "passed",
        f"{P}::TestSkipped": "skipped", f"{P}::TestSub": "failed", f"{P}::TestSub/a_b": "passed",
        f"{P}::TestSub/é/x": "failed", f"{P}::TestSub/a_b#01": "passed", f"{P}::TestNoNetwork": "passed",
        f"{P}::ExampleAdd": "failed", f"{P}/exits::TestBefore": "passed", f"{P}/exits::TestExit": "failed",
        f"{P}/panics::TestFirst": "passed", f"{P}/panics::TestPanic": "failed",
    }  # fmt: skip
    assert sorted(run.collection_errors) == [f"{P}/broken", f"{P}/exits", f"{P}/panics"]
    assert 'cannot use "x"' in run.collection_errors[f"{P}/broken"]
    assert "assignment to entry in nil map" in run.verdicts[f"{P}/panics::TestPanic"].message
    assert "Add = -1" in run.verdicts[f"{P}::TestAdd"].message
    assert heard == list(range(len(run.verdicts) - 1, -1, -1))
    words = {"pass": "passed", "fail": "failed", "skip": "skipped"}
    said = {
        f"{event['Package']}::{event['Test']}": words[event["Action"]]
        for event in own_words(runner_sandbox)
        if "Test" in event and event["Action"] in words
    }
    assert outcomes(run) == {f"{P}::TestNoLineFeed": "passed", **said}


def test_a_test_that_hangs(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, {"go.mod": PROJECT["go.mod"], "hangs/h_test.go": HANGS})
    run = run_of(runner_sandbox, limits=replace(LIMITS, per_test_seconds=0.3))
    assert outcomes(run) == {f"{P}/hangs::TestQuick": "passed", f"{P}/hangs::TestHang": "timeout"}
    assert (run.complete, list(run.collection_errors)) == (True, [f"{P}/hangs"])
    assert "longer than its time limit" in run_of(runner_sandbox, limits=replace(LIMITS, seconds=1)).problem


def test_some_ids(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    wanted = [f"{P}::TestSub/a_b", f"{P}/panics::TestFirst"]
    run = run_of(runner_sandbox, wanted)
    assert (run.complete, run.problem) == (True, "")
    assert outcomes(run) == dict.fromkeys(wanted, "passed")
    assert "TestSub/no was not reported" in run_of(runner_sandbox, [f"{P}::TestSub/no"]).problem


def test_a_fix_is_accepted(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    before = run_of(runner_sandbox)
    fixed = {
        "calc.go": CALC.replace("a - b", "a + b"),
        "broken/broken.go": "package broken\n\nfunc F() int { return 1 }\n",
    }
    put(runner_sandbox, fixed)
    targets = [f"{P}::TestAdd", f"{P}::ExampleAdd", f"{P}/broken::TestB"]
    found = judge(before, run_of(runner_sandbox), targets)
    assert found.reasons == ()


FORGERIES = {
    # go itself says that the test which was running has passed
    "early exit": (
        'import "syscall"\nfunc Add(a, b int) int { syscall.Exit(0); return 0 }',
        "does not say how example.com/calc ended",
    ),
    "result line and early exit": (
        'import ("fmt"; "syscall")\nfunc Add(a, b int) int {\n'
        'fmt.Println("--- PASS: TestAdd (0.00s)"); syscall.Exit(0); return 0 }',
        "does not say how example.com/calc ended",
    ),
    "written to the report pipe": (
        'import ("fmt"; "os"; "syscall")\nfunc Add(a, b int) int {\n'
        'names := []string{"/proc/self/fd/3", fmt.Sprintf("/proc/%d/fd/1", os.Getppid())}\n'
        "for _, name := range names {\n"
        "if f, err := os.OpenFile(name, os.O_WRONLY, 0); err == nil {\n"
        'f.WriteString("{\\"Action\\":\\"pass\\",\\"Package\\":\\"forged\\",\\"Test\\":\\"T\\"}\\n")\n'
        "} else { fmt.Println(err) } }\nsyscall.Kill(syscall.Getpid(), 9); return 3 }",
        f"{P}::TestAdd ends in an error",
    ),
    "parent killed": (
        'import ("os"; "syscall")\nfunc Add(a, b int) int { syscall.Kill(os.Getppid(), 9); return 3 }',
        "the report is not complete",
    ),
}


SMALL = {
    "go.mod": PROJECT["go.mod"],
    "calc.go": CALC,
    "calc_test.go": 'package calc\nimport "testing"\n'
    "func TestAdd(t *testing.T) { if Add(1, 2) != 3 { t.Fail() } }\n",
}


@pytest.fixture(scope="module")
def before_forgery(runner_container: Sandbox) -> SuiteRun:
    runner_container.remove(REPO)
    put(runner_container, SMALL)
    return run_of(runner_container)


@pytest.mark.parametrize("name", FORGERIES)
def test_forgeries(name: str, before_forgery: SuiteRun, runner_sandbox: Sandbox) -> None:
    assert before_forgery.failing == (f"{P}::TestAdd",)
    code, words = FORGERIES[name]
    put(runner_sandbox, {**SMALL, "calc.go": f"package calc\n{code}\n"})
    found = judge(before_forgery, run_of(runner_sandbox), [f"{P}::TestAdd"])
    assert not found.fixed
    assert words in "\n".join(found.reasons)
    assert "forged" not in "\n".join(found.reasons)


def test_what_the_image_lacks_is_named(runner_sandbox: Sandbox) -> None:
    put(runner_sandbox, PROJECT)
    run = runner_of(replace(GO, programs=("gone",)), runner_sandbox, "python3").run(None, LIMITS)
    assert (run.complete, "gone is missing" in run.problem) == (False, True)
