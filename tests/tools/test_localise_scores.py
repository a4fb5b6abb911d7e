"""How coverage and tracebacks are fused, and how reports from inside are read."""

from __future__ import annotations

import math

import pytest

from tools.repair.localise import Frame, TestTrace, fuse, nearest, ochiai
from tools.repair.reports import MAX_NUMBER, MOST_TEMPLATES, Tally, events, together


def trace(
    name: str, outcome: str, *statements: int, frames: tuple[Frame, ...] = (), error: str = ""
) -> TestTrace:
    return TestTrace(name, outcome, 0.1, error, frames, frozenset(("m.py", line) for line in statements))


def test_ochiai_by_hand() -> None:
    assert ochiai(2, 0, 2) == 1.0
    assert ochiai(1, 3, 4) == pytest.approx(1 / math.sqrt(4 * 4))
    assert ochiai(0, 5, 2) == 0.0


def test_lines_of_the_failing_test_alone_come_first() -> None:
    found = fuse(
        [trace("f", "failed", 1, 2, 3), trace("p", "passed", 1, 2), trace("q", "passed", 1)],
        frozenset({("m.py", 9)}),
        frozenset({"f"}),
        1.0,
    )
    assert [line.line for line in found.lines] == [3, 2, 1, 9]
    assert found.lines[0].score == 1.0
    assert found.method == "ochiai+traceback"
    assert (found.failed, found.passed) == (1, 2)


def test_frames_break_ties_the_innermost_first() -> None:
    frames = (Frame("m.py", 21, "inner"), Frame("m.py", 11, "outer"))
    found = fuse([trace("f", "failed", 1, 11, 21, frames=frames)], frozenset(), frozenset({"f"}), 1.0)
    assert [line.line for line in found.lines] == [21, 11, 1]
    assert found.method == "reachability+traceback"
    assert found.frames == frames


def test_a_killed_test_is_localised_by_its_frames_alone() -> None:
    frames = (Frame("m.py", 7, "spin"),)
    error = "the process froze or was killed in this test"
    found = fuse([trace("f", "failed", frames=frames, error=error)], frozenset(), frozenset({"f"}), 1.0)
    assert [(line.line, line.score) for line in found.lines] == [(7, 1.0)]
    assert found.hangs
    assert found.method == "traceback"


def test_nothing_known() -> None:
    assert fuse([], frozenset(), frozenset({"f"}), 1.0).method == "none"


def test_nearest_tests_first() -> None:
    others = ["b/test_c.py::t", "a/test_b.py::t", "a/test_a.py::u", "a/test_a.py::t"]
    assert nearest(["a/test_a.py::t"], others) == ["a/test_a.py::u", "a/test_b.py::t", "b/test_c.py::t"]


def test_hostile_reports_are_read_as_data() -> None:
    deep = b'{"event":"test","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    end = b'{"event":"end","n":NaN,"i":-5,"big":1e999,"t":"yes","m":{"a":"b"}}'
    report = b"\n".join(
        [
            b"not json",
            b"[1]",
            b'{"event":3}',
            deep,
            end,
        ]
    )
    (event,) = events(report)
    assert event.kind == "end"
    assert (event.number("n"), event.integer("i"), event.number("big")) == (0.0, 0, 1e12)
    assert event.truth("t") is False
    assert event.counts("m") == {"a": 0}
    assert event.text("missing") == ""


def test_tallies_are_read_as_data() -> None:
    """Code under test can write its own reports: no names but like ours, no numbers out of range."""
    (event,) = events(
        b'{"event":"end","templates":{"index":[3,1,0.25],"guard":[1e99,-4,7],"/etc/x":[1,1,1],"Key":[1,1,1],'
        b'"a\\n":[1,1,1],"short":[1,2],"text":"no","null":null}}'
    )
    assert event.tallies("templates") == {"index": Tally(3, 1, 0.25), "guard": Tally(MAX_NUMBER, 0, 1.0)}
    assert event.tallies("missing") == {}
    names = ",".join(f'"{chr(97 + n // 26)}{chr(97 + n % 26)}":[1,0,0]' for n in range(26**2))
    (flood,) = events(f'{{"event":"end","templates":{{{names}}}}}'.encode())
    assert len(flood.tallies("templates")) == MOST_TEMPLATES
    most = flood.tallies("templates")
    assert together(most, {"one more": Tally(1, 1, 0.1)}) == most
    both = together(
        {"index": Tally(MAX_NUMBER, 1, 0.9)}, {"index": Tally(1, 1, 0.9), "guard": Tally(1, 0, 0.1)}
    )
    assert both == {"index": Tally(MAX_NUMBER, 2, 1.0), "guard": Tally(1, 0, 0.1)}
