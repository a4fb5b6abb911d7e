"""A task whose tools are scripted: the steps of a real run, of which only those that ask a tier are real.

The repository is one file with a function that returns 0 and should return 1; 2 passes its test and not the
rest of the suite. Steps take time on the simulated clock, fail as sandboxes do, and may be the last thing the
process does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import cast

from agent import asking
from agent.edits import load_edits
from agent.events import DeliveryIntended, RequestDone, TierSeen
from agent.loop import Performed
from agent.observations import (
    BaselineDone,
    CheckDone,
    Counts,
    DeferralDone,
    EnvironmentDone,
    IntakeDone,
    LocaliseDone,
    Observation,
    ReproductionDone,
    SubmissionDone,
)
from agent.purse import Purse
from agent.state import State
from agent.tiers.prompt import Signals
from agent.world import LEAST_SECONDS, World
from benchmarks._provider import Clock
from policies.context import Piece, share_of
from policies.vocabulary import Bill, Check, Decision, Step, StepKind
from sandboxes.interface import RunRequest, RunResult, Sandbox, SandboxError
from tools.base import Base, BaseFile
from tools.files import FileEdit
from tools.protected import Protection
from tools.testing import RunLimits
from tools.verdicts import SuiteRun, Verdict, VerdictOutcome

TARGET = "tests/test_calc.py::test_value"
RIGHT, SPECIAL = b"return 1\n", b"return 2\n"


def base_of(random: Random) -> Base:
    """The repository, with more or less beside the function; some of it takes more bytes than characters."""
    filler = "".join(
        f'def filler_{number}():\n    return "{random.choice("aé漢") * random.randint(1, 60)}"\n\n\n'
        for number in range(random.choice((2, 20, 150)))
    )
    test = "from calc import value\n\n\ndef test_value():\n    assert value() == 1\n"
    texts = {"calc.py": f"def value():\n    return 0\n\n\n{filler}", "tests/test_calc.py": test}
    files = {path: BaseFile("100644", text.encode()) for path, text in texts.items()}
    return Base(Path("/simulated"), files, None, "")


@dataclass
class SimulatedWorld(World):
    """The world of a scripted task: what an edit does is told from its text."""

    clock: Clock = field(default_factory=Clock)
    random: Random = field(default_factory=Random)
    edits: tuple[FileEdit, ...] = ()

    def __post_init__(self) -> None:
        self.sandbox = cast(Sandbox, _Scanner())
        self.protection = Protection(test_files=frozenset({"tests/test_calc.py"}))

    @property
    def left(self) -> float:
        """See `World`."""
        return max(LEAST_SECONDS, self.finish_by - self.clock())

    @contextmanager
    def edited(self, sandbox: Sandbox, edits: tuple[FileEdit, ...]) -> Iterator[None]:
        """See `World`."""
        del sandbox
        self.edits = edits
        yield
        self.edits = ()

    def run_tests(
        self, sandbox: Sandbox, ids: tuple[str, ...] | None, limits: RunLimits, doing: str = "tests"
    ) -> SuiteRun:
        """The targets, run with the edits of `edited`."""
        del sandbox, ids, doing
        seconds = min(limits.seconds, self.random.uniform(0.01, 3))
        self.clock.sleep(seconds)
        passed = quality(self.edits) > 0
        outcome = VerdictOutcome.PASSED if passed else VerdictOutcome.FAILED
        verdict = Verdict(TARGET, outcome, seconds, "" if passed else "E   assert 0 == 1")
        return SuiteRun((TARGET,), {TARGET: verdict}, complete=self.random.random() < 0.97, problem="lost")


class _Scanner:
    """What the scan for forgeries wants of a sandbox, in which nothing is found."""

    python = "python"

    def alive(self) -> bool:
        """It is."""
        return True

    def run(self, request: RunRequest, on_report: Callable[[bytes], None] | None = None) -> RunResult:
        """An empty list of findings."""
        del request, on_report
        return RunResult(0, b"[]", b"", b"", 0.0)

    def stop(self) -> None:
        """There is nothing to stop."""


def quality(edits: tuple[FileEdit, ...]) -> int:
    """2: right; 1: passes the target alone; 0: passes nothing."""
    content = b"".join(edit.content or b"" for edit in edits)
    return 2 if RIGHT in content else 1 if SPECIAL in content else 0


class SimulatedEffects:
    """See `agent.loop.Effects`. `alive` is called where the process may end; failing: share of the steps in
    which the sandbox is lost."""

    def __init__(self, world: SimulatedWorld, alive: Callable[[], None], failing: float) -> None:
        self.world = world
        self._alive, self._failing = alive, failing

    def look(self, state: State) -> tuple[TierSeen, ...]:
        """Now and then an endpoint says how busy it is."""
        self._alive()
        random = self.world.random
        if state.belief.preparations or random.random() < 0.8:
            return ()
        signals = Signals(waiting=float(random.randint(0, 9)), running=4.0, cache_use=random.random())
        return (TierSeen(tier=random.choice(list(self.world.tiers)), signals=signals),)

    def perform(self, state: State, step: Step, purse: Purse) -> Performed:
        """Asks of tiers are real; everything else is drawn."""
        world = self.world
        world.finish_by = world.clock() + purse.reserved.seconds
        self._lose()
        match step.kind:
            case StepKind.PLAN:
                seen = asking.plan(world, state, step, purse)
            case StepKind.ACT:
                seen = asking.act(world, state, step, purse)
            case StepKind.VERIFY if step.check is Check.REVIEW:
                seen = asking.review(world, state, step, purse)
            case _:
                world.clock.sleep(min(world.left, world.random.uniform(0.01, 8)))
                seen = self._scripted(state, step, purse)
        self._lose()
        loss = purse.reserved.loss if step.kind is StepKind.SUBMIT else 0.0
        return Performed(seen, loss)

    def _lose(self) -> None:
        self._alive()
        if self.world.random.random() < self._failing:
            raise SandboxError("the sandbox is gone")

    def _scripted(self, state: State, step: Step, purse: Purse) -> Observation:
        world = self.world
        base = world.base_of(state)
        if step.subject == "intake":
            return IntakeDone(tree_hash=base.tree_hash, files=len(base.files), head="", dirty=0)
        if step.subject == "environment":
            return EnvironmentDone(
                image="simulated", image_digest="sha256:0", python="3.12", backend="docker", cached=True
            )
        if step.subject == "reproduce":
            said = "E   assert 0 == 1\n" + "E    +  where 0 = value()\n" * world.random.choice((1, 60))
            return ReproductionDone(
                targets=(TARGET,), runs=2, passes=(0,), seconds_each=0.4, messages=(said,)
            )
        if step.subject == "baseline":
            return BaselineDone(
                counts=Counts(collected=9, passed=8, failed=1),
                failing=(TARGET,),
                complete=True,
                suite_seconds=world.random.uniform(0.5, 40),
                verdicts="",
                key="0",
            )
        if step.subject == "localise":
            return self._localised(base)
        if step.kind is StepKind.DEFER:
            return DeferralDone()
        good = self._quality(state)
        if step.kind is StepKind.SUBMIT:
            assert state.hand is not None
            if good != 2:
                return SubmissionDone(verified=False, key="0", reasons=("it breaks b",))
            verified = SubmissionDone(verified=True, key="0", targets_passed=1, patch=state.hand.patch)
            purse.record(DeliveryIntended(submission=verified, before=(), seconds=0.0))
            return verified
        passed = good == 2 or step.check is not Check.SUITE
        reasons = () if passed else ("it breaks b",)
        return CheckDone(check=step.check or Check.SUITE, key="0", passed=passed, reasons=reasons)

    def _localised(self, base: Base) -> LocaliseDone:
        lines = (base.read("calc.py") or b"").decode().splitlines(keepends=True)
        size = self.world.random.randint(1, len(lines))
        starts = range(0, len(lines), size)
        pieces = tuple(
            Piece(
                path="calc.py",
                first=start + 1,
                last=min(start + size, len(lines)),
                kind="suspect",
                name="",
                size=len("".join(lines[start : start + size]).encode()),
                share=share_of("suspect", rank),
            )
            for rank, start in enumerate(starts, 1)
        )
        return LocaliseDone(
            method="coverage",
            lines=len(lines),
            top=("calc.py:2",),
            affected=("tests/test_calc.py::test_filler",),
            ranking="",
            pieces=pieces,
        )

    def _quality(self, state: State) -> int:
        assert state.hand is not None
        return quality(load_edits(self.world.load(state.hand.patch)))


class NobodyWatches:
    """See `agent.loop.Watcher`."""

    def decided(self, state: State, decision: Decision) -> None:
        """Nobody."""

    def begun(self, step: Step) -> None:
        """Nobody."""

    def requested(self, done: RequestDone) -> None:
        """Nobody."""

    def waiting(self, seconds: float) -> None:
        """Nobody."""

    def observed(self, observation: Observation, bill: Bill) -> None:
        """Nobody."""
