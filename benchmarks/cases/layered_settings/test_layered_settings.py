from layered_settings import layered, lookup, over

BASE = {"font": {"name": "Serif", "size": 11}, "wrap": True}


def test_upper_wins():
    assert over({"wrap": True}, {"wrap": False}) == {"wrap": False}


def test_tables_are_merged():
    assert over(BASE, {"font": {"size": 14}}) == {"font": {"name": "Serif", "size": 14}, "wrap": True}


def test_none_takes_away():
    assert over(BASE, {"font": None}) == {"wrap": True}


def test_value_in_place_of_a_table():
    assert over(BASE, {"font": "mono"})["font"] == "mono"


def test_layers():
    assert layered({"a": 1}, {"b": 2}, {"a": 3}) == {"a": 3, "b": 2}
    assert layered() == {}


def test_lower_layer_is_not_changed():
    lower = {"font": {"size": 11}}
    layered(lower, {"font": {"size": 14}, "wrap": True})
    assert lower == {"font": {"size": 11}}


def test_lookup():
    assert lookup(BASE, "font.size") == 11
    assert lookup(BASE, "font.colour", "black") == "black"
    assert lookup(BASE, "wrap.off") is None
