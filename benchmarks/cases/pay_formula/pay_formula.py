"""Work out the formulas of a pay sheet, such as "base * 2 - (tax + 10)"."""

from __future__ import annotations

import re

TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|[a-z_]+|[-+*/()])")


def tokens(text: str) -> list[str]:
    found: list[str] = []
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"what is {text[position:]!r}?")
        found.append(match[1])
        position = match.end()
    return found


class Formula:
    def __init__(self, text: str, values: dict[str, float]) -> None:
        self.rest = tokens(text)
        self.values = values

    def total(self) -> float:
        result = self.product()
        while self.rest and self.rest[0] in "+-":
            sign = self.rest.pop(0)
            right = self.product()
            result = result + right if sign == "+" else result - right
        return result

    def product(self) -> float:
        result = self.atom()
        while self.rest and self.rest[0] in "*/":
            sign = self.rest.pop(0)
            right = self.atom()
            result = result * right if sign == "*" else result / right
        return result

    def atom(self) -> float:
        token = self.rest.pop(0)
        if token == "-":
            return -self.atom()
        if token == "(":
            inner = self.total()
            self.rest.pop(0)
            return inner
        return self.values[token] if token in self.values else float(token)


def work_out(text: str, values: dict[str, float]) -> float:
    return Formula(text, values).total()
