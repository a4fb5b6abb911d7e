from hut_booking import Hut


def test_book():
    hut = Hut(10)
    assert hut.book(3, 2, 4)
    assert [hut.free(night) for night in (2, 3, 4, 5)] == [10, 6, 6, 10]


def test_all_or_nothing():
    hut = Hut(5)
    hut.book(4, 1, 3)
    assert not hut.book(3, 2, 3)
    assert hut.free(3) == 5


def test_last_bed():
    hut = Hut(5)
    assert hut.book(1, 1, 5)
    assert not hut.book(1, 1, 1)


def test_nights():
    hut = Hut(5)
    hut.book(7, 2, 1)
    hut.book(2, 1, 1)
    assert hut.nights == [2, 7, 8]


def test_cancel():
    hut = Hut(5)
    hut.book(7, 2, 3)
    hut.cancel(7, 1, 3)
    assert hut.nights == [8]
    assert hut.free(7) == 5


def test_fullest():
    hut = Hut(5)
    assert hut.fullest() is None
    hut.book(7, 3, 1)
    hut.book(8, 2, 2)
    assert hut.fullest() == 8
