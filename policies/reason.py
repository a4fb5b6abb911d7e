"""A decision in one plain sentence, with its numbers."""

from __future__ import annotations

from policies.amounts import show_money
from policies.vocabulary import UNLIMITED, Candidate, Limits, Step, StepKind


def reason_for(
    chosen: Step | None, candidates: tuple[Candidate, ...], limit_alone: bool, left: Limits
) -> str:
    """Why `chosen` (None: stop) was chosen among `candidates`, with so much left of the limits."""
    row = next((candidate for candidate in candidates if candidate.step == chosen), None)
    if limit_alone:
        return _limited(row, candidates, left)
    if row is None:
        return _stopped(candidates)
    if row.step.kind is StepKind.SUBMIT:
        return (
            f"submit: final verification should pass with probability {row.quote.probability:.2f}, "
            f"and no other step is worth more{_other(row, candidates)}"
        )
    if row.step.kind is StepKind.DEFER:
        return (
            f"a person should decide: the patch is right with probability {row.quote.probability:.2f}, "
            f"and submitting it is worth less than handing over the evidence"
        )
    return (
        f"{row.step.name} gains {show_money(row.quote.gain.total)} for {_price(row)}: "
        f"net {show_money(row.net)}, the most on offer{_other(row, candidates)}"
    )


def _limited(row: Candidate | None, candidates: tuple[Candidate, ...], left: Limits) -> str:
    ending = "stop" if row is None else row.step.name
    refused = [candidate for candidate in candidates if candidate.refused]
    if not refused:
        return f"{ending}: what would have to follow does not fit into {_left(left)}, all that is left"
    best = max(refused, key=lambda candidate: candidate.net)
    return f"{ending}: {best.step.name} would net {show_money(best.net)} but {best.refused}"


def _left(limits: Limits) -> str:
    amounts = (
        (limits.dollars, show_money(limits.dollars)),
        (limits.seconds, f"{limits.seconds:.3g} s"),
        (limits.loss, f"{limits.loss:.3g} loss units"),
    )
    return " and ".join(text for amount, text in amounts if amount != UNLIMITED)


def _stopped(candidates: tuple[Candidate, ...]) -> str:
    if not candidates:
        return "stop: there is nothing left to try"
    best = max(candidates, key=lambda candidate: candidate.net)
    return (
        f"stop: nothing is worth its price; the best, {best.step.name}, would gain "
        f"{show_money(best.quote.gain.total)} for {_price(best)}"
    )


def _other(row: Candidate, candidates: tuple[Candidate, ...]) -> str:
    others = [candidate for candidate in candidates if candidate is not row and not candidate.refused]
    if not others:
        return ""
    second = max(others, key=lambda candidate: candidate.net)
    return f"; next best {second.step.name}, net {show_money(second.net)}"


def _price(row: Candidate) -> str:
    seconds = row.quote.seconds
    return f"{show_money(row.quote.dollars)} and {seconds:.{int(0 < seconds < 10)}f} s"
