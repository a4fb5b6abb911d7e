"""What the docstring of a function says that code can be made of: numbers, texts, steps and conditions."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from .source import NAMED_FUNCTIONS

MOST_NUMBERS, MOST_TEXTS = 12, 25
MOST_BYTES = 4_000
"""Of a docstring: a function's own contract is seldom longer."""

EXAMPLE = re.compile(r">>>|==|=>|->|➞|→|\breturns? |\w\(.*\) *=")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")
QUOTED = re.compile(r"\"([^\"\n]{1,20})\"|'([^'\n]{1,20})'|`([^`\n]{1,20})`")
VALUE = re.compile(
    r"-\d+(?:\.\d+)?|\d+\.\d+|\b(?:None|True|False|0|1)\b|\"\"|''|\[\]|\{\}|\((?:[\w.-]+, )+[\w.-]+\)"
)
"""Literals that a function may give in a special case."""

WORD = re.compile(r"[^\W\d_]{1,12}")

NUMBER_WORDS = {
    "two": "2", "twice": "2", "double": "2", "half": "2", "three": "3", "third": "3", "four": "4",
    "fourth": "4", "five": "5", "fifth": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "twelve": "12", "week": "7", "hundred": "100", "percent": "100",
}  # fmt: skip

# {0} is a value; words as regular expressions, matched where a word begins.
STEPS = (
    (r"absolut|distan|differ|magnitude|sign\b|gap|apart", ("abs({0})",)),
    (r"sort|order|ascend|rising|increas|alphabet|any order", ("sorted({0})",)),
    (r"descend|decreas|falling|largest first|highest first", ("sorted({0}, reverse=True)",)),
    (r"distinct|uniq|different|duplicat|once|repeat|twice", ("set({0})",)),
    (r"revers|backward|mirror|palindrom|right to left|from the end", ("{0}[::-1]",)),
    (r"upper|capital|initial", ("{0}.upper()", "{0}.capitalize()")),
    (r"lower|case|capital", ("{0}.lower()",)),
    (r"blank|space|strip|trim", ("{0}.strip()", "{0}.split()")),
    (r"round|digits? after|decimal|nearest", ("round({0})", "round({0}, 2)")),
    (r"integer|whole|truncat|rounded down|int\b", ("int({0})",)),
    (r"length|how many|number of|count|size", ("len({0})",)),
    (r"sum\b|total|add", ("sum({0})",)),
    (r"largest|biggest|maxim|longest|greatest|highest", ("max({0})",)),
    (r"smallest|least|minim|shortest|lowest", ("min({0})",)),
    (r"string|text", ("str({0})",)),
    (r"string|text|word|joined|letters", ('"".join({0})', '" ".join({0})')),
    (r"square", ("{0} ** 2", "{0} ** 0.5")),
    (r"root", ("{0} ** 0.5",)),
    (r"cube", ("{0} ** 3",)),
    (r"half|halves", ("{0} / 2", "{0} // 2")),
    (r"double|twice", ("{0} * 2",)),
    (r"percent", ("{0} / 100", "{0} * 100")),
)
CONDITIONS = (
    (r"even\b", ("{0} % 2 == 0",)),
    (r"odd\b", ("{0} % 2 == 1", "{0} % 2 != 0")),
    (r"positive|natural", ("{0} > 0",)),
    (r"negative|non-negative|below zero", ("{0} < 0", "{0} >= 0")),
    (r"zero", ("{0} != 0", "{0} == 0")),
    (r"letter|alphabet", ("{0}.isalpha()",)),
    (r"digit|number|numeric", ("{0}.isdigit()",)),
    (r"alphanumeric", ("{0}.isalnum()",)),
    (r"upper|capital", ("{0}.isupper()",)),
    (r"lower", ("{0}.islower()",)),
    (r"space|blank", ("{0}.isspace()", "{0}.strip()", '{0} != " "')),
    (r"vowel|consonant", ('{0}.lower() in "aeiou"', '{0} in "aeiou"')),
    (r"empty|blank|without|no\b", ("{0}", "not {0}")),
    (r"palindrom|both ways|same backward", ("{0} == {0}[::-1]",)),
    (r"integer|whole", ("isinstance({0}, int)",)),
    (r"string|text", ("isinstance({0}, str)",)),
    (r"at least two|fewer|single|shorter|one-letter", ("len({0}) > 1", "len({0}) < 2")),
)
COMPARED = (
    "{0} > {1}", "{0} < {1}", "{0} >= {1}", "{0} <= {1}", "{0} % {1} == 0", "{0} != {1}",
    "len({0}) > {1}", "len({0}) < {1}", "len({0}) == {1}",
)  # fmt: skip
MOST_COMPARED = 2
"""Numbers of the prose that values are compared with."""


@dataclass(frozen=True)
class Said:
    """Of one docstring: numbers outside of its examples, with a weight each, pieces of text that stand in
    quotes, words, forms of steps and conditions that words suggest, literals of special cases."""

    numbers: tuple[tuple[str, float], ...] = ()
    quoted: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


NOTHING = Said()


@lru_cache(maxsize=256)
def said(function: ast.AST | None) -> Said:
    """What the docstring of a function says; `NOTHING` where there is none.

    >>> said(ast.parse('def f(n):\\n    "The even of the first 20."').body[0]).conditions[:2]
    ('{0} % 2 == 0', '{0} > 20')
    """
    text = ast.get_docstring(function) if isinstance(function, NAMED_FUNCTIONS) else None
    if not text or len(text) > MOST_BYTES:
        return NOTHING
    numbers: dict[str, float] = {}
    words: dict[str, None] = {}
    prose = ""
    for line in text.splitlines():
        if EXAMPLE.search(line) is None:  # numbers of examples fit tests and little else
            numbers.update(dict.fromkeys(NUMBER.findall(line), 1.0))
            prose += line.lower() + "\n"
            words.update(dict.fromkeys(WORD.findall(line)))
    for word, number in NUMBER_WORDS.items():
        if re.search(rf"\b{word}s?\b", prose):
            numbers.setdefault(number, 0.5)
    quoted = dict.fromkeys(next(part for part in found if part) for found in QUOTED.findall(text))
    named = list(numbers)[:MOST_COMPARED]
    compared = tuple(form.format("{0}", number) for form in COMPARED for number in named)
    return Said(
        tuple(numbers.items())[:MOST_NUMBERS],
        tuple(quoted)[:MOST_TEXTS],
        tuple(words)[: 2 * MOST_TEXTS],
        _forms(STEPS, prose),
        _forms(CONDITIONS, prose) + compared,
        tuple(dict.fromkeys(each for each in VALUE.findall(text) if _is_literal(each)))[:6],
    )


def _is_literal(text: str) -> bool:
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return False
    return True


def _forms(table: tuple[tuple[str, tuple[str, ...]], ...], prose: str) -> tuple[str, ...]:
    found = [form for words, forms in table for form in forms if re.search(rf"\b(?:{words})", prose)]
    return tuple(dict.fromkeys(found))
