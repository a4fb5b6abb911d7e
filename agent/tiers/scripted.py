"""The scripted tier: replies from a file at a stated price, for tests and for trying out prices.

The file is JSON: the fields of `Script` below. Reply n answers call n; after the last one there is no
usable answer. It is bought, billed and checked like any other tier.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.errors import UsageError
from agent.events import RequestDone
from agent.purse import Purse
from agent.tiers.interface import TierReply, TierRequest
from policies.estimates import TierEstimate
from tools.files import FileEdit


class ScriptedReply(BaseModel):
    """Whole new contents by path (null deletes the file), a note, and what the call cost in dollars."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    edits: dict[str, str | None] = {}
    note: str = ""
    dollars: float | None = Field(default=None, ge=0)


class Script(BaseModel):
    """A scripted tier: its estimate (see policies.estimates.TierEstimate) and its replies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dollars: float = Field(ge=0)
    worst_dollars: float | None = Field(default=None, ge=0)
    seconds: float = Field(default=1.0, ge=0)
    ability: float = 1.0
    discrimination: float = Field(default=1.0, gt=0)
    overfit: float = Field(default=0.1, ge=0, le=1)
    attempts: int = Field(default=3, ge=1, le=100)
    plan_dollars: float | None = Field(default=None, ge=0)
    replies: tuple[ScriptedReply, ...]
    plans: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _within_worst_case(self) -> Script:
        most = self.dollars if self.worst_dollars is None else self.worst_dollars
        if most < self.dollars or any((reply.dollars or 0) > most for reply in self.replies):
            raise ValueError("worst_dollars must be at least dollars and what each reply costs")
        return self


def scripted_estimate(name: str, script: Script) -> TierEstimate:
    """The estimate a script states for itself."""
    worst = script.dollars if script.worst_dollars is None else script.worst_dollars
    plan = script.plan_dollars
    return TierEstimate(
        name=name,
        ability=script.ability,
        discrimination=script.discrimination,
        dollars=script.dollars,
        seconds=script.seconds,
        worst_dollars=worst,
        worst_seconds=max(30.0, 3 * script.seconds),
        attempts=script.attempts,
        overfit=script.overfit,
        can_plan=plan is not None,
        plan_dollars=plan or 0.0,
        plan_seconds=script.seconds if plan is not None else 0.0,
        plan_worst_dollars=plan or 0.0,
        plan_worst_seconds=max(30.0, 3 * script.seconds) if plan is not None else 0.0,
        reason=f"stated by the script of '{name}'",
    )


class ScriptedTier:
    """Plays a `Script`."""

    def __init__(self, name: str, script: Script) -> None:
        self._name = name
        self._script = script
        self._estimate = scripted_estimate(name, script)

    @classmethod
    def load(cls, name: str, path: Path) -> ScriptedTier:
        """Read the script. Raises UsageError with one line when it cannot be read."""
        try:
            return cls(name, Script.model_validate_json(path.read_bytes()))
        except OSError as error:
            raise UsageError(f"tier '{name}': cannot read {path}: {error.strerror or error}") from None
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in problem["loc"])
            raise UsageError(f"tier '{name}': {path}: {where}: {problem['msg']}") from None

    @property
    def name(self) -> str:
        """The tier's name in the ladder."""
        return self._name

    @property
    def estimate(self) -> TierEstimate:
        """Its prior, as the script states it."""
        return self._estimate

    def act(self, request: TierRequest, purse: Purse) -> TierReply:
        """The next reply of the script."""
        if request.attempts >= len(self._script.replies):
            return TierReply(note="the script has no further reply")
        reply = self._script.replies[request.attempts]
        edits = tuple(
            FileEdit(path, None if content is None else content.encode())
            for path, content in reply.edits.items()
        )
        dollars = self._script.dollars if reply.dollars is None else reply.dollars
        self._pay(purse, self._estimate.worst_dollars, dollars)
        note = reply.note or f"reply {request.attempts + 1} of the script"
        return TierReply((edits,) if edits else (), note)

    def plan(self, request: TierRequest, purse: Purse) -> TierReply:
        """The script's plan."""
        del request
        self._pay(purse, self._estimate.plan_worst_dollars, self._script.plan_dollars or 0.0)
        return TierReply(note=self._script.plans[0] if self._script.plans else "")

    def review(self, request: TierRequest, purse: Purse) -> TierReply:
        """Scripts hold no reviews."""
        del request, purse
        return TierReply()

    def look(self) -> None:
        """Nothing is ever to be seen of it."""

    def close(self) -> None:
        """There is nothing to let go of."""

    def _pay(self, purse: Purse, worst: float, dollars: float) -> None:
        purse.open(self._name, worst)
        purse.settle(RequestDone(tier=self._name, dollars=dollars))
