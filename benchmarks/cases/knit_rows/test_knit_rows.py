from knit_rows import stitches, width


def test_single():
    assert stitches("k p y") == "kpy"


def test_counts():
    assert stitches("k2 p3") == "kkppp"
    assert stitches("k12") == "k" * 12


def test_repeats():
    assert stitches("(k p) 2(p)") == "kppp"


def test_counts_before_repeats():
    assert stitches("k2 p 3(p k2)") == "kkp" + "pkk" * 3


def test_repeat_within_repeat():
    assert stitches("(k 2(p y) k)") == "kpypyk"


def test_one_after_another():
    assert stitches("(k 3(p) 2(k)) p") == "kpppkkp"


def test_width():
    assert width("y 2(k2 p)") == 7
    assert width("") == 0
