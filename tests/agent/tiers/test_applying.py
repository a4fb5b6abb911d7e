"""Changes of a reply made on files: exact, with white space aside, or refused in one line."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agent.tiers.applying import EditRefused, edits_of
from agent.tiers.changes import Change, Delete, Hunk, Replace, Whole
from agent.tiers.replies import parse_reply
from tools.files import FileEdit

CODE = """\
import math


def area(r):
    if r < 0:
        return 0

    return math.pi * r


def square(a):
    if a < 0:
        return 0

    return a * 2
"""


def applied(base: str, *changes: Change) -> str:
    [edit] = edits_of(changes, {"a.py": base.encode()}.get)
    assert edit.path == "a.py"
    assert edit.content is not None
    return edit.content.decode()


def refusal(base: Mapping[str, bytes] | str, *changes: Change) -> str:
    files = {"a.py": base.encode()} if isinstance(base, str) else base
    with pytest.raises(EditRefused) as refused:
        edits_of(changes, files.get)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_exact_text_within_a_line_and_over_lines() -> None:
    assert applied(CODE, Replace("a.py", "a * 2", "a * a")) == CODE.replace("a * 2", "a * a")
    assert applied(CODE, Replace("a.py", "    return a * 2\n", "    return a**2\n")) == CODE.replace(
        "* 2", "**2"
    ).replace("a **2", "a**2")
    both = Replace("a.py", "(a):\n    if a < 0:", "(a):\n    if a <= 0:")
    assert applied(CODE, both) == CODE.replace("if a < 0", "if a <= 0")


def test_whole_lines_come_before_parts_of_lines() -> None:
    assert applied("data = 1\na = 1\n", Replace("a.py", "a = 1\n", "a = 2\n")) == "data = 1\na = 2\n"
    assert applied("data = 1\n    a = 1\n", Replace("a.py", "a = 1\n", "a = 2\n")) == "data = 1\n    a = 2\n"


def test_text_that_is_there_twice_is_refused_with_what_would_help() -> None:
    edit = Replace("a.py", "        return 0\n", "        raise ValueError\n")
    assert refusal(CODE, edit) == (
        "a.py: the text to search for ('return 0') is there twice; more lines around it are needed"
    )
    third = Replace("a.py", "1", "2")
    assert "3 times" in refusal("1 1 1\n", third)


def test_an_edit_made_as_often_as_its_text_is_there_is_meant_for_each() -> None:
    edit = Replace("a.py", "        return 0\n", "        raise ValueError\n")
    assert applied(CODE, edit, edit) == CODE.replace("return 0", "raise ValueError")
    assert "twice" in refusal(CODE, edit, edit, edit)
    once = Replace("a.py", "a * 2", "a * a")
    assert applied(CODE, once, once) == CODE.replace("a * 2", "a * a")
    overlapping = Replace("a.py", "x\nx\n", "y\n")
    assert "twice" in refusal("x\nx\nx\n", overlapping, overlapping)


def test_places_are_looked_for_in_the_file_as_it_was() -> None:
    assert applied(
        "a = 1\nb = 2\n", Replace("a.py", "a = 1", "b = 2"), Replace("a.py", "b = 2", "c = 3")
    ) == ("b = 2\nc = 3\n")
    then = applied("a = 1\n", Replace("a.py", "a = 1", "b = 2"), Replace("a.py", "b = 2", "c = 3"))
    assert then == "c = 3\n"


@pytest.mark.parametrize(
    ("base", "search", "replace", "wanted"),
    [
        ("f()   \n  x = 1\t\n  y\n", "f()\n  x = 1\n", "f()\n  x = 3\n", "f()   \n  x = 3\n  y\n"),
        ("f()\n\n    x = 1\n", "f()\n    x = 1\n", "f()\n    x = 3\n", "f()\n\n    x = 3\n"),
        ("a\n\n\nb\n", "\na\n\nb\n\n", "a\n\nc\n", "a\n\n\nc\n"),
        ("a\nb\n", "\na\nb\n", "\nc\n\n", "c\n\n"),
        ("if:\n  if a:\n    b\n", "if a:\n  b\n", "if c:\n  d\n\n  e\n", "if:\n  if c:\n    d\n\n    e\n"),
        ("if a:\n  b\n", "    if a:\n      b\n", "    if a:\n      c\n", "if a:\n  c\n"),
        ("\tif a:\n\t\tb\n", "if a:\n\tb\n", "if a:\n\tc\n", "\tif a:\n\t\tc\n"),
        ("    x = 1\n", "x = 1\n", "y = 2\nz = 3\n", "    y = 2\n    z = 3\n"),
        ("    x = 1\n", "x = 1", "if x:\n        y = 2", "    if x:\n        y = 2\n"),
        ("    x = 1\n", "x = 1", "if x:\n    y = 2", "    if x:\n        y = 2\n"),
        ("    x = 1\n", "x = 1", "y = 2\n    z = 3", "    y = 2\n    z = 3\n"),
        ("    f(x=1)\n", "x=1", "x=2,\n      y=1", "    f(x=2,\n      y=1)\n"),
        ("a \nb\nc\n", "a\nb\nc\n", "a\nnew\nb\nc\n", "a \nnew\nb\nc\n"),
        ("a \n\nb\n", "a\n\nb\n", "a\n\nnew\nb\n", "a \n\nnew\nb\n"),
        ("a \nb\nc", "a\nb\nc\n", "a\nb\n", "a \nb\n"),
        ("a \nb", "a\nb\n", "a\nb\nc\n", "a \nb\nc"),
        ("a\nb", "b\n", "c\nd\n", "a\nc\nd"),
    ],
)  # fmt: skip
def test_white_space_aside(base: str, search: str, replace: str, wanted: str) -> None:
    assert applied(base, Replace("a.py", search, replace)) == wanted


@pytest.mark.parametrize(
    ("base", "search"),
    [
        ("if a:\n    b\n", "if a:\n  b\n"),  # indentation that is not the same amount off
        ("x = 'a b'\n", "x = 'a  b'\n"),  # white space within a line
        ("x = 1\n", "x = 2\n"),
        ("if a:\n    b \nif a:\n    b \n", "if a:\n    b\n"),
        ("x\n", "x\ny\n"),
        ("", "x"),
        ("data = 1\n", "a = 1"),  # within a word
        ("a = 12\n", "a = 1"),
        ("b = a = 1\n", "a = 1\n"),  # a whole line that is a part of one
    ],
)
def test_what_is_not_there_once_is_refused(base: str, search: str) -> None:
    refusal(base, Replace("a.py", search, "z\n"))


def test_hunks_go_by_their_context_not_by_their_numbers() -> None:
    hunk = Hunk("a.py", ("    return math.pi * r",), ("    return math.pi * r * r",), 900)
    assert applied(CODE, hunk) == CODE.replace("pi * r", "pi * r * r")
    loose = Hunk("a.py", ("if a < 0:  ", "    return 0"), ("if a <= 0:", "    return 0"))
    assert applied(CODE, loose) == CODE.replace("if a < 0", "if a <= 0")


def test_a_hunk_whose_lines_are_there_twice_goes_where_it_says_or_nowhere() -> None:
    old, new = ("        return 0",), ("        return 1",)
    second = applied(CODE, Hunk("a.py", old, new, 13))
    assert second == CODE[:120] + CODE[120:].replace("return 0", "return 1")
    assert applied(CODE, Hunk("a.py", old, new, 0, "def square(a):")) == second
    assert "twice" in refusal(CODE, Hunk("a.py", old, new, 12))
    assert "twice" in refusal(CODE, Hunk("a.py", old, new))


def test_hunks_that_only_add() -> None:
    assert applied("a\nb\n", Hunk("a.py", (), ("c",), 1)) == "a\nc\nb\n"
    assert applied("a\nb", Hunk("a.py", (), ("c",), 2)) == "a\nb\nc"
    assert applied("", Hunk("a.py", (), ("c",))) == "c\n"
    assert applied("a\n\nb\n", Hunk("a.py", ("",), ("c",), 2)) == "a\nc\nb\n"
    assert "without context" in refusal("a\n", Hunk("a.py", (), ("c",)))
    assert "without context" in refusal("a\n", Hunk("a.py", (), ("c",), 7))
    assert "without context" in refusal("a\n", Hunk("a.py", ("",), ("c",), 1))


def test_new_files_whole_files_and_removals() -> None:
    read = {"a.py": b"a\n", "b.py": b"b\n"}.get
    changes = (
        Replace("n.py", "", "new"),
        Whole("a.py", "b"),
        Delete("b.py"),
        Replace("n.py", "new", "newer"),
    )
    assert edits_of(changes, read) == (
        FileEdit("n.py", b"newer\n"),
        FileEdit("a.py", b"b\n"),
        FileEdit("b.py", None),
    )
    assert refusal("x\n", Replace("a.py", "", "y")) == "a.py: the text to search for is empty"
    assert refusal("x\n", Replace("b.py", "x", "y")) == "b.py: there is no such file"
    assert refusal("x\n", Delete("b.py")) == "b.py: there is no such file"


def test_files_keep_their_form() -> None:
    crlf = b"\xef\xbb\xbfa = 1\r\nb = 2\r\n"
    edits = edits_of((Replace("a.py", "a = 1\nb = 2\n", "a = 1\nc = 3\nb = 2\n"),), {"a.py": crlf}.get)
    assert edits == (FileEdit("a.py", b"\xef\xbb\xbfa = 1\r\nc = 3\r\nb = 2\r\n"),)
    assert edits_of((Whole("a.py", "x\ny\n"),), {"a.py": crlf}.get)[0].content == b"\xef\xbb\xbfx\r\ny\r\n"
    mixed = b"a = 1\r\nb = 2\nc = 3\r\n"
    edits = edits_of(
        (Replace("a.py", "a = 1\nb = 2\nc = 3\n", "a = 1\nb = 5\nc = 3\n"),), {"a.py": mixed}.get
    )
    assert edits[0].content == b"a = 1\r\nb = 5\nc = 3\r\n"


def test_files_that_are_no_text_of_ours_are_refused() -> None:
    for data, why in (
        (b"\xff\xfe", "not UTF-8 text"),
        (b"a\0b", "not text"),
        (b"a" * (2 * 2**20 + 1), "larger than 2 MB"),
    ):
        for change in (Replace("a.py", "a", "b"), Whole("a.py", "b"), Delete("a.py")):
            assert refusal({"a.py": data}, change) == f"a.py: the file is {why}"
    assert "not valid Unicode" in refusal("x\n", Replace("a.py", "x", "\ud800"))


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("a.py", "a.py"), ("./a.py", "a.py"), ("a/a.py", "a.py"), ("b/a.py", "a.py"), ("`a.py`", "a.py"),
        ("src\\b.py", "src/b.py"), ("src//b.py", "src/b.py"), ("/workspace/repo/a.py", "a.py"),
        ("b/c.py", "b/c.py"), ("a.py:3-9 f", "a.py"),
    ],
)  # fmt: skip
def test_paths(named: str, meant: str) -> None:
    read = dict.fromkeys(("a.py", "src/b.py", "b/c.py", "c.py"), b"x\n").get
    assert edits_of((Whole(named, "y\n"),), read) == (FileEdit(meant, b"y\n"),)


@pytest.mark.parametrize(
    "named",
    [
        "../a.py",
        "/etc/passwd",
        "x/../../a.py",
        ".git/config",
        "",
        ".",
        "a\nb.py",
        "a\0",
        "\ud800.py",
        "C:\\..\\x",
    ],
)
def test_paths_out_of_the_tree_are_refused(named: str) -> None:
    refusal("x\n", Whole(named, "y\n"))


def test_two_names_of_a_file_are_one_file() -> None:
    assert applied("a\nb\n", Replace("a.py", "a", "c"), Replace("./a.py", "b", "d")) == "c\nd\n"


def test_many_edits_without_a_path_take_time_in_proportion() -> None:
    rest = "y = x\n" * 2_000
    base = {f"{n}.py": f"x = {n}\n{rest}".encode() for n in range(60)}
    changes = [Replace("", f"x = {n}\n", "z\n") for n in range(20)]
    start = time.process_time()
    assert len(edits_of(changes, base.get, lambda: tuple(base))) == 20
    assert time.process_time() - start < 4
    with pytest.raises(EditRefused, match="more than 20 edits name no file"):
        edits_of([*changes, Replace("", "x = 20\n", "z\n")], base.get, lambda: tuple(base))


TWO = {"a.py": CODE.encode(), "b.py": b"size = 3\nside = area(3)\n", "bin": b"\xff\xfea * 2"}


def test_an_edit_without_a_path_is_made_in_the_one_file_that_has_its_text() -> None:
    changes = (Replace("", "size = 3\n", "size = 4\n"), Hunk("", ("return a * 2 ",), ("return a * a",)))
    assert edits_of(changes, TWO.get, lambda: tuple(TWO)) == (
        FileEdit("b.py", b"size = 4\nside = area(3)\n"),
        FileEdit("a.py", CODE.replace("a * 2", "a * a").encode()),
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            Replace("", "area", "b"),
            "an edit names no file, and its text to search for ('area') is in a.py and b.py",
        ),
        (
            Replace("", "        return 0\n", "b"),
            "an edit names no file, and its text to search for ('return 0') is more than once in a.py",
        ),
        (
            Hunk("", ("no",), ("b",)),
            "an edit names no file, and its text to search for ('no') is in no file shown that may be edited",
        ),
        (Replace("", " \n", "b"), "an edit names no file, and has no text to search for"),
        (Hunk("", (), ("b",), 1), "an edit names no file, and has no text to search for"),
        (Whole("", "b"), "an edit names no file"),
        (Delete(""), "an edit names no file"),
    ],
)
def test_an_edit_without_a_path_whose_file_is_not_certain_is_refused(change: Change, problem: str) -> None:
    with pytest.raises(EditRefused) as refused:
        edits_of((change,), TWO.get, lambda: tuple(TWO))
    assert str(refused.value) == problem


def test_edits_that_change_nothing() -> None:
    assert refusal("x\n", Replace("a.py", "x", "x")) == "the edits change nothing"
    assert refusal("x\n", Whole("a.py", "x")) == "the edits change nothing"
    assert refusal("x\n") == "the edits change nothing"
    both = (Replace("a.py", "x", "x"), Replace("b.py", "x", "y"))
    assert edits_of(both, {"a.py": b"x\n", "b.py": b"x\n"}.get) == (FileEdit("b.py", b"y\n"),)


@pytest.mark.parametrize(
    "line", ["# ... rest of the code unchanged ...", "    // ... existing code", "... (the rest as before)"]
)
def test_text_left_out_is_no_edit(line: str) -> None:
    assert "leaves text out" in refusal(CODE, Whole("a.py", f"import math\n{line}\n"))
    assert "leaves text out" in refusal(CODE, Replace("a.py", "a * 2", f"a * a\n{line}"))
    kept = Replace("a.py", "x = 1", f"x = 2\n{line}")
    assert applied(f"x = 1\n{line}\n", kept)  # words that the file has itself are its own


LINES = st.lists(st.sampled_from(["a", "b", "  a", "    b", "", "c d", "x = 1", "\tx"]), max_size=12)


@settings(max_examples=400, deadline=None)
@given(LINES, st.data(), st.booleans(), st.booleans())
def test_lines_that_are_there_once_are_replaced_exactly(
    lines: list[str], data: st.DataObject, crlf: bool, ended: bool
) -> None:
    text = "\n".join(lines) + ("\n" if ended else "")
    first = data.draw(st.integers(0, len(lines)))
    last = data.draw(st.integers(first, len(lines)))
    old, new = lines[first:last], data.draw(LINES)
    assume(any(line.strip() for line in old))
    assume(ended or lines[-1])  # a last line that is empty is what a line feed at the end makes
    assume(sum(lines[n : n + len(old)] == old for n in range(len(lines))) == 1)
    wanted = "\n".join([*lines[:first], *new, *lines[last:]]) + "\n"
    assume(wanted.rstrip("\n") != text.rstrip("\n"))
    base = text.replace("\n", "\r\n") if crlf else text
    for change in (
        Replace("a.py", "".join(f"{x}\n" for x in old), "".join(f"{x}\n" for x in new)),
        Hunk("a.py", tuple(old), tuple(new)),
    ):
        [edit] = edits_of((change,), {"a.py": base.encode()}.get)
        content = (edit.content or b"").decode()
        assert content.replace("\r\n", "\n").rstrip("\n") == wanted.rstrip("\n")
        assert content.count("\r") == (content.count("\n") if crlf and "\n" in text else 0)


@settings(max_examples=300, deadline=None)
@given(LINES, LINES, LINES, st.sampled_from(["", "  ", "\t"]))
def test_nothing_but_the_place_is_touched(
    base: list[str], old: list[str], new: list[str], indent: str
) -> None:
    """Whatever fits: outside the replaced lines the file is as it was, white space included."""
    text = "".join(f"{line} \n" for line in base)
    change = Replace("a.py", "".join(f"{indent}{x}\n" for x in old), "".join(f"{indent}{x}\n" for x in new))
    try:
        [edit] = edits_of((change,), {"a.py": text.encode()}.get)
    except EditRefused:
        return
    after = (edit.content or b"").decode()
    assert len(after.splitlines()) <= len(base) + len(new)
    kept = [line for line in after.splitlines() if line.endswith(" ")]
    rest = iter(text.splitlines())
    assert all(line in rest for line in kept if line.strip())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 400), unique=True, max_size=40), st.data(), st.integers(0, 3))
def test_a_unified_diff_from_a_reply_makes_the_file_it_was_made_from(
    numbers: list[int], data: st.DataObject, context: int
) -> None:
    before = [f"line {n}" if n % 5 else "" for n in numbers]
    after = [line for line in before if data.draw(st.integers(0, 4))]
    for at in data.draw(st.lists(st.integers(0, len(after)), max_size=4)):
        after.insert(at, f"new {at}")
    assume(before != after)
    diff = "\n".join(difflib.unified_diff(before, after, "a/a.py", "b/a.py", n=context, lineterm=""))
    [changes] = parse_reply(f"So:\n```diff\n{diff}\n```\n").candidates
    base = {"a.py": "".join(f"{line}\n" for line in before).encode()}
    try:
        [edit] = edits_of(changes, base.get)
    except EditRefused:
        return  # lines without anything on them, or one place for two hunks
    assert edit.content == "".join(f"{line}\n" for line in after).encode()


def test_adversarial_files_take_time_in_proportion() -> None:
    base = {"a.py": b"x\n" * 500_000}
    for change in (
        Replace("a.py", "x\n" * 100_000 + "y\n", "z\n"),
        Replace("a.py", " x\n" * 100_000, "z\n"),
        Replace("a.py", "x \n" * 400_000 + "y", "z\n"),
        Hunk("a.py", ("x",) * 100_000, ("z",)),
        Replace("a.py", "x\n" * 200_000 + "\n" + "x\n" * 200_000, "z\n"),
        Replace("a.py", "".join(f"{n} x\n" for n in range(100_000)), "z\n"),
    ):
        start = time.process_time()
        refusal(base, change)
        assert time.process_time() - start < 4
