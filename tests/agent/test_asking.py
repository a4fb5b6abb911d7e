"""The steps that ask a tier: a review that does not fit the budget, and a sandbox that ends meanwhile."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import cast

import pytest

from agent import asking
from agent import state as fold
from agent.edits import dump_edits
from agent.events import AttemptDone, CheckDone, RunStarted, StepDone
from agent.ledger import Ledger
from agent.purse import Purse
from agent.redact import Redactor
from agent.sources import ModelTierSettings
from agent.task import Settings
from agent.tiers.calling import Caller
from agent.tiers.model import ModelTier
from agent.tiers.models import model_settings, prior_of
from agent.tiers.pricing import StatedPrice
from agent.tiers.prompt import Completion, Prompt
from agent.tiers.scripted import Script, ScriptedReply, ScriptedTier
from benchmarks._simulated_task import TARGET, SimulatedWorld, base_of
from policies.vocabulary import ActionClass, Bill, Check, Limits, Step, StepKind
from sandboxes.environments import Environment
from sandboxes.interface import Sandbox
from tools.base import Base
from tools.files import FileEdit

ACT = Step(StepKind.ACT, ActionClass.DRAFT, tier="author")
REVIEW = Step(StepKind.VERIFY, ActionClass.READ, tier="judge", check=Check.REVIEW)


class Unasked:
    """A client that must not be asked."""

    def check(self, timeout: float) -> None:
        raise AssertionError

    def complete(self, prompt: Prompt, timeout: float) -> Completion:
        raise AssertionError

    def close(self) -> None:
        pass


def test_a_review_of_a_long_patch_that_is_too_dear_tells_nothing(tmp_path: Path) -> None:
    stated = ModelTierSettings(
        name="judge", provider="compatible", model="m", base_url="http://localhost:1/v1",
        price=StatedPrice(prefill=10, decode=10), max_output=1000,
    )  # fmt: skip
    model = model_settings(stated)
    tier = ModelTier(model, prior_of(stated, model), Caller("judge", Unasked(), model.price, 9, Redactor({})))
    blobs: dict[str, bytes] = {}

    def store(data: bytes) -> str:
        blobs[str(len(blobs))] = data
        return str(len(blobs) - 1)

    settings = Settings(repository="r", limits=Limits(dollars=0.1), tiers=(tier.estimate,), models=(model,))
    state = fold.start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))
    world = SimulatedWorld(
        settings, {"judge": tier}, lambda _: None, store, blobs.__getitem__, tmp_path, lambda _: False,
        base=base_of(Random(1)),
    )  # fmt: skip
    edits = (FileEdit("calc.py", b"def value():\n    return 1\n" + b"# because\n" * 2000),)
    hand = AttemptDone(tier="author", patch=store(dump_edits(edits)), tree="t")
    state = fold.apply(state, StepDone(step=ACT, observation=hand, bill=Bill()))
    reserved = Bill(dollars=0.05)
    ledger = Ledger(settings.limits, Bill())
    ledger.reserve(reserved)
    purse = Purse(ledger, reserved, pytest.fail)
    seen = asking.review(world, state, REVIEW, purse)
    assert isinstance(seen, CheckDone)
    assert (seen.void, seen.passed) == (True, False)
    assert "too dear" in seen.reasons[0]
    after = fold.apply(state, StepDone(step=REVIEW, observation=seen, bill=Bill()))
    assert after.hand == hand, "the candidate stays in hand"
    assert after.unreviewed == {"t"}, "and is not put to a review again"


class Ended:
    """A sandbox whose container is gone."""

    def alive(self) -> bool:
        return False


class Reentered(SimulatedWorld):
    """Counts how often it is entered."""

    entered = 0

    def enter(self, base: Base, environment: Environment) -> None:
        del base, environment
        self.entered += 1
        self.__post_init__()


def test_a_sandbox_that_ended_while_a_tier_answered_is_replaced(tmp_path: Path) -> None:
    reply = ScriptedReply(edits={"calc.py": "def value():\n    return 1\n"})
    tier = ScriptedTier("author", Script(dollars=0.01, replies=(reply,)))
    settings = Settings(repository="r", tests=(TARGET,), limits=Limits(dollars=1), tiers=(tier.estimate,))
    state = fold.start(RunStarted(run_id="r", time=0.0, versions={}, policy="marginal", settings=settings))
    world = Reentered(
        settings, {"author": tier}, lambda _: None, lambda _: "blob", lambda _: b"", tmp_path,
        lambda _: False, base=base_of(Random(1)),
        environment=Environment("docker", "i", "sha256:0", "python", True, True, ()),
    )  # fmt: skip
    world.sandbox = cast(Sandbox, Ended())
    ledger = Ledger(settings.limits, Bill())
    ledger.reserve(Bill(dollars=0.01))
    seen = asking.act(world, state, ACT, Purse(ledger, Bill(dollars=0.01), lambda _: None))
    assert isinstance(seen, AttemptDone)
    assert seen.patch, seen
    assert world.entered == 1
