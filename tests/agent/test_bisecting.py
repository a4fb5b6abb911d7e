"""The search of the history in a sandbox that a function answers: which trees are run; what goes wrong."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from test_history_step import driven

from agent.bisecting import _told, search_history
from agent.state import State
from agent.world import World
from sandboxes.interface import REPO, WORK, RunRequest, RunResult, SandboxError
from sandboxes.scripted import Handler, ScriptedSandbox
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome

GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
COMMAND = "sh test.sh"


def git(root: Path, *arguments: str) -> str:
    return subprocess.run((*GIT, *arguments), cwd=root, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Six commits; from the fourth on the code says 'broken'."""
    root = tmp_path / "repo"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    for number in range(1, 7):
        (root / "code").write_text(f"{'broken' if number >= 4 else 'fine'} {number}\n")
        git(root, "add", "-A")
        git(root, "commit", "-q", "-m", f"change {number}")
    return root


def searched(repository: Path, folder: Path, handler: Any) -> Any:
    """The search with a command for tests, answered by `handler(text of the code in the sandbox)`."""
    state, _ = driven(folder / "trace", commits=6)
    settings = state.settings.model_copy(
        update={"repository": str(repository), "tests_command": COMMAND, "tests": ()}
    )
    sandbox: ScriptedSandbox

    def answer(request: RunRequest) -> RunResult:
        del request
        return RunResult(handler(sandbox.files[f"{REPO}/code"].decode()), b"", b"", b"", 0.1)

    handle: Handler = answer
    sandbox = ScriptedSandbox(handle)
    sandbox.start()
    world = World(
        settings=settings,
        tiers={},
        say=lambda _: None,
        store=lambda _: "",
        load=lambda _: b"",
        trace_folder=folder,
        holds_secret=lambda _: False,
    )
    base = world.take_base()
    sandbox.put_tar(REPO, base.tar())
    world.sandbox, world.pristine = sandbox, sandbox.checkpoint(WORK)
    world.finish_by = float("inf")
    assert state.intake is not None and state.reproduction is not None
    intake = state.intake.model_copy(update={"head": base.head, "tree_hash": base.tree_hash})
    seen = state.reproduction.model_copy(update={"targets": (COMMAND,), "passes": (0,)})
    found = search_history(world, _with(state, settings=settings, intake=intake, reproduction=seen))
    return SimpleNamespace(found=found, left=sandbox.files.get(f"{REPO}/code"), alive=sandbox.alive())


def _with(state: State, **changed: Any) -> State:
    return replace(state, history=None, baseline=None, **changed)


def test_each_look_runs_the_tree_of_its_commit_and_the_base_is_put_back(
    repository: Path, tmp_path: Path
) -> None:
    ran = searched(repository, tmp_path, lambda code: int(code.startswith("broken")))
    assert [each.subject for each in ran.found.since] == ["change 4"]
    assert ran.found.passes.subject == "change 3" and ran.found.problem == ""
    assert ran.left == b"broken 6\n"


def test_a_sandbox_that_an_old_tree_brings_down_does_not_end_the_run(
    repository: Path, tmp_path: Path
) -> None:
    def handler(code: str) -> int:
        if code.startswith("fine"):
            raise SandboxError("the sandbox is gone")
        return 1

    ran = searched(repository, tmp_path, handler)
    assert ran.found.problem == "the sandbox is gone" and ran.found.since == () and not ran.alive


def test_a_history_that_cannot_be_read_is_said(repository: Path, tmp_path: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD~2").strip()
    (repository / ".git" / "objects" / commit[:2] / commit[2:]).unlink()
    ran = searched(repository, tmp_path, lambda code: int(code.startswith("broken")))
    assert ran.found.problem and ran.found.since == ()


def suite(*verdicts: Verdict, complete: bool = True, errors: tuple[str, ...] = ()) -> SuiteRun:
    ids = tuple(each.id for each in verdicts)
    return SuiteRun(
        ids,
        {each.id: each for each in verdicts},
        complete=complete,
        collection_errors=dict.fromkeys(errors, "error"),
    )


def test_what_a_look_tells() -> None:
    """Passing is whole; failing is a verdict; a test that is not there tells nothing."""
    good, bad = Verdict("a.py::t", VerdictOutcome.PASSED), Verdict("a.py::u", VerdictOutcome.FAILED)
    skipped = Verdict("a.py::t", VerdictOutcome.SKIPPED)
    assert _told(suite(good), ["a.py::t"]) is True
    assert _told(suite(good, bad), ["a.py::t", "a.py::u"]) is False
    assert _told(suite(good, complete=False), ["a.py::t"]) is None
    assert _told(suite(skipped), ["a.py::t"]) is None
    assert _told(suite(errors=("a.py",), complete=False), ["a.py::t"]) is None
    assert _told(suite(errors=("a.py",), complete=False), ["a.py"]) is False
