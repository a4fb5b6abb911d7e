from datetime import date

from account_entries import Entry, cents, read


def test_cents():
    assert cents("12.50") == 1250
    assert cents("7") == 700
    assert cents("3.5") == 350


def test_negative_cents():
    assert cents("-0.30") == -30


def test_entry():
    statement = read("2024-05-01|-12.50|rent")
    assert statement.entries == [Entry(date(2024, 5, 1), -1250, "rent")]


def test_balance():
    assert read("2024-05-01|-12.50|rent\n2024-05-02|20|gift").balance() == 750


def test_unread_lines():
    statement = read("2024-05-01|1|a\nnonsense\n2024-13-01|1|b\n2024-05-03|x|c\n2024-05-04|2|d")
    assert statement.unread == [2, 3, 4]
    assert len(statement.entries) == 2
