"""Bad input: one clear line, the documented exit code, nothing lost or touched."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from docker import DockerClient
from driver import World, containers_of, make_repository, run_git, start_hanging
from forgeries import BASE, HONEST_FIX, TARGET

pytestmark = pytest.mark.docker


def test_a_folder_outside_git_gives_a_patch_file_only(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    for name, data in BASE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    ran = world.fix(folder, *world.honest())
    assert ran.code == 0, ran.output
    assert "not a git repository" in ran.output
    assert (ran.trace / "fix.patch").read_text().count("calc/core.py") == 4
    refused = world.fix(folder, "--commit", "fix")
    assert refused.code == 2
    assert "no commit to put a branch on" in refused.errors


def test_a_dirty_tree_is_the_base_and_stays_as_it_is(world: World, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "r", {**BASE, **HONEST_FIX})
    (repository / "calc" / "core.py").write_bytes(BASE["calc/core.py"])  # the defect is not committed
    (repository / "notes.txt").write_text("mine\n")
    before = run_git(repository, "status", "--porcelain")
    ran = world.fix(repository, *world.honest())
    assert ran.code == 0, ran.output
    assert run_git(repository, "status", "--porcelain") == before
    assert (repository / "calc" / "core.py").read_bytes() == BASE["calc/core.py"]


def test_an_unknown_test_names_near_matches(world: World, calc: Path) -> None:
    ran = world.fix(calc, "--test", "tests/test_core.py::test_meen")
    assert ran.code == 2
    assert "does not exist; did you mean tests/test_core.py::test_mean" in ran.errors
    assert len(ran.errors.strip().splitlines()) == 1


def test_a_passing_test_is_not_reproduced(world: World, calc: Path) -> None:
    ran = world.fix(calc, "--test", "tests/test_core.py::test_add")
    assert ran.code == 13
    assert "passes here" in ran.output


def test_a_green_suite_has_nothing_to_fix(world: World, tmp_path: Path) -> None:
    ran = world.fix(make_repository(tmp_path / "green", {**BASE, **HONEST_FIX}))
    assert ran.code == 0
    assert ran.report["outcome"] == "nothing-to-fix"


def test_a_suite_that_does_not_collect(world: World, tmp_path: Path) -> None:
    ran = world.fix(
        make_repository(tmp_path / "r", {**BASE, "tests/conftest.py": b"import no_such_module\n"})
    )
    assert ran.code == 2
    assert "cannot be collected" in ran.errors
    assert "no_such_module" in ran.errors
    assert "if a dependency is missing, declare it" in ran.errors


def test_a_configuration_file_that_cannot_be_read_is_no_missing_dependency(
    world: World, tmp_path: Path
) -> None:
    files = {"pyproject.toml": b"name = [1\n", "test_x.py": b"def test_x():\n    assert 0\n"}
    ran = world.fix(make_repository(tmp_path / "r", files))
    assert ran.code == 2
    assert "pyproject.toml: Unclosed array" in ran.errors
    assert "dependency" not in ran.errors


def test_no_engine(world: World, calc: Path) -> None:
    ran = world.fix(calc, "--sandbox", "docker", env={"DOCKER_HOST": "unix:///nonexistent.sock"})
    assert ran.code == 20
    assert "nonexistent.sock" in ran.output
    assert "Traceback" not in ran.output + ran.errors


def test_an_environment_that_cannot_be_built_shows_its_tail(world: World, tmp_path: Path) -> None:
    pyproject = BASE["pyproject.toml"].replace(
        b'version = "1.0"', b'version = "1.0"\ndependencies = ["pytest==0.0.1"]'
    )
    ran = world.fix(make_repository(tmp_path / "r", {**BASE, "pyproject.toml": pyproject}))
    assert ran.code == 20
    assert "pytest==0.0.1" in ran.output
    assert "Traceback" not in ran.output + ran.errors


@pytest.mark.parametrize("image", ["marginal-agent/no-such-image:1", "///", "/", "a b"])
def test_a_missing_image(world: World, calc: Path, image: str) -> None:
    ran = world.fix(calc, "--image", image)
    assert ran.code == 20
    assert f"'{image}'" in ran.output
    assert "Traceback" not in ran.output + ran.errors


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tier", "gpt-9"), "unknown tier 'gpt-9'; known: repair"),
        (("--value=-3",), "value: '-3' is not an amount of money"),
        (("--deadline", "soonish"), "deadline: 'soonish' is not a duration"),
        (("--junit", "/nonexistent.xml"), "cannot read /nonexistent.xml"),
        (("--commit", "main"), "branch 'main' exists already"),
        (("--commit", "a..b"), "not a name git accepts"),
        (("--commit", ""), "name the new branch"),
        (("--patch-out", "/nonexistent/x.patch"), "/nonexistent is not a folder"),
    ],
)
def test_bad_arguments_touch_nothing(
    world: World, calc: Path, options: tuple[str, ...], message: str
) -> None:
    ran = world.fix(calc, *options)
    assert ran.code == 2
    assert message in ran.errors
    assert len(ran.errors.strip().splitlines()) == 1
    assert run_git(calc, "status", "--porcelain") == ""


def test_an_existing_patch_target_is_not_overwritten(world: World, calc: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.patch"
    target.write_text("mine")
    ran = world.fix(calc, "--patch-out", str(target))
    assert ran.code == 2
    assert "exists already" in ran.errors
    assert target.read_text() == "mine"


def test_budget_zero_runs_the_free_tiers_only(world: World, calc: Path) -> None:
    world.tier("dear", dollars=0.5, ability=5, replies=[])
    ran = world.fix(calc, "--budget", "0")
    assert ran.code == 0, ran.output
    assert ran.report["dollars"] == 0


def test_a_limit_alone_is_said(world: World, calc: Path) -> None:
    world.tier("dear", dollars=5.0, ability=5, attempts=1, replies=[{"edits": {}}])
    ran = world.fix(calc, "--tier", "dear", "--value", "$100", "--budget", "$1")
    assert ran.code == 12, ran.output
    assert ran.report["dollars"] == 0
    allowed = world.fix(calc, "--tier", "dear", "--value", "$100", "--budget", "$5")
    assert allowed.code == 10
    assert allowed.report["dollars"] == 5.0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_removes_the_sandbox_and_keeps_the_trace(
    world: World, calc: Path, docker_client: DockerClient, number: signal.Signals, code: int
) -> None:
    process, report, trace = start_hanging(world, calc, docker_client)
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == code, output
    assert containers_of(process, docker_client) == []
    assert b'"outcome": "interrupted"' in report.read_bytes()
    assert world.replay(trace).code == 0
    assert b"Traceback" not in output


def test_a_container_removed_behind_our_back_is_an_infrastructure_error(
    world: World, calc: Path, docker_client: DockerClient
) -> None:
    process, _, trace = start_hanging(world, calc, docker_client)
    for name in containers_of(process, docker_client):
        docker_client.containers.get(name).remove(force=True)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 20, output
    assert b"Traceback" not in output
    assert world.replay(trace).code == 0
    (calc / "tests" / "test_slow.py").unlink()
    assert "has changed since the trace was begun" in world.resume(trace).errors


def test_the_task_named(world: World, calc: Path) -> None:
    ran = world.fix(calc, "--test", TARGET, "--verbose")
    assert ran.code == 0, ran.output
    assert ran.report["targets"] == [TARGET]
