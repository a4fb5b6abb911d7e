"""The actions as a runner calls them: inputs, outputs, exit codes, and nothing of an event in a script."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from publish_world import ROOT

ACTIONS, DOCS = ROOT / ".github" / "actions", ROOT / ".github" / "ci"
NAMES = ("fix", "publish")
EXAMPLES = sorted((DOCS / "github").glob("*.yml"))
AGENT = """\
#!{python}
import json, os, sys, time
from pathlib import Path
home = Path(os.environ["RUNNER_TEMP"])
(home / "asked.json").write_text(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]))
out = Path(sys.argv[sys.argv.index("--out") + 1]) if "--out" in sys.argv else Path(sys.argv[2])
out.mkdir(exist_ok=True)
for name, data in json.loads((home / "leaves.json").read_text()).items():
    (out / name).write_text(data)
if (home / "wait").exists():
    (home / "waiting").touch()
    time.sleep(60)
sys.exit(int((home / "code").read_text()))
"""
HOSTILE = "fixed\nfixed=99\nend-0\n::set-output name=fixed::99\x1b[2J<<end"


@dataclass
class Runner:
    """A runner with an agent that leaves what it is told to."""

    temp: Path
    workspace: Path

    def leave(self, code: int, **files: str) -> None:
        (self.temp / "code").write_text(str(code))
        (self.temp / "leaves.json").write_text(json.dumps({n.replace("_", "."): d for n, d in files.items()}))

    def environment(self, **inputs: str) -> dict[str, str]:
        gone = ("AGENT_", "GITHUB_", "INPUT_", "CI_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
        files = {"GITHUB_OUTPUT": str(self.temp / "output"), "GITHUB_WORKSPACE": str(self.workspace)}
        given = {name if name.isupper() else f"INPUT_{name.upper()}": each for name, each in inputs.items()}
        return {**kept, **files, "RUNNER_TEMP": str(self.temp), **given}

    def step(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """The last step of an action, as its `run` says."""
        action = yaml.safe_load((ACTIONS / name / "action.yml").read_text())
        environment = self.environment(**inputs, GITHUB_ACTION_PATH=str(ACTIONS / name))
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", action["runs"]["steps"][-1]["run"]],
            cwd=self.workspace, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def asked(self) -> tuple[list[str], str, dict[str, str]]:
        words, folder, environment = json.loads((self.temp / "asked.json").read_text())
        return words, folder, environment

    def outputs(self) -> dict[str, str]:
        """As the runner reads them: a name, `<<`, and the value up to a line that is the word after it."""
        lines = iter((self.temp / "output").read_text().split("\n"))
        found = {}
        for line in lines:
            if not line:
                continue
            name, sign, end = line.partition("<<")
            assert sign and name not in found, line
            value = list[str]()
            while (each := next(lines)) != end:
                value.append(each)
            found[name] = "\n".join(value)
        return found


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    temp, workspace = tmp_path / "temp", tmp_path / "workspace"
    program = temp / "marginal-agent" / "bin" / "agent"
    program.parent.mkdir(parents=True)
    workspace.mkdir()
    program.write_text(AGENT.replace("{python}", sys.executable))
    program.chmod(0o755)
    for name in ("json.py", "subprocess.py", "sitecustomize.py"):  # of the change under repair
        (workspace / name).write_text("raise SystemExit('the code under repair has run')\n")
    yield Runner(temp, workspace)


def test_fix_passes_on_inputs_exit_code_and_outputs(runner: Runner) -> None:
    (runner.workspace / "reports").mkdir()
    for name in ("b.xml", "a.xml"):
        (runner.workspace / "reports" / name).touch()
    result = {"outcome": "limit", "failing": ["a", "b", "c"], "fixed": ["a", "b"]}
    tasks = {"tasks": [{"head_hash": "1" * 64}, {"head_hash": "2" * 64}]}
    runner.leave(12, result_json=json.dumps(result | tasks), fix_patch="diff")
    ran = runner.step(
        "fix", path="here", junit="reports/*.xml\nlone one.xml\n", budget="$1; touch x", tier="a b\nc",
        schedule="s.toml",
    )  # fmt: skip
    assert ran.returncode == 12, ran.stderr
    words, folder, environment = runner.asked
    top, out = runner.workspace, runner.temp / "agent-ci"
    reports = [f"{top}/reports/a.xml", f"{top}/reports/b.xml", f"{top}/lone one.xml"]
    assert words == [
        "ci", f"{top}/here", "--out", str(out), *(word for each in reports for word in ("--junit", each)),
        "--budget=$1; touch x", "--tier=a b", "--tier=c",
    ]  # fmt: skip
    assert folder == str(runner.temp) and environment["AGENT_SCHEDULE"] == f"{top}/s.toml"
    assert runner.outputs() == {
        "exit-code": "12", "outcome": "limit", "failing": "3", "fixed": "2", "patch": str(out / "fix.patch"),
        "result": str(out / "result.json"), "out": str(out), "head-hash": f"{'1' * 64}\n{'2' * 64}",
    }  # fmt: skip


def test_a_job_that_leaves_nothing_has_empty_outputs_and_its_exit_code(runner: Runner) -> None:
    runner.leave(20)
    assert runner.step("fix").returncode == 20
    found = runner.outputs()
    assert (found["exit-code"], found["fixed"], found["patch"], found["result"]) == ("20", "0", "", "")
    assert runner.asked[0] == ["ci", str(runner.workspace), "--out", str(runner.temp / "agent-ci")]
    assert "AGENT_SCHEDULE" not in runner.asked[2] and "AGENT_BASE_REF" not in runner.asked[2]


def test_what_an_earlier_run_left_is_no_output(runner: Runner) -> None:
    runner.leave(0, result_json=json.dumps({"outcome": "fixed", "fixed": ["a"]}), fix_patch="diff")
    assert runner.step("fix").returncode == 0 and runner.outputs()["fixed"] == "1"
    runner.leave(2)  # as `agent ci` says of a folder that exists
    (runner.temp / "output").unlink()
    assert runner.step("fix", out="none/../../temp/agent-ci").returncode == 2, "however it is written"
    assert runner.outputs() == {
        "exit-code": "2", "outcome": "", "failing": "0", "fixed": "0", "patch": "", "result": "", "out": "",
        "head-hash": "",
    }  # fmt: skip


def test_a_patch_without_a_result_is_no_output(runner: Runner) -> None:
    runner.leave(20, fix_patch="diff")  # as where the disk was full after it
    assert runner.step("fix").returncode == 20
    found = runner.outputs()
    assert (found["outcome"], found["fixed"], found["patch"]) == ("", "0", "")


def test_hostile_values_are_values(runner: Runner) -> None:
    result = {"outcome": HOSTILE, "failing": [HOSTILE], "fixed": [HOSTILE], "tasks": [{"head_hash": HOSTILE}]}
    runner.leave(0, result_json=json.dumps(result))
    ran = runner.step("fix", path=HOSTILE, value="--out=/x")
    assert ran.returncode == 0 and ran.stdout == ""
    found = runner.outputs()
    assert (found["outcome"], found["head-hash"], found["fixed"]) == (HOSTILE, HOSTILE, "0"), "no patch file"
    assert runner.asked[0][1] == f"{runner.workspace}/{HOSTILE}" and "--value=--out=/x" in runner.asked[0]


def test_publish_passes_on_what_was_published(runner: Runner) -> None:
    (runner.workspace / "agent-ci").mkdir()
    runner.leave(
        0, published_json=json.dumps({"url": "https://h/1", "number": 1, "branch": "b", "commit": "c"})
    )
    ran = runner.step("publish", out="agent-ci", **{"as": "comment"}, into="x`touch y`", repository="o/r")
    assert ran.returncode == 0, ran.stderr
    out = f"{runner.workspace}/agent-ci"
    assert runner.asked[0] == ["publish", out, "--as=comment", "--into=x`touch y`", "--repository=o/r"]
    assert runner.outputs() == {
        "exit-code": "0", "url": "https://h/1", "number": "1", "branch": "b", "commit": "c",
    }  # fmt: skip
    runner.leave(11)
    (runner.temp / "output").unlink()
    assert runner.step("publish", out="agent-ci").returncode == 11
    assert runner.outputs()["url"] == "", "what an earlier try left is not passed on"


def test_a_cancelled_job_cancels_the_agent(runner: Runner) -> None:
    runner.leave(0)
    (runner.temp / "wait").touch()
    step = subprocess.Popen(
        [sys.executable, "-I", str(ACTIONS / "act.py"), "fix"], env=runner.environment(), cwd=runner.workspace
    )
    until = time.monotonic() + 60
    while not (runner.temp / "waiting").exists() and time.monotonic() < until:
        time.sleep(0.02)
    step.send_signal(signal.SIGTERM)
    assert step.wait(60) == 128 + signal.SIGTERM
    assert runner.outputs()["exit-code"] == "143"


def test_what_is_installed_is_this_checkout_in_these_versions(runner: Runner) -> None:
    program = runner.temp / "marginal-agent" / "bin" / "agent"
    program.unlink()
    asked = runner.temp / "asked"
    python = runner.temp / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(
        f'#!/bin/sh\necho "$PWD $PIP_CONSTRAINT $@" >>{asked}\n'
        f'[ "$3" != venv ] || cp {python} {program.parent}/python\n[ "$3" != pip ] || touch {program}\n'
    )
    python.chmod(0o755)
    environment = runner.environment(PATH=f"{python.parent}:{os.environ['PATH']}")
    for _ in range(2):  # both actions of a job
        subprocess.run([ACTIONS / "install.sh"], env=environment, cwd=runner.workspace, check=True)
        program.chmod(0o755)
    made, installed = asked.read_text().splitlines()
    assert made.split() == [str(runner.temp), "-I", "-m", "venv", str(runner.temp / "marginal-agent")]
    assert installed.startswith(f"{runner.temp} {ACTIONS}/constraints.txt -I -m pip install")
    assert Path(installed.split()[-1]).resolve() == ROOT


def test_the_pinned_versions_are_those_that_the_project_asks_for() -> None:
    lines = (ACTIONS / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for text in (*project["project"]["dependencies"], *project["build-system"]["requires"]):
        wanted = Requirement(text)
        assert wanted.specifier.contains(pinned[wanted.name]), f"{text}: pinned is {pinned[wanted.name]}"


@pytest.mark.parametrize("name", NAMES)
def test_no_text_of_an_event_is_part_of_a_script(name: str) -> None:
    action = yaml.safe_load((ACTIONS / name / "action.yml").read_text())
    asked = set(re.findall(r'(?:given|place)\("(\w+)"\)|"([A-Z]+)"', (ACTIONS / "act.py").read_text()))
    known = {each for pair in asked for each in pair if each}
    for step in action["runs"]["steps"]:
        assert step["shell"] == "bash" and "${{" not in step["run"]
        for variable, value in step.get("env", {}).items():
            assert re.fullmatch(r"\$\{\{ inputs\.[a-z-]+ \}\}", value), value
            assert value[11:-3] in action["inputs"]
            assert not variable.startswith("INPUT_") or variable.removeprefix("INPUT_") in known, variable
    used = {value[11:-3] for step in action["runs"]["steps"] for value in step.get("env", {}).values()}
    assert used == set(action["inputs"]), "every input is used"
    for output, entry in action["outputs"].items():
        assert entry["value"] == f"${{{{ steps.act.outputs.{output} }}}}"


def test_the_make_example(runner: Runner) -> None:
    shutil.copy(DOCS / "agent.mk", runner.workspace)
    tests = runner.workspace / "tests.sh"
    tests.write_text('#!/bin/sh\n[ -z "$FAIL" ] || { echo x >"${1#--junitxml=}"; exit 1; }\n')
    tests.chmod(0o755)
    environment = runner.environment(
        AGENT=str(runner.temp / "marginal-agent" / "bin" / "agent"),
        TESTS="./tests.sh",
        PATH=os.environ["PATH"],
    )

    def made(fail: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "--no-print-directory", "-f", "agent.mk", "tests-or-a-patch"], cwd=runner.workspace,
            env={**environment, "FAIL": fail}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    runner.leave(0, fix_patch="diff")
    assert made("").returncode == 0 and not (runner.temp / "asked.json").exists()
    failed = made("yes")
    assert failed.returncode == 2 and "make apply" in failed.stdout, failed.stderr
    assert runner.asked[0][:5] == ["ci", "--junit", "agent-tests/junit.xml", "--out", "agent-ci"]
    runner.leave(10)
    assert "make apply" not in made("yes").stdout, "what an earlier one left is gone"
    without = subprocess.run(
        ["make", "--no-print-directory", "-f", "agent.mk", "apply"], cwd=runner.workspace,
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert without.returncode == 2 and without.stdout == ""
    said = "there is no patch in agent-ci: make tests-or-a-patch, and see agent-ci/summary.md"
    assert without.stderr.splitlines()[0] == said and "git" not in without.stderr
    hook = yaml.safe_load((DOCS / "pre-commit.yml").read_text())["repos"][0]["hooks"][0]
    assert hook["entry"].split()[-1] == "tests-or-a-patch" and hook["stages"] == ["pre-push"]
