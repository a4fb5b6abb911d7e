"""From resolved settings and flags to the task's settings."""

from __future__ import annotations

from pathlib import Path

from agent.errors import UsageError
from agent.ladder import models_of
from agent.settings import REPAIR, Resolved
from agent.task import Settings
from agent.tiers.interface import Tier
from policies.estimates import TierEstimate
from policies.priors import DEFAULT_CHECKS, REVIEW_CHECK, repair_tier
from policies.progress import check_size
from policies.vocabulary import ActionClass
from tools.junit import MAX_BYTES, JUnitFailure, failing_tests


def read_junit(path: Path | None, *, green: bool = False) -> tuple[JUnitFailure, ...]:
    """The failing tests of a report. Raises UsageError for an unreadable or hostile one, and for a green one
    unless that is expected."""
    if path is None:
        return ()
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    if data is None:
        raise UsageError(f"{path} is larger than {MAX_BYTES // 10**6} MB")
    try:
        found = failing_tests(data)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    if not found and not green:
        raise UsageError(f"{path} names no failing test")
    return found


def tier_estimates(resolved: Resolved, tiers: dict[str, Tier]) -> tuple[TierEstimate, ...]:
    """What is expected of every tier that is to be used, in their order. Raises UsageError for too many."""
    found = tuple(repair_tier() if name == REPAIR else tiers[name].estimate for name in resolved.tier_names)
    try:
        check_size(found)
    except ValueError as error:
        raise UsageError(f"{error}; name fewer with --tier") from None
    return found


def settings_from(
    resolved: Resolved,
    folder: Path,
    tiers: dict[str, Tier],
    *,
    tests: tuple[str, ...],
    junit: tuple[JUnitFailure, ...],
    apply: bool,
    branch: str,
    patch_out: str,
) -> Settings:
    """The settings a trace records. Touching the user's tree or making a commit is of class commit.

    Raises UsageError for words that are no text.
    """
    for word in (str(folder), *tests, branch, patch_out):
        if any(0xD800 <= ord(character) <= 0xDFFF for character in word):
            raise UsageError(f"{word.encode('utf-8', 'backslashreplace').decode()} is not valid UTF-8")
    return Settings(
        repository=str(folder),
        tests=tests,
        junit=junit,
        runner=resolved.runner,
        tests_command=resolved.tests_command,
        prices=resolved.prices,
        limits=resolved.limits,
        delivery=ActionClass.COMMIT if apply or branch else ActionClass.DRAFT,
        apply=apply,
        branch=branch,
        patch_out=patch_out,
        tiers=tier_estimates(resolved, tiers),
        models=models_of(tiers),
        checks=(*DEFAULT_CHECKS, REVIEW_CHECK) if models_of(tiers) else DEFAULT_CHECKS,
        sandbox=resolved.sandbox,
        protected=resolved.protected,
        schedule=resolved.schedule,
        values=resolved.values,
        value_caps=resolved.value_caps,
        memory=resolved.teaches,
    )
