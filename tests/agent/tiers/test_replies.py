"""Replies of models, as text of every shape, read into candidates, asks, plans and reviews."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.tiers.changes import Delete, Hunk, Replace, Whole
from agent.tiers.found import Ask
from agent.tiers.replies import MAX_DIAGNOSIS, MAX_NOTE, Reply, parse_plan, parse_reply, parse_review

EDIT = Replace("src/a.py", "x = 1\n", "x = 2\n")
BLOCK = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"


def as_json(*candidates: list[dict[str, str]], asks: list[dict[str, object]] | None = None) -> str:
    return json.dumps(
        {
            "diagnosis": "off by one",
            "candidates": [{"edits": each} for each in candidates],
            "asks": asks or [],
        },
        indent=1,
    )


ROW = {"path": "src/a.py", "search": "x = 1\n", "replace": "x = 2\n"}
WANTED = Reply("off by one", ((EDIT,),), ())


@pytest.mark.parametrize(
    "text",
    [
        as_json([ROW]),
        f"Here is the fix.\n\n```json\n{as_json([ROW])}\n```\nI hope it helps {{ }}.",
        f"Sure: {as_json([ROW])} done",
        as_json([ROW]).replace('"replace": "x = 2\\n"', '"replace": "x = 2\\n",').replace("]\n}", "],\n}"),
        as_json([ROW]).replace("\\n", "\n"),
        f'<think>maybe {{"edits": []}}\n{BLOCK}</think>{as_json([ROW])}',
        f"hidden words without their opening tag</think>\n{as_json([ROW])}",
        as_json([ROW], [ROW]),
    ],
    ids=["plain", "fenced", "prose", "trailing commas", "line feeds", "thinking", "no opening", "twice"],
)
def test_json(text: str) -> None:
    assert parse_reply(text) == WANTED


def test_json_of_several_candidates_and_asks() -> None:
    other = {"path": "b.py", "search": "", "replace": "new\n"}
    asks: list[dict[str, object]] = [
        {"kind": "file", "what": "src/b.py", "first": 3, "last": 9},
        {"kind": "search", "what": "def f\\(", "first": 0, "last": 0},
        {"kind": "shell", "what": "rm -rf /"},
        {"kind": "file", "what": 7},
        {"kind": "file", "what": "c.py", "first": -3, "last": -9},
    ]
    reply = parse_reply(as_json([ROW], [ROW, other], asks=asks))
    assert reply.candidates == ((EDIT,), (EDIT, Replace("b.py", "", "new\n")))
    assert reply.asks == (Ask("file", "src/b.py", 3, 9), Ask("search", "def f\\("), Ask("file", "c.py"))
    assert not reply.problem


def test_a_backslash_that_escapes_nothing_stands_for_itself() -> None:
    text = r'{"edits": [{"path": "a.py", "search": "r\"\d+\"", "replace": "r\"\w+\" \u00e9"}]}'
    assert parse_reply(text).candidates == ((Replace("a.py", r'r"\d+"', r'r"\w+" é'),),)


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ({"path": "a", "content": "whole"}, Whole("a", "whole")),
        ({"path": "a", "delete": True}, Delete("a")),
        ({"file": "a", "old_str": "x", "new_str": ""}, Replace("a", "x", "")),
        ({"path": "a", "search": ["x", "y"], "replace": ["z"]}, Replace("a", "x\ny", "z")),
        ({"path": "a", "search": "x\r\ny", "replace": "z"}, Replace("a", "x\ny", "z")),
        ({"path": "a.py", "diff": "@@ -4 +4 @@\n-x\n+y\n"}, Hunk("a.py", ("x",), ("y",), 4)),
    ],
)
def test_other_words_for_an_edit(row: dict[str, object], change: object) -> None:
    assert parse_reply(json.dumps({"edits": [row]})).candidates == ((change,),)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"search": "", "replace": "y"}, "an edit names no file"),
        ({"path": "a", "search": "x"}, "an edit of a has no text to put in"),
        ("x", "an edit is no object"),
        ({"path": "a", "diff": "nothing"}, "the diff of an edit cannot be read"),
    ],
)
def test_a_candidate_that_cannot_be_read_is_left_out(row: object, problem: str) -> None:
    both = {"candidates": [{"edits": [ROW]}, {"edits": [ROW, row]}]}
    assert parse_reply(json.dumps(both)) == Reply("", ((EDIT,),), ())
    assert parse_reply(json.dumps({"candidates": [{"edits": [row]}]})).problem == problem


@pytest.mark.parametrize(
    "text",
    [
        f"src/a.py\n{BLOCK}",
        f"src/a.py\n```python\n{BLOCK}```\n",
        f"```python\nsrc/a.py\n{BLOCK}```\n",
        f"```python src/a.py\n{BLOCK}```\n",
        f"```src/a.py\n{BLOCK}```\n",
        f"**`src/a.py`**\n\n{BLOCK}",
        f"### File: `src/a.py`\n{BLOCK}",
        f"File: src/a.py:\n{BLOCK}",
        f"src/a.py:3-9 Cart.total\n{BLOCK}",
        f"`src/a.py:3`\n{BLOCK}",
        BLOCK.replace("SEARCH", "SEARCH src/a.py"),
        f"src/a.py\n{BLOCK}".replace("SEARCH", "ORIGINAL").replace("REPLACE", "UPDATED"),
        f"src/a.py\n{BLOCK}".replace("<<<<<<<", "<<<<<")
        .replace("=======", "=====")
        .replace(">>>>>>>", ">>>>>"),
        f"src/a.py\n{BLOCK}".replace("\n", "\r\n"),
    ],
)
def test_search_and_replace_blocks(text: str) -> None:
    assert parse_reply(text).candidates == ((EDIT,),)


def test_blocks_that_follow_belong_to_the_same_file_until_another_is_named() -> None:
    other = BLOCK.replace("x", "y")
    reply = parse_reply(f"The bound is wrong.\n\nsrc/a.py\n{BLOCK}{other}\nsrc/b.py\n{BLOCK}")
    assert reply.candidates == (
        (EDIT, Replace("src/a.py", "y = 1\n", "y = 2\n"), Replace("src/b.py", "x = 1\n", "x = 2\n")),
    )
    assert reply.diagnosis == "The bound is wrong."


def test_an_edit_may_lack_its_path() -> None:
    edit = Replace("", EDIT.search, EDIT.replace)
    hunk = Hunk("", ("x = 1",), ("x = 2",), 1)
    assert parse_reply(f"The bound is wrong.\n\n{BLOCK}").candidates == ((edit,),)
    row = {"search": edit.search, "replace": edit.replace}
    assert parse_reply(as_json([row])).candidates == ((edit,),)
    assert parse_reply("```diff\n@@ -1 +1 @@\n-x = 1\n+x = 2\n```").candidates == ((hunk,),)


def test_a_block_without_old_lines_is_a_new_file_and_one_without_new_lines_removes() -> None:
    text = (
        "a.py\n<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n"
        "b.py\n<<<<<<< SEARCH\nold\n=======\n>>>>>>> REPLACE"
    )
    assert parse_reply(text).candidates == ((Replace("a.py", "", "new\n"), Replace("b.py", "old\n", "")),)


def test_a_rule_of_another_length_is_content() -> None:
    text = "a.md\n<<<<<<< SEARCH\nTitle\n=====\n=======\nName\n=====\n>>>>>>> REPLACE"
    assert parse_reply(text).candidates == ((Replace("a.md", "Title\n=====\n", "Name\n=====\n"),),)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the reply is empty"),
        (" \n\t", "the reply is empty"),
        (
            "I'm sorry, I can't help\nwith that.",
            "the reply holds no edit: 'I'm sorry, I can't help with that.'",
        ),
        ("a.py\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n", "a search/replace block has no end"),
        (f"a.py\n<<<<<<< SEARCH\nx = 1\n{BLOCK}", "a search/replace block has no end"),
        (
            "a.py\n<<<<<<< SEARCH\nx\n=======\ny\n=======\nz\n>>>>>>> REPLACE",
            "a search/replace block has more than one line of =======",
        ),
        ("```python a.py\nx = 1", "a file is cut off: its fence has no end"),
        (
            "```diff\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-x\n+y\nz\n+w\n```",
            "a line of a diff begins with neither",
        ),
        ("*** Update File: a.py\n*** Move to: b.py\n@@\n-x\n+y\n", "a patch renames a file"),
        (
            '{"diagnosis": "x", "candidates": [{"edits": [{"path": "a", "sea',
            "the reply holds no edit: '{\"diag",
        ),
        ("a" * 5_000_000, "the reply is longer than 4 million characters"),
        ("\x1b[31m::error::x", "the reply holds no edit: '\\x1b[31m::error::x'"),
    ],
)
def test_a_reply_that_cannot_be_used(text: str, problem: str) -> None:
    reply = parse_reply(text)
    assert reply.problem.startswith(problem)
    assert "\n" not in reply.problem
    assert not reply.candidates
    assert not reply.asks


DIFF = """\
diff --git a/src/a.py b/src/a.py
index 123..456 100644
--- a/src/a.py
+++ b/src/a.py
@@ -10,4 +10,4 @@ def f():
 before

-x = 1
+x = 2
 after
@@ -30,2 +30,3 @@
 end
+more
"""
HUNKS = (
    Hunk("src/a.py", ("before", "", "x = 1", "after"), ("before", "", "x = 2", "after"), 10, "def f():"),
    Hunk("src/a.py", ("end",), ("end", "more"), 30),
)


@pytest.mark.parametrize(
    "text",
    [
        DIFF,
        f"The fix:\n```diff\n{DIFF}```\nDone.",
        f"{DIFF}\nThat is all.",
        DIFF.replace("a/", "").replace("b/", ""),
    ],
)
def test_unified_diffs(text: str) -> None:
    assert parse_reply(text).candidates == (HUNKS,)


def test_diffs_of_new_and_removed_files() -> None:
    text = (
        "--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n"
        "--- a/old.py\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n"
        "--- a/c.py\t2026-01-01\n+++ b/c.py\t2026-01-02\n@@ @@\n-a\n+b\n"
    )
    assert parse_reply(text).candidates == (
        (Whole("new.py", "a\nb\n"), Delete("old.py"), Hunk("c.py", ("a",), ("b",))),
    )


def test_a_patch_with_its_own_headers() -> None:
    text = (
        "*** Begin Patch\n*** Update File: a.py\n@@ def f():\n-x\n+y\n z\n*** Add File: n.py\n+new\n"
        "*** Delete File: o.py\n*** Update File: b.py\n-p\n+q\n*** End Patch\n"
    )
    assert parse_reply(text).candidates == (
        (
            Hunk("a.py", ("x", "z"), ("y", "z"), 0, "def f():"),
            Whole("n.py", "new\n"),
            Delete("o.py"),
            Hunk("b.py", ("p",), ("q",)),
        ),
    )


@pytest.mark.parametrize(
    "text",
    [
        "```python src/a.py\nx = 2\n```",
        "src/a.py\n```python\nx = 2\n```",
        "Some words.\n\n**src/a.py**\n\n~~~\nx = 2\n~~~\nMore.",
        "```python:src/a.py\nx = 2\n```",
        '```python title="src/a.py"\nx = 2\n```',
    ],
)
def test_whole_files(text: str) -> None:
    assert parse_reply(text).candidates == ((Whole("src/a.py", "x = 2\n"),),)


def test_a_fence_without_a_path_and_a_path_within_a_sentence_are_no_file() -> None:
    assert parse_reply("In src/a.py:\n```python\nx = 2\n```").candidates == ()
    assert parse_reply("```\nx = 2\n```").problem


def test_fenced_files_beside_blocks_are_only_shown() -> None:
    assert parse_reply(f"src/b.py\n```\nshown\n```\nsrc/a.py\n{BLOCK}").candidates == ((EDIT,),)


def test_candidates_in_plain_text() -> None:
    other = BLOCK.replace("x = 2", "x = 3")
    text = f"CANDIDATE 1\nsrc/a.py\n{BLOCK}\n## Candidate 2: another way\nsrc/a.py\n{other}"
    assert parse_reply(text).candidates == ((EDIT,), (Replace("src/a.py", "x = 1\n", "x = 3\n"),))
    broken = text.replace("x = 3\n>>>>>>> REPLACE", "x = 3")
    assert parse_reply(broken) == Reply("", ((EDIT,),), ())


def test_asks_in_plain_text() -> None:
    text = (
        "I need more.\nASK file src/a.py 10-40\n- ASK file src/b.py:7\nASK search: def f\\(\nASK file c.py\n"
    )
    assert parse_reply(text) == Reply(
        "I need more.",
        (),
        (
            Ask("file", "src/a.py", 10, 40),
            Ask("file", "src/b.py", 7, 7),
            Ask("search", "def f\\("),
            Ask("file", "c.py"),
        ),
    )


def test_what_is_kept_of_a_reply_is_bounded() -> None:
    rows = [[{**ROW, "replace": f"x = {n}\n"}] for n in range(50)]
    reply = parse_reply(as_json(*rows).replace("off by one", "why " * 1000))
    assert len(reply.candidates) == 8
    assert len(reply.diagnosis) <= MAX_DIAGNOSIS
    many = "src/a.py\n" + "".join(BLOCK.replace("x = 2", f"x = {n}") for n in range(1000))
    assert parse_reply(many).problem == "more than 100 edits"
    assert len(parse_reply("\n".join(f"ASK file a{n}.py" for n in range(100))).asks) == 8


@pytest.mark.parametrize(
    "unit",
    [
        "{", '{"edits":', '{"edits": [', '"', '"\\"', "\\", ",", ", ", "[", "<<<<<<< SEARCH\n", "=======\n",
        "a.py\n",
        "<<<<<<< SEARCH\n=======\n", "--- a\n+++ b\n", "--- a\n+++ b\n@@\n", "@@ -1 +1 @@\n", "```\n", "``` ",
        "```python a.py\n", "\n", " ", "*** Update File: a\n@@\n", "*** Add File: a\n", "</think>", "<think>",
        "ASK file a 1-", "`", "#", "+\n", "`src/a.py`:\n", "in `a.py` ", "```json\n[", "```\n{", "1. ",
        "diff --git a/x b/x\n@@\n", "+++ b/x\n@@\n", "```diff\n+x\n",
        '{"right": ', "probability: ", "CANDIDATE ", "right ", '{"edits": [{"path": "a", "search": "',
    ],
)  # fmt: skip
def test_a_megabyte_of_nonsense_takes_time_in_proportion(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    for parse in (parse_reply, parse_plan, parse_review):
        start = time.process_time()
        parse(text)
        assert time.process_time() - start < 4


PARTS = st.sampled_from(
    [
        BLOCK, DIFF, as_json([ROW]), "src/a.py\n", "```", "```python a.py\n", "\n", "<<<<<<< SEARCH\n",
        "=======\n", ">>>>>>> REPLACE\n", "@@ -1 +1 @@\n", "+x\n", "-x\n", " x\n", "--- a/x\n", "+++ b/x\n",
        "{", "}", "+++ /dev/null\n", '"edits": [', '{"candidates": [', "]", ",", '"', "\\",
        "*** Update File: x\n", "*** Delete File: x\n", "</think>", "ASK file ", "CANDIDATE 2\n",
        '{"right": true', "\ud800", "\0", "\u2028", '{"probability": 1e999}', "9" * 5000,
    ]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(PARTS, st.text(max_size=20)), max_size=30).map("".join))
def test_nothing_raises_and_a_reply_without_use_says_why(text: str) -> None:
    reply = parse_reply(text)
    assert bool(reply.problem) == (not reply.candidates and not reply.asks)
    assert "\n" not in reply.problem
    assert len(reply.diagnosis) <= MAX_DIAGNOSIS
    plan = parse_plan(text)
    assert bool(plan.problem) != bool(plan.note)
    assert len(plan.note) <= MAX_NOTE
    review = parse_review(text)
    assert (review.right is None) == bool(review.problem)


TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TEXTS.filter(str.strip), TEXTS), min_size=1, max_size=5), st.booleans())
def test_json_comes_back_as_it_was_written(pairs: list[tuple[str, str]], escaped: bool) -> None:
    rows = [{"path": "a.py", "search": search, "replace": new} for search, new in pairs]
    text = json.dumps({"candidates": [{"edits": rows}]}, ensure_ascii=escaped)
    assert parse_reply(text).candidates == (tuple(Replace("a.py", search, new) for search, new in pairs),)


def test_plans() -> None:
    assert parse_plan(json.dumps({"diagnosis": "bad bound", "steps": ["read f", "fix f"]})).note == (
        "bad bound\nread f\nfix f"
    )
    assert parse_plan("First,  do this.\n\nThen that.").note == "First, do this.\nThen that."
    assert parse_plan("").problem == "the reply is empty"
    assert len(parse_plan("word " * 1000).note) <= MAX_NOTE


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ('{"right": true, "reason": "ok"}', True),
        ('Well: ```json\n{"reason": "ok", "right": "no"}\n```', False),
        ('{"right": true, "probability": 0.9, "reason": "ok"}', True),  # as it was asked for once
        ('So: {"probability": 0.2, "right": false, "reason": "ok"}', False),
        ("Right: yes\nProbability: 85 %", True),
        ("**Verdict:** wrong, since f is never called", False),
    ],
)
def test_reviews(text: str, right: bool) -> None:
    review = parse_review(text)
    assert (review.right, review.problem) == (right, "")


def test_a_review_without_a_verdict() -> None:
    assert parse_review("Looks like a patch.").problem == "the reply holds no verdict: 'Looks like a patch.'"
