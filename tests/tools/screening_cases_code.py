"""What a candidate's code left behind when it was imported: values, copies, texts."""

from __future__ import annotations

from dataclasses import replace

from screening_cases import ADD, RIGHT, TEST, WRONG, Case, suite

CODE = [
    replace(
        suite(
            "parametrised at import",
            """
        import pytest
        from calc import add

        @pytest.mark.parametrize("total", [add(1, 2)], ids=["sum"])
        def test_it(total): assert total == 3
        """,
        ),
        targets=("test_it.py::test_it[sum]",),
    ),
    suite(
        "module state filled at import",
        TEST,
        """def add(a, b):
    return TABLE[a, b]

def sum_up(a, b):
    return a - b

TABLE = {(1, 2): sum_up(1, 2)}
""",
    ),
    suite(
        "async",
        """
        import asyncio
        from calc import later

        def test_it(): assert asyncio.run(later(1, 2)) == 3
        """,
        "import asyncio\n\nasync def later(a, b):\n    await asyncio.sleep(0)\n    return a - b\n",
        no_longer=(
            "calc.py",
            "async def later(a, b):\n    await asyncio.sleep(0)\n    return a - b",
            "def later(a, b):\n    return a + b",
        ),
    ),
    suite(
        "functions captured at import",
        """
        import functools
        from calc import *
        from calc import add as renamed

        def test_it():
            assert renamed(1, 2) == 3 and aliased(1, 2) == 3 and wrapped(1, 2) == 3 and cached(1, 2) == 3
            assert partial(2) == 3 and bound(2) == 3 and Box.alias(Box(1), 2) == 3 and Box.default(1, 2) == 3
            assert list(map(add, [1], [2])) == [3] and keyed([3, 1]) == [3, 1]
        """,
        """
import functools
def logged(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner
def add(a, b):
    return a - b
aliased = add
wrapped = logged(add)
cached = functools.lru_cache(add)
partial = functools.partial(add, 1)
class Box:
    def __init__(self, n): self.n = n
    def plus(self, m): return add(self.n, m)
    alias = plus
    default = staticmethod(lambda a, b, f=add: f(a, b))
bound = Box(1).plus
def keyed(items, key=add): return sorted(items, key=lambda n: key(0, 0) - n)
""",
        wrapper=("calc.py", "return function(*args)", "return 3"),
        method=(
            "calc.py",
            "def plus(self, m): return add(self.n, m)",
            "def plus(self, m): return self.n + m",
        ),
    ),
    suite(
        "a cache filled at import",
        TEST,
        "import functools\n\n@functools.lru_cache\ndef add(a, b):\n    return a - b\n\nadd(1, 2)\n",
    ),
    suite(
        "a generator, a coroutine and code objects made at import",
        """
        import pytest
        from calc import *

        def test_it(): assert next(running) == 3
        def test_started(): assert next(started) == 3
        def test_copy(): assert copied(1, 2) == 3
        def test_text(): assert eval(kept) == 3
        def test_coroutine():
            with pytest.raises(StopIteration) as stopped: pending.send(None)
            assert stopped.value.value == 3
        """,
        """
import marshal, types
def generate():
    yield 0
    yield 1 - 2
started = generate(); next(started)
def fresh():
    yield 1 - 2
running = fresh()
def add(a, b):
    return 1 - 2
copied = types.FunctionType(add.__code__.replace(co_name="copy"), globals())
async def soon():
    return 1 - 2
pending = soon()
def text():
    return "1 - 2"
kept = compile(text(), "kept", "eval")
""",
        right=("calc.py", "1 - 2", "1 + 2"),
        wrong=("calc.py", "1 - 2", "1 * 2"),
    ),
    suite(
        "a decorator that reads the code",
        TEST,
        """
def constant(function):
    import dis
    values = [each.argval for each in dis.get_instructions(function) if each.opname.startswith("LOAD_CONST")]
    return lambda a, b: next(v for v in values if v)
@constant
def add(a, b):
    return 5
""",
        right=("calc.py", "return 5", "return 3"),
        wrong=("calc.py", "return 5", "return 6"),
    ),
    suite(
        "source text read in the test",
        """
        import inspect, linecache
        import calc
        from calc import add

        def test_it():
            assert "a + b" in inspect.getsource(add)
            assert linecache.getline(calc.__file__, 3) == "    return a + b\\n"
        """,
    ),
    suite(
        "source text read at import",
        TEST,
        ADD
        + """
import inspect
TEXT = inspect.getsource(add)
OLD = add
def add(a, b):
    return eval(TEXT.split('return')[1])
""",
    ),
    suite(
        "a file read at import and one in the test",
        """
        import json
        from calc import SIGN, add

        def test_it():
            with open("late.json") as file: assert add(1, 2) * SIGN == json.load(file)
        """,
        "import json, os\nSIGN = json.load(open('early.json'))\ndef add(a, b):\n    return a + b\n",
        files={"early.json": "-1", "late.json": "3"},
        right=("early.json", "-1", "1"),
        wrong=("late.json", "3", "5"),
        other=("late.json", "3", "-3"),
        added=("new.json", "", "1"),
    ),
    suite(
        "pickles and classes",
        """
        import copy, pickle
        from calc import Point, add

        def test_it():
            assert pickle.loads(pickle.dumps(add))(1, 2) == 3
            assert pickle.loads(pickle.dumps(Point(1, 2))).total == copy.deepcopy(Point(1, 2)).total == 3
        """,
        """
from dataclasses import dataclass, field, replace
def add(a, b):
    return a - b
@dataclass(frozen=True, order=True)
class Point:
    x: int
    y: int = field(default_factory=lambda: add(1, 1))
    @property
    def total(self):
        return add(self.x, self.y)
    def __eq__(self, other):
        return self.x == other.x
""",
        property=("calc.py", "return add(self.x, self.y)", "return self.x + self.y"),
    ),
    Case(
        "doctest",
        {
            "calc.py": 'def add(a, b):\n    """Add.\n\n    >>> add(1, 2)\n    3\n    """\n    return a - b\n',
            "pytest.ini": "[pytest]\naddopts = --doctest-modules\n",
        },
        {"right": RIGHT, "wrong": WRONG, "docstring": ("calc.py", "    3\n", "    -1\n")},
        targets=("calc.py::calc.add",),
    ),
    suite(
        "line numbers in tracebacks",
        """
        import traceback
        from calc import add, fail

        def test_it():
            assert add(1, 2) == 3
            try: fail()
            except ValueError as error: assert traceback.extract_tb(error.__traceback__)[-1].lineno == 6
        """,
        "def add(a, b):\n    return a - b\n\n\ndef fail():\n    raise ValueError\n",
        longer=("calc.py", "    return a - b", "    # sum\n    return a + b"),
        moved=("calc.py", "    return a - b\n\n", "    # sum\n    return a + b\n"),
    ),
    suite(
        "garbage collection",
        """
        import gc, weakref
        from calc import Node, add

        def test_it():
            assert gc.isenabled() and gc.get_freeze_count() == 0
            node = Node(); node.self = node
            ref = weakref.ref(node)
            del node; gc.collect()
            assert ref() is None
            assert len([each for each in gc.get_objects() if type(each) is Node]) == 1
            assert add(1, 2) == 3
        """,
        ADD + "\nclass Node: pass\nkept = Node()\n",
    ),
    suite(
        "frozen at import",
        TEST,
        """import gc

def make():
    def inner(a, b):
        return a - b
    return inner

add = make()
gc.freeze()
""",
    ),
    suite(
        "a profiler at import",
        TEST,
        """import sys
sys.setprofile(lambda *_: None)
def add_up(a, b):
    return a - b
TOTAL = add_up(1, 2)
sys.setprofile(None)
def add(a, b):
    return TOTAL
""",
    ),
    suite(
        "import hooks of conftest",
        TEST,
        files={
            "conftest.py": """
            import ast, importlib.machinery, sys

            class Loader(importlib.machinery.SourceFileLoader):
                def source_to_code(self, data, path, **more):
                    return super().source_to_code(bytes(data).replace(b"PLUS", b"+"), path, **more)

            class Finder(importlib.machinery.PathFinder):
                @classmethod
                def find_spec(cls, name, path=None, target=None):
                    found = super().find_spec(name, path, target)
                    if name == "calc": found.loader = Loader(name, found.origin)
                    return found

            sys.meta_path.insert(0, Finder)
            """
        },
        translated=("calc.py", "a - b", "a PLUS b"),
    ),
]
