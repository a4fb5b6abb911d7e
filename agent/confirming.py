"""Who has to confirm a delivery and why, in words, and what a person is asked with."""

from __future__ import annotations

from agent.autonomy.patterns import rules_asking
from agent.delivered import APPLIED, CONFIRMED
from agent.forecast import estimates
from agent.state import State
from agent.units import show_seconds
from policies.amounts import show_money
from policies.autonomy import Confirmation, required, terms_at
from policies.belief import hand_right
from tools.plain import plain_line


def people(number: int) -> str:
    """So many people, in words."""
    return {0: "nobody", 1: "a person", 2: "two people"}.get(number, f"{number} people")


def because(state: State, level: Confirmation) -> str:
    """Of what the patch changes, the rules that ask for it, where the schedule alone would not."""
    delivery, paths = state.settings.delivery, state.hand.paths if state.hand else ()
    readers = state.schedule.readers(level, delivery)
    asking = rules_asking(state.settings.schedule, delivery, level, readers, paths)
    matches = dict.fromkeys(plain_line(rule.match) for rule in asking)
    return f" that changes {', '.join(matches)}" if matches else ""


def offerable(state: State) -> str:
    """Why a person cannot be asked to apply the fix, "" when their word is enough."""
    c = hand_right(state.belief, estimates(state), verified=True)
    level = required(APPLIED, c, state.prices, state.schedule)
    if level <= CONFIRMED:
        return ""
    return f"to apply it, {people(state.schedule.readers(level, APPLIED))} would have to confirm it"


def asked_with(state: State) -> list[str]:
    """What a person needs to know who is asked to apply the fix, besides the diff: how sure it is, what it
    took, what a yes risks and what a no costs. Dollars."""
    prices = state.prices
    c = hand_right(state.belief, estimates(state), verified=True)
    terms = terms_at(CONFIRMED, APPLIED, c, state.schedule)
    risk = prices.risk * terms.loss + prices.irreversible * terms.irreversible_loss
    spent = f"{show_money(state.spent.dollars)} and {show_seconds(state.spent.seconds)}"
    told = state.schedule.told(APPLIED)
    return [
        f"right: with probability {c:.2f}, as far as what it has passed can tell",
        f"bill so far: {spent}",
        f"a yes risks {show_money(risk)}, the expected loss from a wrong patch on the branch",
        f"a no loses {show_money(prices.value * c)}, V of {show_money(prices.value)} with that probability, "
        f"unless the patch file is applied later; it saves that risk, and the {spent} are spent either way",
        *([f"to be told of it: {', '.join(told)}"] if told else []),
        "a no leaves your tree as it is; the patch file stays",
    ]
