"""A repository and a run whose verified patch waits for people, and real SSH keys of theirs."""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner, Result

from agent.approvals.page import state_of
from agent.cli import app
from agent.edits import dump_edits
from agent.events import DeliveryIntended, StepDone, StepIntended
from agent.fix import carry_out
from agent.observations import (
    AttemptDone,
    EnvironmentDone,
    IntakeDone,
    ReproductionDone,
    SubmissionDone,
)
from agent.report import Report
from agent.run import begin, reopen
from agent.settings import state_folder
from agent.state import State
from agent.task import Settings
from agent.view import View
from policies.autonomy import DEFAULT_SCHEDULE, Confirmation
from policies.priors import repair_tier
from policies.vocabulary import ActionClass, Bill, Step, StepKind
from tools.base import take_base
from tools.files import FileEdit
from tools.patch import digest, make_patch, patched_tree_hash

OLD, NEW = b"def f():\n    return 0\n", b"def f():\n    return 1\n"
EDITS = (FileEdit("a.py", NEW),)
BRANCH = "fix/f"
ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


def allow(path: Path, *whose: tuple[str, Path]) -> Path:
    """A file that allows these keys; who: the first fields of the line."""
    lines = (f"{who} {key.with_name(f'{key.name}.pub').read_text().strip()}\n" for who, key in whose)
    path.write_text("".join(lines))
    return path


def sign(statement: bytes, key: Path, namespace: str = "agent-approval") -> str:
    """As a person does by hand, on another machine."""
    done = subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", key],
        input=statement, capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout.decode()


@dataclass
class Waits:
    """A run that ended with a patch which waits, in `trace`; the keys of Alice and Bob, and who may sign."""

    folder: Path
    trace: Path
    alice: Path
    bob: Path
    signers: Path
    report: Report

    @classmethod
    def begun(
        cls,
        tmp_path: Path,
        required: Confirmation = Confirmation.MULTI_PARTY,
        *,
        name: str = "run",
        apply: bool = True,
        branch: str = BRANCH,
        undelivered: str = "the autonomy schedule asks people to confirm it",
    ) -> Waits:
        folder = tmp_path / "repository"
        if not folder.exists():
            folder.mkdir()
            (folder / "a.py").write_bytes(OLD)
            for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "base"]):
                git(folder, *words)
        trace = state_folder() / name
        written(folder, trace, required, apply=apply, branch=branch, undelivered=undelivered)
        alice, bob = tmp_path / "alice", tmp_path / "bob"
        if not alice.exists():
            make_key(alice)
            make_key(bob)
        signers = allow(tmp_path / "signers", (ALICE, alice), (BOB, bob))
        run = reopen(trace)
        report = carry_out(run, {}, View(Console(file=io.StringIO(), width=200)), None)
        run.writer.close()
        return cls(folder, trace, alice, bob, signers, report)

    def run(self, *arguments: str | Path) -> Result:
        """`agent approvals` with these arguments."""
        return CliRunner().invoke(app, ["approvals", *map(str, arguments)])

    def approve(self, key: Path, *more: str | Path) -> Result:
        return self.run("approve", self.trace, "--key", key, "--allowed-signers", self.signers, *more)

    def deliver(self, *more: str | Path) -> Result:
        return self.run("deliver", self.trace, "--allowed-signers", self.signers, *more)

    @property
    def state(self) -> State:
        return state_of(self.trace)

    @property
    def statement(self) -> bytes:
        return self.run("show", self.trace, "--statement").stdout_bytes

    def untouched(self) -> None:
        """Nothing was delivered."""
        assert (self.folder / "a.py").read_bytes() == OLD
        assert BRANCH not in git(self.folder, "branch")

    def delivered(self) -> None:
        """Everything was, once."""
        assert (self.folder / "a.py").read_bytes() == NEW
        assert git(self.folder, "log", "--format=%s", BRANCH).splitlines() == ["Fix t.py::test_f", "base"]


def written(
    folder: Path, trace: Path, required: Confirmation, *, apply: bool, branch: str, undelivered: str
) -> None:
    """A trace up to where the patch was verified, and is not handed out yet."""
    base = take_base(folder)
    commits = bool(apply or branch)
    delivery = ActionClass.COMMIT if commits else ActionClass.DRAFT
    settings = Settings(
        repository=str(folder),
        tests=("t.py::test_f",),
        tiers=(repair_tier(),),
        delivery=delivery,
        apply=apply,
        branch=branch,
        schedule=DEFAULT_SCHEDULE.tightened(((delivery, required),)),
    )
    run = begin(settings, trace)
    edits = run.writer.blob(dump_edits(EDITS))
    for step, seen in (
        (
            Step(StepKind.READ, ActionClass.READ, "intake"),
            IntakeDone(tree_hash=base.tree_hash, files=1, head=base.head, dirty=0),
        ),
        (
            Step(StepKind.READ, ActionClass.READ, "environment"),
            EnvironmentDone(image="i", image_digest="d", python="3", backend="docker", cached=True),
        ),
        (
            Step(StepKind.READ, ActionClass.READ, "reproduce"),
            ReproductionDone(targets=("t.py::test_f",), runs=2, passes=(0,), seconds_each=1),
        ),
        (
            Step(StepKind.ACT, ActionClass.DRAFT, tier="repair"),
            AttemptDone(tier="repair", patch=edits, paths=("a.py",), tree=patched_tree_hash(base, EDITS)),
        ),
    ):
        run.append(StepIntended(step=step, reserved=Bill(0, 9)))
        run.append(StepDone(step=step, observation=seen, bill=Bill(0, 1)))
    run.append(StepIntended(step=Step(StepKind.SUBMIT, delivery), reserved=Bill(0, 9, 0.5)))
    verified = SubmissionDone(
        verified=True,
        key="k",
        targets_passed=1,
        patch=edits,
        diff=run.writer.blob(make_patch(base, EDITS)),
        undelivered=undelivered,
        confirmed=Confirmation.CONFIRM if commits else Confirmation.FREE,
        required=required,
    )
    before = tuple(digest(base.read(edit.path)) for edit in EDITS)
    run.append(DeliveryIntended(submission=verified, before=before, seconds=3))
    run.writer.close()


def said(result: Result) -> str:
    return " ".join(result.output.split())
