from regatta import points, races_dropped, results


def test_dropped():
    assert [races_dropped(races) for races in (3, 4, 7, 8, 12)] == [0, 1, 1, 2, 2]


def test_points():
    assert points([1, 3, 2], 5) == 6


def test_worst_race_dropped():
    assert points([1, 5, 2, 2], 5) == 5


def test_not_finished():
    assert points([1, None, 2], 5) == 9
    assert points([1, None, 2, None], 5) == 9


def test_results():
    assert results({"Gull": [2, 2], "Tern": [1, 1]}) == [("Tern", 2), ("Gull", 4)]


def test_tie_by_first_places():
    boats = {"Auk": [2, 2, 2], "Tern": [1, 1, 4], "Gull": [3, 3, 1], "Skua": [4, 4, 3]}
    assert [boat for boat, _ in results(boats)] == ["Tern", "Auk", "Gull", "Skua"]


def test_tie_by_last_race():
    boats = {"Auk": [1, 2], "Tern": [2, 1]}
    assert [boat for boat, _ in results(boats)] == ["Tern", "Auk"]
