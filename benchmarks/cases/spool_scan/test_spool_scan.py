from spool_scan import Summary, parse, summary

LINES = ["B17 12.5 ok", "B18 30 ok", "B17 12.4 damaged", "B20 3 ok", "B21 4 ok"]


def test_parse():
    assert list(parse(LINES[1:3])) == [("B18", 30.0, False), ("B17", 12.4, True)]


def test_counts():
    result = summary(LINES)
    assert result.scans == 5
    assert result.boxes == 4


def test_damaged():
    assert summary(LINES).share_damaged == 0.25


def test_heaviest():
    assert summary(LINES).heaviest == "B18"


def test_lines_from_a_generator():
    assert summary(line for line in LINES) == Summary(5, 4, 0.25, "B18")


def test_nothing_scanned():
    assert summary([]) == Summary(0, 0, 0.0, "-")
