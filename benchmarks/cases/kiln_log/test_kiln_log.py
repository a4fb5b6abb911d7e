from kiln_log import KilnLog


def filled(*degrees):
    log = KilnLog("west", 1200)
    for minute, value in enumerate(degrees):
        log.measured(minute, value)
    return log


def test_empty():
    assert filled().lines == []


def test_lines():
    assert filled(20, 300).lines == ["   0 west 20", "   1 west 300"]


def test_warning():
    assert filled(1100, 1201).lines[-1] == "   1 west above 1200"


def test_limit_itself_is_allowed():
    assert filled(1200).warnings() == 0


def test_one_warning_each_time():
    assert filled(1300, 1310, 1100, 1250).warnings() == 2
