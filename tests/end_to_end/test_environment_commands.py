"""`agent env` and `agent doctor`, as a person uses them."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path

import pytest
from driver import World, make_repository, refused

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
    ran = world.fix(repository)
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
    refused(world.agent("env", "build", str(tmp_path / "nowhere")), "nowhere is not a folder")
    gone = {"DOCKER_HOST": "unix:///nowhere.sock"}
    away = world.agent("env", "list", "--sandbox", "docker", env=gone)
    assert away.code == 20 and "no container engine answers" in away.errors
    bad = make_repository(tmp_path / "bad", {"requirements.txt": b"pytest<8\npytest>=8\n"})
    failed = world.agent("env", "build", str(bad))
    assert failed.code == 20
    assert "conflict" in failed.errors.lower(), "the failing tail is shown"
    assert failed.errors.strip().splitlines()[-1].startswith("agent: the requirements could not be fetched")


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
