from island_ferries import crossings, farthest

LINES = [("Amrum", "Föhr"), ("Föhr", "Dagebüll"), ("Dagebüll", "Langeness"), ("Amrum", "Langeness")]


def test_no_ferry():
    assert crossings([], "Sylt") == {"Sylt": 0}


def test_one_line():
    assert crossings([("Sylt", "Römö")], "Römö") == {"Römö": 0, "Sylt": 1}


def test_fewest():
    assert crossings(LINES, "Amrum") == {"Amrum": 0, "Föhr": 1, "Langeness": 1, "Dagebüll": 2}


def test_round_trip():
    ring = [("A", "B"), ("B", "C"), ("C", "D"), ("D", "E"), ("E", "A")]
    assert crossings(ring, "A") == {"A": 0, "B": 1, "E": 1, "C": 2, "D": 2}


def test_out_of_reach():
    assert "Römö" not in crossings([*LINES, ("Sylt", "Römö")], "Amrum")


def test_farthest():
    assert farthest(LINES, "Amrum") == "Dagebüll"
    assert farthest([("A", "C"), ("A", "B")], "A") == "B"
