"""Which tests are to be fixed: what a person or a report named, among the tests that were collected."""

from __future__ import annotations

from collections.abc import Mapping

from agent.environment import MEMORY_SHARE
from agent.errors import UsageError
from agent.task import Settings
from agent.units import show_size
from sandboxes.runner_sandbox import TMP_BYTES
from tools.junit import match_node_ids, near_matches
from tools.verdicts import Shortage, SuiteRun

SHOWN = 3
HARDLY_LONG = 20.0
"""Seconds: a test file that has had less to collect may need more."""


def named_targets(settings: Settings, run: SuiteRun) -> dict[str, tuple[str, ...]]:
    """The collected ids behind each name: one test, or all of a file, a class or a parametrised test.

    Raises UsageError for a name that stands for none.
    """
    targets = {name: _behind(name, run, settings) for name in settings.tests}
    matched, unmatched = match_node_ids(settings.junit, run.collected)
    if unmatched:
        names = ", ".join(_reported(failure.classname, failure.name) for failure in unmatched[:SHOWN])
        problem = uncollected(run)
        raise UsageError(
            f"tests of the report that this repository does not have: {names}"
            + (f"; not everything collects: {problem}" if problem else "")
        )
    return {**targets, **{test: (test,) for test in matched}}


def _behind(name: str, run: SuiteRun, settings: Settings) -> tuple[str, ...]:
    if name in run.collected:
        return (name,)
    if inside := tuple(test for test in run.collected if test.startswith((f"{name}::", f"{name}["))):
        return inside
    file = name.split("::")[0]
    if file in run.short:
        raise UsageError(ran_short(settings, file, run.short[file]))
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
    errors = [
        f"{file}: {run.short[file].words if file in run.short else reason(message)}"
        for file, message in run.collection_errors.items()
    ]
    more = f" and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
    return "; ".join(errors[:SHOWN]) + more


def ran_short(settings: Settings, what: str, shortage: Shortage) -> str:
    """What collecting `what` ran out of, and the mend, in one line."""
    limits = settings.sandbox.limits
    said = f"collecting {what} {shortage.words}"
    if shortage.of == "memory":
        memory, share = show_size(limits.memory_bytes), f"{MEMORY_SHARE:.0%}"
        return f"{said} (sandbox_memory is {memory}, of which a test process may take {share}): raise it"
    if shortage.of == "disk":
        disk, temporary = show_size(limits.disk_bytes), show_size(TMP_BYTES)
        return f"{said} (sandbox_disk is {disk}; {temporary} more in /tmp): raise it"
    if shortage.seconds < HARDLY_LONG:
        return f"{said}: raise the deadline, of which this is a share"
    return f"{said}: it may never end; what runs while it is imported has to be mended by hand for now"


def reason(message: str) -> str:
    """The last line of a pytest error message (untrusted), where the exception stands."""
    lines = [line for line in message.splitlines() if line.strip()]
    return lines[-1].removeprefix("E ").strip()[:300] if lines else "no reason given"
