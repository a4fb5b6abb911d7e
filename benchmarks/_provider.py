"""A simulated provider of models: what it answers, how it fails, and what it bills, from a seed and on a
clock of its own. What it bills is kept apart from our books, which never see it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import NoReturn, TypeVar

from agent.task import ModelSettings
from agent.tiers.pricing import Rates
from agent.tiers.prompt import CallFailed, Completion, FailureKind, Prompt, RateLimit, Signals, Stop, Usage
from agent.tiers.prompt_words import PLAN, REVIEW

Word = TypeVar("Word", bound=str)

MEGABYTE = 1_000_000

REFUSED: Mapping[FailureKind, float] = {
    "rate": 6, "overloaded": 4, "server": 4, "unreachable": 2, "key": 0.3, "model": 0.3, "request": 0.3,
    "too-long": 0.3, "tls": 0.3,
}  # fmt: skip
"""Failures before any work, which nobody bills, by how often they come."""

UNCLEAR: Mapping[FailureKind, float] = {"broken": 4, "timeout": 4, "malformed": 3, "server": 2}
"""Failures after which only the provider knows what it did."""

ANSWERS = {
    "right": 4, "special": 2, "wrong": 4, "same": 2, "ask": 2, "unusable": 2, "elsewhere": 1, "forged": 1,
    "json": 1, "refusal": 1, "length": 1, "empty": 0.5, "nonsense": 0.02,
}  # fmt: skip
"""What a model says, by how often: a right edit, a special case of the test, a wrong edit, a wrong edit that
it says again and again, a wish to read, no edit, an edit of a file that is not there, of the test, broken
JSON, a refusal, an answer that is cut off, none, a megabyte of nonsense."""


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += max(0.0, seconds)


@dataclass(frozen=True)
class Weather:
    """How a provider behaves in one run. failing: share of requests that fail; unclear: share of those of
    which nobody can say what they cost; mute: share of answers without usage; dear: share of requests that
    take as many tokens as the prompt's bound and the longest answer allow."""

    failing: float
    unclear: float
    mute: float
    dear: float


@dataclass
class Call:
    """A request as the provider saw it. intents: how many intents were on disk when it came; dollars: what is
    billed for it."""

    tier: str
    intents: int
    dollars: float = 0.0


class Provider:
    """A `Client` of one model. `alive` is called where the process may end; `intents` counts those on
    disk."""

    def __init__(
        self,
        model: ModelSettings,
        clock: Clock,
        random: Random,
        weather: Weather,
        alive: Callable[[], None],
        intents: Callable[[], int],
    ) -> None:
        self.calls: list[Call] = []
        self._model, self._clock, self._random, self._weather = model, clock, random, weather
        self._alive, self._intents = alive, intents

    def complete(self, prompt: Prompt, timeout: float) -> Completion:
        """See `agent.tiers.prompt.Client`."""
        self._alive()
        call = Call(self._model.name, self._intents())
        self.calls.append(call)
        if self._random.random() < self._weather.failing:
            self._fail(call, prompt, timeout)
        said = self._pick(ANSWERS)
        usage = self._usage(prompt, longest=said == "length")
        call.dollars = billed(self._model, usage)
        seconds = min(timeout, self._random.uniform(0.2, 60))
        self._clock.sleep(seconds)
        self._alive()
        stop: Stop = "refusal" if said == "refusal" else "length" if said == "length" else "end"
        return Completion(
            text=self._text(prompt, said),
            usage=None if self._random.random() < self._weather.mute else usage,
            stop=stop,
            model="simulated",
            request_id=f"{self._model.name}-{len(self.calls)}",
            first_token_seconds=seconds / 3,
            seconds=seconds,
            signals=self._signals(),
        )

    def check(self, timeout: float) -> None:
        """It is always there."""

    def close(self) -> None:
        """There is nothing to close."""

    def _fail(self, call: Call, prompt: Prompt, timeout: float) -> NoReturn:
        unclear = self._random.random() < self._weather.unclear
        kind = self._pick(UNCLEAR if unclear else REFUSED)
        usage = self._usage(prompt, longest=False) if unclear else None
        if usage is not None:
            worst = self._dearest(prompt)
            call.dollars = self._random.choice((0.0, billed(self._model, usage), worst, worst))
        retry_after = self._random.choice((None, 0.2, 2.0, 30.0, 600.0)) if kind == "rate" else None
        self._clock.sleep(timeout if kind == "timeout" else min(timeout, self._random.uniform(0.01, 5)))
        self._alive()
        raise CallFailed(
            kind,
            f"simulated: {kind}",
            maybe_billed=unclear,
            usage=usage if kind == "broken" and self._random.random() < 0.5 else None,
            signals=replace(self._signals(), retry_after=retry_after),
        )

    def _usage(self, prompt: Prompt, *, longest: bool) -> Usage:
        if self._random.random() < self._weather.dear:
            tokens, decode = prompt.most_tokens, prompt.max_output
        else:
            tokens = min(prompt.most_tokens, int(prompt.size / self._random.uniform(1, 6)) + 20)
            decode = self._random.randint(1, min(prompt.max_output, 4_000))
        parts = sorted(self._random.randint(0, tokens) for _ in range(2))
        cuts = self._random.choice(([0, 0], parts))  # cached, written; the rest neither, and none for long
        decode = prompt.max_output if longest else decode
        return Usage(
            prefill=tokens - cuts[1],
            cached=cuts[0],
            written=cuts[1] - cuts[0],
            decode=decode,
            reasoning=decode // 2,
        )

    def _dearest(self, prompt: Prompt) -> float:
        """As dear as any request with this prompt can be."""
        written = prompt.most_tokens
        return max(
            billed(self._model, usage)
            for usage in (
                Usage(prefill=written, decode=prompt.max_output),
                Usage(written=written, decode=prompt.max_output),
            )
        )

    def _text(self, prompt: Prompt, said: str) -> str:
        if said in ("empty", "length"):
            return ""
        if said == "nonsense":
            return "".join(self._random.choices("<>=`@{}\"'\n \tabc+-", k=MEGABYTE))
        if said in ("unusable", "refusal"):
            return "I would look at the code once more."
        if prompt.system.startswith(PLAN):
            return '{"diagnosis": "the value is wrong", "steps": ["change it"]}'
        if prompt.system.startswith(REVIEW):
            right = self._random.random() < 0.5
            return f'{{"reason": "so it seems", "right": {str(right).lower()}}}'
        if said == "ask":
            first = self._random.randint(1, 60)
            return f"ASK file calc.py {first}-{first + self._random.randint(1, 30)}\nASK search filler"
        if said == "json":
            return '{"diagnosis": "the value is wrong", "candidates": [{"edits": [{"path": "calc.py"'
        number = {"right": 1, "special": 2, "same": 3}.get(said, self._random.randint(10, 99))
        path = {"elsewhere": "src/missing.py", "forged": "tests/test_calc.py"}.get(said, "calc.py")
        search = "assert value() == 1" if said == "forged" else "return 0"
        replace = "assert True" if said == "forged" else f"return {number}"
        if self._random.random() < 0.2:  # a patch that is longer than a review is quoted with
            replace = "\n    ".join(["# because it is so"] * self._random.randint(50, 400) + [replace])
        edit = f"{path}\n<<<<<<< SEARCH\n    {search}\n=======\n    {{}}\n>>>>>>> REPLACE\n"
        others = [f"return {self._random.randint(10, 99)}" for _ in range(1, prompt.candidates)]
        candidates = (f"CANDIDATE {n}\n{edit.format(each)}" for n, each in enumerate([*others, replace], 1))
        return f"It is {said}.\n{''.join(candidates)}"

    def _signals(self) -> Signals:
        if self._random.random() < 0.7:
            return Signals()
        left = self._random.choice((0, 1, 50))
        reset = self._random.uniform(0, 90)
        return Signals((RateLimit("requests", left, reset), RateLimit("tokens", 1000 * left, reset)))

    def _pick(self, weights: Mapping[Word, float]) -> Word:
        return self._random.choices(list(weights), list(weights.values()))[0]


def billed(model: ModelSettings, usage: Usage) -> float:
    """What the provider asks for these tokens; worked out here on purpose, not by `PriceVector`."""
    tokens = usage.prefill + usage.cached + usage.written + usage.written_long
    rates: Rates = model.price.rates
    for step in model.price.steps:
        if tokens > step.beyond:
            rates = step.rates
    return (
        rates.prefill * usage.prefill
        + rates.cached * usage.cached
        + rates.written * usage.written
        + rates.written_long * usage.written_long
        + rates.decode * usage.decode
    ) / 1e6
