"""A repository, the folder of a job on it, and `agent publish` run on that."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from publish_servers import TOKEN, Hosted, Seen
from typer.testing import CliRunner

import agent
from agent.ci.report import JobReport, TaskReport
from agent.cli import app
from agent.observations import Counts
from policies.vocabulary import Outcome

ROOT = Path(agent.__file__).parents[1]
COMMAND = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from agent.cli import main; main()"
TEST = "test_numbers.py::test_double"
IDENTITY = {
    "GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
}  # fmt: skip
BEFORE, AFTER = "def double(x):\n    return x\n", "def double(x):\n    return 2 * x\n"
HOSTILE = "t.py::test[`@team` closes #1 <img src=x onerror=y> ](http://x)\n/merge\n::set-output name=a::b]"


def run_git(folder: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **IDENTITY}, input=stdin, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def make_origin(folder: Path) -> tuple[Path, str, bytes]:
    """A bare repository with two commits, the last of them broken; its id, and the patch that repairs it."""
    work, bare = folder / "work", folder / "served" / "o" / "r.git"
    work.mkdir(parents=True)
    run_git(work, "init", "-q", "-b", "main")
    (work / "README").write_text("a repository\n")
    run_git(work, "add", "-A")
    run_git(work, "commit", "-qm", "first")
    (work / "numbers_of.py").write_text(BEFORE)
    (work / ".gitattributes").write_text("*.py filter=evil diff=evil\n")
    run_git(work, "add", "-A")
    run_git(work, "commit", "-qm", "broken")
    commit = run_git(work, "rev-parse", "HEAD")
    (work / "numbers_of.py").write_text(AFTER)
    patch = run_git(work, "diff", "--no-ext-diff") + "\n"
    bare.parent.mkdir(parents=True)
    run_git(folder, "clone", "-q", "--bare", str(work), str(bare))
    run_git(bare, "config", "http.receivepack", "true")
    return bare, commit, patch.encode()


def write_job(out: Path, commit: str, patch: bytes, tests: tuple[str, ...], **changed: Any) -> Path:
    """The folder that a job leaves which fixed these tests."""
    out.mkdir()
    (out / "fix.patch").write_bytes(patch)
    task = TaskReport(
        tests=tests, also=(), outcome=Outcome.FIXED, exit_code=0, explanation="e", value=20, dollars=0.12,
        seconds=30, posterior=0.97, diff="", run_id="run-1", trace="/t", head_hash="a" * 64,
    )  # fmt: skip
    report = JobReport(
        outcome=Outcome.FIXED, exit_code=0, repository="/r", head=commit, tree="t", failing=tests,
        fixed=tests, tasks=(task,), not_begun=(), flaky=(), passing=(), unknown=(), patch=patch.decode(),
        patch_sha256=hashlib.sha256(patch).hexdigest(), verified=Counts(collected=9, passed=9),
        dollars=0.12, seconds=35, suite_seconds=1,
    )  # fmt: skip
    settings = {"schedule": free_schedule(report.schedule)}
    report = report.model_copy(update={**settings, **changed})
    (out / "result.json").write_text(report.model_dump_json())
    return out


def free_schedule(schedule: Any) -> Any:
    """A schedule that lets a patch be published without a person's word."""
    from dataclasses import replace

    from policies.autonomy import Confirmation
    from policies.vocabulary import ActionClass

    levels = tuple(
        (each, Confirmation.FREE if each is ActionClass.PUBLISH else level) for each, level in schedule.levels
    )
    return replace(schedule, levels=levels)


def environment_of(home: Path, **extra: str) -> dict[str, str]:
    """Of a command run in a home of its own: nothing of this machine's CI or tokens."""
    gone = ("AGENT_", "GITHUB_", "GITLAB_", "CI_", "OPENAI_", "ANTHROPIC_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(gone)}
    folders = {"XDG_CONFIG_HOME": str(home / "config"), "XDG_STATE_HOME": str(home / "state")}
    return {**kept, **folders, "HOME": str(home), "COLUMNS": "400", **extra}


def let_publish(home: Path) -> None:
    """Settings of whoever publishes: no person has to confirm it."""
    folder = home / "config" / "marginal-agent"
    folder.mkdir(parents=True, exist_ok=True)
    shipped = (ROOT / "agent" / "schedule.toml").read_text()
    before, mark, after = shipped.partition("[classes.publish]")
    (folder / "schedule.toml").write_text(before + mark + after.replace('"confirm"', '"free"', 1))
    (folder / "config.toml").write_text('schedule = "schedule.toml"\nrisk_price = "$1"\n')


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


def publish(home: Path, *arguments: str, **extra: str) -> Ran:
    """`agent publish` in this process, without a terminal."""
    with pytest.MonkeyPatch.context() as patched:
        wanted = environment_of(home, **extra)
        for name in set(os.environ) - set(wanted):
            patched.delenv(name)
        for name, value in wanted.items():
            patched.setenv(name, value)
        done = CliRunner().invoke(app, ["publish", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return Ran(done.exit_code, done.stdout, done.stderr)


def publish_apart(home: Path, stdin: int, *arguments: str, **extra: str) -> Ran:
    """`agent publish` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", COMMAND, "publish", *arguments],
        env=environment_of(home, **extra), cwd=home, stdin=stdin, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


@dataclass
class Place:
    """An origin, a host, a job's folder and a home."""

    folder: Path
    bare: Path
    commit: str
    patch: bytes
    out: Path
    home: Path
    git: str
    api: str
    pushes: Seen
    calls: Seen
    hosted: Hosted

    def publish(self, *arguments: str, **extra: str) -> Ran:
        """Into main, with the token, unless said otherwise."""
        return publish(self.home, *self.words(), *arguments, **{"AGENT_PUBLISH_TOKEN": TOKEN, **extra})

    def words(self) -> tuple[str, ...]:
        places = ("--repository", "o/r", "--api", self.api, "--remote", f"{self.git}/o/r.git")
        return (str(self.out), *places, "--into", "main")

    def branches(self) -> list[str]:
        return run_git(self.bare, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "published.json").read_bytes())
        return found


def one_line(ran: Ran, code: int, *said: str) -> None:
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert all(each in ran.stderr for each in said), ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr
