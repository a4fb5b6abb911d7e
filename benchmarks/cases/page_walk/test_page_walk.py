from page_walk import Catalogue

PAGES = {
    "start": {"entries": ["ash", "birch"], "next": "p2"},
    "p2": {"entries": ["cedar"], "next": "p3"},
    "p3": {"entries": ["elm", "fir"], "next": None},
}


def test_all():
    assert Catalogue(PAGES.__getitem__).entries() == ["ash", "birch", "cedar", "elm", "fir"]


def test_every_page_once():
    catalogue = Catalogue(PAGES.__getitem__)
    catalogue.entries()
    assert catalogue.fetched == 3


def test_last_page_only():
    assert Catalogue(PAGES.__getitem__, first="p3").entries() == ["elm", "fir"]


def test_some():
    catalogue = Catalogue(PAGES.__getitem__)
    assert catalogue.entries(3) == ["ash", "birch", "cedar"]
    assert catalogue.fetched == 2


def test_more_than_there_are():
    assert len(Catalogue(PAGES.__getitem__).entries(50)) == 5
