"""The words between a tier and the wire: one request, one completion, and how a call can fail.

Free of any vendor's form, so that a tier is the same over OpenAI, Anthropic and self-hosted servers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

VENDOR_TOKENS = 1_000
"""What a vendor may add to a prompt on its own: tokens around messages, a schema's instructions."""

FailureKind = Literal[
    "key", "model", "request", "too-long", "unreachable", "tls", "rate", "overloaded", "server", "timeout",
    "broken", "malformed",
]  # fmt: skip
"""key: refused or missing. model: not known there. request: refused as it is (400). too-long: does not fit
the context window. unreachable: no connection, or no such host. rate: 429. overloaded: 503, 529. server:
other 5xx. broken: the stream ended early. malformed: an answer that is no completion."""

LASTING = frozenset({"key", "model", "request", "too-long", "tls"})
"""Failures that another try of the same request does not mend."""

Stop = Literal["end", "length", "refusal", "tool", "other"]
"""tool: it calls a tool, though none was offered, and says nothing else."""


@dataclass(frozen=True)
class Schema:
    """JSON Schema, as text, that the reply is held to: every object closed, every property required."""

    name: str
    text: str


@dataclass(frozen=True)
class Beyond:
    """Where an endpoint has been seen to break the bounds that its worst case is made of. hidden: tokens that
    it counted beyond the bytes that were sent (a gateway's own instructions); longest: those of its longest
    answer. The next request is reserved with them."""

    hidden: int = 0
    longest: int = 0


WITHIN = Beyond()
"""Nothing was beyond its bounds."""


@dataclass(frozen=True)
class Prompt:
    """system: the same for every run. stable: blocks that stay as they are over the steps of a run, so that
    a prompt cache holds them. fresh: what this step adds. max_output: most tokens that may be decoded,
    reasoning included. cache_key: names the run for the vendor's router. effort: the vendor's word, "" for
    its default. candidates: how many it asks for. beyond: what the endpoint has counted beyond its bounds."""

    system: str
    stable: tuple[str, ...]
    fresh: str
    max_output: int
    schema: Schema | None = None
    cache_key: str = ""
    effort: str = ""
    candidates: int = 1
    beyond: Beyond = WITHIN

    @property
    def most_tokens(self) -> int:
        """Upper bound of the input's tokens: a token of a byte-level vocabulary is at least one byte."""
        return self.size + VENDOR_TOKENS + self.beyond.hidden

    @property
    def most_output(self) -> int:
        """Upper bound of the output's tokens."""
        return max(self.max_output, self.beyond.longest)

    @property
    def size(self) -> int:
        """UTF-8 bytes of what is sent."""
        texts = (self.system, *self.stable, self.fresh, self.schema.text if self.schema else "")
        return sum(len(text.encode("utf-8", "replace")) for text in texts)


@dataclass(frozen=True)
class Usage:
    """Tokens by phase; no token is in two of them, save that `reasoning` is a part of `decode`.

    prefill: input that no cache held or now holds. cached: read from a cache. written, written_long: put into
    one for minutes, for an hour or more."""

    prefill: int = 0
    cached: int = 0
    written: int = 0
    written_long: int = 0
    decode: int = 0
    reasoning: int = 0

    @property
    def input(self) -> int:
        """All input tokens."""
        return self.prefill + self.cached + self.written + self.written_long


@dataclass(frozen=True)
class RateLimit:
    """What is left of a limit, and seconds until it is full again, None where it is not said. tokens: of
    input and output together."""

    kind: Literal["requests", "tokens", "input", "output"]
    left: int
    reset: float | None = None


@dataclass(frozen=True)
class Signals:
    """What an endpoint says of its load; None where it does not say.

    retry_after: seconds for which it asks not to be asked again. waiting, running: requests, cache_use: a
    share in [0, 1], of a self-hosted server."""

    limits: tuple[RateLimit, ...] = ()
    retry_after: float | None = None
    waiting: float | None = None
    running: float | None = None
    cache_use: float | None = None

    def later(self, seconds: float) -> Signals:
        """What of this still holds so many seconds after it was said."""

        def left(span: float | None) -> float | None:
            return None if span is None else max(0.0, span - seconds)

        limits = tuple(replace(limit, reset=left(limit.reset)) for limit in self.limits)
        return replace(self, limits=limits, retry_after=left(self.retry_after))

    def over(self, older: Signals) -> Signals:
        """This, and of what it says nothing about, limits or the queue, what was seen before."""
        seen = self
        if not self.limits and self.retry_after is None:
            seen = replace(seen, limits=older.limits, retry_after=older.retry_after)
        if (self.waiting, self.running, self.cache_use) == (None, None, None):
            seen = replace(seen, waiting=older.waiting, running=older.running, cache_use=older.cache_use)
        return seen


@dataclass(frozen=True)
class Completion:
    """An answer. `usage` None: the endpoint reported none. Text is untrusted."""

    text: str
    usage: Usage | None
    stop: Stop
    model: str
    request_id: str
    first_token_seconds: float
    seconds: float
    signals: Signals = field(default_factory=Signals)


class CallFailed(Exception):
    """A request came to nothing usable. `message` is one plain line, without keys or control characters.

    maybe_billed: the endpoint may have worked on it (a broken stream, a timeout, a body that cannot be read);
    False when it was refused before any work. usage: what a broken stream had reported by then, for the
    record only. lasting: another try would fail the same; None: as failures of its kind do."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        maybe_billed: bool,
        usage: Usage | None = None,
        signals: Signals | None = None,
        lasting: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.maybe_billed = maybe_billed
        self.usage = usage
        self.signals = signals or Signals()
        self.lasting = kind in LASTING if lasting is None else lasting


class Client(Protocol):
    """One endpoint and model. Sends each request once: retries are the caller's, who pays for them."""

    def check(self, timeout: float) -> None:
        """Ask, at no cost, whether the endpoint takes the key and knows the model. Raises CallFailed."""
        ...

    def complete(self, prompt: Prompt, timeout: float) -> Completion:
        """Send the request and read the answer within `timeout` seconds in all. Raises CallFailed."""
        ...

    def close(self) -> None:
        """Close the connections. Safe to call more than once."""
        ...
