"""What functions do, call by call, in a fork that has imported the tests: results and arguments afterwards,
as digests that can be compared between processes.

Everything here runs code that may be hostile: each call has a limit on its time, the fork has limits on
memory and time, and whoever forked it reads nothing but digests.
"""

from __future__ import annotations

import asyncio
import doctest
import gc
import hashlib
import itertools
import random
import re
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from .bodies import fingerprint
from .inputs import Function, made, pickled

CALL_CPU_SECONDS = 0.1
CALL_SECONDS = 0.5
"""For what waits instead of working."""

CUT = "cut"
NO_CALL = "no call"
"""The arguments cannot be restored here, or the function is not there."""

REPEATED = "repeated"
"""An input like an earlier one of the same function."""

MOST_ITEMS = 1_000
MOST_PARTS = 5_000
DEEPEST = 8
MOST_TEXT = 20_000
EXAMPLES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BUILTIN = (bool, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
ANNOUNCED: dict[Any, Any] = {
    **{kind: kind for kind in BUILTIN},
    **{kind.__name__: kind for kind in BUILTIN},
    float: (float, int),
    "float": (float, int),
}
"""Return annotations that are understood, as types or as text."""

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


class _Cut(BaseException):
    """Raised by the alarm of one call. A BaseException, so that ordinary handlers let it pass."""


def outcomes(
    functions: Mapping[str, Function],
    calls: list[list[str]],
    variants: int,
    seed: int,
    luck: int,
    seconds: float,
) -> tuple[list[str], float]:
    """A digest per input: all calls as they were, then each with its first change, and so on. Fewer when the
    seconds are over. `luck` seeds `random` for the code under test. And how far the functions agree with what
    is written of them, in [0, 1]: share of the examples in their docstrings that hold x share of results that
    are of the type they announce."""
    found: list[str] = []
    kinds = {True: 0, False: 0}
    finish_by = time.monotonic() + seconds
    random.seed(luck)
    live = _live(functions)
    known: set[tuple[str, bytes]] = set()
    for variant in range(variants):
        for number, (key, data) in enumerate(calls):
            if time.monotonic() >= finish_by:
                return found, _agreement(live, kinds)
            given, same = _restored(data, variant, f"{seed}:{number}")
            if given is None or key not in live:
                found.append(NO_CALL)
            elif (key, same) in known:
                found.append(REPEATED)
            else:
                known.add((key, same))
                found.append(_outcome(live[key], *given, kinds))
    return found, _agreement(live, kinds)


def _agreement(live: Mapping[str, FunctionType], kinds: Mapping[bool, int]) -> float:
    tried = held = 0
    for function in live.values():
        try:
            with _limited():
                examples = doctest.DocTestParser().get_doctest(
                    function.__doc__ or "", dict(function.__globals__), function.__name__, None, 0
                )
                checker = doctest.DocTestRunner(verbose=False, optionflags=EXAMPLES)
                failed, count = checker.run(examples, out=lambda _: None)
        except BaseException:  # (the examples may do anything; without them nothing is known)
            failed = count = 0
        tried, held = tried + count, held + count - failed
    examples_held = held / tried if tried else 1.0
    return examples_held * (kinds[True] / sum(kinds.values()) if any(kinds.values()) else 1.0)


def _live(functions: Mapping[str, Function]) -> dict[str, FunctionType]:
    """The function objects of this process by their keys."""
    keys = {function: key for key, function in functions.items()}
    found: dict[str, FunctionType] = {}
    for thing in gc.get_objects():
        if type(thing) is FunctionType:
            code = thing.__code__
            key = keys.get((code.co_filename, code.co_name, code.co_firstlineno))
            if key is not None:
                found.setdefault(key, thing)
    return found


def _restored(data: str, variant: int, seed: str) -> tuple[tuple[list[Any], dict[str, Any]] | None, bytes]:
    """The arguments, or None, and what tells equal ones."""
    try:
        with _limited():
            given = made(data, variant, seed)
            return given, pickled(given) or f"{seed}:{variant}".encode()
    except BaseException:  # (the repository's own way to restore its objects)
        return None, b""


def _outcome(
    function: FunctionType, positional: list[Any], keywords: dict[str, Any], kinds: dict[bool, int]
) -> str:
    """A digest of what a call does. In `kinds` it is counted whether the result is of the announced type."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        with _limited():
            try:
                result = function(*positional, **keywords)
                if asyncio.iscoroutine(result):
                    result = asyncio.run(result)
                annotation = function.__annotations__.get("return", "")
                announced = ANNOUNCED.get(annotation) if isinstance(annotation, (type, str)) else None
                if announced is not None:
                    kinds[isinstance(result, announced)] += 1
                said = ["returned", *described(result)]
            except _Cut:
                raise
            except BaseException as error:
                said = ["raised", type(error).__qualname__]
            for part in (*said, *described((positional, keywords))):
                digest.update(part.encode("utf-8", "replace") + b"\0")
    except _Cut:
        return CUT
    except BaseException as error:  # (what describes itself may raise anything)
        return f"undescribed {type(error).__qualname__}"[:40]
    return digest.hexdigest()


@contextmanager
def _limited() -> Iterator[None]:
    """Raise _Cut in the block when its time is over, and again where that is swallowed."""
    kinds = (
        (signal.SIGALRM, signal.ITIMER_REAL, CALL_SECONDS),
        (signal.SIGVTALRM, signal.ITIMER_VIRTUAL, CALL_CPU_SECONDS),
    )
    armed = True

    def ring(*_: object) -> None:
        if armed:
            raise _Cut

    for number, timer, seconds in kinds:
        signal.signal(number, ring)
        signal.setitimer(timer, seconds, seconds / 2)
    try:
        yield
    finally:
        armed = False
        for _, timer, _ in kinds:
            signal.setitimer(timer, 0)


def described(value: Any) -> Iterator[str]:
    """What a value is, in parts, without addresses and independent of the order of sets. An iterator is used
    up, as far as MOST_ITEMS. Bounded; what is beyond is left out."""
    return itertools.islice(_parts(value, 0), MOST_PARTS)


def _parts(value: Any, depth: int) -> Iterator[str]:
    kind = type(value)
    yield kind.__qualname__
    if depth > DEEPEST:
        return
    if value is None or kind in (bool, int, float, complex, str, bytes, bytearray):
        yield repr(value)[:MOST_TEXT]
    elif kind in (list, tuple):
        for each in value:
            yield from _parts(each, depth + 1)
    elif kind in (set, frozenset):
        yield from sorted(" ".join(_parts(each, depth + 1)) for each in itertools.islice(value, MOST_ITEMS))
    elif kind is dict:
        for key, each in value.items():
            yield from _parts(key, depth + 1)
            yield from _parts(each, depth + 1)
    elif kind is FunctionType:
        yield fingerprint(value.__code__)
    elif isinstance(value, type):
        yield f"{value.__module__}.{value.__qualname__}"
    elif hasattr(kind, "__next__"):
        for each in itertools.islice(value, MOST_ITEMS):
            yield from _parts(each, depth + 1)
    else:
        if getattr(kind, "__repr__", None) is not object.__repr__:
            yield ADDRESS.sub("", repr(value)[:MOST_TEXT])
        yield from _parts(getattr(value, "__dict__", None), depth + 1)
    yield "."
