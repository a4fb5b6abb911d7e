"""Runs and audits made for the tests of the audit's page."""

from __future__ import annotations

from random import Random

from agent.audit.audited import audit_of, audit_run
from agent.audit.results import Concern, Finding, Gap
from agent.audit.results_sums import Accuracy, Audit, Bin, Broken, Drift, ModeSum, Reliability
from agent.audit.runs import BeliefAt, Request, Run, Source, Step, Submission
from agent.audit.tallies import Tallies
from agent.tiers.prompt import Usage
from policies import vocabulary
from policies.vocabulary import (
    ActionClass,
    Candidate,
    Decision,
    Gain,
    Limits,
    Outcome,
    Prices,
    Quote,
    StepKind,
)

PRICES = Prices(value=40.0)
_REASON = (
    "act model-0 gains $12.34 for $0.0123 and 12 s: net $12.21, the most on offer; next best act model-1, "
    "net $12.18; it would be submitted at a value of less than $3.20"
)


def audit_of_runs(*runs: Run) -> Audit:
    """What `agent audit` makes of these runs."""
    tallies = Tallies()
    for run in runs:
        tallies.take(run)
    return audit_of([audit_run(run, steps=True) for run in runs], (), tallies)


def long_run(steps: int = 200, candidates: int = 10, seed: int = 0, run_id: str = "long") -> Run:
    """A run of this runtime: every step was decided between so many candidates, asked a model and was billed,
    with figures of as many digits as real ones have."""
    random = Random(seed)
    done = tuple(_decided(number, steps, candidates, random) for number in range(1, steps + 1))
    return Run(
        source="marginal-agent",
        path=f"/traces/{run_id}",
        run_id=run_id,
        agent="marginal-agent 0.1.0",
        model="model-1",
        task="tests/test_calc.py::test_value",
        started=1.7e9,
        steps=done,
        prices=PRICES,
        limits=Limits(dollars=100.0, seconds=36_000.0),
        delivery=ActionClass.DRAFT,
        policy="marginal",
        outcome=Outcome.FIXED,
        explanation="every test asked about passes, verified cold in a fresh tree",
        verified=True,
        submissions=(Submission(step=steps, right=0.9, delivery=ActionClass.DRAFT, level=0),),
        head_hash="0123456789abcdef" * 4,
    )


def _decided(number: int, steps: int, candidates: int, random: Random) -> Step:
    last = number == steps
    rows = [_candidate(place, last and place == 0, random) for place in range(candidates)]
    chosen = rows[0]
    usage = Usage(
        prefill=random.randrange(9_000), cached=random.randrange(9_000), decode=random.randrange(900)
    )
    asked = Request(
        model="model-1",
        usage=usage,
        dollars=0.01 * random.random(),
        known="billed",
        seconds=9 * random.random(),
    )
    return Step(
        number=number,
        kind=chosen.step.kind,
        name=chosen.step.name,
        tier=chosen.step.tier or "",
        dollars=asked.dollars,
        seconds=10 * random.random(),
        loss=0.01 if last else 0.0,
        requests=() if last else (asked,),
        decision=Decision(chosen.step, tuple(rows), _REASON),
        succeeded=last,
        said="no candidate passes the failing test (17 of 604 candidates tried)",
        belief=BeliefAt(right=0.9 if last else 0.0, solvable=random.random(), difficulty=random.gauss(0, 1)),
    )


def _candidate(place: int, submits: bool, random: Random) -> Candidate:
    step = vocabulary.Step(StepKind.ACT, ActionClass.DRAFT, tier=f"model-{place}")
    if submits:
        step = vocabulary.Step(StepKind.SUBMIT, ActionClass.DRAFT)
    parts = [random.gauss(0, 3) for _ in range(3)]
    quote = Quote(
        gain=Gain(sum(parts), *parts),
        dollars=0.1 * random.random(),
        seconds=20 * random.random(),
        loss=0.01 * random.random(),
        irreversible_loss=0.001 * random.random(),
        attention=0.0,
        worst_dollars=0.5,
        worst_seconds=60.0,
        probability=random.random(),
    )
    refused = "it may cost $0.50 and $0.23 are left" if place == 9 else ""
    return Candidate(step, quote, quote.net(PRICES), refused)


def bare_run(source: Source = "codex", run_id: str = "bare") -> Run:
    """A run of which its source says next to nothing."""
    steps = (
        Step(number=1, kind=None, name="shell"),
        Step(number=2, kind=None, name="shell", requests=(_silent(),)),
    )
    return Run(source=source, path="/x", run_id=run_id, agent="", steps=steps, prices=PRICES, closed=False)


def _silent() -> Request:
    return Request(model="m", usage=None, dollars=None, known="unknown")


def telling(text: str) -> tuple[Audit, tuple[Run, ...]]:
    """An audit of two runs, and of one that is broken, in which every text that comes from outside is
    `text`."""
    runs = tuple(_telling(text, run_id) for run_id in (text, f"{text}2"))
    audit = audit_of_runs(*runs)
    concern = Concern(step=1, name=text, dollars=0.5, seen=text)
    findings = (
        Finding(mode="over-routing", status="found", dollars=0.5, concerns=(concern,)),
        Finding(mode="cache misuse", status="unknown", missing=text),
    )
    known = Gap(proved=0.1, low=0.0, mean=0.2, high=0.4, sd=0.1, instead=text)
    gaps = (known, Gap(unknown=text))
    audited = [
        run.model_copy(update={"findings": findings, "gap": gap, "value_known": text})
        for run, gap in zip(audit.runs, gaps, strict=True)
    ]
    mode = ModeSum(
        mode="over-routing", formula=text, found=2, none=0, unknown=1, steps=2, dollars=1.0,
        worst=((text, 0.5),), missing=(text,),
    )  # fmt: skip
    cell = Bin(low=0.5, high=0.6, n=12, predicted=0.55, rate=0.5, least=0.25, most=0.75)
    group = Reliability(
        kind="act", of=text, n=12, predicted=0.55, rate=0.5, brier=0.25, reliability=0.0, resolution=0.0,
        uncertainty=0.25, within=0.0, bins=(cell,),
    )  # fmt: skip
    accuracy = Accuracy(
        what="dollars",
        of=text,
        n=3,
        predicted=1.0,
        billed=2.0,
        ratio=2.0,
        typical=2.0,
        spread=1.5,
        covered=1.0,
    )
    other = group.model_copy(update={"kind": "verify"})
    update = {
        "runs": tuple(audited),
        "broken": (Broken(path=text, problem=text, tampered=True),),
        "outcomes": {text: 2},
        "gap": known,
        "modes": (mode,),
        "calibration": (group, other),
        "accuracy": (accuracy, accuracy.model_copy(update={"what": "seconds"})),
        "drift": (Drift(tier=text, n=3, expected=1.0, right=0, p_value=0.1),),
        "notes": (text,),
    }
    return audit.model_copy(update=update), runs


def _telling(text: str, run_id: str) -> Run:
    purchase = vocabulary.Step(StepKind.ACT, ActionClass.DRAFT, subject=text, tier=text)
    quote = Quote(Gain(1.0, 1.0, 0.0, 0.0), 0.1, 1.0, 0.0, 0.0, 0.0, 0.2, 2.0, 0.5)
    decision = Decision(purchase, (Candidate(purchase, quote, 0.89, refused=text),), text, shadow_dollars=1.0)
    asked = Request(model=text, usage=None, dollars=0.1, known="billed", failure=text)
    step = Step(
        number=1, kind=StepKind.ACT, name=text, tier=text, dollars=9.0, seconds=1.0, loss=0.0,
        requests=(asked,), decision=decision, succeeded=False, said=text,
        belief=BeliefAt(right=0.5, solvable=0.4, difficulty=0.0),
    )  # fmt: skip
    return Run(
        source="marginal-agent", path=text, run_id=run_id, agent=text, steps=(step,), prices=PRICES,
        model=text, task=text, policy=text, outcome=Outcome.NOT_FIXED, explanation=text, head_hash=text,
        notes=(text,), versions=((text, text),),
        stopped=Decision(None, (Candidate(purchase, quote, -1.0),), text),
    )  # fmt: skip
