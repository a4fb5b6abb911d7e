"""`agent trace verify`: every kind of tampering is found and its place named; what would not show is said."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kinds_of_traces import RESUMED
from typer.testing import CliRunner

from agent.audit.runs import Later
from agent.cli import app
from agent.events import DeliveryIntended, RunEnded, StepDone, blobs_of
from agent.observations import DeferralDone, SubmissionDone
from agent.redact import Redactor
from agent.trace import EVENTS, Trace, TraceWriter
from agent.traces.checking import ANEW, HEAD_GIVEN, HONESTY, WENT_ON, Checked, check
from policies.vocabulary import Outcome

MANY = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def lines(folder: Path) -> list[bytes]:
    return (folder / EVENTS).read_bytes().splitlines(keepends=True)


def head_of(folder: Path) -> str:
    trace = Trace(folder)
    list(trace.events())
    return trace.head


def checked_with(folder: Path, data: bytes) -> Checked:
    """What a check finds with other events, which are put back."""
    good = (folder / EVENTS).read_bytes()
    (folder / EVENTS).write_bytes(data)
    try:
        return check(folder)
    finally:
        (folder / EVENTS).write_bytes(good)


def test_a_whole_trace_holds_and_the_output_says_what_was_checked(fixed: Path) -> None:
    found = check(fixed, head_of(fixed))
    assert found.good
    assert found.holds[0] == f"{len(lines(fixed))} events, each chained to the one before it"
    assert "the end of the run is recorded: fixed" in found.holds
    assert "the head hash is the one you gave" in found.holds
    assert any("blobs: none is missing, none was altered, none was added" in each for each in found.holds)
    assert HEAD_GIVEN in found.cannot and HONESTY in found.cannot and ANEW not in found.cannot
    assert ANEW in check(fixed).cannot


@MANY
@given(data=st.data())
def test_any_changed_byte_is_found_and_its_line_named(fixed_once: Path, data: st.DataObject) -> None:
    good = (fixed_once / EVENTS).read_bytes()
    position = data.draw(st.integers(0, len(good) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda each: each != good[position]))
    found = checked_with(fixed_once, good[:position] + bytes([byte]) + good[position + 1 :])
    assert not found.good
    assert found.line == good[:position].count(b"\n") + 1


@MANY
@given(data=st.data())
def test_any_line_removed_doubled_or_moved_is_found(fixed_once: Path, data: st.DataObject) -> None:
    good = lines(fixed_once)
    number = data.draw(st.integers(0, len(good) - 1))
    rest = good[:number] + good[number + 1 :]
    how = data.draw(st.sampled_from(("removed", "doubled", "moved")))
    if how == "removed":
        bad, line = rest, number + 1
    elif how == "doubled":
        bad, line = good[: number + 1] + good[number:], number + 2
    else:
        place = data.draw(st.integers(0, len(rest)).filter(lambda each: each != number))
        bad, line = [*rest[:place], good[number], *rest[place:]], min(number, place) + 1
    found = checked_with(fixed_once, b"".join(bad))
    assert not found.good
    if (how, number) == ("removed", len(good) - 1):
        assert "no end of the run is recorded" in found.unfinished
    else:
        assert found.line == line


@MANY
@given(data=st.data())
def test_a_trace_cut_anywhere_is_found(fixed_once: Path, data: st.DataObject) -> None:
    good = (fixed_once / EVENTS).read_bytes()
    assert not checked_with(fixed_once, good[: data.draw(st.integers(0, len(good) - 1))]).good


@pytest.fixture
def fixed_once(fixed: Path) -> Path:
    """One copy for all examples of a property: each puts it back."""
    return fixed


def test_a_trace_cut_after_an_earlier_end_shows_by_its_head_hash_alone(copy_of: Callable[..., Path]) -> None:
    folder = copy_of()
    good = lines(folder)
    writer = TraceWriter(folder, Redactor({}), resume=True)
    writer.append(RunEnded(outcome=Outcome.INTERRUPTED, exit_code=130, explanation="x"))
    earlier = writer.head
    writer.append(RunEnded(outcome=Outcome.FIXED, exit_code=0, explanation="x"))
    head = writer.head
    writer.close()
    (folder / EVENTS).write_bytes(b"".join(lines(folder)[:-1]))
    assert check(folder).good, "the chain alone cannot see this"
    assert WENT_ON in check(folder).cannot, "and says so"
    found = check(folder, head)
    assert f"lines at the end (after line {len(good) + 1}) are gone" in found.problems[0]
    assert check(folder, earlier).good


def test_lines_after_the_printed_head_hash_are_found(copy_of: Callable[..., Path]) -> None:
    folder = copy_of()
    head, count = head_of(folder), len(lines(folder))
    writer = TraceWriter(folder, Redactor({}), resume=True)
    writer.append(RunEnded(outcome=Outcome.FIXED, exit_code=0, explanation="x"))
    writer.close()
    assert f"is that of line {count}, and 1 more follow" in check(folder, head).problems[0]


def test_a_trace_written_anew_shows_by_its_head_hash_alone(copy_of: Callable[..., Path]) -> None:
    folder, forged = copy_of(), copy_of(name="forged")
    (forged / EVENTS).unlink()
    writer = TraceWriter(forged, Redactor({}), resume=True)
    for event in Trace(folder).events():
        writer.append(
            event.model_copy(update={"explanation": "better"}) if isinstance(event, RunEnded) else event
        )
    writer.close()
    assert check(forged).good
    assert ANEW in check(forged).cannot
    assert "or the trace was written anew" in check(forged, head_of(folder)).problems[0]


def first_blob(folder: Path) -> tuple[str, int]:
    for number, event in enumerate(Trace(folder).events(), start=1):
        for name in blobs_of(event):
            return name, number
    raise AssertionError("it names no blob")


def test_blobs_missing_altered_swapped_or_added_are_found_with_the_line_that_names_them(fixed: Path) -> None:
    name, line = first_blob(fixed)
    path = fixed / "blobs" / name
    good = path.read_bytes()
    path.write_bytes(good + b" ")
    assert check(fixed).problems == (f"blob {name[:12]}, which line {line} names, was altered or swapped",)
    path.unlink()
    assert check(fixed).problems == (f"blob {name[:12]}, which line {line} names, is missing",)
    path.symlink_to("/etc/hostname")
    unreadable = f"blob {name[:12]}, which line {line} names, is no file that can be read, or is too large"
    assert check(fixed).problems == (unreadable,)
    path.unlink()
    os.mkfifo(path)
    assert check(fixed).problems == (unreadable,), "and nothing hangs"
    path.unlink()
    with path.open("wb") as stream:
        stream.truncate(500 * 2**30)  # a hole, which takes no space
    assert check(fixed).problems == (unreadable,), "and nobody waits for all of it"
    path.write_bytes(good)
    other = next(each for each in sorted((fixed / "blobs").iterdir()) if each != path)
    path.write_bytes(other.read_bytes())
    other.write_bytes(good)
    assert len(check(fixed).problems) == 2
    other.write_bytes(path.read_bytes())
    path.write_bytes(good)
    added = hashlib.sha256(b"new").hexdigest()
    (fixed / "blobs" / added).write_bytes(b"new")
    assert check(fixed).problems == (f"blob {added[:12]} was added: no event names it",)
    (fixed / "blobs" / added).unlink()
    (fixed / "blobs" / "notes.txt").write_bytes(b"")
    assert check(fixed).problems == ("blobs/notes.txt was added: it is no blob",)


def test_files_beside_the_events_are_found(fixed: Path) -> None:
    (fixed / "x\x1b[31m").write_bytes(b"")
    assert check(fixed).problems == ("x\\x1b[31m was added: it is no part of a trace",)
    shown = CliRunner().invoke(app, ["trace", "verify", str(fixed)])
    assert shown.exit_code == 1
    assert "\x1b" not in shown.output and "\\x1b[31m was added" in shown.output
    (fixed / "x\x1b[31m").rename(fixed / os.fsdecode(b"\xff"))
    assert "\\udcff was added" in CliRunner().invoke(app, ["trace", "verify", str(fixed)]).output
    (fixed / os.fsdecode(b"\xff")).unlink()
    (fixed / "fix.patch").write_bytes(b"another patch")
    assert "fix.patch is not the patch that line" in check(fixed).problems[0]
    os.truncate(fixed / "fix.patch", 500 * 2**30)
    assert "fix.patch is not the patch that line" in check(fixed).problems[0]
    (fixed / "fix.patch").unlink()
    (fixed / "candidate.patch").write_bytes(b"x")
    assert check(fixed).good
    assert any("candidate.patch" in each for each in check(fixed).cannot)
    (fixed / "candidate.patch").unlink()
    (fixed / "fix.patch.part").write_bytes(b"")
    assert check(fixed).problems == ("fix.patch.part was added: it is no part of a trace",)
    (fixed / "fix.patch.part").unlink()
    (fixed / EVENTS).rename(fixed.parent / "elsewhere")
    (fixed / EVENTS).symlink_to(fixed.parent / "elsewhere")
    assert check(fixed).problems == ("events.jsonl is a link to somewhere else",)


def test_only_the_verified_diff_is_the_patch(fixed: Path) -> None:
    last = list(Trace(fixed).events())[-2]
    assert isinstance(last, StepDone) and isinstance(last.observation, SubmissionDone)
    line, diff = len(lines(fixed)) - 1, last.observation.diff
    assert f"fix.patch is not there; it is the blob {diff[:12]}" in check(fixed).notes
    for path in sorted((fixed / "blobs").iterdir()):
        (fixed / "fix.patch").write_bytes(path.read_bytes())
        found = check(fixed)
        assert found.good == (path.name == diff)
        assert (f"fix.patch is the patch of line {line}" in found.holds) == found.good


@pytest.mark.parametrize("written", ["same", "another", "secret"])
def test_the_candidate_of_a_deferral_is_compared_with_its_diff(fixed: Path, written: str) -> None:
    recorded = b"+ word = '[redacted]'\n" if written == "secret" else b"+ word = 1\n"
    writer = TraceWriter(fixed.parent / "deferred", Redactor({}))
    for path in (fixed / "blobs").iterdir():
        writer.blob(path.read_bytes())
    deferral = DeferralDone(diff=writer.blob(recorded))
    for event in Trace(fixed).events():
        if isinstance(event, StepDone) and isinstance(event.observation, SubmissionDone):
            writer.append(event.model_copy(update={"observation": deferral}))
        elif not isinstance(event, DeliveryIntended):
            writer.append(event)
    writer.close()
    (writer.folder / "candidate.patch").write_bytes(recorded if written == "same" else b"another")
    found = check(writer.folder)
    assert any(each.startswith("candidate.patch is the patch of line") for each in found.holds) == (
        written == "same"
    )
    assert any("candidate.patch is not the patch that" in each for each in found.problems) == (
        written == "another"
    )
    assert any("a secret was left out" in each for each in found.notes) == (written == "secret")
    (writer.folder / "fix.patch").write_bytes(recorded)
    assert "fix.patch was added: no line records a patch that was verified" in check(writer.folder).problems


def test_what_a_killed_process_leaves_is_no_tampering(copy_of: Callable[..., Path]) -> None:
    folder = copy_of(RESUMED)
    (folder / "blobs" / hashlib.sha256(b"left").hexdigest()).write_bytes(b"left")
    (folder / "blobs" / "0123.part").write_bytes(b"half")
    (folder / "fix.patch.part").write_bytes(b"half")
    found = check(folder)
    assert found.good
    assert any(note.startswith("blobs that no event names") for note in found.notes)


def test_a_run_under_way_is_told_from_one_that_was_cut_off(fixed: Path) -> None:
    (fixed / EVENTS).write_bytes(b"".join(lines(fixed)[:-1]))
    assert "the run was cut off, or lines are gone" in check(fixed).unfinished
    writer = TraceWriter(fixed, Redactor({}), resume=True)
    assert "under way" in check(fixed).unfinished
    writer.close()


def test_later_truth_is_checked_where_there_is_any(fixed: Path) -> None:
    said = pytest.importorskip("agent.audit.later")
    said.append_later(fixed, head_of(fixed), Later(word="merged", time=1.0))
    assert "later.jsonl: 1 word on the run, chained to its head hash" in check(fixed).holds
    path = fixed / "later.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:40])
    assert check(fixed).good and "the last line of later.jsonl is half written" in check(fixed).notes[-1]
    path.write_bytes(whole.replace(b"merged", b"MERGED"))
    assert "later.jsonl" in check(fixed).problems[0]


def test_the_command_exits_with_1_and_says_where_and_json_says_the_same(fixed: Path) -> None:
    bad = lines(fixed)
    (fixed / EVENTS).write_bytes(b"".join([*bad[:3], *bad[4:]]))
    shown = CliRunner().invoke(app, ["trace", "verify", str(fixed)])
    assert shown.exit_code == 1
    words = " ".join(shown.output.split())
    assert "WRONG line 4 of" in words and "does not follow the line before it" in words
    found = json.loads(CliRunner().invoke(app, ["trace", "verify", str(fixed), "--json"]).stdout)
    assert (found["good"], found["line"]) == (False, 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--head", "12"], "'12' is not a head hash"),
        (["--signer", "a@x"], "--allowed-signers and --signer go together"),
    ],
)
def test_wrong_arguments_are_usage_errors(fixed: Path, arguments: list[str], message: str) -> None:
    shown = CliRunner().invoke(app, ["trace", "verify", str(fixed), *arguments])
    assert shown.exit_code == 2
    assert message in shown.output


def test_an_empty_or_deeply_nested_file_is_one_clear_problem(fixed: Path) -> None:
    assert checked_with(fixed, b"").problems[0].endswith("holds no event")
    body = b"[" * 200_000
    digest = hashlib.sha256(b"0" * 64 + body).hexdigest().encode()
    line = b'{"prev":"' + b"0" * 64 + b'","hash":"' + digest + b'","event":' + body + b"}\n"
    assert "line 1" in checked_with(fixed, line).problems[0]
