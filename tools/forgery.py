"""Does a candidate patch forge its verdict? Protected files, a static scan, and what the run itself shows.

The scan parses the patch inside the sandbox. What none of the three can exclude is stated in the README.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sandboxes.interface import INSIDE, WORK, RunRequest, Runtime
from tools.files import FileEdit
from tools.protected import Protection, protected_reason

SCAN_SECONDS = 60.0
SCAN_BYTES = 2 * 2**30


class Finding(BaseModel):
    """Something the patch brings that an ordinary repair does not: where, which rule, a plain sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: Annotated[str, Field(max_length=4_096)]
    line: int
    rule: Annotated[str, Field(max_length=40)]
    sentence: Annotated[str, Field(max_length=1_000)]

    @property
    def reason(self) -> str:
        """One line for a person; quoted code in it is untrusted."""
        return f"{self.path}:{self.line} {self.sentence}"


_FINDINGS = TypeAdapter(tuple[Finding, ...])


@dataclass(frozen=True)
class Candidate:
    """A patch: its edits, and the contents the edited files have on the base (absent: no such file)."""

    edits: tuple[FileEdit, ...]
    base: Mapping[str, bytes]


def protected_edits(candidate: Candidate, protection: Protection) -> tuple[str, ...]:
    """Why edits may not be part of a fix; empty when all may."""
    reasons = []
    for edit in candidate.edits:
        reason = protected_reason(edit.path, candidate.base.get(edit.path), edit.content, protection)
        if reason is not None:
            reasons.append(f"{edit.path} {reason}")
    return tuple(reasons)


def scan(
    runtime: Runtime,
    python: str,
    candidate: Candidate,
    test_sources: Sequence[bytes],
    doctest_files: Sequence[str] = (),
    inside: str = INSIDE,
    cwd: str = WORK,
    seconds: float = SCAN_SECONDS,
) -> tuple[Finding, ...]:
    """Newly introduced constructs that forge verdicts, found by parsing base and candidate in the sandbox.

    `test_sources` are the target tests' files, whose literals a special case would use. A scan that crashes
    or takes too long is a finding of its own. Raises SandboxError when the sandbox is gone.
    """
    request = {
        "files": [
            {
                "path": edit.path,
                "base": _encoded(candidate.base.get(edit.path)),
                "after": _encoded(edit.content),
            }
            for edit in candidate.edits
        ],
        "tests": [_encoded(source) for source in test_sources],
        "doctests": list(doctest_files),
    }
    result = runtime.run(
        RunRequest(
            argv=(python, "-E", "-s", "-B", f"{inside}/forgery_scan.py"),
            timeout=min(seconds, SCAN_SECONDS),
            cwd=cwd,
            stdin=json.dumps(request).encode(),
            max_output=8_000_000,
            memory_bytes=SCAN_BYTES,
        )
    )
    if result.exit_code == 0:
        try:
            return _FINDINGS.validate_json(result.stdout)
        except ValidationError:
            pass  # cut off at the output bound: far more findings than a patch may have
    path = candidate.edits[0].path if candidate.edits else ""
    return (
        Finding(path=path, line=1, rule="unreadable", sentence="cannot be examined: the scan failed on it"),
    )


def _encoded(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
