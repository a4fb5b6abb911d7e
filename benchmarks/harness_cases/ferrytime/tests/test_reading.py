from datetime import date

import pytest
from ferrytime import TimetableError, read_timetable

TEXT = """
[harbours]
SKA Skagen Ost  change=15 walk=SKN:12
SKN Skagen Nord
LAE Laeso    # the island

[sailings]
A1 SKA-LAE 08:15 95 Mo-Fr 01.05-30.09 not=2025-06-09
A1 SKA-LAE 18:40 95 daily
B2 LAE-SKN 11:00 100 Sa,Su
"""


def test_harbours_and_lines_are_read():
    timetable = read_timetable(TEXT)
    assert timetable.harbours["SKA"].name == "Skagen Ost"
    assert timetable.lines() == ["A1", "B2"]


def test_a_board_shows_what_runs_that_day():
    timetable = read_timetable(TEXT)
    assert timetable.board("SKA", date(2025, 6, 10)) == ["08:15 A1   Laeso", "18:40 A1   Laeso"]
    assert timetable.board("SKA", date(2025, 6, 9)) == ["18:40 A1   Laeso"]
    assert timetable.board("LAE", date(2025, 6, 10)) == []


def test_walks_go_both_ways():
    timetable = read_timetable(TEXT)
    assert [code for code, _ in timetable.harbours.within_walk("SKN")] == ["SKA"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [("A1 SKA-LAE 08:15", "a sailing has"), ("A1 SKA-LAE 8h 95 daily", "invalid literal")],
)
def test_a_broken_line_is_named(line, problem):
    with pytest.raises(TimetableError, match=problem) as caught:
        read_timetable(f"[sailings]\n{line}\n")
    assert caught.value.number == 2


def test_unknown_harbours_are_refused():
    with pytest.raises(ValueError, match="XXX, which is unknown"):
        read_timetable("[harbours]\nSKA Skagen\n[sailings]\nA1 SKA-XXX 08:15 95 daily\n")
