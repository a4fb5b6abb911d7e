"""`agent outcomes`: what became of patches, from a real history, also as git itself calls it in hooks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_policies import LADDER, Nobody, Scripted
from typer.testing import CliRunner, Result

import agent
from agent.audit.later import read_later
from agent.audit.ours import our_run
from agent.cli import app
from agent.edits import dump_edits
from agent.events import RunEnded
from agent.lessons import lesson
from agent.loop import drive
from agent.memory import read, remember
from agent.observations import AttemptDone, IntakeDone, Observation, SubmissionDone
from agent.policies import policy_named
from agent.run import begin
from agent.settings import memory_file, state_folder
from agent.task import Settings
from agent.trace import Trace
from policies.vocabulary import EXIT_CODES, ActionClass, Limits, Outcome, Step
from tools.base import take_base
from tools.files import FileEdit
from tools.patch import make_patch

BEFORE = "def f(x):\n    y = 1\n    z = 2\n    return x - y\n"
AFTER = BEFORE.replace("x - y", "x + y")
EDITS = (FileEdit("a.py", AFTER.encode()),)
IDENTITY = {
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@example.org",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@example.org",
}


@pytest.fixture(autouse=True)
def not_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


def git(root: Path, *arguments: str, **env: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **IDENTITY, "GIT_CONFIG_GLOBAL": os.devnull, **env},
    )
    return done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "a.py").write_text(BEFORE)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "base")
    return root


class Patching(Scripted):
    """As `Scripted`, with a real patch of a real repository."""

    repository = Path()

    def _observation(self, step: Step) -> Observation:
        seen, base = super()._observation(step), take_base(self.repository)
        match seen:
            case IntakeDone():
                return seen.model_copy(update={"head": base.head})
            case AttemptDone(patch=str(found)) if found:
                return seen.model_copy(update={"patch": self.run.writer.blob(dump_edits(EDITS))})
            case SubmissionDone():
                return seen.model_copy(update={"diff": self.run.writer.blob(make_patch(base, EDITS))})
        return seen


@pytest.fixture
def trace(repository: Path) -> Path:
    """A run that fixed it, in the user's own folder of traces, from which memory has learnt."""
    settings = Settings(
        repository=str(repository),
        tests=("t",),
        tiers=LADDER,
        limits=Limits(5.0, 900.0),
        delivery=ActionClass.COMMIT,
        memory=True,
    )
    folder = state_folder() / "run"
    folder.parent.mkdir(parents=True, exist_ok=True)
    run = begin(settings, folder, "cascade")
    effects = Patching(run, frozenset({"dear"}), True)
    effects.repository = repository
    drive(run.state, policy_named("cascade"), effects, run.append, effects.clock, Nobody())
    assert run.state.ended is Outcome.FIXED
    run.append(RunEnded(outcome=Outcome.FIXED, exit_code=EXIT_CODES[Outcome.FIXED], explanation=""))
    run.writer.close()
    remember(memory_file(), lesson(Trace(folder).events(), time.time()))
    return folder


def outcomes(repository: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["outcomes", str(repository), *arguments])


def fix(repository: Path) -> None:
    (repository / "a.py").write_text(AFTER)
    git(repository, "commit", "-qam", "mend f")


def words(trace: Path) -> list[str]:
    return [each.word for each in our_run(trace).later]


def right() -> list[bool]:
    return [each.right for each in read(memory_file())[0][0].attempts]


def test_what_was_merged_is_recorded_once_and_learnt(repository: Path, trace: Path) -> None:
    assert outcomes(repository).stdout == "1 patch not in HEAD\n" and words(trace) == []
    fix(repository)
    told = outcomes(repository)
    assert told.exit_code == 0 and "mend f: recorded; memory learns from it" in told.stdout
    assert words(trace) == ["merged"]
    again = outcomes(repository)
    assert again.exit_code == 0 and again.stdout.strip().endswith("mend f: nothing new")
    assert outcomes(repository, "--quiet").stdout == ""
    assert words(trace) == ["merged"]
    assert (
        read_later(trace, our_run(trace).head_hash)[0].commit == git(repository, "rev-parse", "HEAD").strip()
    )


def test_a_revert_is_recorded_after_the_merge_and_unteaches(repository: Path, trace: Path) -> None:
    fix(repository)
    outcomes(repository)
    assert right()[-1] is True
    git(repository, "revert", "--no-edit", "HEAD")
    assert "reverted in" in outcomes(repository).stdout
    assert words(trace) == ["merged", "reverted"] and right()[-1] is False
    git(repository, "revert", "--no-edit", "HEAD")
    outcomes(repository)
    outcomes(repository)
    assert words(trace) == ["merged", "reverted", "merged"] and right()[-1] is True


def test_both_at_once_are_what_they_came_to(repository: Path, trace: Path) -> None:
    fix(repository)
    git(repository, "revert", "--no-edit", "HEAD")
    outcomes(repository)
    assert words(trace) == ["reverted"]


def test_a_person_s_word_stands_against_older_commits(repository: Path, trace: Path) -> None:
    fix(repository)
    for word in (("--reworked", "20"), ("--reverted",)):
        assert CliRunner().invoke(app, ["outcome", str(trace), *word]).exit_code == 0
        assert outcomes(repository).stdout.strip().endswith("nothing new")
    assert words(trace) == ["reworked", "reverted"]


def test_only_the_branch_that_others_see_counts(repository: Path, trace: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repository), "clone")
    clone = tmp_path / "clone"
    git(clone, "checkout", "-q", "-b", "mine")
    fix(clone)
    assert outcomes(clone).stdout == "1 patch not in refs/remotes/origin/HEAD\n"
    assert "recorded" in outcomes(clone, "--branch", "mine").stdout
    assert words(trace) == ["merged"] and repository.is_dir()  # where it ran is still there


def test_a_run_of_commits_that_are_not_here_is_counted(trace: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    git(other, "commit", "-q", "--allow-empty", "-m", "begun apart")
    assert outcomes(other).stdout == "1 run of commits that are not here\n" and words(trace) == []


def test_a_trailer_alone_records_nothing(repository: Path, trace: Path) -> None:
    """Anybody can name a run in a message; only the patch itself is one."""
    run_id = our_run(trace).run_id
    git(repository, "commit", "-q", "--allow-empty", "-m", f"x\n\nVerified by marginal-agent, run {run_id}.")
    (repository / "a.py").write_text(BEFORE.replace("z = 2", "z = 3"))
    git(repository, "commit", "-qam", f"Verified by marginal-agent, run {run_id}.")
    assert "not in HEAD" in outcomes(repository).stdout and words(trace) == []


def test_under_ci_nothing_is_learnt_unless_asked(
    repository: Path, trace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    fix(repository)
    git(repository, "revert", "--no-edit", "HEAD")
    assert "memory stays as it is (under CI" in outcomes(repository).stdout
    assert words(trace) == ["reverted"] and right()[-1] is True


def test_hostile_subjects_and_json(repository: Path, trace: Path, tmp_path: Path) -> None:
    (repository / "a.py").write_text(AFTER)
    git(repository, "commit", "-qam", "\x1b[31m::error::[red]x[/red]")
    file = tmp_path / "found.json"
    told = outcomes(repository, "--json", str(file), "--in", str(state_folder()), "--since", "ever")
    assert "\x1b" not in told.stdout and "[red]x[/red]" in told.stdout
    found = json.loads(file.read_text())
    assert found["runs"][0]["word"] == "merged" and found["runs"][0]["recorded"] is True


def test_what_cannot_be_looked_at_is_one_clear_line(tmp_path: Path, repository: Path) -> None:
    for arguments, said in (
        ((tmp_path,), "is not in a git repository"),
        ((tmp_path / "none",), "is not a folder"),
        ((repository, "--branch", "nope"), "branch: there is no commit called 'nope'"),
        ((repository, "--branch=--all"), "branch: there is no commit called '--all'"),
        ((repository, "--since", "soon"), "since:"),
        ((repository, "--in", tmp_path / "none"), "is not a folder"),
    ):
        told = CliRunner().invoke(app, ["outcomes", *map(str, arguments)])
        assert told.exit_code == 2 and said in told.stderr, (arguments, told.stderr)
        assert len(told.stderr.strip().splitlines()) == 1
    assert outcomes(repository).stdout == "no run with a patch\n"


def hooked(repository: Path, folder: Path) -> dict[str, str]:
    """The repository with our hooks in it, as printed; the environment in which they find `agent`."""
    script = CliRunner().invoke(app, ["outcomes", "--print-hook"]).stdout
    for name in ("post-merge", "post-commit"):
        hook = repository / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script)
        hook.chmod(0o755)
    command = folder / "bin" / "agent"
    command.parent.mkdir()
    root = str(Path(agent.__file__).parents[1])
    start = f"import sys; sys.path.insert(0, {root!r}); from agent.cli import main; main()"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -c "{start}" "$@"\n')
    command.chmod(0o755)
    return {"PATH": f"{command.parent}:{os.environ['PATH']}"}


def test_git_s_own_hooks_tell_of_merges_and_reverts(repository: Path, trace: Path, tmp_path: Path) -> None:
    env = hooked(repository, tmp_path)
    git(repository, "checkout", "-q", "-b", "fix")
    (repository / "a.py").write_text(AFTER)
    git(repository, "commit", "-qam", "mend f", **env)
    assert words(trace) == []  # a commit that reverts nothing is not looked at
    git(repository, "checkout", "-q", "main")
    said = git(repository, "merge", "--no-ff", "-m", "merge it", "fix", **env)
    assert words(trace) == ["merged"] and "recorded; memory learns from it" in said
    git(repository, "revert", "--no-edit", "-m", "1", "HEAD", **env)
    assert words(trace) == ["merged", "reverted"]


def test_a_hook_that_fails_stops_nothing(repository: Path, tmp_path: Path) -> None:
    env = hooked(repository, tmp_path)
    (tmp_path / "bin" / "agent").write_text("#!/bin/sh\nexit 20\n")
    git(repository, "checkout", "-q", "-b", "fix")
    fix(repository)
    git(repository, "checkout", "-q", "main")
    git(repository, "merge", "--no-ff", "-m", "merge it", "fix", **env)
    git(repository, "revert", "--no-edit", "-m", "1", "HEAD", **env)
    assert (repository / "a.py").read_text() == BEFORE
