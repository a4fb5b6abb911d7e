"""What is signed for an approval: one line of canonical JSON (keys sorted, no blanks, ASCII)."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator

from agent.task import Record
from policies.vocabulary import ActionClass

NAMESPACE: Literal["agent-approval"] = "agent-approval"
"""Of the signature: one for another purpose (a commit, a trace) is no approval."""

_EXPIRES = "%Y-%m-%dT%H:%M:%SZ"

Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Statement(Record):
    """What a person says by signing. run, step: whose submission; people: how many different ones have to
    sign. patch: SHA-256 of the diff; base: hash of the tree it is for; delivery: where it goes, in words;
    schedule: SHA-256 of the recorded autonomy schedule. expires: UTC; nonce: 128 random bits, which count
    for one delivery. reason: of a rejection."""

    type: Literal["agent-approval"] = NAMESPACE
    version: Literal[1] = 1
    decision: Literal["approve", "reject"] = "approve"
    run: str
    step: int
    action_class: ActionClass
    people: int = Field(ge=1, le=99)
    patch: Digest
    base: str
    repository: str
    delivery: tuple[str, ...]
    schedule: Digest
    expires: str = Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
    nonce: str = Field(pattern="^[0-9a-f]{32}$")
    reason: str = Field(default="", max_length=500)

    @field_validator("expires")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        datetime.strptime(text, _EXPIRES)
        return text

    def to_sign(self) -> bytes:
        """Exactly the bytes that are signed."""
        return canonical(self.model_dump(mode="json")) + b"\n"

    @property
    def digest(self) -> str:
        """SHA-256 of those bytes."""
        return hashlib.sha256(self.to_sign()).hexdigest()

    @property
    def expires_at(self) -> float:
        """Seconds since the epoch."""
        return datetime.strptime(self.expires, _EXPIRES).replace(tzinfo=UTC).timestamp()

    def rejecting(self, reason: str) -> Statement:
        """The statement that says no to it: signed, it can never pass for an approval."""
        return self.model_copy(update={"decision": "reject", "reason": reason})


def canonical(value: object) -> bytes:
    """JSON data in the one form in which it is hashed and signed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def utc(time: float) -> str:
    """Seconds since the epoch as a statement writes them; whole seconds."""
    return datetime.fromtimestamp(time, UTC).strftime(_EXPIRES)
