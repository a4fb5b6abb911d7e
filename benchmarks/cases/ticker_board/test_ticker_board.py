from ticker_board import frames, seconds, shown


def test_still():
    assert frames("12", 6) == ["  12  "]
    assert frames("Museum", 6) == ["Museum"]


def test_running():
    assert frames("Zoo", 2) == [" Z", "Zo", "oo", "o "]


def test_first_and_last_frame():
    moments = frames("Airport", 4)
    assert moments[0] == "   A"
    assert moments[-1] == "t   "


def test_shown():
    assert list(shown(["A", "Zoo"], 2, still=2)) == ["A ", "A ", " Z", "Zo", "oo", "o "]


def test_seconds():
    assert seconds(["12"], 6) == 2.0
    assert seconds(["Zoo"], 2) == 1.0
    assert seconds([], 2) == 0.0
