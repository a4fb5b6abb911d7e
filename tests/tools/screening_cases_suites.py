"""How suites are written: fixtures, plugins, settings, outcomes; and every kind of candidate."""

from __future__ import annotations

from screening_cases import ADD, RIGHT, TEST, WRONG, Case, suite

TESTS = [
    suite(
        "every kind of candidate",
        TEST,
        ADD + "\n\ndef other():\n    return 1\n",
        files={"readme.txt": "hello\n"},
        unrelated=("readme.txt", "hello", "bye"),
        syntax=("calc.py", "a - b", "a +"),
        import_time=("calc.py", "def add", "LIMIT = 5\n\n\ndef add"),
        import_fails=("calc.py", "def add", "import nowhere\n\n\ndef add"),
        import_exits=("calc.py", "def add", "import os\nos._exit(0)\n\n\ndef add"),
        deleted=("calc.py", "def add(a, b):\n    return a - b", ""),
        file_deleted=("calc.py", "", None),
        loop=("calc.py", "return a - b", "while True: pass"),
        stubborn=(
            "calc.py",
            "return a - b",
            "while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        ),
        hog=("calc.py", "return a - b", "return [bytearray(1 << 24) for _ in range(1000)]"),
        exits=("calc.py", "return a - b", "import sys; sys.exit(0)"),
        dies=("calc.py", "return a - b", "import os; os._exit(0)"),
        killed=("calc.py", "return a - b", "import os; os.kill(os.getpid(), 9)"),
        signature=("calc.py", "def add(a, b):\n    return a - b", "def add(a, b, c=0):\n    return a + b"),
        longer=("calc.py", "    return a - b", "    if a is None:\n        return b\n    return a + b"),
        conftest=(
            "conftest.py",
            "",
            """import pytest

@pytest.fixture(autouse=True)
def fix(monkeypatch):
    import calc
    monkeypatch.setattr('test_it.add', lambda a, b: a + b)
""",
        ),
        test_edited=("test_it.py", "== 3", "== -1"),
        setting=("pytest.ini", "", "[pytest]\naddopts = --unknown-option\n"),
        seconds=1.0,
    ),
    suite(
        "tests that all hang",
        """
        from calc import add

        def test_one(): assert add(1, 2) == 3
        def test_two(): assert add(3, 2) == 5
        def test_three(): assert add(3, 3) == 6
        def test_four(): assert add(4, 3) == 7
        """,
        "def add(a, b):\n    while b:\n        a = a - b\n    return a\n",
        right=("calc.py", "    while b:\n        a = a - b", "    while b:\n        a, b = a + 1, b - 1"),
        wrong=("calc.py", "a = a - b", "a = a + b"),
        late=("calc.py", "a = a - b", "a, b = a + 1, b - 1 if a < 6 else b"),
        falls=("calc.py", "a = a - b", "b = 0"),
        seconds=1.0,
    ),
    suite(
        "fixtures of every scope",
        """
        import pytest
        from calc import add, log

        @pytest.fixture(scope="session", autouse=True)
        def session(): log.append("S"); yield add(1, 2); log.append("s")
        @pytest.fixture(scope="package")
        def package(session): log.append("P"); yield; log.append("p")
        @pytest.fixture(scope="module")
        def module(package): log.append("M"); yield; log.append("m")
        @pytest.fixture(scope="class")
        def klass(module): log.append("C"); yield; log.append("c")
        @pytest.fixture
        def function(klass): log.append("F"); yield; assert add(2, 2) == 4, "teardown"

        class Test:
            def test_it(self, function): assert add(1, 2) in (3, 99)
            def test_next(self, function): assert log == ["S", "P", "M", "C", "F", "F"]
        """,
        ADD + "\nlog = []\n",
        teardown=("calc.py", "a - b", "99 if a == 1 else 0"),
    ),
    Case(
        "unittest",
        {
            "calc.py": ADD,
            "test_it.py": """
            import unittest
            from calc import add

            class Base(unittest.TestCase):
                @classmethod
                def setUpClass(cls): cls.total = add(1, 2)
                def setUp(self): self.addCleanup(lambda: self.assertNotEqual(add(0, 1), 7))

            class Test(Base):
                def test_it(self):
                    for n in range(3):
                        with self.subTest(n=n): self.assertEqual(add(n, n), 2 * n)
                def test_class(self): self.assertEqual(self.total, 3)
            """,
        },
        {
            "right": RIGHT,
            "wrong": WRONG,
            "cleanup": ("calc.py", "a - b", "7 if a == 0 and b == 1 else a + b"),
        },
        targets=("test_it.py::Test::test_it", "test_it.py::Test::test_class"),
    ),
    suite(
        "a hook that reads the text of failures",
        TEST,
        "def add(a, b):\n    raise KeyError('known')\n",
        files={
            "conftest.py": """
            import pytest

            @pytest.hookimpl(hookwrapper=True)
            def pytest_runtest_makereport(item, call):
                outcome = yield
                report = outcome.get_result()
                if report.failed and "known issue" in report.longreprtext: report.outcome = "passed"
            """
        },
        right=("calc.py", "raise KeyError('known')", "return a + b"),
        wrong=("calc.py", "KeyError('known')", "KeyError('new')"),
        excused=("calc.py", "KeyError('known')", "ValueError('known issue')"),
    ),
    suite(
        "a loop of its own",
        TEST,
        files={
            "conftest.py": """
            def pytest_runtestloop(session):
                import calc
                calc.PREPARED = True
                for item in session.items: item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                return True
            """
        },
        code="PREPARED = False\ndef add(a, b):\n    return a - b if PREPARED else 0\n",
    ),
    suite(
        "the session fails at its end",
        TEST,
        files={
            "conftest.py": """
            def pytest_sessionfinish(session):
                import calc
                if calc.add(5, 5) != 10: session.exitstatus = 1
            """
        },
        half=("calc.py", "a - b", "3 if a == 1 else 0"),
    ),
    suite(
        "warnings are errors",
        """
        from calc import add

        def test_it(): assert add(1, 2) == 3
        """,
        files={"pytest.ini": "[pytest]\nfilterwarnings = error\n"},
        code="import warnings\n\ndef add(a, b):\n    return a - b\n",
        warns=("calc.py", "return a - b", "warnings.warn('x'); return a + b"),
        literal=("calc.py", "return a - b", "return a + b if a is not 'x' else 0"),
        unraisable=("calc.py", "return a - b", "open('calc.py').readline(); return a + b"),
    ),
    Case(
        "order of tests",
        {
            "calc.py": "state = []\n" + ADD,
            "test_it.py": """
            from calc import add, state

            def test_first(): state.append(add(1, 2))
            def test_second(): assert state == [3]
            def test_alone(): assert add(1, 2) == 3 and state == []
            """,
        },
        targets=("test_it.py::test_second", "test_it.py::test_first"),
    ),
    suite(
        "expected failures",
        """
        import pytest
        from calc import add

        @pytest.mark.xfail
        def test_it(): assert add(1, 2) == 3
        @pytest.mark.skipif("add(0, 0) == 1")
        def test_skipped(): assert add(1, 2) == 3
        """,
    ),
    Case(
        "a package below src, a plugin of its own, options that would stop a run",
        {
            "src/pack/__init__.py": "from pack.calc import add\n",
            "src/pack/calc.py": ADD,
            "tests/helpers.py": """import pytest

@pytest.fixture
def total():
    import pack
    return pack.add(1, 2)
""",
            "tests/conftest.py": "pytest_plugins = []\nimport sys, pack\nREGISTER = {'add': pack.add}\n",
            "tests/test_it.py": """def test_it(total):
    from conftest import REGISTER
    assert total == REGISTER['add'](1, 2) == 3
""",
            "pyproject.toml": """[tool.pytest.ini_options]
pythonpath = ['src', 'tests']
addopts = '-x -p helpers --lf -q'
testpaths = ['tests']
""",
        },
        {
            "right": ("src/pack/calc.py", "a - b", "a + b"),
            "wrong": ("src/pack/calc.py", "a - b", "a * b"),
            "reexport": (
                "src/pack/__init__.py",
                "from pack.calc import add",
                "def add(a, b):\n    return a + b\n",
            ),
        },
        targets=("tests/test_it.py::test_it",),
    ),
    Case(
        "affected tests",
        {
            "calc.py": ADD,
            "test_it.py": TEST,
            "test_more.py": "from calc import add\n\ndef test_zero():\n    assert add(0, 0) == 0\n",
        },
        {"right": RIGHT, "wrong": WRONG, "breaks": ("calc.py", "a - b", "3")},
        affected=("test_more.py::test_zero",),
    ),
    suite(
        "conftest that needs the code",
        """
        import conftest

        def test_it(total): assert total == 3 and conftest.EARLY == -1
        """,
        files={
            "conftest.py": """import pytest
from calc import add

EARLY = -1

@pytest.fixture
def total():
    return add(1, 2)
"""
        },
    ),
    suite(
        "conftest that ran the code",
        """
        import conftest

        def test_it(): assert conftest.TOTAL == 3
        """,
        files={"conftest.py": "from calc import add\n\nTOTAL = add(1, 2)\n"},
    ),
]
