from menu_outline import Entry, find, outline

SAVE = Entry("Save", "S")
EXPORT = Entry("Export", entries=(Entry("As text", "T"), Entry("As image", "I")))
FILE = Entry("File", entries=(SAVE, EXPORT))


def test_single_entry():
    assert list(outline(SAVE)) == ["Save (S)"]


def test_one_level():
    assert list(outline(EXPORT)) == ["Export", "  As text (T)", "  As image (I)"]


def test_two_levels():
    assert list(outline(FILE)) == ["File", "  Save (S)", "  Export", "    As text (T)", "    As image (I)"]


def test_find():
    assert find(FILE, "S") == ["File", "Save"]
    assert find(FILE, "I") == ["File", "Export", "As image"]


def test_unknown_keys():
    assert find(FILE, "X") is None
