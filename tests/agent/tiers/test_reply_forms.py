"""Forms in which models write the same edit, each read and made; and what is not certain, refused."""

from __future__ import annotations

import json

import pytest

from agent.tiers.applying import EditRefused, edits_of
from agent.tiers.replies import parse_reply
from tools.files import FileEdit

BASE = "def f():\n    x = 1\n    return x\n\n\ndef g():\n    y = 1\n    return y\n"
AFTER = BASE.replace("x = 1", "x = 2")
FILES = {"src/a.py": BASE.encode(), "src/b.py": b"z = 1\n"}

BLOCK = "<<<<<<< SEARCH\n    x = 1\n=======\n    x = 2\n>>>>>>> REPLACE\n"
ROWS = " def f():\n-    x = 1\n+    x = 2\n     return x\n"
HUNK = f"@@ -1,3 +1,3 @@\n{ROWS}"
DIFF = f"--- a/src/a.py\n+++ b/src/a.py\n{HUNK}"
ROW = {"path": "src/a.py", "search": "x = 1", "replace": "x = 2"}
FIX = {"diagnosis": "off by one", "candidates": [{"edits": [ROW]}], "asks": []}


def made(text: str) -> tuple[FileEdit, ...]:
    reply = parse_reply(text)
    assert not reply.problem
    [candidate] = reply.candidates
    return edits_of(candidate, FILES.get, lambda: tuple(FILES))


def quoted(old: str, new: str) -> str:
    return f"src/a.py\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"


NUMBERED = "2{0}    x = 1\n3{0}    return x\n"
NEW = "    x = 2\n    return x\n"

WHOLE_FILES = [
    f"{named}\n{blank}```python\n{AFTER}```\n"
    for named in (
        "`src/a.py`:", "**src/a.py**:", "**`src/a.py`:**", "### src/a.py", "### 1. `src/a.py`",
        "2) `src/a.py`", "Here is the corrected `src/a.py`:", "The whole of `f` in `src/a.py`, mended:",
    )
    for blank in ("", "\n")
]  # fmt: skip
FENCES = [
    f"```{info}\n{body}```\n"
    for info in (
        "src/a.py", "python src/a.py", "python:src/a.py", "python path=src/a.py", 'python path="src/a.py"',
        "python {path=src/a.py}", "python title='src/a.py'",
    )
    for body in (AFTER, BLOCK)
]  # fmt: skip
UNFENCED = [f"`src/a.py`:\n\n{AFTER}", f"The bound is off.\n\nsrc/a.py\n{AFTER}\n\n"]
NAMED = [
    f"{named}\n{BLOCK}"
    for named in (
        "./src/a.py", "a/src/a.py", "b/src/a.py", "`src/a.py`", "**src/a.py**", "### src/a.py",
        "# `src/a.py`:", "**File:** `src/a.py`", "1. `src/a.py`\n", "In `src/a.py`:\n", "*Edit* `src/a.py`:",
        "```python\nsrc/a.py", "src/a.py\n```python", "src/a.py\n```search-replace", "The cause is plain.",
        "```python", "<a>src/a.py</a>",
    )
]  # fmt: skip
AS_JSON = [
    f"The bound is off, see {{x}}.\n\n```json\n{json.dumps(FIX, indent=2)}\n```\nDone: {{}}.",
    *(
        version
        for value in (
            {"edits": [ROW], "diagnosis": "off"}, {"reasoning": "off", "edits": [ROW]}, [ROW], ROW,
            {"candidates": [ROW]}, {"candidates": [{"edits": [{**ROW, "path": ""}]}]}, {"edits": ROW},
        )
        for version in (json.dumps(value), f"So:\n```json\n{json.dumps(value, indent=2)}\n```\nDone.")
    ),
]  # fmt: skip
DIFFS = [
    DIFF,
    DIFF.replace("-1,3 +1,3", "-40,9 +44,2"),
    DIFF.replace(" -1,3 +1,3 @@", ""),
    DIFF.replace("@@ -1,3 +1,3 @@\n", ""),
    DIFF.replace("a/src", "src").replace("b/src", "src"),
    DIFF.replace("a.py\n", "a.py 2024-01-01 10:00:00.0 +0000\n"),
    f"diff --git a/src/a.py b/src/a.py\nindex 123..456 100644\n{DIFF}",
    f"diff --git a/src/a.py b/src/a.py\n{HUNK}",
    f"+++ b/src/a.py\n{HUNK}",
    f"`src/a.py`:\n\n```diff\n{HUNK}```\n",
    f"`src/a.py`:\n\n```diff\n{ROWS}```\n",
    f"```diff\n{HUNK}```\n",
    f"```diff\n{ROWS}```\n",
]
PATCHES = [
    f"{before}*** Begin Patch\n*** Update File: {path}\n{head}{ROWS}{after}*** End Patch\n"
    for before in ("", "```\n", "apply_patch <<'EOF'\n")
    for path in ("src/a.py", "./src/a.py", "`src/a.py`")
    for head, after in (("", ""), ("@@\n", ""), ("@@ def f():\n@@\n", "*** End of File\n"))
]
SEARCHES = [
    *(
        quoted(NUMBERED.format(mark), new)
        for mark in (" ", "\t", "|", ":", " | ", ": ")
        for new in (NEW, NEW.replace("    x", f"2{mark}    x").replace("    return", f"3{mark}    return"))
    ),
    quoted("    2\t    x = 1\n    3\t    return x\n    4\t\n    5\t\n", f"{NEW}\n\n"),
    quoted("2:     x = 1\n", "    x = 2\n"),
    quoted("    x = 1  \n    return x\t\n", NEW),
    quoted("x = 1\nreturn x\n", "x = 2\nreturn x\n"),
]
FORMS = [*WHOLE_FILES, *FENCES, *UNFENCED, *NAMED, *AS_JSON, *DIFFS, *PATCHES, *SEARCHES]


@pytest.mark.parametrize("text", FORMS)
def test_the_same_edit_in_every_form(text: str) -> None:
    for version in (text, text.replace("\n", "\r\n"), text.rstrip("\n")):
        assert made(version) == (FileEdit("src/a.py", AFTER.encode()),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "In `src/a.py`:\n```python\n    x = 2\n```\n",
            "src/a.py: what follows its name is not the whole file",
        ),
        ("src/a.py\n\nThe bound should be 2.", "src/a.py: what follows its name is not the whole file"),
        ("Here is `src/new.py`:\n```python\nx = 2\n```\n", "src/new.py: there is no such file"),
        (quoted("3 | x = 1\n2 | return x\n", "y\n"), "('3 | x = 1') is not in the file"),  # not in order
        (quoted("7 return y\n", "y\n"), "('7 return y') is not in the file"),  # another indentation
        (quoted("2     x = 1\nreturn x\n", NEW), "('2 x = 1') is not in the file"),  # only some
        (quoted("2     x = 1\n", "2     x = 2\n    z = 3\n"), "('2 x = 1') is not in the file"),
        (quoted("12\n13\n", "y\n"), "('12') is not in the file"),  # numbers and nothing else
    ],
)
def test_what_is_not_certain_is_refused(text: str, problem: str) -> None:
    with pytest.raises(EditRefused) as refused:
        made(text)
    assert problem in str(refused.value)


def test_numbered_lines_that_are_there_twice_are_refused() -> None:
    [candidate] = parse_reply(quoted("2: a\n", "b\n")).candidates
    with pytest.raises(EditRefused, match="is there twice"):
        edits_of(candidate, {"src/a.py": b"a\na\n"}.get)


def test_of_a_file_before_and_after_the_latter_is_meant() -> None:
    text = f"`src/a.py` was:\n```python\n{BASE}```\n\nMended `src/a.py`:\n```python\n{AFTER}```\n"
    assert made(text) == (FileEdit("src/a.py", AFTER.encode()),)


def test_several_edits_in_a_list_belong_together() -> None:
    rows = [ROW, {"path": "src/b.py", "search": "z = 1", "replace": "z = 2"}]
    assert [edit.path for edit in made(json.dumps(rows))] == ["src/a.py", "src/b.py"]
    cut = json.dumps(rows)[:-20]
    assert parse_reply(f"```json\n{cut}").candidates == (), "a part of a fix is none"


def test_words_before_an_unfenced_file_are_the_diagnosis() -> None:
    assert parse_reply(UNFENCED[1]).diagnosis == "The bound is off."


def test_a_header_whose_path_cannot_be_read_names_nothing() -> None:
    assert parse_reply(f"diff --git a/src/a b.py b/src/a b.py\n{HUNK}").candidates == ()
