"""`agent replay --execute`: the steps that used the sandbox done again in a fresh one, and compared.

Each is done from the recorded state, so that one that differs spoils none after it. No tier is asked: what it
answered is in the trace, and its candidates are checked again, also those that failed. Nothing is delivered.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from agent import fold, prepare
from agent.errors import UsageError
from agent.events import StepDone, StepIntended
from agent.ledger import Ledger
from agent.live import LiveEffects
from agent.observations import AttemptDone, BaselineDone, EnvironmentDone, LocaliseDone, Observation, StepLost
from agent.prepare import SUITE_RUN
from agent.purse import Purse
from agent.repairing import act_repair
from agent.replaying import answers
from agent.replaying.at_hand import environment_at_hand
from agent.replaying.compare import Differing, differing, differing_verdicts, hidden
from agent.replaying.recorded import Recorded, holding, recorded_steps
from agent.run import redactor_for
from agent.settings import REPAIR
from agent.state import State
from agent.task import Record, SandboxSettings, Settings
from agent.trace import Trace
from agent.world import World
from policies.vocabulary import Bill, Limits, StepKind

LEAST_SECONDS = 60.0
"""That a step has again, however little was reserved for it: this machine may be busier."""


class Again(Record):
    """A step done again. field, recorded, now: where it differs. why: it was not done, or what to know of the
    comparison."""

    number: int
    step: str
    result: Literal["same", "differs", "not run"]
    field: str = ""
    recorded: str = ""
    now: str = ""
    why: str = ""


class Executed(Record):
    """What running a trace again came to. image: of the environment, then and now, by digest."""

    run_id: str
    repository: str
    image_recorded: str
    image_now: str
    steps: tuple[Again, ...]

    @property
    def differs(self) -> bool:
        """Whether something does."""
        return any(step.result == "differs" for step in self.steps)


def execute(
    trace: Trace,
    repo: Path | None,
    own: SandboxSettings,
    say: Callable[[str], None],
    told: Callable[[Again], None],
) -> Executed:
    """Run what is recorded again. `repo`: where the repository is now (None: as recorded). `own`: the
    person's word on sandboxes; without an image or a Dockerfile in it, the recorded environment is used, if
    it is here. `say` shows progress, `told` hears of each step.

    Raises UsageError when the repository is not the recorded tree or the environment is not here,
    SandboxError for an infrastructure error, TraceError for a trace that does not hold.
    """
    steps = [each for each in recorded_steps(trace) if each.done is not None]
    intake = next((each.after.intake for each in steps if each.after.intake is not None), None)
    if intake is None:
        raise UsageError(
            f"{trace.folder}: the run ended before it had taken its base; nothing can be run again"
        )
    recorded = next((each.after.environment for each in steps if each.after.environment is not None), None)
    settings = _undelivered(steps[0].before.settings, repo, recorded, own)
    blobs = _Blobs(trace, settings)
    world = World(
        settings=settings,
        tiers={},
        say=say,
        store=blobs.store,
        load=blobs.load,
        trace_folder=trace.folder,
        holds_secret=redactor_for(settings).holds_secret,
    )
    if not own.image and not own.dockerfile:
        world.environment_from = lambda backend: environment_at_hand(backend, recorded, say)
    again = _Again(world, blobs, settings)
    try:
        base = world.take_base()  # without the trace's folder, should it lie in there
        if base.tree_hash != intake.tree_hash:
            raise UsageError(
                f"{base.root} is not the tree of this trace: it is {base.tree_hash[:12]}, recorded was "
                f"{intake.tree_hash[:12]}; check that one out, or say with --repo where it is"
            )
        found = list[Again]()
        with TemporaryDirectory() as scratch:
            world.trace_folder = Path(scratch)  # a verified patch is left there, and gone
            for each in steps:
                with holding(trace):
                    found.append(again.step(each))
                told(found[-1])
    finally:
        world.close()
    return Executed(
        run_id=steps[0].before.run_id,
        repository=settings.repository,
        image_recorded=recorded.image_digest if recorded else "",
        image_now=again.environment.image_digest if again.environment else "",
        steps=tuple(found),
    )


def _undelivered(
    settings: Settings, repo: Path | None, recorded: EnvironmentDone | None, own: SandboxSettings
) -> Settings:
    """The recorded settings without any delivery, for the repository where it is now, on the backend and
    within the limits that were used; all else of the sandbox is the person's own. Raises UsageError."""
    folder = repo.absolute() if repo is not None else Path(settings.repository)
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; say with --repo DIR where the repository is now")
    asked = settings.sandbox
    sandbox = SandboxSettings(
        backend=recorded.backend if recorded is not None else asked.backend,
        runtime=own.runtime,
        image=own.image,
        dockerfile=own.dockerfile,
        limits=asked.limits,
    )
    update = {"repository": str(folder), "apply": False, "branch": "", "patch_out": "", "sandbox": sandbox}
    return settings.model_copy(update=update)


@dataclass
class _Blobs:
    """The trace's blobs, and in memory those of this time, as a trace would hold them."""

    trace: Trace
    settings: Settings
    made: dict[str, bytes] = field(default_factory=dict)

    def store(self, data: bytes) -> str:
        data = redactor_for(self.settings).exact(data)
        name = hashlib.sha256(data).hexdigest()
        self.made[name] = data
        return name

    def load(self, name: str) -> bytes:
        return self.made[name] if name in self.made else self.trace.blob(name)


@dataclass
class _Again:
    """Does recorded steps again. environment: as it was found now."""

    world: World
    blobs: _Blobs
    settings: Settings
    environment: EnvironmentDone | None = None

    def step(self, recorded: Recorded) -> Again:
        """One of them."""
        assert recorded.done is not None
        seen, number, name = recorded.done.observation, recorded.number, recorded.done.step.name
        if why := _not_run(recorded):
            return Again(number=number, step=name, result="not run", why=why)
        state = replace(recorded.before, settings=self.settings)
        if state.environment is not None and self.environment is not None:
            state = replace(state, environment=self.environment)
        self.world.finish_by = time.monotonic() + max(LEAST_SECONDS, _reserved(recorded))
        if isinstance(seen, AttemptDone) and seen.tier != REPAIR:
            prepare.ready(self.world, state)
            found, why = answers.candidates_again(self.world, state, recorded, seen)
            return _compared(number, name, found and hidden(found, redactor_for(self.settings)), why)
        now, why = self._done(recorded, state)
        found = differing(seen, now, redactor_for(self.settings))
        if found is None and isinstance(seen, BaselineDone) and isinstance(now, BaselineDone):
            found = self._verdicts(seen, now)
        if isinstance(seen, AttemptDone) and isinstance(now, AttemptDone) and not seen.patch:
            why = why or f"up to candidate {now.next_index}, as recorded"
        return _compared(number, name, found, why)

    def _done(self, recorded: Recorded, state: State) -> tuple[Observation, str]:
        """The step's observation now, and what a reader should know of it."""
        assert recorded.done is not None
        seen, step = recorded.done.observation, recorded.done.step
        if step.kind is StepKind.ACT and isinstance(seen, AttemptDone):
            prepare.ready(self.world, state)
            return self._searched(recorded, state, seen), ""
        reserved = Bill(seconds=max(LEAST_SECONDS, _reserved(recorded)))
        purse = Purse(Ledger(Limits(), Bill()), reserved, lambda _: None)
        now = LiveEffects(self.world).perform(state, step, purse).observation
        if isinstance(now, EnvironmentDone):
            self.environment = now
        if isinstance(now, LocaliseDone):
            self.world.searching = None  # the recorded ranking is searched, whatever this one says
        return now, "delivered nothing" if step.kind is StepKind.SUBMIT else ""

    def _searched(self, recorded: Recorded, state: State, seen: AttemptDone) -> AttemptDone:
        """The recorded part of the search again, in as many slices as it takes on this machine."""
        new = bool(seen.patch) and not seen.again
        until = None if new else seen.next_index
        now = act_repair(self.world, state, until)
        while (not now.patch or now.again) and now.next_index < seen.next_index and now.planned != ():
            assert recorded.done is not None
            state = fold.apply(state, replace_observation(recorded.done, now))
            self.world.finish_by = time.monotonic() + max(LEAST_SECONDS, _reserved(recorded))
            now = act_repair(self.world, state, until)
        return now

    def _verdicts(self, seen: BaselineDone, now: BaselineDone) -> Differing | None:
        then, here = (SUITE_RUN.validate_json(self.blobs.load(each.verdicts)) for each in (seen, now))
        return differing_verdicts(then, here, redactor_for(self.settings))


def replace_observation(done: StepDone, now: Observation) -> StepDone:
    """The same step with another result."""
    return done.model_copy(update={"observation": now})


def _not_run(recorded: Recorded) -> str:
    """Why a step is not done again, "" if it is."""
    assert recorded.done is not None
    seen, step = recorded.done.observation, recorded.done.step
    if isinstance(seen, StepLost):
        return "it was cut off"
    if step.kind is StepKind.DEFER:
        return "handing over is a delivery"
    if step.tier is None or step.tier == REPAIR:
        return ""
    if isinstance(seen, AttemptDone):
        return answers.not_run(recorded, seen)
    return f"{step.tier} is not asked again"


def _reserved(recorded: Recorded) -> float:
    """Seconds that were reserved for the step."""
    intents = (event.reserved.seconds for event in recorded.events if isinstance(event, StepIntended))
    return next(intents, 0.0)


def _compared(number: int, name: str, found: Differing | None, why: str) -> Again:
    if found is None:
        return Again(number=number, step=name, result="same", why=why)
    return Again(
        number=number,
        step=name,
        result="differs",
        field=found.field,
        recorded=found.recorded,
        now=found.now,
        why=why,
    )
