"""The demo: `agent fix` on a small package whose newest test fails.

    python -m benchmarks.demo [--keep DIR] [options of agent fix ...]

The package's correct sources are the plain files in `benchmarks/demo_repository`. The repository made
from them has one defect (`DEFECT`), and a test that shows it and is not committed yet.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

AGENT = Path(sys.executable).with_name("agent")
SOURCES = Path(__file__).parent / "demo_repository"
UNCOMMITTED = "tests/test_back_to_back.py"


@dataclass(frozen=True)
class Replacement:
    """One edit: in the file `path`, `before` (which occurs once) becomes `after`."""

    path: str
    before: str
    after: str

    def apply(self, root: Path) -> None:
        """Make the edit below `root`. Raises ValueError unless `before` occurs exactly once."""
        file = root / self.path
        text = file.read_text(encoding="utf-8")
        if text.count(self.before) != 1:
            raise ValueError(f"{self.path} has {text.count(self.before)} times: {self.before}")
        file.write_text(text.replace(self.before, self.after), encoding="utf-8")


DEFECT = Replacement(
    "src/roombook/slots.py",
    before="return self.start < other.end and other.start < self.end",
    after="return self.start < other.end and other.start <= self.end",
)


def make_repository(path: Path) -> Path:
    """Write the demo repository with its defect into the empty or new folder `path`; returns `path`.

    One commit with a fixed identity and date, whatever the user's git configuration says; the failing
    test lies in the work tree, uncommitted. Raises ValueError if the folder holds anything.
    """
    if path.exists() and any(path.iterdir()):
        raise ValueError(f"{path} is not empty")
    skip = shutil.ignore_patterns("__pycache__", Path(UNCOMMITTED).name)
    shutil.copytree(SOURCES, path, ignore=skip, dirs_exist_ok=True)
    DEFECT.apply(path)
    _git(path, "init", "--quiet", "--initial-branch=main")
    _git(path, "add", "--all")
    _git(path, "commit", "--quiet", "--message=Book rooms, with repeats, prices and a report")
    shutil.copy(SOURCES / UNCOMMITTED, path / UNCOMMITTED)
    return path


def _git(repository: Path, *arguments: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for role in ("AUTHOR", "COMMITTER"):
        environment[f"GIT_{role}_NAME"] = "Front Desk"
        environment[f"GIT_{role}_EMAIL"] = "desk@roombook.example"
        environment[f"GIT_{role}_DATE"] = "2025-03-03T09:00:00+0000"
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *arguments], cwd=repository, env=environment, check=True)


def fix(repository: Path, options: list[str]) -> int:
    """Run the installed `agent fix` on the repository, attached to this terminal; returns its exit code."""
    command = [
        str(AGENT),
        "fix",
        str(repository),
        "--no-memory",
        *options,
    ]  # it tells nothing of the user's bugs
    # Ctrl-C reaches the child too, which removes its sandbox and decides the exit code: wait for it.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    process = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda _number, _frame: process.terminate())
    code = process.wait()
    return code if code >= 0 else 128 - code


def introduce(repository: Path) -> str:
    """What the repository is, in two lines."""
    modules = sorted((repository / "src").rglob("*.py"))
    lines = sum(len(module.read_text(encoding="utf-8").splitlines()) for module in modules)
    return (
        f"A fresh repository in {repository}: roombook books meeting rooms, {lines} lines in"
        f" {len(modules)} modules.\nIts committed tests pass; the front desk's new {UNCOMMITTED} is not"
        " committed yet, and fails."
    )


def main() -> int:
    """Make the repository, say what it is, run `agent fix` on it; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.demo", allow_abbrev=False, description=main.__doc__
    )
    parser.add_argument("--keep", metavar="DIR", type=Path, help="make it in this folder and leave it there")
    arguments, options = parser.parse_known_args()
    if not AGENT.exists():
        parser.error(f"{AGENT} is not there; run: make setup")
    with tempfile.TemporaryDirectory(prefix="agent-demo-") as scratch:
        try:
            repository = make_repository((arguments.keep or Path(scratch) / "roombook").absolute())
        except (OSError, ValueError) as error:
            parser.error(str(error))
        print(introduce(repository), flush=True)
        return fix(repository, options)


if __name__ == "__main__":
    sys.exit(main())
