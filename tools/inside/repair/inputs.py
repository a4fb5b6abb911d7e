"""Calls seen in tests, and inputs made from them by small changes, the same ones in every process.

A call travels as a pickle, which only forks under test ever open. Each made input starts from a fresh copy,
so changes may be made in place.
"""

from __future__ import annotations

import base64
import io
import pickle
import random
import sys
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any

MOST_BYTES = 16_000
"""Of one call's arguments; larger ones are left out."""

MOST_FRAMES = 2_000_000
"""Calls of any function that are looked at: a test that makes more is not slowed down further."""

DEEPEST = 3
SOME = 20

Function = tuple[str, str, int]
"""(absolute path, name, first line): what a code object says of itself."""


class TooLarge(Exception):
    """The pickle outgrew its bound."""


class _Bounded(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + len(data) > MOST_BYTES:
            raise TooLarge
        return super().write(data)


def pickled(value: Any) -> bytes | None:
    """None for what cannot be pickled, or is too large. Runs `__reduce__` of the value, if it has one."""
    file = _Bounded()
    try:
        pickle.Pickler(file, protocol=4).dump(value)
    except Exception:  # (code of the repository may raise anything)
        return None
    return file.getvalue()


class Recorder:
    """Keeps the arguments of the first different calls of `functions` (by a key), at most `most` of them."""

    def __init__(self, functions: Mapping[str, Function], most: int) -> None:
        self._keys = {function: key for key, function in functions.items()}
        self._most, self._frames = most, 0
        self._calls: dict[tuple[str, bytes], None] = {}

    def begin(self) -> None:
        """Look at every call in this thread from now on."""
        sys.setprofile(self._see)

    def end(self) -> list[list[str]]:
        """Stop; [key, arguments] of each call, in the order of first calls."""
        if getattr(sys.getprofile(), "__self__", None) is self:
            sys.setprofile(None)
        return [[key, base64.b64encode(data).decode()] for key, data in self._calls]

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call":
            return
        self._frames += 1
        code = frame.f_code
        key = self._keys.get((code.co_filename, code.co_name, code.co_firstlineno))
        if key is not None:
            given = arguments(code, frame.f_locals)
            data = pickled(given) if given is not None else None
            if data is not None:
                self._calls.setdefault((key, data))
        if len(self._calls) >= self._most or self._frames >= MOST_FRAMES:
            sys.setprofile(None)


def arguments(code: CodeType, values: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]] | None:
    """Positional and keyword arguments of a call that has just begun; None when a parameter is not there any
    more (a generator that is resumed)."""
    names = code.co_varnames
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    if any(name not in values for name in names[:count]):
        return None
    positional = [values[name] for name in names[: code.co_argcount]]
    after = code.co_argcount + code.co_kwonlyargcount
    keywords = {name: values[name] for name in names[code.co_argcount : after]}
    if code.co_flags & 0x4:  # *args
        positional += values[names[after]]
        after += 1
    if code.co_flags & 0x8:  # **kwargs
        keywords.update(values[names[after]])
    return positional, keywords


def made(data: str, variant: int, seed: str) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call: as they were (variant 0), or with a small change that depends on `seed` and
    the variant alone. Runs code of the repository that restores its objects; raises whatever that raises."""
    positional, keywords = pickle.loads(base64.b64decode(data))  # noqa: S301 # nosec B301 (made by the code under test)
    if not variant or not (positional or keywords):
        return positional, keywords
    rng = random.Random(f"{seed}:{variant}")  # noqa: S311
    for _ in range(1 + (rng.random() < 0.25)):
        place = rng.choice([*range(len(positional)), *keywords])
        arguments: Any = positional if isinstance(place, int) else keywords
        others = [each for each in (*positional, *keywords.values()) if type(each) is type(arguments[place])]
        options = [*variations(arguments[place], rng), *others] if rng.random() < 0.95 else [None]
        arguments[place] = rng.choice(options)
    return positional, keywords


def variations(value: Any, rng: random.Random, depth: int = 0) -> list[Any]:
    """Values that differ a little. Objects are changed in place, in one attribute."""
    kind = type(value)
    if kind is bool:
        return [not value]
    if kind in (int, float):
        return [value + 1, value - 1, kind(0), -value, value * 2]
    if kind in (str, bytes):
        return _texts(value)
    if kind in (list, tuple):
        return _sequences(value, rng, depth)
    if kind is dict:
        return _mappings(value, rng, depth)
    if kind in (set, frozenset):
        items = sorted(value, key=repr)
        return [kind(each) for each in _sequences(items, rng, depth)]
    held: Any = getattr(value, "__dict__", None)
    names = sorted(name for name, each in held.items() if each is not None) if type(held) is dict else []
    if depth < DEEPEST and names:
        name = rng.choice(names)
        held[name] = rng.choice(variations(held[name], rng, depth + 1))
    return [value]


def _texts(value: Any) -> list[Any]:
    space, dash = (" ", "-") if isinstance(value, str) else (b" ", b"-")
    return [
        *(value[:0], value[:-1], value[1:], value + value[-1:], value[::-1]),
        *(value.upper(), value.lower(), value.swapcase(), value.title()),
        *(space + value, value + space, value.strip(), value.replace(space, dash), space),
    ]


def _sequences(value: Any, rng: random.Random, depth: int) -> list[Any]:
    kind = type(value)
    found = [value[:0], value[:-1], value[1:], value[::-1]]
    try:
        found.append(kind(sorted(value)))
    except Exception:  # (`__lt__` of the repository may raise anything)
        found.append(value + value)
    if value:
        at = rng.randrange(len(value))
        found.append(value[: at + 1] + value[at:])
        if depth < DEEPEST and rng.random() < 0.7:
            changed = variations(value[at], rng, depth + 1)[:SOME]
            found += [value[:at] + kind([each]) + value[at + 1 :] for each in changed]
    return found


def _mappings(value: dict[Any, Any], rng: random.Random, depth: int) -> list[Any]:
    found: list[Any] = [{}]
    if value:
        key = rng.choice(list(value))
        found.append({each: kept for each, kept in value.items() if each != key})
        if depth < DEEPEST:
            found += [{**value, key: each} for each in variations(value[key], rng, depth + 1)[:SOME]]
    return found
