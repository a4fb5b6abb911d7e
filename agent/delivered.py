"""How far a patch reached, and what handing it out is expected to lose, once a person had their say."""

from __future__ import annotations

from agent.forecast import estimates
from agent.state import State
from policies.autonomy import Confirmation, terms_at
from policies.belief import hand_right
from policies.vocabulary import ActionClass

APPLIED, CONFIRMED = ActionClass.COMMIT, Confirmation.CONFIRM
"""What a person makes of a patch file by a "yes" to applying it: they have seen the diff, and it is in their
tree then."""


def reached(state: State) -> ActionClass:
    """How far the patch reached, or was to reach."""
    return APPLIED if applied(state) else state.settings.delivery


def applied(state: State) -> bool:
    """Whether a person, asked about the patch file of the run, had it applied to their tree."""
    asked = state.answer is not None and state.answer.yes
    return asked and state.settings.delivery is ActionClass.DRAFT


def expected_loss(state: State) -> float:
    """Loss units of the run's bills, and what a person took on who had the patch applied."""
    return state.spent.loss + taken_on(state)


def taken_on(state: State) -> float:
    """Loss units that applying the patch risks beyond those of its file, which the step that made it booked;
    0 where it was not applied."""
    if not applied(state):
        return 0.0
    right = hand_right(state.belief, estimates(state), verified=True)
    schedule = state.schedule
    file = terms_at(Confirmation.FREE, ActionClass.DRAFT, right, schedule)
    return terms_at(CONFIRMED, APPLIED, right, schedule).loss - file.loss
