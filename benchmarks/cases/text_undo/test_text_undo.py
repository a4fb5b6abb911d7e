from text_undo import Buffer


def test_insert():
    buffer = Buffer("sun")
    buffer.insert(3, "ny day")
    buffer.insert(0, "a ")
    assert buffer.text == "a sunny day"


def test_delete():
    buffer = Buffer("a sunny day")
    assert buffer.delete(2, 6) == "sunny "
    assert buffer.text == "a day"


def test_undo():
    buffer = Buffer("sun")
    buffer.insert(3, "ny")
    buffer.delete(0, 1)
    assert buffer.undo()
    assert buffer.text == "sunny"
    assert buffer.undo()
    assert buffer.text == "sun"
    assert not buffer.undo()


def test_redo():
    buffer = Buffer("sun")
    buffer.insert(3, "ny")
    buffer.undo()
    assert buffer.redo()
    assert buffer.text == "sunny"
    assert not buffer.redo()
    assert buffer.undo()
    assert buffer.text == "sun"


def test_change_after_undo():
    buffer = Buffer("sun")
    buffer.insert(3, "ny")
    buffer.undo()
    buffer.insert(3, "set")
    assert not buffer.redo()
    assert buffer.text == "sunset"


def test_deleting_nothing_is_no_change():
    buffer = Buffer("sun")
    buffer.delete(3, 5)
    assert not buffer.undo()
