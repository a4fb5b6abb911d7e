from trip_debts import balances, settle


def test_balances():
    assert balances([("Eva", 300, ["Eva", "Jon", "Liu"])]) == {"Eva": 200, "Jon": -100, "Liu": -100}


def test_odd_cents():
    assert balances([("Eva", 100, ["Jon", "Liu", "Eva"])]) == {"Eva": 67, "Jon": -34, "Liu": -33}


def test_even():
    assert settle([]) == []
    assert settle([("Eva", 100, ["Eva"])]) == []


def test_one_payment():
    assert settle([("Eva", 100, ["Jon"])]) == [("Jon", "Eva", 100)]


def test_several_payments():
    expenses = [("Eva", 600, ["Eva", "Jon", "Liu"]), ("Jon", 60, ["Eva", "Jon"])]
    assert settle(expenses) == [("Liu", "Eva", 200), ("Jon", "Eva", 170)]


def test_round_trip():
    expenses = [("Eva", 50, ["Jon"]), ("Jon", 50, ["Liu"]), ("Liu", 50, ["Eva"])]
    assert settle(expenses) == []
