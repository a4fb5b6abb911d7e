"""The demo's repository, and the demo itself: `agent fix` finds the one right repair."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from docker import DockerClient

from benchmarks.demo import DEFECT, SOURCES, UNCOMMITTED, Replacement, make_repository

ROOT = Path(__file__).resolve().parents[2]
FAILING = {
    f"{UNCOMMITTED}::test_a_meeting_may_start_when_the_one_before_ends",
    f"{UNCOMMITTED}::test_slots_that_only_touch_share_no_time",
    f"{UNCOMMITTED}::test_cleaning_time_still_counts",
}
REPAIR = Replacement(DEFECT.path, before=DEFECT.after, after=DEFECT.before)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "roombook")


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, text=True)
    return done.stdout


def run_tests(repository: Path, *arguments: str) -> tuple[set[str], int]:
    """Failing node ids and the number that passed, of the demo's own suite run here."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    command = (sys.executable, "-B", "-m", "pytest", "-q", "-rf", "-p", "no:cacheprovider", *arguments)
    done = subprocess.run(command, cwd=repository, env=env, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    failing = set(re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE))
    passed = re.search(r"(\d+) passed", done.stdout)
    return failing, int(passed[1]) if passed else 0


def test_exactly_the_expected_tests_fail(repository: Path) -> None:
    failing, passed = run_tests(repository)
    assert failing == FAILING
    assert passed > 35


def test_the_committed_tests_pass(repository: Path) -> None:
    failing, passed = run_tests(repository, f"--ignore={UNCOMMITTED}")
    assert failing == set()
    assert passed > 35


def test_without_the_defect_all_pass(repository: Path) -> None:
    REPAIR.apply(repository)
    for stored in SOURCES.rglob("*.py"):
        assert (repository / stored.relative_to(SOURCES)).read_bytes() == stored.read_bytes()
    failing, passed = run_tests(repository)
    assert failing == set()
    assert passed > 35 + len(FAILING)


def test_it_is_a_repository_with_one_commit_and_an_uncommitted_test(repository: Path) -> None:
    assert git(repository, "rev-list", "--count", "HEAD").strip() == "1"
    assert git(repository, "status", "--porcelain") == f"?? {UNCOMMITTED}\n"


def test_it_is_the_same_whatever_the_users_git_configuration_says(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(f"[commit]\n gpgsign = true\n[core]\n hooksPath = {hooks}\n autocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    other = make_repository(tmp_path / "other")
    assert git(other, "rev-parse", "HEAD") == git(repository, "rev-parse", "HEAD")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(ValueError, match="not empty"):
        make_repository(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_demo_refuses_such_a_folder_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    command = [sys.executable, "-m", "benchmarks.demo", "--keep", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"{tmp_path} is not empty")


def test_a_replacement_must_match_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a a")
    with pytest.raises(ValueError, match="2 times"):
        Replacement("file", "a", "b").apply(tmp_path)


@pytest.mark.docker
def test_the_demo_ends_with_the_right_patch(tmp_path: Path, docker_client: DockerClient) -> None:
    """The main job, as a person runs it: exit code 0, the correct diff, and a trace that replays."""
    kept, patch, report, trace = (
        tmp_path / name for name in ("roombook", "fix.patch", "report.json", "trace")
    )
    options = ("--keep", kept, "--patch-out", patch, "--json", report, "--trace", trace)
    command = [sys.executable, "-m", "benchmarks.demo", *map(str, options)]
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert json.loads(report.read_text())["outcome"] == "fixed"
    assert git(kept, "status", "--porcelain") == f"?? {UNCOMMITTED}\n"
    assert run_tests(kept)[0] == FAILING

    fixed = shutil.copytree(kept, tmp_path / "fixed")
    git(fixed, "apply", str(patch))
    correct = (SOURCES / DEFECT.path).read_text()
    assert (fixed / DEFECT.path).read_text() == correct
    assert git(fixed, "status", "--porcelain") == f" M {DEFECT.path}\n?? {UNCOMMITTED}\n"

    agent = Path(sys.executable).with_name("agent")
    replay = subprocess.run([agent, "replay", trace], capture_output=True, text=True)
    assert replay.returncode == 0, replay.stdout + replay.stderr
