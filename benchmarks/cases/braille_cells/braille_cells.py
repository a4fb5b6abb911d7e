"""Print numbers in Braille: the digits are the letters a to j after a sign for "number"."""

from __future__ import annotations

LETTERS = "abcdefghij"
DOTS = ("1", "12", "14", "145", "15", "124", "1245", "125", "24", "245")
NUMBER_SIGN = "3456"
FIRST_CELL = 0x2800


def cell(dots: str) -> str:
    """The character for these raised dots: dot n is bit n - 1."""
    return chr(FIRST_CELL + sum(1 << (int(dot) - 1) for dot in dots))


CELLS = {letter: cell(dots) for letter, dots in zip(LETTERS, DOTS, strict=True)}


def digit_cell(digit: str) -> str:
    """1 is written as a, 9 as i and 0 as j."""
    return CELLS[LETTERS[(int(digit) - 1) % 10]]


def number(value: int) -> str:
    return cell(NUMBER_SIGN) + "".join(digit_cell(digit) for digit in str(value))


def heights(cells: str) -> list[int]:
    """How many dots each cell has."""
    return [bin(ord(character) - FIRST_CELL).count("1") for character in cells]
