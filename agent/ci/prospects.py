"""What each group of failures promises: located, quoted and put in order, before a task is begun."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace

from agent import fold, work
from agent.ci.promise import Horizon, horizons
from agent.ci.survey import Survey, after
from agent.events import RunStarted
from agent.observations import Observation
from agent.options import LOCALISE, PREPARATIONS, options
from agent.policies import policy_named
from agent.state import State
from agent.task import Settings
from agent.world import World


@dataclass
class Bodies:
    """Blobs held until they are known to belong to a trace."""

    held: dict[str, bytes] = field(default_factory=dict)

    def store(self, data: bytes) -> str:
        """Keep a body; returns its SHA-256."""
        name = hashlib.sha256(data).hexdigest()
        self.held[name] = data
        return name

    def load(self, name: str) -> bytes:
        """A body by its name."""
        return self.held[name]


@dataclass(frozen=True, eq=False)
class Prospect:
    """A group of failures with what is known of it (observations by the subject of their step), the state in
    which its task begins to choose, and what it promises then. seconds: that locating it took."""

    tests: tuple[str, ...]
    world: World
    known: dict[str, Observation]
    state: State
    promised: tuple[Horizon, ...]
    seconds: float = 0.0

    @property
    def at_hand(self) -> bool:
        """Whether a candidate was found while the search showed its pace: its first attempt takes no time."""
        return self.world.searching is not None and self.world.searching.search.found


def prospect(
    world: World, survey: Survey, tests: tuple[str, ...], settings: Settings, policy: str, longest: float
) -> Prospect:
    """Locate the cause of one group, and ask what its task promises within `longest` seconds at most.

    Raises SandboxError.
    """
    began = time.monotonic()
    world = replace(world, settings=settings, searching=None, traced=survey.traced)
    surveyed = survey.state
    assert surveyed.intake and surveyed.environment and surveyed.baseline
    known: dict[str, Observation] = {
        "intake": surveyed.intake,
        "environment": surveyed.environment,
        "reproduce": survey.looks.of(tests),
        "baseline": surveyed.baseline,
    }
    state = fold.start(RunStarted(run_id="", time=0, versions={}, policy=policy, settings=settings))
    while state.belief.preparations and state.ended is None:
        step = PREPARATIONS[state.belief.preparations[0]]
        state = after(state, step, known[step.subject])
    if state.ended is None and LOCALISE in options(state):
        known[LOCALISE.subject] = work.read_localise(world, state)
        state = after(state, LOCALISE, known[LOCALISE.subject])
    promised = horizons(state, policy_named(policy, settings.schedule), longest)
    return Prospect(tests, world, known, state, promised, time.monotonic() - began)
