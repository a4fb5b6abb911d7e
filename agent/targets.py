"""Which tests are to be fixed: what a person or a report named, among the tests that were collected."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from agent.environment import MEMORY_SHARE
from agent.errors import UsageError
from agent.task import Settings
from agent.units import show_size
from sandboxes.runner_sandbox import TMP_BYTES
from tools.base import Base
from tools.junit import match_node_ids, near_matches
from tools.protected import Protection, may_be_edited
from tools.verdicts import Shortage, SuiteRun, ids_of

MEND = " — if a dependency is missing, declare it, or name --setup-command or --image"
SHOWN = 3
HARDLY_LONG = 20.0
"""Seconds: a test file that has had less to collect may need more."""


def mendable(base: Base, run: SuiteRun, patterns: Sequence[str]) -> tuple[str, ...]:
    """Test files that do not collect because of an exception in code that a fix may edit: red as any test.

    `patterns`: more protected paths. Not among them: files that ran out of something, need a module that is
    missing, or import what cannot be parsed.
    """
    protection = Protection.of(run, patterns)

    def editable(path: str) -> bool:
        return may_be_edited(path, base.read(path), protection)

    return tuple(
        file
        for file, sources in run.implicated.items()
        if file in base.files and not editable(file) and file not in run.short and any(map(editable, sources))
    )


def hopeless(run: SuiteRun, red: Collection[str]) -> tuple[str, ...]:
    """Files that stay uncollected when those that are `mendable` (`red`) collect. A source file whose
    docstrings are tests is none, where its exception is what keeps one of those from collecting."""
    sources = {source for file in red for source in run.implicated[file]}
    return tuple(file for file in run.collection_errors if file not in red and file not in sources)


def named_targets(settings: Settings, run: SuiteRun, red: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The collected ids behind each name: one test, or all of a file, a class or a parametrised test. A name
    in a file that does not collect and is `mendable` (`red`) stands for itself.

    Raises UsageError for a name that stands for none.
    """
    targets = {name: _behind(name, run, settings, red) for name in settings.tests}
    matched, unmatched = match_node_ids(settings.junit, (*run.collected, *red))
    if unmatched:
        names = ", ".join(_reported(failure.classname, failure.name) for failure in unmatched[:SHOWN])
        problem = uncollected(run)
        raise UsageError(
            f"tests of the report that this repository does not have: {names}"
            + (f"; not everything collects: {problem}" if problem else "")
        )
    return {**targets, **{test: (test,) for test in matched}}


def _behind(name: str, run: SuiteRun, settings: Settings, red: Collection[str]) -> tuple[str, ...]:
    if found := ids_of(name, run.collected):
        return found
    file = name.split("::")[0]
    if file in red:
        return (name,)
    if file in run.short:
        raise UsageError(ran_short(settings, file, run.short[file]))
    if file in run.collection_errors:
        why = reason(run.collection_errors[file])
        raise UsageError(f"test '{name}' cannot be collected: {why}{MEND}")
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
    """The line of a pytest error message (untrusted) in which the exception stands: the last that is not
    indented further, as what pytest explains of an assertion is; else the last."""
    lines = [line for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E ")]
    raised = [line for line in errors if not line.startswith("E    ")]
    said = raised[-1:] or errors[-1:] or lines[-1:]
    return said[0].removeprefix("E ").strip()[:300] if said else "no reason given"
