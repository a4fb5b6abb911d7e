"""Guards against test machinery that no longer tells the truth: an integrity snapshot and canaries.

Both are compared with the same run on the base: what a repository's own plugins change legitimately is
changed there too. They raise the price of a forgery; code in the same process can get around them, which
is why a static scan and protected files stand beside them.
"""

from __future__ import annotations

import builtins
import os
import random
import secrets
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from _pytest.unittest import TestCaseFunction, UnitTestCase

MACHINERY = ("_pytest", "pytest", "pluggy", "iniconfig", "unittest", "doctest")
SYSTEM = (
    "exit",
    "modules",
    "meta_path",
    "path_hooks",
    "_getframe",
    "settrace",
    "setprofile",
    "exc_info",
    "excepthook",
)
_get_trace, _get_profile = sys.gettrace, sys.getprofile


class Integrity:
    """Remembers the functions, classes and code objects of the test machinery; says which have changed."""

    def __init__(self, canaries: Canaries | None) -> None:
        self._canaries = canaries
        self._attributes: dict[str, tuple[Any, str, Any]] = {}
        self._code: dict[str, tuple[types.FunctionType, types.CodeType]] = {}
        self._modules: dict[str, types.ModuleType] = {}
        self._altered: dict[str, None] = {}
        self._manager: Any = None
        self._test_files: set[str] = set()
        self._hooks = (_get_trace(), _get_profile())

    def remember(self) -> None:
        """Add what is loaded now and was not before."""
        for name, value in vars(builtins).items():
            if name != "_":
                self._attributes.setdefault(f"builtins.{name}", (vars(builtins), name, value))
        for name in SYSTEM:
            self._attributes.setdefault(f"sys.{name}", (vars(sys), name, getattr(sys, name)))
        self._attributes.setdefault("os._exit", (vars(os), "_exit", os._exit))
        for name, module in list(sys.modules.items()):
            if name.split(".")[0] in MACHINERY and name not in self._modules:
                self._modules[name] = module
                self._remember_namespace(name, vars(module), name)

    def _remember_namespace(self, label: str, namespace: Any, module: str) -> None:
        for name, value in list(namespace.items()):
            full = f"{label}.{name}"
            function = _function(value)
            if function is not None:
                self._code[full] = (function, function.__code__)
            if function is not None or isinstance(value, type):
                self._attributes[full] = (namespace, name, value)
            if isinstance(value, type) and value.__module__ == module and label == module:
                self._remember_namespace(full, vars(value), module)

    def remember_session(self, manager: Any, test_files: set[str]) -> None:
        """The plugin manager, whose plugins are watched, and the test files, whose classes are trusted."""
        self._manager = manager
        self._test_files = test_files

    def check(self) -> None:
        """Note what has changed since the snapshot."""
        for label, (namespace, name, value) in self._attributes.items():
            if namespace.get(name) is not value:
                self._altered[label] = None
        for label, (function, code) in self._code.items():
            if function.__code__ is not code:
                self._altered[label] = None
        for label, module in self._modules.items():
            if sys.modules.get(label) is not module:
                self._altered[f"module {label}"] = None
        if (_get_trace(), _get_profile()) != self._hooks:
            self._altered["the trace function"] = None

    def note(self, what: str) -> None:
        """Add an observation of another kind."""
        self._altered[what] = None

    def search_classes(self) -> None:
        """Note the classes of the repository that are equal to anything (runs their __eq__)."""
        for name in _equal_to_anything(self._test_files):
            self.note(f"{name} is equal to anything")

    def altered(self) -> list[str]:
        """Everything that was noted."""
        self.check()
        return sorted(self._altered)

    def plugins(self) -> list[str]:
        """Names of the pytest plugins in use, ours left out."""
        named = self._manager.list_name_plugin() if self._manager else ()
        ours = {"pytest_plugin", "pytest_guard"}
        return sorted({_plugin_name(name, p) for name, p in named if p and type(p).__module__ not in ours})

    def plugin_files(self) -> list[str]:
        """Files of the repository that are loaded as pytest plugins, conftest.py among them."""
        found = {_inside(getattr(plugin, "__file__", None)) for plugin in self._manager.get_plugins()}
        return sorted(found - {""})

    def is_ours(self, item: pytest.Item) -> bool:
        return self._canaries is not None and self._canaries.owns(item)

    def saw(self, item: pytest.Item, when: str, outcome: str) -> None:
        """Pass a canary's outcome on."""
        if self._canaries is not None and self._canaries.owns(item):
            self._canaries.saw(item, when, outcome)


def _function(value: Any) -> types.FunctionType | None:
    if isinstance(value, (staticmethod, classmethod)):
        value = value.__func__
    if isinstance(value, property):
        value = value.fget
    return value if isinstance(value, types.FunctionType) else None


def _plugin_name(name: str, plugin: Any) -> str:
    """A name that is the same in every process (pytest names unnamed plugins by their address)."""
    path = _inside(getattr(plugin, "__file__", None))
    if path:
        return path
    return f"of type {type(plugin).__module__}.{type(plugin).__qualname__}" if name.isdigit() else name


def _inside(path: str | None) -> str:
    relative = os.path.relpath(path) if path else ".."
    return "" if relative.startswith("..") else relative


class _Unknown:
    """Nothing in a repository knows this class, so nothing honest is equal to an instance of it."""


def _equal_to_anything(test_files: set[str]) -> Iterator[str]:
    """Classes whose own __eq__, written in the repository outside its tests, says yes to a stranger."""
    seen: set[type] = set()
    waiting: list[type] = [object]
    while waiting:
        found = waiting.pop()
        children: list[type] = type.__subclasses__(found)
        for child in children:
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    for found in seen:
        function = _function(vars(found).get("__eq__"))
        path = function.__code__.co_filename if function is not None else ""
        written_here = path.startswith("/") and _inside(path)
        if function is None or not written_here or path in test_files or path.endswith("conftest.py"):
            continue
        try:
            answer = function(_bare(found), _Unknown())
            says_yes = answer is not NotImplemented and bool(answer)
        except (Exception, SystemExit):  # code under test on a bare instance: any error is an honest no
            says_yes = False
        if says_yes:
            yield f"{found.__module__}.{found.__qualname__}"


def _bare(found: type) -> Any:
    """An instance made without the class's own constructor."""
    builtin: Any = next(base for base in found.__mro__ if base.__module__ == "builtins")
    return builtin.__new__(found)


SOURCE = """
    import unittest
    import pytest

    class Box:
        def __init__(self, value):
            self.value = value
        def __eq__(self, other):
            return isinstance(other, Box) and self.value == other.value
        __hash__ = None

    def {names[0]}():
        assert {a} == {b}
    def {names[1]}():
        assert Box({a}) == Box({b})
    def {names[2]}():
        assert object() == object()
    def {names[3]}():
        with pytest.raises(ValueError):
            len([{a}])
    def {names[4]}():
        assert isinstance({a}, str)
    def {names[5]}():
        raise ValueError({a})
    def {names[6]}():
        assert Box({a}) == Box({a})
        with pytest.raises(ValueError):
            raise ValueError({a})
    class {names[7]}(unittest.TestCase):
        def {names[8]}(self):
            self.assertEqual(Box({a}), Box({b}))
        def {names[9]}(self):
            self.assertEqual(Box({a}), Box({a}))
"""


class Canaries:
    """Tests of ours, run last, with known outcomes: if one comes out otherwise, no outcome can be believed.

    A canary that fails in setup proves nothing either way (a fixture of the repository may not suit it).
    """

    def __init__(self, scratch: str) -> None:
        self._names = [f"test_{secrets.token_hex(6)}" for _ in range(10)]
        self._names[7] = f"Test{secrets.token_hex(6)}"
        self._path = Path(scratch) / f"test_{secrets.token_hex(6)}.py"
        first = random.SystemRandom().randrange(10**6)
        self._path.write_text(
            textwrap.dedent(SOURCE).format(names=self._names, a=first, b=first + 1), encoding="ascii"
        )
        self._must_pass = {self._names[6], self._names[9]}
        self._items: list[pytest.Item] = []
        self._broken: list[str] = []
        self._ran: set[str] = set()

    def owns(self, item: pytest.Item) -> bool:
        return any(item is ours for ours in self._items)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        self._items = self._collect(session) if session.items else []
        session.items.extend(self._items)
        yield

    def _collect(self, session: pytest.Session) -> list[pytest.Item]:
        before = list(sys.path)
        pytest.register_assert_rewrite(self._path.stem)
        module: Any = pytest.Module.from_parent(session, path=self._path)
        functions = [pytest.Function.from_parent(module, name=name) for name in self._names[:7]]
        case: Any = UnitTestCase.from_parent(
            module, name=self._names[7], obj=getattr(module.obj, self._names[7])
        )
        methods = [TestCaseFunction.from_parent(case, name=name) for name in self._names[8:]]
        sys.path[:] = before
        return [*functions, *methods]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if not self.owns(item):
            return None
        # Without log: the person's output and pytest's counts and exit status stay free of canaries.
        runtestprotocol(item, log=False, nextitem=nextitem)
        return True

    def saw(self, item: pytest.Item, when: str, outcome: str) -> None:
        """Judge one phase of a canary."""
        self._ran.add(item.name)
        expected = "passed" if item.name in self._must_pass else "failed"
        if when == "call" and outcome != expected:
            self._broken.append(f"a control test that must have {expected} was reported as {outcome}")

    def broken(self) -> list[str]:
        """What the canaries prove to be wrong; empty when all is well."""
        silent = {item.name for item in self._items} - self._ran
        return [*self._broken, *(["a control test was not run"] if silent else [])]
