"""All three guards against forgeries in one call, as the runtime applies them one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandboxes.interface import INSIDE, REPO, Runtime
from tools.files import apply, undo
from tools.forgery import Candidate, protected_edits, scan
from tools.protected import Protection
from tools.testing import RunLimits, TestRunner
from tools.verdicts import Judgement, SuiteRun, judge


@dataclass(frozen=True)
class Assessment:
    """Whether a candidate may count as a fix, and if not, every reason.

    `stage` says what refused it: "protected", "static", "dynamic", or "" when accepted. `run` and `judgement`
    are there when the suite was run.
    """

    accepted: bool
    reasons: tuple[str, ...]
    stage: str = ""
    run: SuiteRun | None = None
    judgement: Judgement | None = None


def assess(
    runtime: Runtime,
    runner: TestRunner,
    python: str,
    candidate: Candidate,
    baseline: SuiteRun,
    targets: Sequence[str],
    limits: RunLimits,
    protection: Protection,
    test_sources: Sequence[bytes],
    repo: str = REPO,
    inside: str = INSIDE,
) -> Assessment:
    """Protected files first (free), then the scan, then the whole suite with the candidate applied.

    Run it in a fresh tree for a final verdict. Raises SandboxError when the sandbox is gone.
    """
    if reasons := protected_edits(candidate, protection):
        return Assessment(False, reasons, "protected")
    doctests = sorted(protection.doctest_files)
    if findings := scan(runtime, python, candidate, test_sources, doctests, inside, repo):
        return Assessment(False, tuple(finding.reason for finding in findings), "static")
    return run_candidate(runtime, runner, candidate, baseline, targets, limits, repo)


def run_candidate(
    runtime: Runtime,
    runner: TestRunner,
    candidate: Candidate,
    baseline: SuiteRun,
    targets: Sequence[str],
    limits: RunLimits,
    repo: str = REPO,
) -> Assessment:
    """The whole suite with the candidate applied (and undone), judged against the baseline."""
    record = apply(runtime, repo, candidate.edits)
    try:
        after = runner.run(None, limits)
    finally:
        undo(runtime, repo, record)
    judgement = judge(baseline, after, targets)
    return Assessment(
        judgement.fixed, judgement.reasons, "" if judgement.fixed else "dynamic", after, judgement
    )
