import pytest
from letter_template import fill, letters, names


def test_names():
    assert names("Dear <name>, <sum> due, <name>!") == ["name", "sum"]


def test_fill():
    assert fill("Dear <name>,", {"name": "Ada"}) == "Dear Ada,"


def test_numbers():
    assert fill("You owe <sum> Euro.", {"sum": 12}) == "You owe 12 Euro."


def test_text_instead():
    assert fill("Dear <name|guest>,", {}) == "Dear guest,"
    assert fill("Dear <name|guest>,", {"name": "Ada"}) == "Dear Ada,"
    assert fill("Bye<rest|>", {}) == "Bye"


def test_missing():
    with pytest.raises(KeyError, match="name"):
        fill("Dear <name>,", {})


def test_letters():
    people = [{"name": "Ada"}, {"name": "Bo"}]
    assert letters("Hi <name>", people) == ["Hi Ada", "Hi Bo"]
