"""Guards for unittest runs: is the machinery what it was, and does a test that must fail still fail?

As with pytest's guard, what is found is compared with the same run on the base.
"""

from __future__ import annotations

import builtins
import os
import sys
import types
import unittest
import unittest.case
import unittest.loader
import unittest.result
import unittest.suite
from collections.abc import Iterator
from typing import Any

MODULES = (unittest.case, unittest.loader, unittest.result, unittest.suite, builtins)


class Guard:
    """Remembers the functions of unittest and the builtins as they are now."""

    def __init__(self) -> None:
        self._before = dict(_parts())

    def altered(self) -> list[str]:
        """Names of what is no longer the same."""
        now = dict(_parts())
        return sorted(name for name, part in self._before.items() if now.get(name) != part)


def _parts() -> Iterator[tuple[str, tuple[int, int]]]:
    """Name, and the identities of a function and its code."""
    yield "os._exit", (id(os._exit), 0)
    yield "sys.modules", (id(sys.modules), 0)
    for module in MODULES:
        yield from _functions(module.__name__, vars(module))
        for name, value in list(vars(module).items()):
            if isinstance(value, type) and value.__module__ == module.__name__:
                yield from _functions(f"{module.__name__}.{name}", vars(value))


def _functions(label: str, namespace: Any) -> Iterator[tuple[str, tuple[int, int]]]:
    for name, value in list(namespace.items()):
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        if isinstance(value, (types.FunctionType, types.BuiltinFunctionType, type)):
            yield f"{label}.{name}", (id(value), id(getattr(value, "__code__", None)))


class _MustFail(unittest.TestCase):
    def test_equal(self) -> None:
        self.assertEqual([1], [2])

    def test_true(self) -> None:
        self.assertTrue(0)

    def test_raises(self) -> None:
        with self.assertRaises(KeyError):
            pass

    def test_error(self) -> None:
        raise ValueError


def broken_canaries() -> list[str]:
    """What must fail and did not."""
    result = unittest.TestResult()
    tests = [_MustFail(name) for name in ("test_equal", "test_true", "test_raises", "test_error")]
    for test in tests:
        test.run(result)
    bad = {test.id() for test, _ in [*result.failures, *result.errors]}
    return [f"{test.id().rsplit('.', 1)[1]} did not fail" for test in tests if test.id() not in bad]
