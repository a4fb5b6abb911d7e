"""What people approved waits for more of them where the schedule was tightened since; nothing looser does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from approval_parts import CAROL, Waits, allow, git, make_key, said

from agent.autonomy.form import FILE
from agent.publishing.allowed import asked_for, granted, waits_for
from agent.publishing.finding import find_verified
from agent.schedule import as_toml
from agent.settings import resolve
from policies.autonomy import DEFAULT_SCHEDULE, Confirmation, Schedule
from policies.vocabulary import ActionClass, Prices

IN_CLASSES = '[classes]\ncommit = { confirmation = "multi-party", people = 3 }\n'
BY_PATH = '[[paths]]\nmatch = "a.py"\nconfirmation = "multi-party"\npeople = 3\n'


@pytest.fixture
def approved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waits:
    """Two people were asked, and have signed."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    for name in ("AGENT_ALLOWED_SIGNERS", "AGENT_SCHEDULE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    waits = Waits.begun(tmp_path)
    assert waits.approve(waits.alice).exit_code == 0
    assert waits.approve(waits.bob).exit_code == 0
    return waits


def on_a_branch(folder: Path, text: str) -> None:
    """The base's rules change, and the tree that is checked out does not."""
    git(folder, "checkout", "-q", "-b", "base")
    (folder / FILE).parent.mkdir()
    (folder / FILE).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "rules")
    git(folder, "checkout", "-q", "main")


@pytest.mark.parametrize(
    ("rules", "who"),
    [(IN_CLASSES, ".agent/autonomy.toml of base ("), (BY_PATH, "paths a.py asks 3 people")],
)
def test_the_bases_rules_of_now_count(approved: Waits, tmp_path: Path, rules: str, who: str) -> None:
    on_a_branch(approved.folder, rules)
    refused = approved.deliver("--base-ref", "base")
    assert refused.exit_code == 11, refused.output
    assert who in said(refused) and "asks 3 people to confirm a commit now; 2 of them have" in said(refused)
    assert "1 more must: agent approvals approve" in said(refused)
    approved.untouched()
    carol = make_key(tmp_path / "carol")
    with approved.signers.open("a") as file:
        file.write(allow(tmp_path / "more", (CAROL, carol)).read_text())
    assert approved.approve(carol).exit_code == 0
    done = approved.deliver("--base-ref", "base")
    assert done.exit_code == 0, done.output
    approved.delivered()


def scheduled(path: Path, schedule: Schedule) -> str:
    path.write_text(as_toml(schedule, Prices()))
    return str(path)


def test_the_users_schedule_of_now_counts(
    approved: Waits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = ((ActionClass.COMMIT, Confirmation.MULTI_PARTY),)
    stricter = DEFAULT_SCHEDULE.tightened(commit, ((ActionClass.COMMIT, 4),))
    file = scheduled(tmp_path / "s.toml", stricter)
    with monkeypatch.context() as named:
        named.setenv("AGENT_SCHEDULE", file)
        refused = approved.deliver()
    assert refused.exit_code == 11 and f"{file} asks 4 people to confirm a commit" in said(refused)
    assert "2 more must" in said(refused) and refused.output.count("\n") == 1
    settings = tmp_path / "config" / "marginal-agent" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'schedule = "{file}"\n')
    assert approved.deliver().exit_code == 11
    approved.untouched()
    settings.unlink()
    assert approved.deliver().exit_code == 0, "it was not tightened after all"
    approved.delivered()


def test_a_schedule_that_is_laxer_now_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    waits = Waits.begun(tmp_path)
    assert waits.approve(waits.alice).exit_code == 0
    levels = dict(DEFAULT_SCHEDULE.levels) | {ActionClass.COMMIT: Confirmation.FREE}
    lax = replace(DEFAULT_SCHEDULE, levels=tuple(levels.items()))
    monkeypatch.setenv("AGENT_SCHEDULE", scheduled(tmp_path / "s.toml", lax))
    refused = waits.deliver()
    assert refused.exit_code == 11 and "1 of 2 people have approved it" in said(refused)
    waits.untouched()


def test_publishing_takes_as_many_people_as_are_asked_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    waits = Waits.begun(tmp_path, Confirmation.FREE, apply=False, branch="")
    monkeypatch.setenv("AGENT_ALLOWED_SIGNERS", str(waits.signers))
    assert waits.run("request", waits.trace, "--for", "publish").exit_code == 0
    for key in (waits.alice, waits.bob):
        assert waits.approve(key).exit_code == 0
    found = find_verified(str(waits.trace))
    publish = ((ActionClass.PUBLISH, Confirmation.MULTI_PARTY),)
    for number, why in ((2, ""), (3, "the autonomy schedule asks 3 people")):
        stricter = DEFAULT_SCHEDULE.tightened(publish, ((ActionClass.PUBLISH, number),))
        monkeypatch.setenv("AGENT_SCHEDULE", scheduled(tmp_path / "s.toml", stricter))
        asked = asked_for(found, resolve({}, None), "main")
        waiting = waits_for(found, asked, granted(found, False, asked))
        assert waiting.startswith(why) and bool(waiting) == bool(why)
