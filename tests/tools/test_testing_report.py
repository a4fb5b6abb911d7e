"""The report of a hostile process: anything wrong with it makes it unusable from there on."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.inside.report_writer import Reporter
from tools.report import ProcessReport, ReportReader

KEY = b"k" * 32
COLLECTED = {"event": "collected", "ids": ["a", "b"], "deselected": [], "errors": [], "plugins": []}
PASSED = {"outcome": "passed", "seconds": 0.1, "message": "", "path": "", "line": 0, "frames": []}
END = {"event": "end", "status": 0, "altered": [], "plugins": [], "canaries": []}
STORY: list[dict[str, Any]] = [
    COLLECTED,
    {"event": "start", "id": "a"},
    {"event": "finish", "id": "a", **PASSED},
    {"event": "start", "id": "b"},
    {"event": "finish", "id": "b", **PASSED},
    END,
]


def signed(events: list[dict[str, Any]], key: bytes = KEY, first: int = 0) -> bytes:
    lines = []
    for number, event in enumerate(events, first):
        body = json.dumps({"n": number, **event}).encode()
        lines.append(
            hashlib.blake2b(body, key=key, digest_size=16).hexdigest().encode() + b" " + body + b"\n"
        )
    return b"".join(lines)


def told(data: bytes, chunk: int = 1 << 20) -> ProcessReport:
    reader = ReportReader(KEY)
    for start in range(0, len(data), chunk):
        reader.feed(data[start : start + chunk])
    return reader.close()


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_a_whole_report_in_pieces(chunk: int) -> None:
    report = told(signed(STORY), chunk)
    assert report.problem == ""
    assert list(report.finished) == ["a", "b"]
    assert report.ended is not None
    assert report.started is None


def test_the_writer_and_the_reader_agree() -> None:
    out, into = os.pipe()
    reporter = Reporter(into, KEY)
    for event in STORY:
        fields = {name: value for name, value in event.items() if name != "event"}
        reporter.emit(event["event"], **fields)
    os.close(into)
    report = told(os.read(out, 1 << 16))
    os.close(out)
    assert (report.problem, list(report.finished)) == ("", ["a", "b"])


WRONG: dict[str, tuple[bytes, str]] = {
    "another key": (signed(STORY, b"x" * 32), "not signed"),
    "no signature": (b'{"event": "end"}\n', "not signed"),
    "a line between": (signed(STORY[:3]) + b"0 {}\n" + signed(STORY[3:], first=3), "not signed"),
    "a line repeated": (signed(STORY[:3]) + signed(STORY[2:3], first=2), "missing or repeated"),
    "a line left out": (signed(STORY[:1]) + signed(STORY[2:], first=2), "missing or repeated"),
    "finish without start": (signed([COLLECTED, STORY[2]]), "without having been started"),
    "start twice": (signed([*STORY[:3], STORY[1]]), "out of order"),
    "two at once": (signed([*STORY[:2], STORY[3]]), "out of order"),
    "not collected": (signed([COLLECTED, {"event": "start", "id": "c"}]), "was not collected"),
    "collected twice": (signed([COLLECTED, COLLECTED]), "collected twice"),
    "one id twice": (signed([{**COLLECTED, "ids": ["a", "a"]}]), "same id"),
    "after the end": (signed([*STORY, STORY[1]]), "after its end"),
    "unknown event": (signed([{"event": "other"}]), "not a valid event"),
    "unknown field": (signed([{**END, "extra": 1}]), "not a valid event"),
    "unknown outcome": (signed([*STORY[:2], {**STORY[2], "outcome": "great"}]), "not a valid event"),
    "infinite time": (signed([*STORY[:2], {**STORY[2], "seconds": float("inf")}]), "not a valid event"),
    "long message": (signed([*STORY[:2], {**STORY[2], "message": "x" * 200_000}]), "not a valid event"),
    "wrong type": (signed([{**COLLECTED, "ids": "ab"}]), "not a valid event"),
    "deep nesting": (signed([{**COLLECTED, "ids": json.loads("[" * 500 + "]" * 500)}]), "not a valid event"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_and_nothing_after_it_counts(name: str) -> None:
    data, words = WRONG[name]
    report = told(data)
    assert words in report.problem
    assert report.ended is None or name == "after the end"


def test_a_partial_last_line_is_not_an_event() -> None:
    data = signed(STORY)
    report = told(data[:-5])
    assert report.ended is None
    assert "not signed" in report.problem


def test_an_end_while_a_test_runs_leaves_that_test_unfinished() -> None:
    report = told(signed([*STORY[:2], END]))
    assert (report.started, report.ended, report.problem) == ("a", None, "")


def test_the_watchdog_speaks_last() -> None:
    report = told(signed(STORY[:2]) + b"Timeout (0:00:01)!\nThread 0x1:\n" + signed(STORY[2:], first=2))
    assert (report.hung, report.started, report.finished) == (True, "a", {})


@given(st.binary(max_size=400))
def test_any_bytes_are_survived(data: bytes) -> None:
    assert told(data).ended is None


@given(st.binary(min_size=1, max_size=40), st.integers(0, 10_000))
def test_bytes_written_into_a_report_never_make_a_verdict(noise: bytes, where: int) -> None:
    data = signed(STORY)
    cut = where % len(data)
    report = told(data[:cut] + noise + data[cut:])
    if report.ended is not None:  # only blank noise, in a place where lines are told apart anyway
        assert {i: v.outcome for i, v in report.finished.items()} == {"a": "passed", "b": "passed"}
