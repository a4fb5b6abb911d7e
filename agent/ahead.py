"""What is to come of a run, as its policy and its plan's model have it."""

from __future__ import annotations

from agent.forecast import estimates
from agent.options import LOCALISE, options
from agent.policies import policy_under
from agent.quoting import reviewer
from agent.runners import PYTHON_RUNNERS
from agent.state import State
from policies.belief import Belief
from policies.decide import Policy
from policies.outlook import Outlook, Setting, outlook
from policies.rehearsal import offered
from policies.vocabulary import Check, Step, StepKind


def ahead(state: State, policy: Policy) -> Outlook:
    """What is still to come if `policy` goes on from this state."""
    settings = state.settings
    setting = Setting(
        estimates(state),
        state.prices,
        settings.delivery,
        state.schedule,
        lambda belief: _offered(belief, state),
    )
    policy = policy_under(policy, settings.schedule, state.schedule)
    return outlook(state.belief, state.left, policy, setting)


def _offered(belief: Belief, state: State) -> tuple[Step, ...]:
    """The steps on offer at a belief that may follow this state: at first exactly as the runtime offers them,
    later as far as the belief alone says, without those that this repository does not have."""
    if belief == state.belief:
        return options(state)
    whole = state.baseline is None or state.baseline.complete
    traceable = state.runner in PYTHON_RUNNERS or bool(state.settings.models)

    def there(step: Step) -> bool:
        if step.kind is StepKind.SUBMIT or step.check is Check.SUITE:
            return whole
        if step.check is Check.REVIEW:
            return reviewer(state) is not None
        return traceable or step.subject != LOCALISE.subject

    return tuple(filter(there, offered(belief, estimates(state), state.settings.delivery)))
