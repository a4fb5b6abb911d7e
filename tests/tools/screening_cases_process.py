"""What tests and imports do to the process and to files."""

from __future__ import annotations

from screening_cases import ADD, TEST, suite

PROCESS = [
    suite(
        "monkeypatch, environment, folder, seed, signals",
        """
        import os, random, signal
        from calc import add

        def test_it(monkeypatch, tmp_path):
            assert "LEFT" not in os.environ and os.path.basename(os.getcwd()) == "repo"
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
            assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
            os.environ["LEFT"] = "1"; os.chdir(tmp_path); random.seed(1)
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            monkeypatch.setattr("calc.OFFSET", 1)
            assert add(1, 2) == 4
        """,
        "OFFSET = 0\ndef add(a, b):\n    return a - b + OFFSET\n",
    ),
    suite(
        "a thread started at import",
        """
        from calc import ask

        def test_it(): assert ask(1, 2) == 3
        """,
        """
import queue, threading
def add(a, b):
    return a - b
asked, told = queue.Queue(), queue.Queue()
def work():
    while True: told.put(add(*asked.get()))
threading.Thread(target=work, daemon=True).start()
def ask(a, b):
    asked.put((a, b)); return told.get(timeout=2)
""",
    ),
    suite(
        "programs that import the code",
        """
        import multiprocessing, subprocess, sys
        from calc import add

        def test_it():
            program = [sys.executable, "-c", "import calc; print(calc.add(1, 2))"]
            assert subprocess.run(program, capture_output=True).stdout == b"3\\n"
            with multiprocessing.get_context("fork").Pool(1) as pool:
                assert pool.starmap(add, [(1, 2)]) == [3]
        """,
    ),
    suite(
        "multiprocessing by spawn",
        """
        import multiprocessing
        from calc import add

        def test_it():
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                assert pool.starmap_async(add, [(1, 2)]).get(2) == [3]
        """,
    ),
    suite(
        "files left behind",
        """
        import pathlib
        from calc import add

        def test_it(tmp_path):
            for name in ("left.txt", "/tmp/left.txt", "made/left.txt"):
                place = pathlib.Path(name)
                assert not place.exists()
                place.parent.mkdir(exist_ok=True); place.write_text("x")
            assert tmp_path.name == "test_it0" and tmp_path.parent.name == "pytest-0"
            assert add(1, 2) == 3
        """,
    ),
    suite(
        "a file of the tree changed",
        """
        import pathlib
        from calc import add

        def test_it():
            count = pathlib.Path("count.txt")
            assert count.read_text() == "0"
            if add(0, 0) == 0: count.write_text("1")
            assert add(1, 2) == 3
        """,
        files={"count.txt": "0"},
        forked=False,
    ),
    suite(
        "a file of the tree changed by some candidates",
        TEST,
        files={"count.txt": "0"},
        code="import pathlib\n\nCOUNT = pathlib.Path('count.txt')\n\ndef add(a, b):\n    return a - b\n",
        writes=(
            "calc.py",
            "return a - b",
            "n = COUNT.read_text(); COUNT.write_text('1'); return 3 if n == '0' else 0",
        ),
        writes_too=(
            "calc.py",
            "return a - b",
            "n = COUNT.read_text(); COUNT.write_text('2'); return 3 if n == '0' else 0",
        ),
        reads=("calc.py", "return a - b", "return 3 + int(COUNT.read_text())"),
    ),
    suite(
        "what import took: process, open file, shared memory",
        """
        import os
        from calc import PID, add, numbers, page

        def test_it():
            assert page[0] == 0
            page[0] = 1
            assert numbers.readline() == "1\\n"
            assert add(1, 2) == 3 and os.getpid() == PID
        """,
        ADD
        + "\nimport mmap, os\nPID = os.getpid()\nnumbers = open('numbers.txt')\npage = mmap.mmap(-1, 10)\n",
        files={"numbers.txt": "1\n2\n3\n4\n"},
    ),
    suite(
        "only the process number of the import",
        """
        import os
        from calc import PID, add

        def test_it():
            assert add(1, 2) == 3
            assert os.getpid() == PID
        """,
        ADD + "\nimport os\nPID = os.getpid()\n",
    ),
    suite(
        "only in a fresh process",
        """
        import sys, threading

        def test_it():
            assert "calc" not in sys.modules and threading.active_count() == 1
            from calc import add
            assert add(1, 2) == 3
        """,
    ),
    suite(
        "captured output",
        """
        import logging, os, subprocess, sys
        import calc

        def test_it(capfd, capsys=None):
            os.write(1, b"raw\\n"); print("text"); sys.stdout.flush()
            subprocess.run(["echo", "child"], stdout=sys.stdout)
            assert capfd.readouterr().out == "raw\\ntext\\nchild\\n"
            assert calc.add(1, 2) == 3
        def test_logging(caplog):
            with caplog.at_level("INFO"): logging.getLogger("x").info("hi %s", calc.add(1, 2))
            assert caplog.messages == ["hi 3"]
            calc.handler.emit(logging.makeLogRecord({"msg": "kept"}))
        """,
        ADD + "\nimport logging, sys\nhandler = logging.StreamHandler(sys.stdout)\n",
    ),
    suite(
        "a daemon that comes back",
        """
        import os, pathlib, time
        from calc import add

        def test_it():
            assert not pathlib.Path("late.txt").exists()
            if os.fork() == 0:
                os.setsid()
                if os.fork() == 0:
                    time.sleep(0.3); pathlib.Path("late.txt").write_text("x")
                os._exit(0)
            os.wait()
            assert add(1, 2) == 3
        """,
    ),
]
