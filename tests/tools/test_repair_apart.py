"""Whether tests keep to themselves: what is noticed, in a process of its own for each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LISTENING = """\
import io, json, os, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import fcntl, multiprocessing, multiprocessing.popen_spawn_posix, socket, sqlite3, subprocess, threading
from tools.inside.repair.apart import Apart
os.chdir({folder!r})
sys.path.insert(0, {folder!r})
apart = Apart(["shop/box.py"])
apart.begin()
{code}
print(json.dumps(apart.broken))
"""


def broken(folder: Path, code: str) -> str:
    (folder / "box.py").write_text("SIZE = 3\n")
    (folder / "other.py").write_text("SIZE = 4\n")
    program = LISTENING.format(root=str(ROOT), folder=str(folder), code=code)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(told, str)
    return told


@pytest.mark.parametrize(
    "code",
    [
        "open('left', 'w').close()",
        "io.FileIO(Path('left'), 'w').close()",
        "os.close(os.open('left', os.O_CREAT))",
        "os.mkdir('left')",
        "os.remove('other.py')",
        "os.rename('other.py', 'another.py')",
        "os.symlink('other.py', 'left')",
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.fork() or os._exit(0)",
        "multiprocessing.get_context('spawn').Process(target=int).start()",
        "socket.socket().bind(('127.0.0.1', 0))",
        "sqlite3.connect(':memory:')",
        "fcntl.flock(open('other.py'), fcntl.LOCK_EX)",
        "Path('box.py').read_text()",
        "import box",
        "sys.dont_write_bytecode = True; import other, box",
        "threading.Thread(target=os.mkdir, args=['left']).start()",
    ],
)
def test_what_others_could_notice_or_what_depends_on_the_edited_file_is_told(
    tmp_path: Path, code: str
) -> None:
    assert broken(tmp_path, code)


@pytest.mark.parametrize(
    "code",
    [
        "sum(range(100))",
        "Path('other.py').read_text()",
        "sys.dont_write_bytecode = True; import other",
        "open(os.devnull, 'w').write('x')",
        "os.listdir('.')",
        "threading.Thread(target=id, args=(0,)).start()",
    ],
)
def test_what_stays_in_the_process_is_no_matter(tmp_path: Path, code: str) -> None:
    assert broken(tmp_path, code) == ""
