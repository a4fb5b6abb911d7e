"""Estimates with memory: lessons of finished runs, kept in the state folder and read when a run begins.

Learning itself is `policies.learning`; here are only the file and the depreciation of old evidence.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from agent.errors import UsageError
from agent.lessons import Lesson
from agent.settings import memory_file
from agent.task import Settings
from policies.estimates import Estimates
from policies.learning import Attempted, Checked, learn
from policies.priors import default_estimates

MOST_LESSONS = 1000
"""To learn from so many takes under a second."""

MOST_BYTES = 16 * 2**20
"""More of the file is never read; a lesson takes well under a kilobyte."""

LEAST_WEIGHT = 0.01
"""What has depreciated to less than a hundredth of an observation is left out."""

DAY = 86_400.0


def learnt(prior: Estimates, lessons: Sequence[Lesson], now: float, depreciation: float) -> Estimates:
    """`prior` after these lessons, each worth depreciation^days of what it was (economics.md §5)."""
    attempts, checks = list[Attempted](), list[Checked]()
    for each in lessons:
        weight = _weight(each, now, depreciation)
        if weight < LEAST_WEIGHT:
            continue
        attempts += [
            Attempted(each.run, a.tier, a.right, a.dollars, a.seconds, weight, a.knowledge, a.searched)
            for a in each.attempts
        ]
        for seen in each.checks:
            for right, share in ((seen.right, seen.sure), (not seen.right, 1 - seen.sure)):
                if weight * share > 0:
                    checks.append(Checked(seen.check, right, seen.passed, weight * share))
    return learn(prior, attempts, checks)


def _weight(old: Lesson, now: float, depreciation: float) -> float:
    return float(depreciation ** max(0.0, (now - old.finished) / DAY))


def recalled(settings: Settings, depreciation: float) -> tuple[Settings, tuple[str, ...]]:
    """`settings` with what earlier runs taught in place of the shipped priors, and notes that say so.

    Without memory they stay as they are. Raises UsageError when the file cannot be read."""
    if not settings.memory:
        return settings, ()
    lessons, broken = read(memory_file())
    notes = (f"{broken} lines of {memory_file()} are no lessons; they are passed over",) if broken else ()
    now, names = time.time(), {tier.name for tier in settings.tiers}
    told = [each for each in lessons if each.checks or any(a.tier in names for a in each.attempts)]
    told = [each for each in told if _weight(each, now, depreciation) >= LEAST_WEIGHT]
    if not told:
        return settings, notes
    found = learnt(default_estimates(settings.tiers), told, now, depreciation)
    known = {"tiers": found.tiers, "checks": found.checks, "difficulty": found.difficulty}
    runs = f"{len(told)} run{'s' if len(told) > 1 else ''}"
    return settings.model_copy(update=known), (f"estimates learnt from {runs}", *notes)


def read(path: Path) -> tuple[list[Lesson], int]:
    """The lessons in a file, the last of each run, oldest first; and how many lines are none.

    Raises UsageError when it cannot be read; a file that is not there holds none.
    """
    lessons, broken = dict[str, Lesson](), 0
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - MOST_BYTES))
            lines = stream.read(MOST_BYTES).splitlines()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror or error}; move it away, or use --no-memory"
        ) from None
    for line in lines:
        try:
            found = Lesson.model_validate_json(line)
        except ValidationError:
            broken += 1
            continue
        lessons.pop(found.run, None)
        lessons[found.run] = found
    return list(lessons.values())[-MOST_LESSONS:], broken


def remember(path: Path, new: Lesson) -> None:
    """Keep a lesson, in place of an earlier one of its run, and only the newest MOST_LESSONS.

    The file is replaced as a whole under a lock. Raises OSError, UsageError."""
    if not new.attempts and not new.checks:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = [each for each in read(path)[0] if each.run != new.run]
        temporary = path.with_suffix(".part")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.writelines(each.model_dump_json() + "\n" for each in [*kept, new][-MOST_LESSONS:])
        temporary.replace(path)
