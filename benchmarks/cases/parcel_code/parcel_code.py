"""Numbers of parcels with a check digit: weights 4 and 9 by turns from the right, as far as to ten."""

from __future__ import annotations


def check_digit(digits: str) -> int:
    """Counting from the right, odd places weigh 4 and even ones 9."""
    backwards = [int(digit) for digit in reversed(digits)]
    total = 4 * sum(backwards[::2]) + 9 * sum(backwards[1::2])
    return (10 - total % 10) % 10


def with_check(digits: str) -> str:
    return f"{digits}{check_digit(digits)}"


def valid(code: str) -> bool:
    return code.isdigit() and len(code) > 1 and int(code[-1]) == check_digit(code[:-1])


def repaired(code: str) -> list[str]:
    """The valid numbers which differ from a code in one digit that could not be read (?)."""
    if code.count("?") != 1:
        return []
    candidates = [code.replace("?", digit) for digit in "0123456789"]
    return [candidate for candidate in candidates if valid(candidate)]
