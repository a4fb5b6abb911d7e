from herb_index import index, printed, spans

PAGES = ["Sage and thyme.", "Thyme (wild)", "Of bees", "Sage; thyme", "sage"]


def test_index():
    assert index(PAGES, ["thyme"]) == {"thyme": [1, 2, 4]}


def test_several_plants():
    assert index(PAGES, ["Sage", "wild"]) == {"Sage": [1, 4, 5], "wild": [2]}


def test_unknown_plant():
    assert index(PAGES, ["dill"]) == {}


def test_spans():
    assert spans([3, 5, 6, 7, 11]) == "3, 5-7, 11"
    assert spans([4, 5]) == "4-5"
    assert spans([]) == ""


def test_printed():
    assert printed(PAGES, ["thyme", "sage"]) == ["sage 1, 4-5", "thyme 1-2, 4"]
