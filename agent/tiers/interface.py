"""What a priced tier is: it answers a request with edits or a plan, and says what that cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from policies.estimates import TierEstimate
from tools.files import FileEdit


@dataclass(frozen=True)
class TierRequest:
    """What a tier is given: targets, their untrusted failure texts, suspicious places (`path:line`), what
    was tried and why it failed, a way to read files of the base, seconds it may take, and the number of
    earlier calls to it in this run."""

    targets: tuple[str, ...]
    messages: tuple[str, ...]
    suspicious: tuple[str, ...]
    notes: tuple[str, ...]
    read: Callable[[str], bytes | None]
    seconds: float
    calls: int


@dataclass(frozen=True)
class TierReply:
    """Edits (empty: no usable answer), a note or plan in words (untrusted), and the dollars billed."""

    edits: tuple[FileEdit, ...]
    note: str
    dollars: float


class Tier(Protocol):
    """A tier of the ladder."""

    @property
    def name(self) -> str: ...

    @property
    def estimate(self) -> TierEstimate:
        """Prior success, prices and times (see policies.estimates)."""
        ...

    def act(self, request: TierRequest) -> TierReply:
        """Ask for a patch. Raises SandboxError-like infrastructure errors only when the tier is gone."""
        ...

    def plan(self, request: TierRequest) -> TierReply:
        """Ask for a plan; only called when the estimate says the tier can plan."""
        ...
