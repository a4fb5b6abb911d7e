from maintenance_windows import Window, downtime, merged


def test_apart():
    windows = [Window("press", 50, 60), Window("press", 10, 20)]
    assert merged(windows) == [Window("press", 10, 20), Window("press", 50, 60)]


def test_touching():
    assert merged([Window("press", 10, 20), Window("press", 20, 30)]) == [Window("press", 10, 30)]


def test_slack():
    windows = [Window("press", 10, 20), Window("press", 25, 30)]
    assert merged(windows, slack=5) == [Window("press", 10, 30)]
    assert merged(windows, slack=4) == windows


def test_one_inside_another():
    assert merged([Window("press", 10, 60), Window("press", 20, 30)]) == [Window("press", 10, 60)]


def test_machines_stay_apart():
    windows = [Window("lathe", 10, 20), Window("press", 15, 30)]
    assert merged(windows) == windows


def test_downtime():
    windows = [Window("lathe", 0, 5), Window("press", 10, 20), Window("press", 15, 30)]
    assert downtime(windows) == {"lathe": 5, "press": 20}


def test_none():
    assert merged([]) == []
    assert downtime([]) == {}
