"""What the search on the host keeps of reports from inside, which may say anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from sandboxes.interface import RunRequest, RunResult
from tools.repair.reports import RepairError
from tools.repair.search import RepairSearch

ROW = ["m.py", 0, 1, "eA==", "negated", 1, 0.3]
NAMES = {"seconds_per_candidate": 0.1, "passes": False}


def lines(*events: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in events)


def end(index: int, **fields: Any) -> dict[str, Any]:
    return {"event": "end", "next_index": index, "tried": index, "trying": 0.5, "share": 1.0, **fields}


def prepared(rows: list[Any], *more: dict[str, Any]) -> bytes:
    return lines({"event": "rows", "rows": rows}, *more, {"event": "space", **NAMES})


class Inside:
    """A runtime whose programs report what they were given to report."""

    def __init__(self, reports: Iterable[bytes | RunResult]) -> None:
        self._reports = iter(reports)
        self.asked: list[dict[str, Any]] = []
        self.restored = 0

    def checkpoint(self, _: str) -> str:
        return "pristine"

    def install_inside(self, _: object) -> None:
        pass

    def restore(self, _: str) -> None:
        self.restored += 1

    def run(self, request: RunRequest, on_report: Callable[[bytes], None] | None = None) -> RunResult:
        assert request.stdin is not None
        self.asked.append(json.loads(request.stdin))
        report = next(self._reports)
        return report if isinstance(report, RunResult) else RunResult(0, b"", b"", report, 1.0)


def searching(*reports: bytes | RunResult) -> tuple[RepairSearch, Inside]:
    inside = Inside(reports)
    return RepairSearch(inside, "python", "/repo", ["m.py"], ["t.py::t"]), inside  # type: ignore[arg-type]


def test_what_was_found_while_preparing_is_told_once_and_gone_on_from() -> None:
    tally = {"negated": [1, 0, 0.3]}
    first = end(1, keys={"0": "k"}, outcomes={"failed": 1}, templates=tally, moved=[0])
    second = end(3, outcomes={"failed": 1, "same": 1}, templates=tally, moved=[1])
    search, inside = searching(prepared([ROW] * 3, first), lines(second), lines(end(3)))
    assert search.prepare().count == 3
    found = search.advance(0, 60.0, 3)
    assert (found.next_index, found.tried, found.exhausted, found.moved) == (3, 4, True, (0, 1))
    assert dict(found.outcomes) == {"failed": 2, "same": 1}
    assert found.templates["negated"] == (2, 0, pytest.approx(0.6))
    assert [each.get("start") for each in inside.asked] == [0, 1]
    assert inside.asked[1]["keys"] == {"0": "k"} and sorted(inside.asked[1]["rows"]) == ["1", "2"]
    again = search.advance(0, 60.0, 3)
    assert (again.tried, inside.asked[2]["start"], inside.asked[2]["keys"]) == (3, 0, {})


@pytest.mark.parametrize(
    "row",
    [
        "row",
        ROW[:-1],
        [*ROW, 1],
        ["other.py", *ROW[1:]],
        [1, *ROW[1:]],
        [*ROW[:2], "end", *ROW[3:]],
        *([*ROW[:-1], mass] for mass in (float("nan"), float("inf"), -0.1, 1.5, "0.1", None, [])),
    ],
    ids=str,
)
def test_rows_that_are_no_candidates_of_these_files_are_left_out(row: Any) -> None:
    search, _ = searching(prepared([ROW, row, ROW], end(0)))
    assert search.prepare().masses == pytest.approx((0.0, 0.3, 0.6))


@pytest.mark.parametrize(
    "fields",
    [
        {"keys": {"9" * 5000: "k", "²": "k", "-1": "k", "7": "k", "0": "k" * 65, "1": 5, "x": None}},
        {"keys": [1], "moved": {"a": 1}, "outcomes": 5, "templates": [1]},
        {"moved": [10**30, float("nan"), float("inf"), -1e300, "1", None, True, 2]},
        {"outcomes": {"failed": 1e300, "x" * 1000: "y"}, "templates": {"a" * 99: [1, 1, 1], "b": [1]}},
        {"share": float("nan"), "rival_mass": 1e300, "plausible": -5, "clusters": "x"},
        {"share": 7, "trying": float("-inf"), "tried": 10**40},
    ],
)
def test_an_end_may_say_anything(fields: dict[str, Any]) -> None:
    search, inside = searching(prepared([ROW] * 3, end(1)), lines(end(3, **fields)), lines(end(3)))
    search.prepare()
    found = search.advance(1, 60.0, 2)
    assert found.exhausted and found.share == 1.0 and 0 <= found.rival_mass <= 1
    assert all(0 <= index < 3 for index in found.moved)
    search.advance(3, 60.0, 1)
    assert inside.asked[2]["keys"] == {}


def test_a_tree_that_was_spoiled_is_put_back_even_if_nothing_was_reported() -> None:
    search, inside = searching(
        RunResult(1, b"", b"Traceback", lines({"event": "rows", "rows": [ROW]}), 1.0),
        prepared([ROW], end(0)),
    )
    with pytest.raises(RepairError, match="Traceback"):
        search.prepare()
    assert inside.restored == 1
    assert search.prepare().count == 1, "what the first one left is forgotten"
