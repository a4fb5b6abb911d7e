from tile_pattern import blacks, floor, turned


def test_turned():
    assert turned(["#.", ".."]) == [".#", ".."]


def test_oblong():
    assert turned(["ab", "cd", "ef"]) == ["eca", "fdb"]


def test_four_turns():
    pattern = ["#.#", "..#", "#.."]
    assert turned(turned(turned(turned(pattern)))) == pattern


def test_floor():
    assert floor(["#.", ".."], 3) == ["#..#..", ".....#"]


def test_single_field():
    assert blacks(floor(["##", "#."], 1)) == 3


def test_blacks_stay():
    assert blacks(floor(["##", "#."], 4)) == 12
