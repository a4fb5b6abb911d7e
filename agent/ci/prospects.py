"""What a group of failures promises before a task is begun for it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from agent import fold
from agent.ci.promise import Horizon, horizons
from agent.ci.survey import Survey, after
from agent.events import RunStarted
from agent.observations import Observation
from agent.options import PREPARATIONS
from agent.policies import policy_named
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
    """A group of failures with what the survey knows of it (observations by the subject of their step), and
    what it promises then: its cause is not located yet."""

    tests: tuple[str, ...]
    world: World
    known: dict[str, Observation]
    promised: tuple[Horizon, ...]


def prospect(
    world: World, survey: Survey, tests: tuple[str, ...], settings: Settings, policy: str, longest: float
) -> Prospect:
    """Ask what a task for one group promises within `longest` seconds at most."""
    world = replace(world, settings=settings, searching=None, traced=survey.traced_for(tests))
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
    promised = horizons(state, policy_named(policy, settings.schedule), longest)
    return Prospect(tests, world, known, promised)
