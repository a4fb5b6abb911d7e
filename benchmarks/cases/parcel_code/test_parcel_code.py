from parcel_code import check_digit, repaired, valid, with_check


def test_one_digit():
    assert check_digit("1") == 6


def test_several_digits():
    assert check_digit("12") == 3
    assert check_digit("500") == 0


def test_tens_have_a_zero():
    assert check_digit("5") == 0
    assert check_digit("0") == 0


def test_with_check():
    assert with_check("3407") == "34079"


def test_valid():
    assert valid(with_check("90210"))
    assert not valid("12")
    assert not valid("x6")
    assert not valid("")


def test_repaired():
    assert repaired("3?079") == ["34079", "39079"]
    assert repaired("34079") == []
