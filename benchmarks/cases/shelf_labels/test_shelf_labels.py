from shelf_labels import label, labels, shelf_code


def test_code():
    assert shelf_code(3, 11, 0) == "03-11-A"


def test_free_shelf():
    assert label(3, 11, 2) == "[03-11-C] free"


def test_goods():
    assert label(1, 2, 1, "hex bolts M6") == "[01-02-B] hex bolts M6"


def test_long_name_is_cut():
    assert label(1, 2, 1, "countersunk screws") == "[01-02-B] countersunk scr."


def test_whole_aisle():
    expected = ["[07-01-A] free", "[07-01-B] free", "[07-02-A] free", "[07-02-B] free"]
    assert labels(7, 2, 2) == expected
