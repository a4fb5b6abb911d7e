"""Where settings come from, and that the repository may only tighten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.errors import UsageError
from agent.sandbox_limits import check_machine
from agent.settings import resolve
from agent.sources import user_file
from agent.task import SandboxSettings
from sandboxes.backend import Machine
from sandboxes.interface import SandboxLimits


@pytest.fixture(autouse=True)
def own_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder of the test's own, and no AGENT_* variables."""
    import os

    for name in [name for name in os.environ if name.startswith("AGENT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    user_file().parent.mkdir(parents=True)
    return user_file()


def test_defaults() -> None:
    found = resolve({}, None)
    assert (found.prices.value, found.prices.latency, found.prices.risk, found.prices.irreversible) == (
        20,
        0.01,
        20,
        20,
    )
    assert (found.limits.dollars, found.limits.seconds) == (2.0, 900.0)
    assert found.tier_names == ("repair",)
    assert found.sandbox == SandboxSettings()


def test_flags_beat_environment_beats_file(own_configuration: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_configuration.write_text('value = "1"\nrisk_price = "1"\nlatency_price = "1"\n')
    monkeypatch.setenv("AGENT_VALUE", "2 usd")
    monkeypatch.setenv("AGENT_RISK_PRICE", "2")
    found = resolve({"value": "$3"}, None)
    assert (found.prices.value, found.prices.risk, found.prices.latency) == (3.0, 2.0, 1.0)


def test_the_repository_only_tightens() -> None:
    pyproject = (
        b'[tool.agent]\nbudget = 0.5\ndeadline = "1h"\nvalue = 1000\nimage = "evil"\nprotected = ["data/*"]\n'
    )
    found = resolve({}, pyproject)
    assert found.limits.dollars == 0.5
    assert found.limits.seconds == 900.0  # a later deadline than ours does not loosen it
    assert found.prices.value == 20.0
    assert found.sandbox.image == ""
    assert found.protected == ("data/*",)
    assert found.notes == ("ignored from the repository's [tool.agent] (only you may set it): image, value",)


def test_what_the_repository_has_a_say_in_is_said() -> None:
    pyproject = b'[tool.agent]\ntests_command = "make check"\nsetup-command = "make"\n'
    found = resolve({}, pyproject)
    assert (found.tests_command, found.sandbox.setup_command) == ("make check", "make")
    assert found.notes == (
        "from the repository's [tool.agent]: tests-command 'make check'",
        "from the repository's [tool.agent]: setup-command 'make'",
    )
    assert resolve({"runner": "pytest", "setup_command": "true"}, pyproject).notes == ()


def test_trust_is_the_users_explicit_word() -> None:
    pyproject = b'[tool.agent]\nvalue = 1000\nrisk-price = "$7"\n'
    found = resolve({"trust_repo_config": True, "risk_price": "3"}, pyproject)
    assert (found.prices.value, found.prices.risk) == (1000.0, 3.0)


def test_the_repository_cannot_trust_itself() -> None:
    found = resolve({}, b"[tool.agent]\ntrust_repo_config = true\nvalue = 1000\n")
    assert found.prices.value == 20.0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"value": "-1"}, "value: '-1' is not an amount of money"),
        ({"deadline": "soon"}, "deadline: 'soon' is not a duration"),
        ({"deadline": "0s"}, "leaves no time"),
        ({"tier": ["gpt"]}, "unknown tier 'gpt'; known: repair"),
        ({"sandbox": "chroot"}, "sandbox: Input should be 'auto', 'docker' or 'bubblewrap'"),
    ],
)
def test_bad_settings_are_one_clear_line(flags: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        resolve(flags, None)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_hostile_pyproject_is_a_note_or_one_line() -> None:
    for unreadable in (b"[" * 100_000, b"[tool.agent]\nbudget = 0x" + b"f" * 5_000):
        assert resolve({}, unreadable).notes[0].startswith("the repository's pyproject.toml cannot be read")
    assert resolve({}, b'tool = "x"').prices.value == 20.0
    assert resolve({}, b"a = " + b"[" * 5000).notes
    with pytest.raises(UsageError, match=r"repository's \[tool.agent\]"):
        resolve({}, b'[tool.agent]\nbudget = "cheap"\n')


def test_tiers_come_from_the_users_file_or_a_repository_that_is_trusted(
    own_configuration: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"dollars": 0.5, "replies": []}))
    table = f'[[tiers]]\nname = "cheap"\nprovider = "scripted"\nscript = "{script}"\n'
    own_configuration.write_text(table)
    assert resolve({}, None).tier_names == ("repair", "cheap")
    assert resolve({"tier": ["cheap"]}, None).tier_names == ("cheap",)
    own_configuration.write_text("")
    in_repository = table.replace("[[tiers]]", "[[tool.agent.tiers]]").encode()
    assert resolve({}, in_repository).tier_names == ("repair",)
    assert resolve({"trust_repo_config": True}, in_repository).tier_names == ("repair", "cheap")


def test_an_unknown_key_in_the_users_file_is_named(own_configuration: Path) -> None:
    own_configuration.write_text('valeu = "1"\n')
    with pytest.raises(UsageError, match=r"config\.toml: valeu: no such setting; did you mean value\?"):
        resolve({}, None)
    own_configuration.write_text("not toml")
    with pytest.raises(UsageError, match="not valid TOML"):
        resolve({}, None)


def test_what_is_wrong_is_said_of_the_source_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_SANDBOX_CPUS", "-1")
    with pytest.raises(UsageError, match=r"^AGENT_SANDBOX_CPUS: sandbox_cpus: Input should be greater"):
        resolve({}, None)
    with pytest.raises(UsageError, match=r"^sandbox-cpus: Input should be greater"):
        resolve({"sandbox_cpus": -2}, None)
    monkeypatch.setenv("AGENT_SANDBOX_CPUS", "1")
    tiers = '[{"name": "x", "provider": "openai", "model": "m", "efort": "low"}]'
    monkeypatch.setenv("AGENT_TIERS", tiers)
    with pytest.raises(UsageError, match=r"^AGENT_TIERS: tier 'x': efort: no such setting; did you mean eff"):
        resolve({}, None)
    monkeypatch.delenv("AGENT_TIERS")
    trusted = b'[[tool.agent.tiers]]\nname = "y"\nprovider = "openai"\nmodl = "m"\n'
    with pytest.raises(UsageError, match=r"repository's \[tool.agent\]: tier 'y': modl: no such"):
        resolve({"trust_repo_config": True}, trusted)


def test_a_users_file_that_is_no_file_is_said(own_configuration: Path) -> None:
    own_configuration.mkdir()
    with pytest.raises(UsageError, match=r"config\.toml is not a file"):
        resolve({}, None)
    own_configuration.rmdir()
    own_configuration.symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"config\.toml is not a file"):
        resolve({}, None)


def test_limits_beyond_the_machine_are_refused_and_the_usual_ones_never() -> None:
    small = Machine(memory_bytes=2**30, cpus=1)
    check_machine(SandboxLimits(), small)
    check_machine(SandboxLimits(memory_bytes=2**34, cpus=8), Machine(memory_bytes=2**34, cpus=8))
    with pytest.raises(UsageError, match=r"sandbox-memory: 17 GB is more than .* has \(1.1 GB\)"):
        check_machine(SandboxLimits(memory_bytes=2**34), small)
    with pytest.raises(UsageError, match=r"sandbox-cpus: 2.5 is more than .* has \(1\)"):
        check_machine(SandboxLimits(cpus=2.5), small)


def test_the_sandbox_is_bounded_as_the_user_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_SANDBOX_MEMORY", "3g")
    monkeypatch.setenv("AGENT_SANDBOX_PROCESSES", "64")
    found = resolve(
        {"dockerfile": "/d/Dockerfile"}, b"[tool.agent]\nsetup_command = 'make'\nsandbox_memory = '9g'"
    )
    assert found.sandbox.limits == SandboxLimits(memory_bytes=3 * 2**30, processes=64)
    assert found.sandbox.dockerfile == "/d/Dockerfile" and found.sandbox.setup_command == "make"
    for wrong, said in (
        ({"sandbox_disk": "8g"}, "lies in memory"),
        ({"sandbox_memory": "much"}, "not a size"),
        ({"image": "i", "dockerfile": "d"}, "not both"),
        ({"sandbox_memory": "1k"}, "at least 256m of sandbox-memory"),
        ({"sandbox_memory": "0g"}, "at least 256m of sandbox-memory"),
        ({"sandbox_memory": f"{'9' * 400}g"}, "sandbox-memory: that is more than can be counted"),
        ({"sandbox_disk": "-1m"}, "not a size"),
        ({"sandbox_cpus": float("inf")}, "sandbox-cpus"),
        ({"sandbox_cpus": 0.001}, "sandbox-cpus"),
        ({"sandbox_cpus": -1}, "sandbox-cpus"),
        ({"sandbox_processes": 8}, "sandbox-processes"),
        ({"sandbox_processes": 2**22}, "sandbox-processes"),
        ({"sandbox": "jail"}, "sandbox"),
    ):
        with pytest.raises(UsageError, match=said):
            resolve(wrong, None)
