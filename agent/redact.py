"""Secrets are taken out of everything before it is written.

That is: known values, also in hexadecimal, in Base64 and as URLs have them, and half of one or more that is
left where a text was cut within it. What is not found: shorter pieces, a value that stands apart over several
lines, reversed, or spelled in yet another way.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import digits
from typing import AnyStr, Generic, TypeAlias
from urllib.parse import quote, quote_plus

_SECRET_NAME = re.compile(
    r"API_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|PRIVATE_KEY"
    r"|(?:^|_)(?:(?:KEY|PASS)(?:_|$)|(?:PAT|AUTH)$)",  # whole words: no KEYBOARD, no SSH_AUTH_SOCK
    re.IGNORECASE,
)
_MIN_SECRET = 8  # a shorter value ("1", "true") would redact ordinary words
_LEAST_PIECE = 12
"""Characters of a piece of a secret that is taken out at a cut, if a digit is among them: a text that ends
with "password" holds no piece of "password123"."""

_KEYS = (
    r"(?:sk-ant-[A-Za-z0-9_-]{16,}"
    r"|sk-(?:proj-)?[A-Za-z0-9_-]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{30,}"
    r"|github_pat_[A-Za-z0-9_]{30,}"
    r"|glpat-[A-Za-z0-9_-]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|xapp-[A-Za-z0-9-]{20,}"
    r"|A[KS]IA[0-9A-Z]{16}"
    r"|AIza[0-9A-Za-z_-]{35}"
    r"|ya29\.[A-Za-z0-9_-]{20,}"
    r"|(?:npm|hf|gsk)_[A-Za-z0-9]{30,}"
    r"|pypi-[A-Za-z0-9_-]{50,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{20,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r")|-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----)?"
)
_PATTERNS = re.compile(r"(?<![A-Za-z0-9])" + _KEYS, re.DOTALL)
"""Not in the middle of a word: "task-management-…" is no key."""
_LIKE_KEYS = re.compile(_KEYS.encode())
"""Also in the middle of one: in JSON, a letter may stand before it for the end of a line."""
REPLACEMENT = "[redacted]"

KEPT = frozenset(
    {
        "type", "kind", "action_class", "check", "outcome", "delivery", "policy",
        "backend", "provider", "failure", "stop",
    }
)  # fmt: skip
"""Fields whose values are words of the trace's schema: a secret that happens to be such a word is no secret
there, and without the word the event could not be read."""

JSONValue: TypeAlias = "str | int | float | bool | list[JSONValue] | dict[str, JSONValue] | None"


class Redactor:
    """Replaces the values of secret environment variables exactly, and common key patterns, in text. Secrets
    are those whose names say so, and the variables `also`."""

    def __init__(self, environment: Mapping[str, str] | None = None, also: Collection[str] = ()) -> None:
        environment = os.environ if environment is None else environment
        values = {
            value
            for name, value in ((name, value.strip()) for name, value in environment.items())
            if (name in also or _SECRET_NAME.search(name))
            and len(value) >= _MIN_SECRET
            and not Path(value).is_absolute()
        }
        self._texts = _longest_first({form for value in values for form in _forms(value)})
        # A body may be JSON, in which quotes, line breaks and other alphabets stand escaped.
        written = {each for value in values for form in _forms(value) for each in _as_json(form)}
        self._bytes = _longest_first({form.encode("utf-8", "surrogateescape") for form in written})

    def __call__(self, text: str) -> str:
        """Text without known secret values and without what looks like a key."""
        for form in self._texts:
            text = form.taken_out(text, REPLACEMENT, _ENDS, _STARTS)
        return _PATTERNS.sub(REPLACEMENT, text)

    def tree(self, value: JSONValue) -> JSONValue:
        """JSON data with every text in it redacted; keys and words of the schema (`KEPT`) stay."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.tree(item) for item in value]
        if isinstance(value, dict):
            return {key: item if key in KEPT else self.tree(item) for key, item in value.items()}
        return value

    def finds(self, data: bytes) -> bool:
        """Whether there may be something to take out of these bytes of JSON: quickly, and more often than
        `tree` does."""
        return any(form.may_be_in(data) for form in self._bytes) or _LIKE_KEYS.search(data) is not None

    def exact(self, data: bytes) -> bytes:
        """Bytes without known secret values, plain or as JSON writes them; patterns are left, since a body
        may be a file's content."""
        is_json = data[:1] in (b"{", b"[")
        ends, starts = (_JSON_ENDS, _JSON_STARTS) if is_json else (_BYTE_ENDS, _BYTE_STARTS)
        for form in self._bytes:
            data = form.taken_out(data, REPLACEMENT.encode(), ends, starts)
        return data

    def holds_secret(self, data: bytes) -> bool:
        """True when something of a known secret value would be taken out of these bytes."""
        return self.exact(data) != data


@dataclass(frozen=True)
class _Form(Generic[AnyStr]):
    """A way to write a secret. head, tail: as much of it as is taken out at a cut, or all of it."""

    whole: AnyStr
    head: AnyStr
    tail: AnyStr

    @classmethod
    def of(cls, whole: AnyStr) -> _Form[AnyStr]:
        least = max(_LEAST_PIECE, (len(whole) + 1) // 2)
        head, tail = whole[:least], whole[-least:]
        return cls(whole, head if _has_digit(head) else whole, tail if _has_digit(tail) else whole)

    def may_be_in(self, text: AnyStr) -> bool:
        """Whether its half is."""
        return self.head in text or self.tail in text

    def taken_out(
        self, text: AnyStr, instead: AnyStr, ends: tuple[AnyStr, ...], starts: tuple[AnyStr, ...]
    ) -> AnyStr:
        """The text without it: whole, begun before its end or one of `ends`, or ended at its start or after
        one of `starts`."""
        if not self.may_be_in(text):
            return text
        text = text.replace(self.whole, instead)
        text = _replaced(text, self._begun(text, ends), instead)
        return _replaced(text, self._ended(text, starts), instead)

    def _begun(self, text: AnyStr, ends: tuple[AnyStr, ...]) -> Iterator[tuple[int, int]]:
        """Where its beginning stands before a cut."""
        at = text.find(self.head)
        while at >= 0:
            end = at + len(self.head)
            while end < min(len(text), at + len(self.whole)) and text[end] == self.whole[end - at]:
                end += 1
            cut = end == len(text) or text.startswith(ends, end)
            if cut:
                yield at, end
            at = text.find(self.head, end if cut else at + 1)

    def _ended(self, text: AnyStr, starts: tuple[AnyStr, ...]) -> Iterator[tuple[int, int]]:
        """Where its end stands after a cut."""
        at, done = text.find(self.tail), 0
        while at >= 0:
            start, end = at, at + len(self.tail)
            while start > max(done, end - len(self.whole)) and text[start - 1] == self.whole[start - 1 - end]:
                start -= 1
            cut = start == 0 or text.endswith(starts, 0, start)
            if cut:
                yield start, end
                done = end
            at = text.find(self.tail, end if cut else at + 1)


_ENDS, _STARTS = ("...", "…", "\n[..."), ("...", "…", "...]\n")
"""Where a text was cut, by us, by test runners and by whoever shows values."""
_BYTE_ENDS, _BYTE_STARTS = (tuple(each.encode() for each in cuts) for cuts in (_ENDS, _STARTS))
_JSON_ENDS = (*_BYTE_ENDS, b'"', b"\\u2026", b"\\n[...")
_JSON_STARTS = (*_BYTE_STARTS, b':"', b',"', b' "', b'["', b'{"', b"\\u2026", b"...]\\n")
"""In JSON also where a text of it begins and ends."""


def _replaced(text: AnyStr, spans: Iterable[tuple[int, int]], instead: AnyStr) -> AnyStr:
    """The text with something else at these places, which are in order."""
    kept: list[AnyStr] = []
    done = 0
    for start, end in spans:
        kept.append(text[done:start])
        done = end
    kept.append(text[done:])
    return instead.join(kept)


def _has_digit(text: str | bytes) -> bool:
    plain = text if isinstance(text, str) else text.decode("latin1")
    return any(digit in plain for digit in digits)


def _longest_first(forms: set[AnyStr]) -> list[_Form[AnyStr]]:
    return [_Form.of(form) for form in sorted(forms, key=len, reverse=True)]


def _forms(value: str) -> Iterator[str]:
    """A value as it is, in hexadecimal, as URLs have it, and in Base64 behind any number of bytes."""
    data = value.encode("utf-8", "surrogateescape")
    yield value
    yield from (data.hex(), data.hex().upper())
    yield from (quote(data), quote(data, safe=""), quote_plus(data))
    for before in range(3):
        # Characters at either end that hold bits of what stands beside it are left.
        coded = base64.b64encode(bytes(before) + data)[-(-before * 8 // 6) : (before + len(data)) * 8 // 6]
        yield coded.decode()
        yield coded.translate(_URL_SAFE).decode()


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _as_json(value: str) -> tuple[str, ...]:
    """A value as it is, and as JSON writes it."""
    return value, *(json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
