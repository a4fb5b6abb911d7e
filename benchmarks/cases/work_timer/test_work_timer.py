from work_timer import WorkTimer


def test_one_project():
    timer = WorkTimer()
    timer.start("roof", 10)
    timer.stop(40)
    assert timer.minutes == {"roof": 30}


def test_again():
    timer = WorkTimer()
    for begin, end in ((0, 10), (50, 55)):
        timer.start("roof", begin)
        timer.stop(end)
    assert timer.minutes == {"roof": 15}


def test_another_project_stops_the_first():
    timer = WorkTimer()
    timer.start("roof", 0)
    timer.start("fence", 20)
    timer.stop(25)
    assert timer.minutes == {"roof": 20, "fence": 5}


def test_stop_twice():
    timer = WorkTimer()
    timer.start("roof", 0)
    timer.stop(5)
    timer.stop(9)
    assert timer.minutes == {"roof": 5}


def test_same_project_goes_on():
    timer = WorkTimer()
    timer.start("roof", 5)
    timer.start("roof", 8)
    assert timer.since == 5
    timer.stop(15)
    assert timer.minutes == {"roof": 10}


def test_report():
    timer = WorkTimer()
    timer.start("fence", 0)
    timer.start("roof", 5)
    timer.stop(70)
    assert timer.report() == ["roof: 1:05", "fence: 0:05"]
