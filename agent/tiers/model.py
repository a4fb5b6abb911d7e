"""A tier that is a model behind an endpoint: prompts from the request, patches from the reply."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from agent.purse import Purse
from agent.task import ModelSettings
from agent.tiers.applying import EditRefused, edits_of
from agent.tiers.calling import Caller
from agent.tiers.endpoint import endpoint_of, mended
from agent.tiers.interface import TierReply, TierRequest, TierUnavailable
from agent.tiers.prompt import Beyond, Completion, Prompt, Signals
from agent.tiers.prompts import Form, act_prompt, plan_prompt, review_prompt
from agent.tiers.replies import parse_plan, parse_reply, parse_review
from agent.tiers.throttle import read_metrics
from policies.estimates import TierEstimate
from tools.files import FileEdit

LOOK_EVERY, LOOK_SECONDS = 5.0, 1.0
"""Seconds between two looks at an endpoint's load, and for one of them."""

MOST_CANDIDATES = 4
"""Patches of one reply that are tried: each takes a run of the failing tests."""


@dataclass
class ModelTier:
    """See `agent.tiers.interface.Tier`."""

    settings: ModelSettings
    estimate: TierEstimate
    caller: Caller
    _looked: float = -math.inf

    @property
    def name(self) -> str:
        """The tier's name in the ladder."""
        return self.settings.name

    def act(self, request: TierRequest, purse: Purse) -> TierReply:
        """One request for patches; a reply that cannot be used has none, and says why."""
        form = self._form(request)
        prompt = act_prompt(request.case, form, candidates=request.candidates, may_ask=request.may_ask)
        completion = self._ask(prompt, request, purse)
        if problem := _unusable(completion):
            return TierReply(note=problem)
        return read_answer(completion.text, request.read, request.files)

    def plan(self, request: TierRequest, purse: Purse) -> TierReply:
        """One request for a diagnosis."""
        completion = self._ask(plan_prompt(request.case, self._form(request)), request, purse)
        return TierReply(note="" if _unusable(completion) else parse_plan(completion.text).note)

    def review(self, request: TierRequest, purse: Purse) -> TierReply:
        """One request for an opinion."""
        prompt = review_prompt(request.case, request.diff, self._form(request))
        completion = self._ask(prompt, request, purse)
        if problem := _unusable(completion):
            return TierReply(note=problem)
        found = parse_review(completion.text)
        return TierReply(note=found.reason or found.problem, right=found.right)

    def look(self) -> Signals | None:
        """The load of a self-hosted server, by its metrics; not more often than every LOOK_EVERY seconds."""
        now = self.caller.clock()
        if not self.settings.metrics or now - self._looked < LOOK_EVERY:
            return None
        self._looked = now
        found = read_metrics(self.settings.base_url, LOOK_SECONDS)
        return None if found == Signals() else found

    def close(self) -> None:
        """Close the connections."""
        self.caller.client.close()

    def _form(self, request: TierRequest) -> Form:
        return form_of(self.settings, request.standing.pace.beyond, request.run)

    def _ask(self, prompt: Prompt, request: TierRequest, purse: Purse) -> Completion:
        redact = self.caller.redact
        clean = replace(
            prompt,
            stable=tuple(redact(block) for block in prompt.stable),
            fresh=redact(prompt.fresh),
        )
        try:
            return self.caller.ask(clean, purse, request.seconds, request.store, request.standing)
        except TierUnavailable as error:
            line = f"{endpoint_of(self.settings)}: {mended(self.settings, error.failure, error.message)}"
            raise TierUnavailable(error.tier, error.failure, line, error.wait) from None


def read_answer(
    text: str, read: Callable[[str], bytes | None], files: Callable[[], tuple[str, ...]]
) -> TierReply:
    """The patches that an answer proposes, of the files that `read` gives; if it cannot be used none, and it
    says why. files: those shown that a fix may touch."""
    reply = parse_reply(text)
    patches, problems = list[tuple[FileEdit, ...]](), list[str]()
    for changes in reply.candidates[:MOST_CANDIDATES]:
        try:
            patches.append(edits_of(changes, read, files))
        except EditRefused as error:
            problems.append(str(error))
    if patches or reply.asks:
        return TierReply(tuple(patches), reply.diagnosis, reply.asks)
    why = "; ".join(dict.fromkeys(problems)) or reply.problem
    return TierReply(note=f"no usable patch: {why}")


def form_of(model: ModelSettings, beyond: Beyond, run: str = "") -> Form:
    """How requests to this model are made."""
    return Form(model.max_output, model.structured, run, model.effort, beyond)


def _unusable(completion: Completion) -> str:
    """Why an answer cannot be used whatever it says, "" if it may be."""
    if completion.stop == "refusal":
        return "the model refused to answer"
    if completion.stop == "tool":
        return "the model called a tool, though it was offered none, and said nothing else"
    if completion.stop == "length":
        return "the answer was cut off at its most tokens"
    return "" if completion.text.strip() else "the answer is empty"
