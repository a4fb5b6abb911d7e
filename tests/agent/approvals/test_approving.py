"""People sign for a delivery, with real keys: what counts, what does not, and that it is made once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from approval_parts import ALICE, BOB, CAROL, Waits, allow, git, make_key, said, sign
from typer.testing import CliRunner

from agent.approvals import delivering, nonces
from agent.approvals.counting import asked_of
from agent.approvals.delivering import is_approved
from agent.approvals.statement import Statement
from agent.cli import app
from agent.errors import NotApproved, UsageError
from agent.events import ApprovalGiven, ApprovalRejected, DeliveryDone, RunEnded
from agent.trace import EVENTS, GENESIS, Trace, seal
from agent.traces.checking import check
from agent.vouched import key_file
from policies.autonomy import Confirmation
from policies.vocabulary import ActionClass, Outcome


@pytest.fixture(autouse=True)
def nobody_helps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No agent or settings of the developer's, and a folder that is no repository."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("AGENT_ALLOWED_SIGNERS", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def waits(tmp_path: Path) -> Waits:
    return Waits.begun(tmp_path)


def test_two_people_approve_and_it_is_delivered_once(waits: Waits) -> None:
    assert (waits.report.outcome, waits.report.exit_code, waits.report.people) == (Outcome.DEFERRED, 11, 2)
    assert any(line.startswith("to approve") for line in waits.report.lines())
    assert "0 of 2 people have approved it" in said(waits.deliver())
    first = waits.approve(waits.alice)
    assert first.exit_code == 0, first.output
    assert f"approved by {ALICE} (SHA256:" in said(first) and "1 of 2 people: 1 more must" in said(first)
    assert waits.deliver().exit_code == 11
    second = waits.approve(waits.bob)
    assert "enough have approved; it can be delivered: agent approvals deliver" in said(second)
    waits.untouched()
    done = waits.deliver()
    assert done.exit_code == 0, done.output
    waits.delivered()
    events = list(Trace(waits.trace).events())
    ended = [event for event in events if isinstance(event, RunEnded)]
    assert [each.outcome for each in ended] == [Outcome.DEFERRED] * 3 + [Outcome.FIXED]
    assert ended[-1].explanation.endswith(f"approved by {ALICE}, {BOB}")
    given = [event for event in events if isinstance(event, ApprovalGiven)]
    assert [each.principal for each in given] == [ALICE, BOB]
    assert check(waits.trace).good
    again = waits.deliver()
    assert again.exit_code == 2 and "waits for an approval" in said(again)


def test_one_person_is_enough_where_the_schedule_asks_for_one(tmp_path: Path) -> None:
    waits = Waits.begun(tmp_path, Confirmation.CONFIRM, apply=False, branch="")
    assert waits.report.exit_code == 11
    assert "enough have approved" in said(waits.approve(waits.alice))
    done = waits.deliver()
    assert done.exit_code == 0, done.output
    assert f"delivered   patch file {waits.trace / 'fix.patch'}" in done.output


@pytest.mark.parametrize("whose", ["the same person", "the same key under another name"])
def test_nobody_counts_twice(whose: str, waits: Waits, tmp_path: Path) -> None:
    assert waits.approve(waits.alice).exit_code == 0
    if whose == "the same person":
        again, why = waits.approve(waits.alice), f"{ALICE} has approved it already"
    else:
        allow(waits.signers, (ALICE, waits.alice), (CAROL, waits.alice))
        again = waits.approve(waits.alice, "--as", CAROL)
        why = f"{ALICE} has approved it with this very key"
    assert again.exit_code == 2 and why in said(again)
    assert len(waits.state.approvals.given) == 1
    assert "1 of 2" in said(waits.deliver())
    waits.untouched()


def test_one_person_with_two_keys_under_one_name_counts_once(waits: Waits, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other")
    allow(waits.signers, (ALICE, waits.alice), (ALICE, other))
    assert waits.approve(waits.alice).exit_code == 0
    assert f"{ALICE} has approved it already" in said(waits.approve(other))


def test_a_signature_made_elsewhere_of_exactly_the_bytes_shown(waits: Waits, tmp_path: Path) -> None:
    statement = waits.statement
    asked = asked_of(waits.state)
    assert statement == asked.to_sign() and statement.endswith(b"}\n") and statement.count(b"\n") == 1
    assert json.loads(statement) == {
        "action_class": "commit", "base": asked.base, "decision": "approve",
        "delivery": [f"apply to {waits.folder}", "commit on the new branch fix/f"],
        "expires": asked.expires, "nonce": asked.nonce, "patch": asked.patch, "people": 2, "reason": "",
        "repository": str(waits.folder), "run": waits.report.run_id, "schedule": asked.schedule, "step": 5,
        "type": "agent-approval", "version": 1,
    }  # fmt: skip
    path = tmp_path / "bob.sig"
    path.write_text(sign(statement, waits.bob))
    taken = waits.run(
        "approve", waits.trace, "--signature", path, "--allowed-signers", waits.signers, "--as", BOB
    )
    assert taken.exit_code == 0, taken.output
    assert waits.state.approvals.given[0].principal == BOB


BAD: dict[str, Callable[[Statement, Path], str]] = {
    "another namespace": lambda asked, key: sign(asked.to_sign(), key, "git"),
    "of a trace": lambda asked, key: sign(asked.to_sign(), key, "marginal-agent-trace"),
    "another patch": lambda asked, key: sign(asked.model_copy(update={"patch": "0" * 64}).to_sign(), key),
    "another run": lambda asked, key: sign(asked.model_copy(update={"run": "f" * 16}).to_sign(), key),
    "another nonce": lambda asked, key: sign(asked.model_copy(update={"nonce": "0" * 32}).to_sign(), key),
    "another schedule": lambda asked, key: sign(
        asked.model_copy(update={"schedule": "0" * 64}).to_sign(), key
    ),
    "a longer term": lambda asked, key: sign(
        asked.model_copy(update={"expires": "2999-01-01T00:00:00Z"}).to_sign(), key
    ),
    "a rejection": lambda asked, key: sign(asked.rejecting("no").to_sign(), key),
    "junk": lambda asked, key: "junk",
    "nothing": lambda asked, key: "",
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_signature_of_this_very_statement_is_refused(
    kind: str, waits: Waits, tmp_path: Path
) -> None:
    path = tmp_path / "bad.sig"
    path.write_text(BAD[kind](asked_of(waits.state), waits.bob))
    before = (waits.trace / EVENTS).read_bytes()
    refused = waits.run(
        "approve", waits.trace, "--signature", path, "--allowed-signers", waits.signers, "--as", BOB
    )
    assert refused.exit_code == 2 and "does not count" in said(refused), refused.output
    assert (waits.trace / EVENTS).read_bytes() == before


def test_a_signature_for_another_run_is_not_replayed(waits: Waits, tmp_path: Path) -> None:
    other = Waits.begun(tmp_path, name="other")
    waits.approve(waits.alice)
    path = tmp_path / "replayed.sig"
    path.write_text(waits.state.approvals.given[0].signature)
    refused = other.run(
        "approve", other.trace, "--signature", path, "--allowed-signers", other.signers, "--as", ALICE
    )
    assert refused.exit_code == 2 and "does not count" in said(refused)


def test_a_stranger_and_a_key_that_was_taken_back_do_not_count(waits: Waits, tmp_path: Path) -> None:
    stranger = make_key(tmp_path / "stranger")
    refused = waits.approve(stranger)
    assert refused.exit_code == 2 and "is not one that" in said(refused)
    assert "does not count for alice" in said(waits.approve(stranger, "--as", ALICE))
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    allow(waits.signers, (ALICE, waits.alice), (f'{BOB} valid-before="20200101"', waits.bob))
    late = said(waits.deliver())
    assert f"1 of 2 people have approved it ({BOB}: " in late and "expired" in late
    allow(waits.signers, (ALICE, waits.alice), (f'{BOB} namespaces="git"', waits.bob))
    assert "1 of 2 people" in said(waits.deliver())
    waits.untouched()


def test_a_request_expires_and_can_be_asked_anew(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    earlier = asked_of(waits.state)
    copy = waits.trace.with_name("copy")
    shutil.copytree(waits.trace, copy)
    with monkeypatch.context() as later:
        later.setattr(delivering.time, "time", lambda: earlier.expires_at)
        assert f"the request expired at {earlier.expires}" in said(waits.deliver())
        refused = waits.approve(waits.bob)
        assert refused.exit_code == 2 and "expired" in said(refused)
        shown = json.loads(waits.run("list", "--all", "--json").output)
        assert {each["state"] for each in shown} == {"expired"}
        assert json.loads(waits.run("list", "--json").output) == []
    waits.untouched()
    anew = waits.run("request", waits.trace, "--expires", "3d")
    assert anew.exit_code == 0 and "2 people must approve" in said(anew)
    assert "0 of 2" in said(waits.deliver()), "the earlier approvals were of another nonce"
    waits.trace = copy
    assert "was asked for anew; an approval counts once" in said(waits.deliver())
    waits.untouched()
    assert waits.run("request", copy, "--expires", "1s").exit_code == 2


def test_a_copy_delivers_nothing_a_second_time(waits: Waits, tmp_path: Path) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    copy = waits.trace.with_name("copy")
    shutil.copytree(waits.trace, copy)
    assert waits.deliver().exit_code == 0
    git(waits.folder, "checkout", "-q", "--", "a.py")
    git(waits.folder, "branch", "-qD", "fix/f")
    waits.trace = copy
    again = waits.deliver()
    assert again.exit_code == 2 and "was delivered by it already" in said(again)
    waits.untouched()


def test_one_no_ends_it_for_every_copy(waits: Waits) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    copy = waits.trace.with_name("copy")
    shutil.copytree(waits.trace, copy)
    who = ("--key", waits.bob, "--allowed-signers", waits.signers)
    no = waits.run("reject", waits.trace, "--reason", "not on a Friday", *who)
    assert no.exit_code == 0, no.output
    events = [event for event in Trace(waits.trace).events() if isinstance(event, ApprovalRejected)]
    assert [(each.principal, each.reason) for each in events] == [(BOB, "not on a Friday")]
    for refused in (waits.deliver(), waits.approve(waits.alice), waits.run("request", waits.trace)):
        assert refused.exit_code == 2
        assert f"{BOB} rejected it: not on a Friday" in said(refused)
    assert "not on a Friday" in said(waits.run("show", waits.trace))
    ended = [event for event in Trace(waits.trace).events() if isinstance(event, RunEnded)][-1]
    assert (ended.exit_code, ended.explanation) == (11, f"verified, but rejected by {BOB}: not on a Friday")
    again = CliRunner().invoke(app, ["fix", "--resume", str(waits.trace)])
    assert again.exit_code == 11 and "to approve" not in again.output
    waits.trace = copy
    assert "was rejected; an approval counts once" in said(waits.deliver())
    waits.untouched()
    assert waits.run("reject", copy, "--reason", "", *who).exit_code == 2


def test_a_reason_that_a_trace_would_not_keep_leaves_it_whole(
    waits: Waits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "hunter2-hunter2")
    before = (waits.trace / EVENTS).read_bytes()
    who = ("--key", waits.bob, "--allowed-signers", waits.signers)
    refused = waits.run("reject", waits.trace, "--reason", "it has hunter2-hunter2 in it", *who)
    assert refused.exit_code == 2 and "looks like a secret" in said(refused)
    assert (waits.trace / EVENTS).read_bytes() == before
    assert not nonces.use_of(asked_of(waits.state).nonce), "it can still be approved"


def test_a_signed_rejection_made_elsewhere(waits: Waits, tmp_path: Path) -> None:
    bytes_of = waits.run("show", waits.trace, "--statement", "--reason", "no").stdout_bytes
    path = tmp_path / "no.sig"
    path.write_text(sign(bytes_of, waits.alice))
    more = ("--signature", path, "--allowed-signers", waits.signers)
    assert waits.run("reject", waits.trace, "--reason", "other words", *more).exit_code == 2
    assert waits.run("reject", waits.trace, "--reason", "no", *more).exit_code == 0


def test_who_may_sign_is_said_outside_of_the_change(waits: Waits, tmp_path: Path) -> None:
    for inside, what in ((waits.folder, "the repository"), (waits.trace, "the trace")):
        inner = inside / "signers"
        shutil.copy(waits.signers, inner)
        link = tmp_path / f"link-{inside.name}"
        link.symlink_to(inner)
        for path in (inner, link):
            refused = waits.run("approve", waits.trace, "--key", waits.alice, "--allowed-signers", path)
            assert refused.exit_code == 2 and f"inside {what}" in said(refused)
            assert waits.run("deliver", waits.trace, "--allowed-signers", path).exit_code == 2
        inner.unlink()
    nobody = waits.run("approve", waits.trace, "--key", waits.alice)
    assert nobody.exit_code == 2 and "who may approve is not said" in said(nobody)
    (waits.folder / "pyproject.toml").write_text('[tool.agent]\nallowed_signers = "/x"\n')
    assert "is not said" in said(waits.run("approve", waits.trace, "--key", waits.alice))


@pytest.mark.parametrize("where", ["environment", "settings"])
def test_the_users_settings_name_who_may_sign(
    where: str, waits: Waits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if where == "environment":
        monkeypatch.setenv("AGENT_ALLOWED_SIGNERS", str(waits.signers))
    else:
        folder = tmp_path / "config" / "marginal-agent"
        folder.mkdir(parents=True)
        shutil.copy(waits.signers, folder / "signers")
        (folder / "config.toml").write_text('allowed_signers = "signers"\n')
    assert waits.run("approve", waits.trace, "--key", waits.alice).exit_code == 0
    assert "(holds)" in said(waits.run("show", waits.trace))


def sealed_anew(trace: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """The trace with events changed, and hashes to match: by who may write to it and has no key."""
    path, prev, lines = trace / EVENTS, GENESIS, list[bytes]()
    for line in path.read_bytes().splitlines():
        event = json.loads(line)["event"]
        change(event)
        body = json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()
        prev, sealed = seal(prev, body)
        lines.append(sealed)
    path.write_bytes(b"".join(lines))


def changed(kind: str, **fields: Any) -> Callable[[dict[str, Any]], None]:
    def change(event: dict[str, Any]) -> None:
        if event["type"] == kind:
            event.update(fields)

    return change


def in_settings(event: dict[str, Any]) -> None:
    """Only its owner's word is asked for, says the schedule now."""
    if event["type"] == "run-started":
        event["settings"]["schedule"]["attention"]["confirm"] = 99.0


def fewer_people(event: dict[str, Any]) -> None:
    if event["type"] == "approval-request":
        event["statement"]["people"] = 1


def longer(event: dict[str, Any]) -> None:
    if event["type"] == "approval-request":
        event["statement"]["expires"] = "2999-01-01T00:00:00Z"


def another_branch(event: dict[str, Any]) -> None:
    if event["type"] == "run-started":
        event["settings"]["branch"] = "main2"


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "the schedule was changed": (in_settings, "schedule is another"),
    "fewer people are asked for": (fewer_people, "does not follow"),
    "the term is longer": (longer, "does not follow"),
    "it goes to another branch": (another_branch, "delivery is another"),
    "an approval with another signature": (
        changed("approval", signature="forged"),
        "not done here by you|0 of 2",
    ),
    "an approval in another name": (changed("approval", principal="root"), "does not follow"),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_trace_delivers_nothing(forgery: str, waits: Waits) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    change, why = FORGERIES[forgery]
    sealed_anew(waits.trace, change)
    refused = waits.deliver()
    assert refused.exit_code in (1, 2, 11)
    assert any(each in said(refused) for each in why.split("|")), refused.output
    waits.untouched()


def test_a_changed_patch_is_not_delivered(waits: Waits) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    assert waits.state.submission is not None
    (waits.trace / "blobs" / waits.state.submission.diff).write_bytes(b"+evil\n")
    refused = waits.deliver()
    assert refused.exit_code == 1 and "was altered" in said(refused)
    assert waits.run("show", waits.trace).exit_code == 1
    waits.untouched()


def test_a_run_of_somebody_else_is_not_delivered_on_its_word(waits: Waits) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    key_file().unlink()
    assert "not done here by you" in said(waits.deliver())
    waits.untouched()


def test_a_tree_that_changed_meanwhile_gets_nothing_and_the_approvals_stay(waits: Waits) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    (waits.folder / "other.py").write_bytes(b"x = 1\n")
    refused = waits.deliver()
    assert refused.exit_code == 2 and "has changed since the trace was begun" in said(refused)
    waits.untouched()
    (waits.folder / "other.py").unlink()
    assert waits.deliver().exit_code == 0
    waits.delivered()


def test_what_could_not_all_be_delivered_is_tried_again(waits: Waits) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    git(waits.folder, "branch", "fix/f")
    some = waits.deliver()
    assert some.exit_code == 11 and "branch 'fix/f' exists already" in said(some)
    git(waits.folder, "branch", "-qD", "fix/f")
    done = waits.deliver()
    assert done.exit_code == 0, done.output
    waits.delivered()
    assert check(waits.trace).good


def test_a_delivery_that_was_cut_off_goes_on(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)

    class Killed(BaseException):
        pass

    def dying(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(delivering, "deliver", dying)
        delivering.deliver_approved(waits.trace, waits.signers, print)
    waits.untouched()
    copy = waits.trace.with_name("copy")
    shutil.copytree(waits.trace, copy)
    assert waits.deliver().exit_code == 0
    waits.delivered()
    assert len([e for e in Trace(waits.trace).events() if isinstance(e, DeliveryDone)]) == 1
    waits.trace = copy
    assert "was delivered by it already" in said(waits.deliver())


def test_a_nonce_is_taken_by_one_delivery(waits: Waits) -> None:
    nonce = asked_of(waits.state).nonce
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    assert nonces.take(nonce, "0" * 32) and not nonces.take(nonce, "1" * 32)
    refused = waits.deliver()
    assert refused.exit_code == 2 and "another copy of this trace" in said(refused)
    waits.untouched()


def test_approved_for_a_class(waits: Waits) -> None:
    now = 0.0
    with pytest.raises(NotApproved, match="0 of 2 people have approved it"):
        is_approved(waits.trace, waits.signers, ActionClass.COMMIT, now)
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    found = is_approved(waits.trace, waits.signers, ActionClass.COMMIT, now)
    assert [each.principal for each in found.count.approvers] == [ALICE, BOB]
    with pytest.raises(UsageError, match="is a commit, not a publish"):
        is_approved(waits.trace, waits.signers, ActionClass.PUBLISH, now)


def test_people_approve_the_publishing_of_a_patch_that_was_delivered(waits: Waits) -> None:
    for never in ("deploy", "draft", "read"):
        refused = waits.run("request", waits.trace, "--for", never)
        assert refused.exit_code == 2 and f"nothing makes a {never} of this run's patch" in said(refused)
    again = waits.run("request", waits.trace)
    assert again.exit_code == 0 and "asked for a commit" in said(again)
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    assert waits.deliver().exit_code == 0
    asked = waits.run("request", waits.trace, "--for", "publish", "--expires", "2d")
    assert asked.exit_code == 0 and "asked for a publish" in said(asked), asked.output
    (listed,) = json.loads(waits.run("list", "--json").output)
    assert (listed["action_class"], listed["state"], listed["people"]) == ("publish", "pending", 1)
    with pytest.raises(NotApproved, match="0 of 1"):
        is_approved(waits.trace, waits.signers, ActionClass.PUBLISH, 0.0)
    enough = f"enough have approved; it can be published: agent publish {waits.trace}"
    assert said(waits.approve(waits.bob)).endswith(enough)
    key_file().unlink()  # wherever it is published from
    found = is_approved(waits.trace, waits.signers, ActionClass.PUBLISH, 0.0)
    assert [each.principal for each in found.count.approvers] == [BOB]
    assert found.asked.delivery == ("publish this patch, wherever its publisher may",)
    assert "which is no delivery of its run" in said(waits.deliver())
    nonces.spend(found.asked.nonce)
    with pytest.raises(UsageError, match="delivered by it already"):
        is_approved(waits.trace, waits.signers, ActionClass.PUBLISH, 0.0)
    ended = [event for event in Trace(waits.trace).events() if isinstance(event, RunEnded)]
    assert (ended[-1].outcome, ended[-1].exit_code) == (Outcome.FIXED, 0)
    assert waits.run("request", waits.trace, "--for", "love").exit_code == 2


def test_the_list_and_the_page(waits: Waits) -> None:
    waits.approve(waits.alice)
    (found,) = json.loads(waits.run("list", "--json").output)
    assert (found["state"], found["people"], found["action_class"]) == ("pending", 2, "commit")
    assert [each["principal"] for each in found["approvals"]] == [ALICE]
    assert (found["added"], found["removed"], found["value"]) == (1, 1, 20.0)
    assert 0 < found["right"] <= 1 and found["at_risk"] >= 0
    assert found["worth"] == pytest.approx(
        found["value"] * found["right"] - found["at_risk"] - found["attention"]
    )
    listed = said(waits.run("list"))
    assert found["run_id"][:8] in listed and "alice" in listed and "1 more of 2" in listed
    assert found["approvals"][0]["holds"] is None and found["may"] == []
    (checked,) = json.loads(waits.run("list", "--json", "--allowed-signers", waits.signers).output)
    assert checked["approvals"][0]["holds"] is True and checked["may"] == [BOB]
    allow(waits.signers, (f"{BOB},{CAROL}", waits.bob), ("*@example.net", waits.alice))
    (checked,) = json.loads(waits.run("list", "--json", "--allowed-signers", waits.signers).output)
    assert checked["approvals"][0]["holds"] is False and checked["may"] == [BOB, CAROL]
    allow(waits.signers, (f"{ALICE},{CAROL}", waits.alice), (BOB, waits.bob))
    (checked,) = json.loads(waits.run("list", "--json", "--allowed-signers", waits.signers).output)
    assert checked["may"] == [BOB], "Carol has no key but the one that Alice has signed with"
    allow(waits.signers, (f"{ALICE},{CAROL}", waits.alice), (f"{BOB},{CAROL}", waits.bob))
    (checked,) = json.loads(waits.run("list", "--json", "--allowed-signers", waits.signers).output)
    assert checked["may"] == [CAROL, BOB]
    allow(waits.signers, (ALICE, waits.alice), (BOB, waits.bob))
    page = waits.run("show", waits.trace, "--allowed-signers", waits.signers)
    for words in (
        "+    return 1",
        "at risk",
        "no forgoes",
        "right ",
        "(holds)",
        "bill ",
        "expires",
        found["digest"],
    ):
        assert words in page.output
    assert json.loads(waits.run("show", waits.trace, "--json").output)["digest"] == found["digest"]


def test_a_run_that_waits_for_nobody(waits: Waits) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    waits.deliver()
    assert said(waits.run("list")).startswith("note: nothing waits for an approval note: 1 more: delivered")
    for command in (["show", waits.trace, "--statement"], ["request", waits.trace]):
        refused = waits.run(*command)
        assert refused.exit_code == 2 and "waits for an approval" in said(refused)
    assert "was delivered; nothing of it waits" in said(waits.run("request", waits.trace))
    assert "delivered, as was approved" in said(waits.run("show", waits.trace))


def test_a_run_that_asks_nobody(tmp_path: Path) -> None:
    waits = Waits.begun(tmp_path, Confirmation.FREE, apply=False, branch="")
    assert (waits.report.outcome, waits.report.people) == (Outcome.DEFERRED, 0)
    for command in ("show", "request", "deliver"):
        more = ("--allowed-signers", waits.signers) if command == "deliver" else ()
        refused = waits.run(command, waits.trace, *more)
        assert refused.exit_code == 2 and "waits for an approval" in said(refused)


def test_the_audit_says_who_approved(waits: Waits) -> None:
    waits.approve(waits.alice)
    waits.approve(waits.bob)
    waits.deliver()
    audit = CliRunner().invoke(app, ["audit", str(waits.trace)])
    assert audit.exit_code == 0, audit.output
    assert f"multi-party by {ALICE}, {BOB} used" in said(audit)


def test_one_of_key_and_signature(waits: Waits) -> None:
    for more in ([], ["--key", waits.alice, "--signature", waits.alice]):
        refused = waits.run("approve", waits.trace, "--allowed-signers", waits.signers, *more)
        assert refused.exit_code == 2 and "give --key FILE" in said(refused)
    missing = waits.run(
        "approve", waits.trace, "--allowed-signers", waits.signers, "--signature", "/nowhere.sig"
    )
    assert missing.exit_code == 2 and "cannot read /nowhere.sig" in said(missing)
