"""The examples in .github/ci ask for no more than they need, and fit the actions."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from publish_world import ROOT

ACTIONS, DOCS = ROOT / ".github" / "actions", ROOT / ".github" / "ci"
EXAMPLES = sorted((DOCS / "github").glob("*.yml"))


def jobs(path: Path) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    workflow = yaml.safe_load(path.read_text())
    for name, job in workflow["jobs"].items():
        yield name, job, workflow


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_pinned_and_ask_for_little(path: Path) -> None:
    for name, job, workflow in jobs(path):
        assert workflow["permissions"] in ({}, {"contents": "read"}), "nothing unless a job says so"
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "an event's text would be part of a script"
            if (action := step.get("uses", "")) != "":
                assert re.search(r"@[0-9a-f]{40}$", action), f"{name}: {action} is not pinned by commit"
            if action.startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
        writes = {scope for scope, level in job.get("permissions", {}).items() if level == "write"}
        if writes:
            assert name in ("publish", "comment") and "run" not in str([list(each) for each in job["steps"]])
            assert "secrets." not in str(job)
            for step in job["steps"]:  # the default branch's schedule, and no code
                assert not step["uses"].startswith("actions/checkout@") or step["with"] == {
                    "path": "trusted", "sparse-checkout": ".agent", "persist-credentials": False,
                }  # fmt: skip


def test_forks_get_neither_keys_nor_a_branch() -> None:
    found = {name: job for path in EXAMPLES for name, job, _ in jobs(path)}
    own = "github.event.workflow_run.head_repository.full_name == github.repository"
    assert found["publish"]["permissions"] == {"contents": "write", "pull-requests": "write"}
    assert own in found["publish"]["if"]
    assert found["comment"]["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert own.replace("==", "!=") in found["comment"]["if"]
    assert found["comment"]["steps"][-1]["with"]["as"] == "comment"
    for step in found["fix"]["steps"]:
        for value in step.get("with", {}).values():
            assert "secrets." not in str(value) or f"{own} && secrets." in value
    text = (DOCS / "github" / "tests.yml").read_text()
    assert "secrets." not in text and "pull_request_target" not in text
    trigger = yaml.safe_load((DOCS / "github" / "fix.yml").read_text())[True]  # YAML 1.1 reads `on` so
    assert list(trigger) == ["workflow_run"]
    fixes = [step for step in found["fix"]["steps"] if "/fix@" in step.get("uses", "")]
    inputs = yaml.safe_load((ACTIONS / "fix" / "action.yml").read_text())["inputs"]
    assert set(fixes[0]["with"]) <= set(inputs)


def test_no_example_runs_in_this_repository() -> None:
    names = {path.name for path in (ROOT / ".github" / "workflows").iterdir()}
    assert not names & {path.name for path in EXAMPLES}


def test_the_gitlab_template_keeps_the_token_from_code() -> None:
    template = yaml.safe_load((DOCS / "gitlab.yml").read_text())
    assert template["publish"]["rules"] == [{"if": '$CI_COMMIT_REF_PROTECTED == "true"', "when": "always"}]
    assert template["publish"]["variables"] == {"GIT_STRATEGY": "none"}
    assert {template[job]["stage"] for job in ("tests", "fix", "publish")} == set(template["stages"])
    for job in ("tests", "fix", "publish"):
        for line in template[job]["script"]:
            subprocess.run(["bash", "-n", "-c", line], check=True)


def test_the_container_recipe_copies_what_the_package_is_built_from() -> None:
    lines = (DOCS / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], project["project"]["readme"], *project["project"]["license-files"]}
    assert copied == {*needed, "pyproject.toml", ".github/actions/constraints.txt"}
