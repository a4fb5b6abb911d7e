"""What is said of a failure in one line."""

from __future__ import annotations

import pytest

from agent.targets import reason


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("", "no reason given"),
        (
            "m.py:3: in f\n    1 / 0\nE   ZeroDivisionError: division by zero",
            "ZeroDivisionError: division by zero",
        ),
        (
            "t.py:5: in test\n    assert f(2) == 3\nE   assert -40.0 == -41\nE    +  where -40.0 = f(2)",
            "assert -40.0 == -41",
        ),
        (
            "E   AssertionError: assert [1] == [2]\nE     \nE     At index 0 diff: 1 != 2\nE     - 2",
            "AssertionError: assert [1] == [2]",
        ),
        (
            "E   assert [1] == [2]\nE     \nE     At index 0 diff: 1 != 2\nE     Use -v to get more diff",
            "assert [1] == [2]",
        ),
        ("E   ValueError: no\nE     such thing", "ValueError: no"),
        ("E   assert 1 == 2\n\nDuring handling:\nE   ValueError: no", "ValueError: no"),
        ("E   ValueError: no\n--- captured stdout ---\nE5 played", "ValueError: no"),
        ("the process ended", "the process ended"),
    ],
)
def test_the_line_in_which_the_exception_stands(message: str, said: str) -> None:
    assert reason(message) == said
