"""From a failing test to a delivery that two people have signed for, by the command line alone."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from driver import World, run_git
from forgeries import HONEST_FIX, TARGET

pytestmark = pytest.mark.docker

ALICE, BOB = "alice@example.org", "bob@example.org"


def key_of(folder: Path, name: str) -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


def test_a_verified_patch_waits_for_two_people_and_is_delivered_when_they_have_signed(
    world: World, calc: Path, tmp_path: Path
) -> None:
    pyproject = calc / "pyproject.toml"
    pyproject.write_bytes(pyproject.read_bytes() + b'\n[tool.agent.autonomy]\ncommit = "multi-party"\n')
    ran = world.fix(calc, *world.honest(), "--test", TARGET, "--commit", "fix/it", "--value", "$100")
    assert (ran.code, ran.report["outcome"], ran.report["people"]) == (11, "deferred", 2), ran.output
    assert "fix/it" not in run_git(calc, "branch")
    alice, bob = key_of(tmp_path, "alice"), key_of(tmp_path, "bob")
    signers, trace = tmp_path / "signers", str(ran.trace)
    who = ((ALICE, alice), (BOB, bob))
    signers.write_text("".join(f"{name} {key.with_suffix('.pub').read_text()}" for name, key in who))
    allowed = ("--allowed-signers", str(signers))
    early = world.agent("approvals", "deliver", trace, *allowed)
    assert early.code == 11 and "0 of 2 people have approved it" in early.errors
    assert world.agent("approvals", "approve", trace, "--key", str(alice), *allowed).code == 0
    statement = world.agent("approvals", "show", trace, "--statement").output
    signature = tmp_path / "bob.sig"
    signature.write_bytes(
        subprocess.run(
            ["ssh-keygen", "-q", "-Y", "sign", "-n", "agent-approval", "-f", bob],
            input=statement.encode(), capture_output=True, check=True,
        ).stdout
    )  # fmt: skip
    second = ("--signature", str(signature), "--as", BOB)
    assert world.agent("approvals", "approve", trace, *second, *allowed).code == 0
    assert "fix/it" not in run_git(calc, "branch"), "nothing is delivered by approving"
    done = world.agent("approvals", "deliver", trace, *allowed)
    assert done.code == 0, done.output + done.errors
    for path, data in HONEST_FIX.items():
        assert run_git(calc, "show", f"fix/it:{path}").encode() == data
    assert "identical" in world.replay(ran.trace).output
    assert world.agent("trace", "verify", trace).code == 0
    audit = world.agent("audit", trace)
    assert f"multi-party by {ALICE}, {BOB} used" in " ".join(audit.output.split())
    assert world.agent("approvals", "deliver", trace, *allowed).code == 2
