"""Our traces read for an audit: what they say, and what is wrong with those that do not hold."""

from __future__ import annotations

import hashlib
import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from audit_parts import traced
from page_runs import audit_of_runs
from test_policies import LADDER

from agent.audit.later import LATER, append_later, ends_torn, read_later
from agent.audit.ours import OPEN, TORN, our_run
from agent.audit.realised import realised
from agent.audit.runs import Later
from agent.audit.sections import sections
from agent.bounds import MOST_BYTES
from agent.errors import AgentError, TraceError, UsageError
from agent.forecast import estimates
from agent.task import Settings
from agent.trace import EVENTS, GENESIS, Trace
from agent.traces.showing import shown
from benchmarks._simulated_run import simulated
from policies.belief import difficulty, hand_right
from policies.vocabulary import ActionClass, Limits, Outcome

ASKED = Settings(repository="/r", tests=("t",), tiers=LADDER, limits=Limits(5.0, 900.0))


def sealed(folder: Path, events: list[str]) -> None:
    """A trace by hand: each event in the chain, whatever it says."""
    folder.mkdir()
    lines, prev = [], GENESIS
    for event in events:
        digest = hashlib.sha256(prev.encode() + event.encode()).hexdigest()
        lines.append(f'{{"prev":"{prev}","hash":"{digest}","event":{event}}}\n')
        prev = digest
    (folder / EVENTS).write_text("".join(lines))


def bodies(folder: Path) -> list[str]:
    return [json.dumps(json.loads(line)["event"]) for line in (folder / EVENTS).read_text().splitlines()]


def test_a_run_is_what_its_trace_says(tmp_path: Path) -> None:
    state = traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    run = our_run(tmp_path / "trace")
    acts = [(each.name, each.succeeded, each.dollars) for each in run.steps if each.kind == "act"]
    assert acts == [("act cheap", False, 0.05), ("act middle", False, 0.2), ("act dear", True, 0.6)]
    assert [each.number for each in run.steps] == list(range(1, state.steps + 1))
    assert sum(each.dollars or 0 for each in run.steps) == pytest.approx(state.spent.dollars)
    assert sum(each.seconds or 0 for each in run.steps) == pytest.approx(state.spent.seconds)
    assert (run.outcome, run.closed, run.verified, run.notes) == (Outcome.FIXED, True, True, ())
    assert [(each.step, each.level) for each in run.submissions] == [(state.steps, 0)]
    assert run.submissions[0].right > 0.9
    assert run.policy == "cascade" and run.task == "t" and run.delivery is ActionClass.DRAFT
    whole = Trace(tmp_path / "trace")
    assert len(list(whole.events())) > 10 and run.head_hash == whole.head


def test_the_confirmation_that_a_trace_records_is_the_one_used(tmp_path: Path) -> None:
    """An older one does not: to ask for a commit was to confirm it, and a patch file needed nobody."""
    for delivery, level in ((ActionClass.DRAFT, 0), (ActionClass.COMMIT, 1)):
        asked = ASKED.model_copy(update={"delivery": delivery})
        traced(tmp_path / delivery, "cascade", asked, ("dear",))
        assert [each.level for each in our_run(tmp_path / delivery).submissions] == [level]
    told = [json.loads(body) for body in bodies(tmp_path / "draft")]
    submitted = next(each for each in told if each.get("observation", {}).get("type") == "submission")
    submitted["observation"]["confirmed"] = 2
    sealed(tmp_path / "said", [json.dumps(each) for each in told])
    assert [each.level for each in our_run(tmp_path / "said").submissions] == [2]


def test_a_flag_confirms_and_takes_nobodys_attention(tmp_path: Path) -> None:
    """Who is asked and says yes is paid for it; who said so in advance read nothing."""
    traced(tmp_path / "flag", "cascade", ASKED.model_copy(update={"delivery": ActionClass.COMMIT}), ("dear",))
    traced(tmp_path / "file", "cascade", ASKED, ("dear",))
    told = [json.loads(body) for body in bodies(tmp_path / "file")]
    answer = {"type": "answer", "question": "apply the patch to your tree?", "yes": True}
    sealed(tmp_path / "asked", [json.dumps(each) for each in (*told[:-1], answer, told[-1])])
    for name, attention, used in (("flag", 0.0, "confirm by flag"), ("asked", 2.0, "confirm")):
        run = our_run(tmp_path / name)
        assert realised(run)[0].attention.exact == attention
        audit = audit_of_runs(run)
        (section,) = (each for each in sections(audit) if each.title == "confirmation")
        assert f": {used} used, " in section.lines[0] and audit.autonomy[0].by_flag == (name == "flag")
        assert audit.runs[0].findings[2].status == "none"  # the person's word counts, given in advance or not


def test_a_patch_that_a_person_had_applied_is_a_commit_and_risks_what_one_does(tmp_path: Path) -> None:
    """The summary says so, too. The run itself booked the loss of a patch file (here: none)."""
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    told = [json.loads(body) for body in bodies(tmp_path / "trace")]
    for said, applied in (("yes", True), ("no", False)):
        answer = {"type": "answer", "question": "apply the patch to your tree?", "yes": applied}
        sealed(tmp_path / said, [json.dumps(each) for each in (*told[:-1], answer, told[-1])])
    file, commit = our_run(tmp_path / "no"), our_run(tmp_path / "yes")
    assert [each.submissions[0].delivery for each in (file, commit)] == ["draft", "commit"]
    wrong = 1 - commit.submissions[0].right
    assert commit.steps[-1].loss == pytest.approx((1.0 - 0.1) * wrong, rel=0.01) and wrong > 0.001
    risk = realised(commit)[0].risk.exact
    assert risk == pytest.approx(21.0 * (commit.steps[-1].loss or 0.0))
    shows = [shown(tmp_path / said).report for said in ("no", "yes")]
    assert [(each.delivery, each.severity) for each in shows if each] == [("draft", 0.1), ("commit", 1.0)]
    assert shows[1] is not None and shows[1].risk_price * shows[1].loss == pytest.approx(risk)
    assert "patch file counts" not in "\n".join(shows[1].lines())


def test_what_was_believed_is_folded_as_the_run_did(tmp_path: Path) -> None:
    state = traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    run = our_run(tmp_path / "trace")
    last = run.steps[-1].belief
    grid, weights = difficulty(state.belief, estimates(state))
    assert last is not None and last.difficulty == pytest.approx(float(grid @ weights))
    assert last.right == pytest.approx(hand_right(state.belief, estimates(state)))
    after = {each.name: each.belief for each in run.steps}
    cheap, middle = after["act cheap"], after["act middle"]
    assert cheap is not None and middle is not None and cheap.difficulty < middle.difficulty
    assert cheap.solvable > middle.solvable and cheap.right == 0
    assert all(each.belief is None for each in our_run(tmp_path / "trace", beliefs=False).steps)


def test_a_candidate_that_failed_a_check_was_not_right_and_one_given_up_is_unknown(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "marginal", ASKED, ("cheap", "middle", "dear"), passing=False)
    run = our_run(tmp_path / "trace")
    acts = [each for each in run.steps if each.kind == "act"]
    assert acts and all(each.succeeded is False for each in acts)
    assert run.verified in (None, False) and run.submissions == ()
    assert run.stopped is not None and run.stopped.chosen is None


def test_a_run_that_was_killed_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """Its last line is half-written, and the step before it has no result."""
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    path = tmp_path / "trace" / EVENTS
    lines = path.read_bytes().splitlines(keepends=True)
    intended = max(at for at, line in enumerate(lines) if b'"type":"intent"' in line)
    path.write_bytes(b"".join(lines[: intended + 1]) + lines[intended + 1][:40])
    run = our_run(tmp_path / "trace")
    assert run.notes == (OPEN, TORN) and run.outcome is None and not run.closed
    last = run.steps[-1]
    assert last.lost and last.seconds is None and last.dollars == 0.0 and "no result" in last.said


def test_simulated_runs_with_crashes_are_booked_to_the_cent(tmp_path: Path) -> None:
    for seed in (1, 5, 9, 13):
        result = simulated(seed, tmp_path / str(seed))
        run = our_run(tmp_path / str(seed))
        assert sum(each.dollars or 0.0 for each in run.steps) == pytest.approx(result.booked)
        assert sum(len(each.requests) for each in run.steps) == sum(
            b'"type":"request"' in line for line in (tmp_path / str(seed) / EVENTS).read_bytes().splitlines()
        )


def test_an_altered_trace_does_not_hold(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    path = tmp_path / "trace" / EVENTS
    path.write_bytes(path.read_bytes().replace(b'"dollars":0.6', b'"dollars":0.1', 1))
    with pytest.raises(TraceError, match=r"line \d+ of .* was altered"):
        our_run(tmp_path / "trace")
    with pytest.raises(UsageError, match="is not a trace"):
        our_run(tmp_path)


@pytest.mark.parametrize("drop", ["intake", "reproduction", "attempt"])
def test_events_that_contradict_each_other_are_one_clear_error(tmp_path: Path, drop: str) -> None:
    """Well-formed and in the chain, as somebody may write them: a result is missing."""
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    kept = [body for body in bodies(tmp_path / "trace") if f'"type": "{drop}"' not in body]
    sealed(tmp_path / "made", kept)
    with pytest.raises(TraceError, match=r"line \d+ of .* does not follow from th"):
        our_run(tmp_path / "made")


def test_a_trace_that_asks_for_the_memory_of_a_machine_is_refused(tmp_path: Path) -> None:
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    told = bodies(tmp_path / "trace")
    huge = json.loads(told[0])
    huge["settings"]["difficulty"]["points"] = 10**9
    sealed(tmp_path / "grid", [json.dumps(huge), *told[1:]])
    with pytest.raises(TraceError, match="the grid of a prior has 1 to"):
        our_run(tmp_path / "grid")
    wide = json.loads(told[0])
    wide["settings"]["tiers"][0]["attempts"] = 10**9
    sealed(tmp_path / "tiers", [json.dumps(wide), *told[1:]])
    with pytest.raises(TraceError, match="more tiers or attempts"):
        our_run(tmp_path / "tiers")
    piece = {
        "path": "a",
        "first": 1,
        "last": 2,
        "kind": "test",
        "name": "",
        "size": 10,
        "share": 0.5,
    }
    for large in ({"size": MOST_BYTES + 1}, {"last": 10**15}):
        asked = [json.loads(body) for body in told]
        attempt = next(each for each in asked if each.get("observation", {}).get("type") == "attempt")
        attempt["observation"]["read"] = [piece | large]
        sealed(tmp_path / next(iter(large)), [json.dumps(each) for each in asked])
        with pytest.raises(TraceError, match="pieces of the repository are larger"):
            our_run(tmp_path / next(iter(large)))


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("result", lambda event: event["bill"].update(dollars="NaN")),
        ("result", lambda event: event["bill"].update(seconds=1e300)),
        ("request", lambda event: event.update(waited="Infinity")),
        ("request", lambda event: event.update(usage={"prefill": 10**400})),
        ("decision", lambda event: event["decision"]["candidates"][0].update(net="-Infinity")),
        ("decision", lambda event: event["decision"]["candidates"][0]["quote"].update(probability="NaN")),
        ("run-started", lambda event: event["settings"]["prices"].update(value=1e200)),
        ("run-started", lambda event: event.update(time="NaN")),
    ],
)
def test_numbers_that_cannot_be_added_up_are_refused(
    tmp_path: Path, kind: str, change: Callable[[dict[str, Any]], None]
) -> None:
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    told = [json.loads(body) for body in bodies(tmp_path / "trace")]
    change(next(each for each in told if each["type"] == kind))
    sealed(tmp_path / "made", [json.dumps(each) for each in told])
    with pytest.raises(TraceError):
        our_run(tmp_path / "made")


def test_deeply_nested_text_is_one_clear_error(tmp_path: Path) -> None:
    sealed(tmp_path / "deep", ['{"type":"run-started","settings":' + 100_000 * "[" + 100_000 * "]" + "}"])
    with pytest.raises(TraceError, match="is not an event this version knows"):
        our_run(tmp_path / "deep")


# What was said later.


@pytest.mark.parametrize(("word", "right"), [("merged", True), ("reverted", False), ("reworked", True)])
def test_what_became_of_the_patch_is_the_truth_of_its_attempt(
    tmp_path: Path, word: Literal["merged", "reverted", "reworked"], right: bool
) -> None:
    """It was verified; a revert says that it was wrong all the same, and rework says neither."""
    traced(tmp_path / "trace", "cascade", ASKED, ("dear",))
    append_later(tmp_path / "trace", our_run(tmp_path / "trace").head_hash, Later(word=word, time=1.0))
    acts = [each.succeeded for each in our_run(tmp_path / "trace").steps if each.kind == "act"]
    assert acts == [False, False, right]


def test_later_words_stay_with_their_trace(tmp_path: Path) -> None:
    head = "a" * 64
    assert read_later(tmp_path, head) == ()
    append_later(tmp_path, head, Later(word="merged", time=1.0))
    append_later(tmp_path, head, Later(word="reworked", time=2.0, minutes=30.0))
    assert read_later(tmp_path, head) == (
        Later(word="merged", time=1.0),
        Later(word="reworked", time=2.0, minutes=30.0),
    )
    with pytest.raises(
        TraceError, match=r"line 1 of .*later.jsonl does not hold: it was altered, or said of an"
    ):
        read_later(tmp_path, "b" * 64)
    with pytest.raises(TraceError, match="does not hold"):
        append_later(tmp_path, "b" * 64, Later(word="merged", time=3.0))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"merged", b"reverted"),
        lambda data: data[: len(data) // 2 - 5] + data[len(data) // 2 :],
        lambda data: b"".join(reversed(data.splitlines(keepends=True))),
        lambda data: data.splitlines(keepends=True)[1],
        lambda data: data + b"\n",
        lambda data: (2**20 + 1) * b"x",
    ],
)
def test_words_that_were_changed_do_not_hold(tmp_path: Path, spoil: object) -> None:
    head = "a" * 64
    append_later(tmp_path, head, Later(word="merged", time=1.0))
    append_later(tmp_path, head, Later(word="merged", time=2.0))
    path = tmp_path / LATER
    path.write_bytes(spoil(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(TraceError):
        read_later(tmp_path, head)


def test_a_word_that_a_full_disk_refuses_leaves_nothing_behind(tmp_path: Path) -> None:
    head, path = "a" * 64, tmp_path / LATER
    append_later(tmp_path, head, Later(word="merged", time=1.0))
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))  # there is room for half a line
    try:
        with pytest.raises(AgentError, match="cannot write"):
            append_later(tmp_path, head, Later(word="reverted", time=2.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before


def test_half_a_word_that_a_killed_process_left_is_passed_over_and_mended(tmp_path: Path) -> None:
    head, path = "a" * 64, tmp_path / LATER
    append_later(tmp_path, head, Later(word="merged", time=1.0))
    whole = path.read_bytes()
    for torn in (whole[:-1], whole[:80], b'{"prev'):
        path.write_bytes(whole + torn)
        assert ends_torn(tmp_path)
        assert read_later(tmp_path, head) == (Later(word="merged", time=1.0),)
    append_later(tmp_path, head, Later(word="reverted", time=2.0))
    assert not ends_torn(tmp_path)
    assert [each.word for each in read_later(tmp_path, head)] == ["merged", "reverted"]


def test_a_link_in_place_of_the_words_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / LATER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TraceError, match="cannot read"):
        read_later(tmp_path, "a" * 64)
    with pytest.raises(UsageError, match="cannot write"):
        append_later(tmp_path, "a" * 64, Later(word="merged", time=1.0))
    assert (tmp_path / "elsewhere").read_text() == ""
