"""`agent replay --step N`: what was known before a step, what it was chosen among, and what it came to."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from agent.errors import UsageError
from agent.forecast import estimates
from agent.loop import chosen_candidate
from agent.observations import Observation
from agent.replaying.recorded import Recorded, holding, recorded_steps
from agent.state import State
from agent.task import Record
from agent.trace import Trace
from agent.units import show_seconds
from agent.view import LEGEND, Indented, candidate_table
from agent.words import said
from policies.amounts import show_money
from policies.belief import difficulty, hand_right, success
from policies.vocabulary import Bill, Decision, Limits, Prices
from tools.plain import plain

LONGEST = 500


class Believed(Record):
    """What was believed in a state. right: P(the candidate in hand is right), None without one; success: per
    tier, P(its next attempt is right); difficulty: posterior mean of d."""

    right: float | None
    success: dict[str, float]
    difficulty: float


class StepShown(Record):
    """A step as it is shown. number: from 1, as printed live; line: of the decision in the trace. spent and
    left: before it. observation, bill: None where it has no result. again: it was decided a second time,
    after an interruption."""

    number: int
    line: int
    step: str
    belief: Believed
    spent: Bill
    left: Limits
    decision: Decision
    observation: Observation | None
    bill: Bill | None
    again: bool


class StepsShown(Record):
    """What `--step` and `--until` write as JSON. steps: how many the trace has."""

    run_id: str
    policy: str
    prices: Prices
    steps: int
    shown: tuple[StepShown, ...]


def believed(state: State) -> Believed:
    """The belief of a state in the figures a person can use."""
    known = estimates(state)
    grid, weights = difficulty(state.belief, known)
    return Believed(
        right=hand_right(state.belief, known) if state.belief.hand is not None else None,
        success={tier.name: success(state.belief, tier.name, known) for tier in known.tiers},
        difficulty=float(grid @ weights),
    )


def steps_shown(trace: Trace, policy: str, first: int, last: int) -> StepsShown:
    """The steps `first` to `last` (as printed live, from 1).

    Raises UsageError when `last` is not one of them, TraceError for a trace that does not hold.
    """
    kept, state, most = list[Recorded](), None, 0
    for recorded in recorded_steps(trace):
        state, most = recorded.after, recorded.number
        if first <= recorded.number <= last:
            kept.append(recorded)
    if state is None:
        raise UsageError(f"{trace.folder} has no step: the run ended before its first decision")
    if not 1 <= last <= most:
        raise UsageError(f"there is no step {last}: this trace has the steps 1 to {most}")
    with holding(trace):
        return StepsShown(
            run_id=state.run_id,
            policy=policy,
            prices=state.prices,
            steps=most,
            shown=tuple(map(_shown, kept)),
        )


def _shown(recorded: Recorded) -> StepShown:
    state, done = recorded.before, recorded.done
    if recorded.decision.chosen is not None or done is not None:
        chosen_candidate(recorded.decision)  # or it does not hold together
    return StepShown(
        number=recorded.number,
        line=recorded.line,
        step=recorded.name,
        belief=believed(state),
        spent=state.spent,
        left=state.left,
        decision=recorded.decision,
        observation=done.observation if done else None,
        bill=done.bill if done else None,
        again=recorded.again,
    )


def show_steps(found: StepsShown, console: Console) -> None:
    """Print them; every part fits 80 columns."""
    for position, step in enumerate(found.shown):
        if position:
            console.print()
        show_step(step, found, console)
    console.print(Indented(Text(LEGEND, style="dim")))


def show_step(step: StepShown, found: StepsShown, console: Console) -> None:
    """One of them, without the legend of its table."""
    heading = f"step {step.number} of {found.steps}: {step.step}  (line {step.line} of the trace)"
    console.print(Text(plain(heading, LONGEST), style="bold"))
    tell(console, "belief", belief_in_words(step.belief))
    spent, left = step.spent, step.left
    tell(console, "spent", f"{show_money(spent.dollars)}, {show_seconds(spent.seconds)}, {_loss(spent.loss)}")
    tell(console, "left", f"{show_money(left.dollars)}, {show_seconds(left.seconds)}")
    if step.decision.candidates:
        console.print(candidate_table(step.decision, found.prices))
    tell(console, "choice", f"{step.step}, by the policy '{found.policy}'")
    tell(console, "reason", step.decision.reason)
    if step.decision.shadow_dollars > 0 or step.decision.shadow_seconds > 0:
        dollar, minute = (
            show_money(step.decision.shadow_dollars),
            show_money(60 * step.decision.shadow_seconds),
        )
        tell(console, "limits", f"one binds: a dollar more would be worth {dollar}, a minute more {minute}")
    if step.decision.chosen is not None:
        tell(console, "predicted", predicted(step.decision))
    _result(step, console)


def predicted(decision: Decision) -> str:
    """What the chosen step was expected to take and to come to."""
    quote = chosen_candidate(decision).quote
    return (
        f"succeeds with {quote.probability:.0%}; {show_money(quote.dollars)}, {show_seconds(quote.seconds)}, "
        f"{_loss(quote.loss)}; at most {show_money(quote.worst_dollars)}, {show_seconds(quote.worst_seconds)}"
    )


def belief_in_words(belief: Believed) -> str:
    """The belief in one line."""
    parts = [f"the candidate in hand is right with {belief.right:.0%}"] if belief.right is not None else []
    parts += [f"{tier} would succeed with {chance:.0%}" for tier, chance in belief.success.items()]
    return "; ".join((*parts, f"mean difficulty {belief.difficulty:+.2f}"))


def _result(step: StepShown, console: Console) -> None:
    if step.observation is None or step.bill is None:
        why = "the run stopped here"
        if step.decision.chosen is not None:
            why = "decided again after an interruption" if step.again else "nothing: the run was cut off here"
        tell(console, "came to", why)
        return
    first, *more = said(step.observation)
    tell(console, "came to", "\n".join((first, *more)))
    quote, bill = chosen_candidate(step.decision).quote, step.bill
    tell(
        console,
        "bill",
        f"{show_money(bill.dollars)} (predicted {show_money(quote.dollars)}), {show_seconds(bill.seconds)} "
        f"(predicted {show_seconds(quote.seconds)}), {_loss(bill.loss)}",
    )


def _loss(loss: float) -> str:
    return f"loss {loss:.3g}"


def tell(console: Console, label: str, text: str) -> None:
    """A labelled line of untrusted text, wrapped below its label."""
    console.print(Indented(Text(plain(text, 4 * LONGEST)), f"{label:<11}"))
