"""What is said of a published patch, and which traces have one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from publish_world import HOSTILE

from agent.errors import TraceError, UsageError
from agent.publishing import words
from agent.publishing.finding import Verified, find_verified

TRACES = Path(__file__).parents[1] / "old_traces"


@pytest.fixture
def found() -> Verified:
    return find_verified(str(TRACES / "schema-2-fixed"))


def test_the_verified_patch_of_a_trace(found: Verified) -> None:
    assert found.patch.endswith(b" for x in xs:\n         t += x\n     return t\n") and found.file.is_file()
    assert found.tests == ("test_u.py::T::test_sub", "test_u.py::T::test_total") and found.counts is not None
    assert found.record is None, "nothing is added to a trace"
    for name in ("schema-2-limit", "schema-2-not-fixed"):
        with pytest.raises(UsageError, match="verified no patch"):
            find_verified(str(TRACES / name))


def test_a_trace_that_was_altered_is_not_published(tmp_path: Path) -> None:
    shutil.copytree(TRACES / "schema-2-fixed", tmp_path / "t")
    (tmp_path / "t" / "fix.patch").write_text("another")
    with pytest.raises(TraceError):
        find_verified(str(tmp_path / "t"))


def test_a_body_says_what_was_fixed_how_it_was_verified_and_what_it_took(found: Verified) -> None:
    found = replace(found, tests=tuple(f"t.py::test[{each}]" for each in range(40)), failing=42, dirty=1)
    body = words.body(found)
    for said in (
        "makes 40 failing tests pass; 2 of 42 failing tests are left", "- `t.py::test[29]`\n- and 10 more",
        "2 tests: 2 passed", f"`{found.commit}` (verified together with 1 uncommitted file", found.digest,
        found.runs[0][1],
    ):  # fmt: skip
        assert said in body
    assert words.title(found) == "Make 40 failing tests pass"
    assert "(verified together with 1 uncommitted file" in words.message(found)


@pytest.mark.parametrize(
    ("test", "title"),
    [
        ("t.py::C::test_a", "Make t.py::C::test_a pass"),
        ("t.py::test[x-1]", "Make t.py::test pass"),
        ("GH-12", "Make 1 failing test pass"),
        ("@team", "Make 1 failing test pass"),
        ("https://h/o/r/issues/1", "Make 1 failing test pass"),
        ("[skip ci]", "Make 1 failing test pass"),
        (HOSTILE, "Make t.py::test pass"),
    ],
)
def test_a_title_names_a_test_only_where_its_name_means_nothing_else(
    found: Verified, test: str, title: str
) -> None:
    assert words.title(replace(found, tests=(test,))) == title


def test_a_patch_cannot_end_the_block_it_is_shown_in(found: Verified) -> None:
    patch = b"diff --git a/x b/x\n+```\n+`````\n+@team \xe2\x80\xae\x1b[2J\n"
    comment = words.comment(replace(found, patch=patch))
    lines = comment.splitlines()
    assert lines.count("``````diff") == lines.count("``````") == 1
    assert "\x1b" not in comment and "\u202e" not in comment
    long = words.comment(replace(found, patch=b"+x\n" * words.MOST_DIFF))
    assert len(long) < 10_000 and "too long" in long
