from help_desk import HelpDesk


def desk(*calls):
    result = HelpDesk()
    for name, urgency in calls:
        result.call(name, urgency)
    return result


def served(help_desk):
    names = []
    for _ in range(10):
        name = help_desk.next()
        if name is None:
            break
        names.append(name)
    return names


def test_nobody():
    assert HelpDesk().next() is None


def test_by_arrival():
    assert served(desk(("Zoe", 0), ("Abe", 0), ("Kim", 0))) == ["Zoe", "Abe", "Kim"]


def test_by_urgency():
    assert served(desk(("Abe", 0), ("Zoe", 5), ("Kim", 2))) == ["Zoe", "Kim", "Abe"]


def test_default_urgency():
    result = HelpDesk()
    result.call("Zoe")
    result.call("Kim", 1)
    assert served(result) == ["Kim", "Zoe"]


def test_position():
    result = desk(("Abe", 0), ("Zoe", 5), ("Kim", 2))
    assert result.position("Abe") == 2
    assert result.position("Lee") is None


def test_hang_up():
    result = desk(("Abe", 0), ("Zoe", 5), ("Kim", 2))
    assert result.hang_up("Zoe")
    assert not result.hang_up("Zoe")
    assert served(result) == ["Kim", "Abe"]
