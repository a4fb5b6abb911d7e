"""What a CI job says fails: JUnit reports, pytest's own cache, or nothing: then the suite is asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.errors import UsageError
from agent.intake import read_junit
from tools.junit import JUnitFailure, match_node_ids

CACHE = Path(".pytest_cache/v/cache/lastfailed")
MOST_BYTES = 20_000_000
MOST_FAILURES = 20_000


@dataclass(frozen=True)
class Reported:
    """Tests that are said to fail (untrusted). `source`: who says so, "" where the suite is to be asked."""

    source: str = ""
    failures: tuple[JUnitFailure, ...] = ()
    tests: tuple[str, ...] = ()

    def among(self, collected: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Node ids of the reported tests among those collected, and the names of those that are not."""
        matched, unmatched = match_node_ids(self.failures, collected)
        known = set(collected)
        found = dict.fromkeys([*matched, *(test for test in self.tests if test in known)])
        names = [f"{each.classname}::{each.name}" if each.classname else each.name for each in unmatched]
        return tuple(found), (*names, *(test for test in self.tests if test not in known))


def read_reports(paths: Sequence[Path]) -> Reported:
    """The failing tests of all reports together, each once. Reports may be green, as most of a job's are.

    Raises UsageError for one that cannot be read, is hostile or too large.
    """
    found = dict.fromkeys(failure for path in paths for failure in read_junit(path, green=True))
    if len(found) > MOST_FAILURES:
        raise UsageError(
            f"the reports name {len(found):,} failing tests; at most {MOST_FAILURES:,} are taken"
        )
    return Reported(source=", ".join(str(path) for path in paths), failures=tuple(found))


def read_cache(folder: Path) -> Reported:
    """What failed when pytest last ran in this folder. Raises UsageError."""
    path = folder / CACHE
    if path.is_symlink() or not path.is_file():
        raise UsageError(f"there is no {path}: run pytest first, with its cache")
    try:
        data = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
        held = json.loads(data)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        held = None
    if not isinstance(held, dict) or len(held) > MOST_FAILURES:
        raise UsageError(f"{path} is not what pytest writes there; run pytest anew")
    return Reported(source=str(path), tests=tuple(held))
