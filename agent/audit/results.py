"""What an audit says of a run, as data: everything that shows an audit reads this, and `results_sums`.

Dollars, seconds and loss units throughout. None is "not known", never 0; a Total says over how much it is.
Texts that come from a trace are as they stand there: whoever shows them neutralises them.
"""

from __future__ import annotations

from typing import Literal

from agent.audit.runs import Later, Source
from agent.task import Record
from policies.vocabulary import ActionClass, Outcome, Prices

Kind = Literal["prepare", "read", "plan", "act", "verify", "submit", "defer", "unknown"]
"""What a step was for. prepare: intake, environment, reproduction, baseline, which have no alternative."""

Mode = Literal[
    "over-routing",
    "under-routing",
    "over-delegation",
    "under-verification",
    "serving congestion",
    "stale rollouts",
    "cache misuse",
]
"""The seven failure modes of economics.md §6 (MTA table 2), in its order."""


class Total(Record):
    """A sum of what is known: of `known` parts everything, of `unknown` more nothing or not all of it."""

    total: float = 0.0
    known: int = 0
    unknown: int = 0

    @property
    def exact(self) -> float | None:
        """The sum where every part is known, else None."""
        return None if self.unknown else self.total


class Realised(Record):
    """What a run, or several, came to. In a run's own, `dollars`, `seconds` and `loss` are over its steps and
    the rest is known or not (Total with one part); in the sum everything is over runs. Of a run that is not
    known in full, `total` holds what is known; a net that is not known is in no sum.

    value: V of what was solved and delivered, by what is known now. guessed: the part of `dollars` that is
    worst cases, as nothing said what a request cost. time: λ·seconds. loss: expected when it was delivered,
    what was lost once later truth is known; risk: (ρ + ρ_irr·share)·loss. attention: H of the confirmation
    or of the handing over, as priced. rework: minutes that people spent on it later, as priced. net: value
    less dollars, time, risk, attention and rework."""

    value: Total
    dollars: Total
    guessed: float
    seconds: Total
    time: Total
    loss: Total
    risk: Total
    attention: Total
    rework: Total
    net: Total

    @property
    def people(self) -> Total:
        """Attention and rework, dollars."""
        one, other = self.attention, self.rework
        return Total(
            total=one.total + other.total,
            known=min(one.known, other.known),
            unknown=max(one.unknown, other.unknown),
        )


class Gap(Record):
    """By how many dollars the best allocation in hindsight is worth more than what was done.

    proved: what the records alone prove: the same run without the steps that turned out to give nothing, or
    nothing at all. low, mean, high: 5 %, mean and 95 % under the model's final belief, with attempts that
    were never bought; sd around that mean. Where it is seldom large, the mean may be above `high`. `instead`:
    how the records do better, in words. unknown: why there is no interval, "" where there is one. In a sum:
    `proved` over `proved_runs` runs, the rest over `runs`, of `of` in all, low and high as of independent
    ones."""

    proved: float | None = None
    low: float | None = None
    mean: float | None = None
    high: float | None = None
    sd: float | None = None
    instead: str = ""
    unknown: str = ""
    runs: int = 1
    proved_runs: int = 1
    of: int = 1


class KindGain(Record):
    """Gain per dollar of one kind of step (MTA eq. 8). gain: predicted G. price: predicted full price, ΔC +
    H + λΔL + ρΔR + ρ_irrΔR_irr. Both are sums over the `steps` with a prediction, for adding up only: the
    gains of one run's steps count the same future again, so what is shown is their mean. unpredicted: other
    steps. Over all of them: paid, the full price realised, and of it the dollars and seconds. last: gain per
    predicted full dollar of the last one bought, the marginal one (of several runs: their mean, weighted by
    its price)."""

    kind: Kind
    steps: int
    unpredicted: int
    gain: float
    price: float
    paid: Total
    dollars: Total
    seconds: Total
    last: float | None
    last_price: float = 0.0

    @property
    def per_dollar(self) -> float | None:
        """Predicted gain per predicted full dollar; None where nothing was charged."""
        return self.gain / self.price if self.price > 0 else None

    def per_step(self, amount: float) -> float | None:
        """The mean over the steps with a prediction; None without one."""
        return amount / self.steps if self.steps else None


class Concern(Record):
    """One step that a finding is about (0: the run as a whole), what it cost by the finding's formula (None:
    nothing tells), and what was seen."""

    step: int
    name: str
    dollars: float | None
    seen: str


class Finding(Record):
    """One failure mode in one run. dollars: expected, by the tables when steps were decided; 0 where it was
    looked for and not found, None where nothing tells. missing: what the source lacks, where nothing can be
    said."""

    mode: Mode
    status: Literal["found", "none", "unknown"]
    dollars: float | None = None
    concerns: tuple[Concern, ...] = ()
    missing: str = ""


class GivenUp(Record):
    """What a run's choices gave up against their own tables: at each, the best net that no limit refused
    (stopping: 0) less the net of what was chosen, expected dollars. Whatever kind of step it is about, so
    failure modes may name the same dollars. dollars: None where the source records no tables."""

    dollars: float | None
    concerns: tuple[Concern, ...] = ()


class CacheUse(Record):
    """Prompt caches. read, written: tokens. saved: what reading them cost less than prefill; premium: what
    writing them cost more. Dollars are over `priced` requests. Of others `unpriced` say their tokens,
    and their rates are not known; `silent` say none, and may have used a cache (they are booked at a worst
    case, or at nothing that is known)."""

    read: int = 0
    written: int = 0
    saved: float = 0.0
    premium: float = 0.0
    priced: int = 0
    unpriced: int = 0
    silent: int = 0

    @property
    def untold(self) -> int:
        """Requests of which it is not known what caches saved."""
        return self.unpriced + self.silent


class AutonomyUse(Record):
    """The confirmation of one delivery. Levels: 0 free, 1 confirm, 2 multi-party. right: P(it is right)
    by which it was submitted, once verified. scheduled: by the schedule; required: by the schedule and the
    prices; optimum: by the prices alone; used: what it was given, by_flag: in advance, so that nobody was
    asked. approved: by whom, where people signed for it. cost: dollars that `used` was worth less than the
    best level of at least the scheduled one."""

    step: int
    delivery: ActionClass
    right: float
    scheduled: int
    required: int
    optimum: int
    used: int
    by_flag: bool = False
    approved: tuple[str, ...] = ()
    cost: float


class StepAudit(Record):
    """A step: what was chosen, what else there was, what came of it. gain, price, net, probability: as
    predicted; rival: the best other row that no limit refused (None net: there was none; "stop" is worth 0).
    dollars, seconds, loss: realised, the loss of a delivery as later truth has it; full: their full price. Of
    all steps together, that is what the run took but for rework."""

    number: int
    kind: Kind
    name: str
    tier: str
    reason: str
    gain: float | None
    price: float | None
    net: float | None
    probability: float | None
    rival: str
    rival_net: float | None
    dollars: float | None
    seconds: float | None
    loss: float | None
    full: float | None
    succeeded: bool | None
    said: str


class RunAudit(Record):
    """Everything about one run. steps_taken: how many; steps: each, where the audit is of few runs.
    value_known: how V is known, in words."""

    source: Source
    path: str
    run_id: str
    agent: str
    model: str
    policy: str
    task: str
    started: float | None
    outcome: Outcome | None
    explanation: str
    closed: bool
    verified: bool | None
    later: tuple[Later, ...]
    prices: Prices
    head_hash: str
    value_known: str
    realised: Realised
    gap: Gap
    kinds: tuple[KindGain, ...]
    findings: tuple[Finding, ...]
    given_up: GivenUp
    cache: CacheUse
    autonomy: tuple[AutonomyUse, ...]
    steps_taken: int
    steps: tuple[StepAudit, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ending(self) -> str:
        """How it ended, in a word or a few, and what became of its patch."""
        ended = "outcome not told" if self.closed else "no end recorded"
        if self.outcome is not None:
            ended = str(self.outcome)
        return f"{ended}, {self.later[-1].word}" if self.later else ended

    @property
    def modes_cost(self) -> Total:
        """What the failure modes cost, over the seven of them."""
        known = [each.dollars for each in self.findings if each.dollars is not None]
        return Total(total=sum(known), known=len(known), unknown=len(self.findings) - len(known))
