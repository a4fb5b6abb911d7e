"""`agent env` and `agent doctor`, as a person uses them."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

import pytest
from docker import DockerClient
from driver import World, make_repository, refused

from sandboxes.docker_backend import DockerBackend

pytestmark = pytest.mark.docker


def names(world: World) -> dict[str, str]:
    """What is kept, by name: for which repository."""
    listed = world.agent("env", "list", "--json")
    assert listed.code == 0, listed.errors
    return {each["name"]: each["made_for"] for each in json.loads(listed.output)}


@pytest.mark.fetch
def test_an_environment_is_built_listed_shown_found_and_removed(world: World, tmp_path: Path) -> None:
    folder = f"shop-{uuid.uuid4().hex[:8]}"
    files = {
        "requirements.txt": f"# {folder}\niniconfig\n-e git+https://example.org/x.git#egg=x\n".encode(),
        "shop.py": b"def total(prices):\n    return sum(prices) + 1\n",
        "test_shop.py": b"from shop import total\n\n\ndef test_total():\n    assert total([1, 2]) == 3\n",
    }
    repository = make_repository(tmp_path / folder, files)
    built = world.agent("env", "build", str(repository))
    assert built.code == 0, built.output + built.errors
    assert "refused" in built.output and "built marginal-agent/env:" in built.output
    again = world.agent("env", "build", str(repository))
    assert "found marginal-agent/env:" in again.output
    mine = [name for name, made_for in names(world).items() if made_for == folder]
    assert len(mine) == 2, "the environment, and the requirements below it"
    environment = next(name for name in mine if name.startswith("marginal-agent/env:"))
    shown = world.agent("env", "show", environment.partition(":")[2][:12])
    assert shown.code == 0, shown.errors
    assert re.search(r"^made for  shop-", shown.output, re.MULTILINE)
    assert re.search(r"^  iniconfig==", shown.output, re.MULTILINE)
    assert re.search(r"^  pytest==", shown.output, re.MULTILINE)
    repair = world.honest({"shop.py": files["shop.py"].replace(b" + 1", b"")})
    ran = world.fix(repository, *repair)
    assert ran.code == 0, ran.output
    assert ran.events("result")[1]["observation"]["cached"] is True
    assert mine[0] in names(world)
    kept = world.agent("env", "prune", *mine, "--dry-run")
    assert kept.code == 0 and "would remove 2" in kept.output
    assert set(mine) <= set(names(world))
    removed = world.agent("env", "prune", *mine)
    assert removed.code == 0 and "removed 2" in removed.output, removed.output
    assert not set(mine) & set(names(world))


def test_what_env_cannot_do_is_one_line(world: World, tmp_path: Path) -> None:
    refused(world.agent("env", "show", "nothing-of-that-name"), "there is no environment", "agent env list")
    refused(world.agent("env", "prune", "--older-than", "soon"), "older-than", "not a duration")
    refused(world.agent("env", "prune", "some", "--bases"), "--bases removes every environment")
    refused(world.agent("env", "build", str(tmp_path / "nowhere")), "nowhere is not a folder")
    gone = {"DOCKER_HOST": "unix:///nowhere.sock"}
    away = world.agent("env", "list", "--sandbox", "docker", env=gone)
    assert away.code == 20 and "no container engine answers" in away.errors
    bad = make_repository(tmp_path / "bad", {"requirements.txt": b"pytest<8\npytest>=8\n"})
    failed = world.agent("env", "build", str(bad))
    assert failed.code == 20
    assert "conflict" in failed.errors.lower(), "the failing tail is shown"
    assert failed.errors.strip().splitlines()[-1].startswith("agent: the requirements could not be fetched")


@pytest.mark.fetch
def test_what_an_environment_lacks_is_said_on_every_run(world: World, tmp_path: Path) -> None:
    reason = f"::error::no reason {uuid.uuid4().hex}"
    files = {
        "requirements.txt": b"no-such-package-of-ours-at-all\n",
        "setup.py": f"raise SystemExit('{reason}')\n".encode(),
        "pyproject.toml": b'[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.8"\n'
        b"[tool.agent]\ntests_command = 'python -m pytest -q'\n",
        "test_x.py": b"def test_x():\n    assert True\n",
    }
    folder = f"lacking-{uuid.uuid4().hex[:8]}"
    repository = make_repository(tmp_path / folder, files)
    first, again = world.fix(repository), world.fix(repository)
    built = world.agent("env", "build", str(repository))
    interpreter = r"Python 3\.\d+ from .* \(requires-python: >=3\.8\)"
    left_out = "left out: pip finds no wheel of no-such-package-of-ours-at-all here (is the name right?)"
    for ran in (first, again, built):
        assert ran.code == 0, ran.output + ran.errors
        assert re.search(interpreter, ran.output), ran.output
        assert left_out in ran.output
        assert "the project could not be installed; its source folder is on the path" in ran.output
        assert "from the repository's [tool.agent]: tests-command 'python -m pytest -q'" in ran.output
        assert reason not in ran.output, "which a CI service would obey"
    for shown in (first.output, built.output):
        assert reason.removeprefix("::error::") in shown
    assert "environment from the cache" in again.output and "--verbose shows more" in again.output
    environment = re.search(r"marginal-agent/env:\w+", built.output)
    assert environment is not None
    assert reason.removeprefix("::error::") in world.agent("env", "show", environment[0]).output
    mine = [name for name, made_for in names(world).items() if made_for == folder]
    assert "removed 2" in world.agent("env", "prune", *mine).output


@pytest.mark.fetch
def test_a_long_silence_is_filled_and_what_is_in_use_is_kept(
    world: World, calc: Path, docker_client: DockerClient
) -> None:
    command = f"sleep 12; echo {uuid.uuid4()}"
    built = world.agent("env", "build", str(calc), "--setup-command", command)
    assert built.code == 0, built.output + built.errors
    assert re.search(
        rf"^ +still: running the setup command: {command} \(\d+ s\)$", built.output, re.MULTILINE
    )
    environment = re.search(r"marginal-agent/env:\w+", built.output)
    assert environment is not None
    with DockerBackend(docker_client).sandbox(environment[0]):
        kept = world.agent("env", "prune", environment[0])
    tag = environment[0].partition(":")[2][:12]
    assert f"kept {tag}: it is in use by a container, or by an image built on it" in kept.output
    assert "removed 0" in kept.output and kept.code == 0
    assert "removed 1" in world.agent("env", "prune", environment[0]).output


def test_doctor_says_what_is_there(world: World) -> None:
    found = world.agent("doctor", env={"OPENAI_API_KEY": "sk-very-secret", "ANTHROPIC_API_KEY": ""})
    assert found.code == 0, found.output
    for subject in ("versions", "git", "configuration", "permissions", "disk", "sandbox", "image"):
        assert re.search(rf"^ok +{subject}: ", found.output, re.MULTILINE), subject
    assert re.search(r"^note +OPENAI_API_KEY: present", found.output, re.MULTILINE)
    assert re.search(r"^note +ANTHROPIC_API_KEY: not present", found.output, re.MULTILINE)
    assert "secret" not in found.output + found.errors


def test_doctor_says_how_to_mend_what_is_missing(world: World) -> None:
    gone = {"DOCKER_HOST": "unix:///nowhere.sock"}
    without_engine = world.agent("doctor", "--sandbox", "docker", env=gone)
    assert without_engine.code == 20
    assert re.search(r"^missing +sandbox: no container engine answers", without_engine.output, re.MULTILINE)
    assert "set DOCKER_HOST" in without_engine.output
    config = world.folder / "config" / "marginal-agent" / "config.toml"
    config.write_text("value = [1\n")
    broken = world.agent("doctor")
    assert broken.code == 20
    assert re.search(r"^missing +configuration: .*config.toml is not valid TOML", broken.output, re.MULTILINE)
    config.unlink()
    state = world.folder / "file"
    state.write_text("")
    blocked = world.agent("doctor", env={"XDG_STATE_HOME": str(state)})
    assert blocked.code == 20
    assert re.search(r"^missing +permissions: ", blocked.output, re.MULTILINE)
    nowhere = world.agent("doctor", env={"XDG_STATE_HOME": "/proc"})
    assert nowhere.code == 20
    assert re.search(
        r"^missing +permissions: nothing can be written in /proc .*XDG_STATE_HOME",
        nowhere.output,
        re.MULTILINE,
    )
    assert "state folder" not in nowhere.output, "what cannot be written to has no room to measure"
    runtime = world.agent("doctor", "--sandbox", "docker", env={"AGENT_SANDBOX_RUNTIME": "no-such-one"})
    assert runtime.code == 20
    assert re.search(
        r"^missing +sandbox: the engine knows no runtime 'no-such-one' .*change sandbox_runtime$",
        runtime.output,
        re.MULTILINE,
    )
    cache = world.agent("doctor", "--sandbox", "bubblewrap", env={"XDG_CACHE_HOME": "/proc/x"})
    assert cache.code == 20
    assert re.search(
        r"^missing +sandbox: images cannot be kept in /proc/x .*XDG_CACHE_HOME", cache.output, re.MULTILINE
    )
