from fair_pairs import rests, rounds


def met(plan):
    return sorted(tuple(sorted(pair)) for pairs in plan for pair in pairs)


def test_two():
    assert rounds(["A", "B"]) == [[("A", "B")]]


def test_four_meet_once():
    assert met(rounds(["A", "B", "C", "D"])) == [
        ("A", "B"),
        ("A", "C"),
        ("A", "D"),
        ("B", "C"),
        ("B", "D"),
        ("C", "D"),
    ]


def test_number_of_rounds():
    assert len(rounds(list("ABCDEF"))) == 5
    assert len(rounds(list("ABCDE"))) == 5


def test_six_meet_once():
    pairs = met(rounds(list("ABCDEF")))
    assert len(pairs) == 15
    assert len(set(pairs)) == 15


def test_everybody_rests_once():
    assert sorted(rests(["A", "B", "C", "D", "E"])) == ["A", "B", "C", "D", "E"]


def test_nobody_rests():
    assert rests(["A", "B"]) == []
