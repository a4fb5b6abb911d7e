"""Untrusted text cannot act on a terminal or a CI service."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.plain import CUT, plain, plain_line

HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b[]0;m\x07\r\n\t:#vso|>\x9b\x85\u2028\u202e\u200b\ud800 a"), st.characters()
    ),
    max_size=200,
)


@given(HOSTILE)
def test_nothing_hidden_is_left(text: str) -> None:
    shown = plain(text)
    hidden = {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert hidden <= {"\n", "\t"}
    shown.encode("utf-8")


@given(HOSTILE)
def test_no_line_begins_a_ci_command(text: str) -> None:
    shown = plain(text)
    assert not any(line.lstrip().startswith("::") for line in shown.split("\n"))
    assert not re.search(r"##\w*\[", shown)


@given(HOSTILE, st.integers(min_value=0, max_value=60))
def test_bounded_and_says_when_it_was_cut(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert len(shown) <= limit
    if len(text) > limit >= len(CUT):
        assert shown.endswith(CUT)


@given(HOSTILE)
def test_idempotent(text: str) -> None:
    once = plain(text, 10_000)
    assert plain(once, 10_000) == once


@given(HOSTILE)
def test_one_line_stays_one_line(text: str) -> None:
    assert len(plain_line(text).splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("::error file=x::boo", "·:error file=x::boo"),
        ("  ::set-output name=a::b", "  ·:set-output name=a::b"),
        ("ok\n::warning::x", "ok\n·:warning::x"),
        ("a ##vso[task.setvariable]x", "a ·#vso[task.setvariable]x"),
        ("##[group]x", "·#[group]x"),
        ("tests/a.py::test_b", "tests/a.py::test_b"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
        ("a\r\nb\rc", "a\nb\\x0dc"),
        ("x\u202ey", "x\\u202ey"),
        ("naïve – 漢字 🙂", "naïve – 漢字 🙂"),
    ],
)
def test_examples(text: str, shown: str) -> None:
    assert plain(text) == shown
