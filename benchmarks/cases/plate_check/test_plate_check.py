from plate_check import electric, tidy, valid


def test_valid():
    assert valid("M-AB 1234")
    assert valid("KIB-X 7E")


def test_not_valid():
    assert not valid("MAB 1234")
    assert not valid("M-ABC 1")
    assert not valid("M-AB 012")


def test_too_long():
    assert not valid("M-AB 12345")
    assert not valid("M-AB 123 E")


def test_tidy():
    assert tidy("m ab  123") == "M-AB 123"
    assert tidy("kib-x7e") == "KIB-X 7E"
    assert tidy("??") == "??"


def test_electric():
    assert electric(["M-AB 20E", "M-AB 9E", "B-Z 1", "B-Z 1E"]) == ["B-Z 1E", "M-AB 9E", "M-AB 20E"]
