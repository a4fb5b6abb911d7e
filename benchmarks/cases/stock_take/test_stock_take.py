from stock_take import Article, StockTake


def test_difference():
    assert Article("rope", 5, 7).difference() == 2
    assert Article("rope", 5).difference() is None


def test_none_left():
    assert Article("rope", 5, 0).difference() == -5


def test_several_goes():
    take = StockTake({"rope": 5})
    take.count("rope", 2)
    take.count("rope", 4)
    assert take.report() == ["rope: +1"]


def test_open():
    take = StockTake({"rope": 5, "axe": 1, "lamp": 2})
    take.count("axe", 0)
    assert take.open() == ["lamp", "rope"]


def test_unexpected():
    take = StockTake({})
    take.count("anvil", 1)
    assert take.report() == ["anvil: +1"]


def test_what_is_right_is_not_reported():
    take = StockTake({"axe": 1, "rope": 5})
    take.count("axe", 1)
    assert take.report() == []
