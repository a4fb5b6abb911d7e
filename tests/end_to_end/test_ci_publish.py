"""A failing job from its report to a draft pull request, by the actions as a runner calls them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from driver import World, run_git
from publish_servers import TOKEN, Hosted, Seen, api_server, git_server, secrets_of
from publish_world import ROOT, environment_of, let_publish, make_origin

pytestmark = pytest.mark.docker

TESTS = "from numbers_of import double\n\n\ndef test_double():\n    assert double(2) == 4\n"


def run_action(name: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(ROOT / ".github" / "actions" / "act.py"), name]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=400)


def test_from_a_failing_job_to_a_draft_pull_request(world: World, tmp_path: Path) -> None:
    bare, _, _ = make_origin(tmp_path)
    work, checkout, temp = tmp_path / "work", tmp_path / "workspace" / "code", tmp_path / "temp"
    run_git(work, "checkout", "-q", "--", ".")
    (work / "test_numbers.py").write_text(TESTS)
    (work / ".gitattributes").unlink()
    run_git(work, "add", "-A")
    run_git(work, "commit", "-qm", "tests")
    run_git(work, "push", "-q", str(bare), "main")
    run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{bare}", str(checkout))
    run_git(checkout, "checkout", "-q", "--detach")
    tests = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."]
    failed = subprocess.run(
        [*tests, f"--junitxml={tmp_path}/workspace/reports/r.xml"],
        cwd=checkout,
        capture_output=True,
        check=False,
    )
    assert failed.returncode == 1

    program = temp / "marginal-agent" / "bin" / "agent"
    program.parent.mkdir(parents=True)
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom agent.cli import main\nmain()\n"
    program.write_text(f"#!{sys.executable} -P\n{start}")
    program.chmod(0o755)
    let_publish(world.folder)
    files = {
        "RUNNER_TEMP": str(temp), "GITHUB_WORKSPACE": str(tmp_path / "workspace"),
        "GITHUB_OUTPUT": str(temp / "output"), "GITHUB_STEP_SUMMARY": str(temp / "summary.md"), "CI": "true",
    }  # fmt: skip
    fixing = environment_of(world.folder, **files, INPUT_PATH="code", INPUT_JUNIT="reports/*.xml")
    fixed = run_action("fix", fixing)
    assert fixed.returncode == 0, fixed.stdout + fixed.stderr
    assert (
        "fixed<<" in (temp / "output").read_text()
        and "## agent ci: fixed" in (temp / "summary.md").read_text()
    )
    result = json.loads((temp / "agent-ci" / "result.json").read_bytes())
    assert result["verified"]["passed"] == 1 and result["dirty"] == 0

    # Another machine, with the artefact and no code.
    shutil.move(temp / "agent-ci", tmp_path / "workspace" / "agent-ci")
    shutil.rmtree(checkout)
    pushes, calls, hosted = Seen(), Seen(), Hosted()
    with (
        git_server(tmp_path / "served", "x-access-token", pushes) as git,
        api_server(hosted, calls) as api,
    ):
        places = {"GITHUB_API_URL": api, "GITHUB_SERVER_URL": git}
        wanted = {"INPUT_OUT": "agent-ci", "INPUT_AS": "pull-request", "INPUT_INTO": "main"}
        publishing = environment_of(
            world.folder, **files, **places, **wanted, INPUT_REPOSITORY="o/r", AGENT_PUBLISH_TOKEN=TOKEN
        )
        shipped = {"INPUT_SCHEDULE": str(ROOT / "agent" / "schedule.toml")}
        waits = run_action("publish", {**publishing, **shipped})
        assert waits.returncode == 11 and "asks a person" in waits.stderr and not hosted.pulls
        published = run_action("publish", publishing)
    assert published.returncode == 0, published.stdout + published.stderr
    [(_, body)] = calls.sent("POST")
    assert "`test_numbers.py::test_double`" in body["body"] and "1 test: 1 passed" in body["body"]
    run_git(tmp_path, "clone", "-q", "--branch", body["head"], str(bare), "proposed")
    again = subprocess.run(tests, cwd=tmp_path / "proposed", capture_output=True, check=False)
    assert again.returncode == 0, again.stdout
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert not any(each.encode() in path.read_bytes() for each in secrets_of("x-access-token")), path
