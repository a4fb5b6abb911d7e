from village_vote import first_choices, turnout, winner


def test_first_choices():
    assert first_choices([["Oak", "Elm"], ["Oak"], ["Ash"]]) == {"Oak": 2, "Elm": 0, "Ash": 1}


def test_more_than_half():
    assert winner([["Oak"], ["Elm"], ["Oak"]]) == "Oak"


def test_last_drops_out():
    ballots = [["Oak"], ["Oak"], ["Elm"], ["Elm"], ["Ash", "Elm"]]
    assert winner(ballots) == "Elm"


def test_half_is_not_enough():
    assert winner([["Oak"], ["Elm", "Oak"]]) == "Elm"


def test_no_votes():
    assert winner([]) is None
    assert winner([[], []]) is None


def test_turnout():
    assert turnout([["Oak"], [], ["Elm"]], 8) == "25%"
