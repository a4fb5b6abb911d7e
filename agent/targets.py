"""Which tests are to be fixed: what a person or a report named, among the tests that were collected."""

from __future__ import annotations

from collections.abc import Mapping

from agent.errors import UsageError
from agent.task import Settings
from tools.junit import match_node_ids, near_matches
from tools.verdicts import SuiteRun

SHOWN = 3


def named_targets(settings: Settings, run: SuiteRun) -> dict[str, tuple[str, ...]]:
    """The collected ids behind each name: one test, or all of a file, a class or a parametrised test.

    Raises UsageError for a name that stands for none.
    """
    targets = {name: _behind(name, run) for name in settings.tests}
    matched, unmatched = match_node_ids(settings.junit, run.collected)
    if unmatched:
        names = ", ".join(_reported(failure.classname, failure.name) for failure in unmatched[:SHOWN])
        problem = uncollected(run)
        raise UsageError(
            f"tests of the report that this repository does not have: {names}"
            + (f"; not everything collects: {problem}" if problem else "")
        )
    return {**targets, **{test: (test,) for test in matched}}


def _behind(name: str, run: SuiteRun) -> tuple[str, ...]:
    if name in run.collected:
        return (name,)
    if inside := tuple(test for test in run.collected if test.startswith((f"{name}::", f"{name}["))):
        return inside
    file = name.split("::")[0]
    if file in run.collection_errors:
        raise UsageError(
            f"test '{name}' cannot be collected: {reason(run.collection_errors[file])} — a defect that keeps "
            "a test file from being imported has to be fixed by hand for now"
        )
    near = near_matches(name, run.collected)
    hint = f"did you mean {', '.join(near)}?" if near else f"{len(run.collected)} tests were collected"
    raise UsageError(f"test '{name}' does not exist; {hint}")


def _reported(classname: str, name: str) -> str:
    return f"{classname}::{name}" if classname else name


def narrowed(
    named: Mapping[str, tuple[str, ...]], failures: Mapping[str, int], passes: Mapping[str, int]
) -> tuple[str, ...]:
    """Of each name, the tests that failed; where none did, those that passed.

    `failures`, `passes`: how often each test did. A test may do neither (skipped).
    """
    kept: dict[str, None] = {}
    for tests in named.values():
        failing = [test for test in tests if failures[test]]
        kept.update(dict.fromkeys(failing or [test for test in tests if passes[test]]))
    return tuple(kept)


def uncollected(run: SuiteRun) -> str:
    """The files that do not collect, with the reason of each, in one line; "" when all do."""
    errors = [f"{file}: {reason(message)}" for file, message in run.collection_errors.items()]
    more = f" and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
    return "; ".join(errors[:SHOWN]) + more


def reason(message: str) -> str:
    """The last line of a pytest error message (untrusted), where the exception stands."""
    lines = [line for line in message.splitlines() if line.strip()]
    return lines[-1].removeprefix("E ").strip()[:300] if lines else "no reason given"
