"""The failure modes of how tokens are made and kept: congestion, stale estimates, caches misused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.audit.gains import row_of
from agent.audit.results import CacheUse, Concern, Finding, Mode
from agent.audit.runs import Request, Run, Step
from agent.tiers.prompt import LASTING
from agent.units import show_seconds
from policies.amounts import show_money

MILLION = 1_000_000
DAY = 86_400.0
LEAST_WEIGHT = 0.5
"""Of the newest evidence: at less, most of what was learnt says how things were and not how they are."""

LEAST = 1e-6
"""Dollars: less is not worth a line."""

NO_USAGE = "the source reports no tokens of its requests"
NOTHING_ASKED = "no model was asked"
KEYS = "reuse of environments and of what was learnt is not looked at: the trace does not hold their keys"


NO_LOAD = frozenset({"lost", "malformed", *LASTING})
"""Failures that have nothing to do with load: our own process was cut off and the answer lost, it was
answered with what is of no use, or the request would fail at any time."""


def congestion(run: Run) -> Finding:
    """Queueing, retries and refusals that the recorded price did not contain. A source that quotes nothing
    has a price of 0 for them, so all that it records of them counts."""
    requests = [request for step in run.steps for request in step.requests]
    if requests and all(request.waited is None and not _under_load(request) for request in requests):
        missing = "the source does not say how long requests waited, nor which failed"
        return Finding(mode="serving congestion", status="unknown", missing=missing)
    if not requests and run.source != "marginal-agent":
        return Finding(mode="serving congestion", status="unknown", missing="it records no requests")
    seen = (_held_up(step, run) for step in run.steps)
    return found_or_none("serving congestion", [concern for concern in seen if concern is not None])


def _under_load(request: Request) -> bool:
    """Whether the request failed as one does under load."""
    return bool(request.failure) and request.failure not in NO_LOAD


def _held_up(step: Step, run: Run) -> Concern | None:
    """What load cost in one step, beyond its quote; all of it, where nothing was quoted."""
    failed = [request for request in step.requests if _under_load(request)]
    waited = sum(request.waited or 0.0 for request in step.requests)
    waited += sum(request.seconds or 0.0 for request in failed)
    booked = sum(request.dollars or 0.0 for request in failed)
    row = row_of(step.decision)
    quoted = (row.quote.seconds, row.quote.dollars) if row else (0.0, 0.0)
    taken = waited if step.seconds is None else step.seconds
    paid = booked if step.dollars is None else step.dollars
    seconds = min(waited, max(0.0, taken - quoted[0]))
    dollars = min(booked, max(0.0, paid - quoted[1]))
    cost = run.prices.latency * seconds + dollars
    if seconds <= 0 and dollars <= LEAST:
        return None
    many = f"{len(failed)} failed request{'' if len(failed) == 1 else 's'}"
    beyond = f"{show_seconds(seconds)} and {show_money(dollars)} of it beyond the quote"
    rest = beyond if row else f"{show_money(dollars)} paid for what failed"
    seen = f"{many}, {show_seconds(waited)} waited and lost, {rest}"
    return Concern(step=step.number, name=step.name, dollars=cost, seen=seen)


def stale(run: Run) -> Finding:
    """Estimates of which even the newest evidence had lost half its weight when the run began. What that cost
    no trace tells; that a tier has drifted from its predictions shows over many runs (`Audit.drift`)."""
    mode: Mode = "stale rollouts"
    if run.learnt is None or (run.learnt != "shipped" and run.started is None):
        ours = "the trace is of a version that does not say from which runs its estimates were learnt"
        missing = ours if run.source == "marginal-agent" else "the source records no estimates"
        return Finding(mode=mode, status="unknown", missing=missing)
    if run.learnt == "shipped" or run.started is None:
        return found_or_none(mode, ())
    days = max(0.0, run.started - run.learnt.newest) / DAY
    weight = run.learnt.depreciation**days
    if weight >= LEAST_WEIGHT:
        return found_or_none(mode, ())
    runs = f"{run.learnt.runs} run{'' if run.learnt.runs == 1 else 's'}"
    seen = (
        f"learnt from {runs}, the newest {days:.0f} days old: at {run.learnt.depreciation:g} a day it is "
        f"worth {weight:.0%} of what it was; what that cost no trace tells"
    )
    return found_or_none(mode, [Concern(step=0, name="estimates", dollars=None, seen=seen)])


def cache_misuse(run: Run) -> Finding:
    """What was written to a prompt cache and never read in this run, and what a quote took to be in one and
    was not."""
    requests = [request for step in run.steps for request in step.requests]
    if not requests and run.source == "marginal-agent":
        clear = found_or_none("cache misuse", ())
        return clear.model_copy(update={"missing": f"{NOTHING_ASKED}; {KEYS}"})
    if all(request.usage is None or request.rates is None for request in requests):
        missing = NO_USAGE if all(each.usage is None for each in requests) else "no rates are known"
        return Finding(mode="cache misuse", status="unknown", missing=missing)
    concerns = [*_unread(run), *_missed(run)]
    found = found_or_none("cache misuse", sorted(concerns, key=lambda concern: concern.step))
    return found.model_copy(update={"missing": KEYS})


def _unread(run: Run) -> Iterable[Concern]:
    """Writes that cost more than prefill, and whose tokens no later request to the model read. Caches hold
    beginnings of prompts, so what was read of a write is what later reads reach beyond its own."""
    found: list[Concern] = []
    furthest: dict[str, int] = {}  # what later requests to a model read at most
    asked = [(step, request) for step in run.steps for request in step.requests]
    for step, request in reversed(asked):
        if request.usage is None:
            continue
        later = furthest.get(request.model, 0)
        furthest[request.model] = max(later, request.usage.cached)
        if request.rates is None or not _written(request):
            continue
        read = min(_written(request), max(0, later - request.usage.cached))
        unread = 1 - read / _written(request)
        cost = unread * premium_of(request)
        if cost > LEAST:
            tokens = round(unread * _written(request))
            seen = f"{tokens:,} tokens written to {request.model}'s cache and never read in this run"
            found.append(Concern(step=step.number, name=step.name, dollars=cost, seen=seen))
    return reversed(found)


def _missed(run: Run) -> Iterable[Concern]:
    """Tokens that a quote took to be cached and that the step's first answered request did not find there."""
    for step in run.steps:
        answered = next((each for each in step.requests if each.usage is not None), None)
        if step.cached is None or answered is None or answered.usage is None or answered.rates is None:
            continue
        lacking = step.cached - answered.usage.cached
        cost = lacking * (answered.rates.prefill - answered.rates.cached) / MILLION
        if cost > LEAST:
            seen = f"{round(lacking):,} tokens were quoted as cached and had to be read anew"
            yield Concern(step=step.number, name=step.name, dollars=cost, seen=seen)


def cache_use(run: Run) -> CacheUse:
    """What prompt caches saved, and what writing to them cost more."""
    requests = [request for step in run.steps for request in step.requests]
    known = [request for request in requests if request.usage is not None]
    priced = [request for request in known if request.rates is not None]
    return CacheUse(
        read=sum(request.usage.cached for request in known if request.usage),
        written=sum(_written(request) for request in known),
        saved=sum(saved_by(request) for request in priced),
        premium=sum(premium_of(request) for request in priced),
        priced=len(priced),
        unpriced=len(known) - len(priced),
        silent=sum(_silent(request) for request in requests),
    )


def _silent(request: Request) -> bool:
    """Whether it reports no tokens, though it may have used some: what was refused for nothing used none."""
    return request.usage is None and not (request.known == "billed" and request.dollars == 0)


def saved_by(request: Request) -> float:
    """Dollars that reading from a cache cost less than prefill."""
    if request.usage is None or request.rates is None:
        return 0.0
    return request.usage.cached * (request.rates.prefill - request.rates.cached) / MILLION


def premium_of(request: Request) -> float:
    """Dollars that writing to a cache cost more than prefill."""
    if request.usage is None or request.rates is None:
        return 0.0
    rates, usage = request.rates, request.usage
    short = usage.written * (rates.written - rates.prefill)
    return (short + usage.written_long * (rates.written_long - rates.prefill)) / MILLION


def _written(request: Request) -> int:
    return request.usage.written + request.usage.written_long if request.usage else 0


def found_or_none(mode: Mode, concerns: Sequence[Concern]) -> Finding:
    """A mode that was looked for; what it cost is not known where nothing tells it of a step concerned."""
    known = [concern.dollars for concern in concerns if concern.dollars is not None]
    cost = sum(known) if len(known) == len(concerns) else None
    return Finding(mode=mode, status="found" if concerns else "none", dollars=cost, concerns=tuple(concerns))
