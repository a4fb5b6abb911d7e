"""What the clients share: a request bounded in time and size, and its stream read into a `Completion`.

An SDK's own time limits are for each byte. Here the request runs in a thread of its own, which is left
behind when the time is over, so that neither a slow name server nor headers that drip can hold a run up.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

import httpx2

from agent.tiers.bodies import MOST_TEXT, Bounded, Excerpt, overtime
from agent.tiers.failures import failure
from agent.tiers.prompt import CallFailed, Completion, Prompt, Stop, Usage
from agent.tiers.throttle import signals
from agent.tiers.untrusted import one_line, words

_KEPT_IDLE = 3.0
"""Seconds for which a connection is kept for the next request. Servers hang up on idle ones after five, and a
request that crosses that counts as one that may have been billed."""

_MOST_CONNECT = 10.0
_GRACE = 0.25  # for a limit inside, which knows more, to strike first


class Answer:
    """What has come of an answer so far."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.accounts: list[object] = []
        self.stop: Stop | None = None
        self.complete = False
        self.model = ""
        self.identity = ""
        self.first_token: float | None = None
        self._parts: list[str] = []
        self._size = 0

    def began(self) -> None:
        """The first token has come, shown or not."""
        if self.first_token is None:
            self.first_token = time.monotonic()

    def write(self, text: object) -> None:
        """Another piece of the text."""
        if isinstance(text, str) and text:
            self.began()
            self._parts.append(text)
            self._size += len(text)
            if self._size > MOST_TEXT:
                raise CallFailed("malformed", "the answer is longer than 8 MiB", maybe_billed=True)

    def rewrite(self, text: str) -> None:
        """The text as a whole, in place of its pieces."""
        self._parts, self._size = [], 0
        self.write(text)

    @property
    def started(self) -> bool:
        """Whether a token has come."""
        return self.first_token is not None

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._parts)


class Streaming(Protocol):
    """An SDK's stream of events."""

    @property
    def response(self) -> httpx2.Response: ...

    def __iter__(self) -> Iterator[Any]: ...


class Closing(Protocol):
    """An SDK's client."""

    def close(self) -> None: ...


S = TypeVar("S", bound=Closing)


class StreamingClient(Generic[S]):
    """A `Client` over an SDK; a vendor's class says how to connect, to ask, and to read an event.

    One request at a time. The key goes to the endpoint and nowhere else: not into messages, and not after a
    redirect."""

    def __init__(self, model: str, key: str, base_url: str) -> None:
        self.model = model
        self.base_url = base_url
        self._key = key.strip()
        self._sdk: S | None = None
        self._limit = threading.local()

    def _connect(self) -> S:
        """The SDK's client, with `_http_options` for its HTTP client, and without retries of its own."""
        raise NotImplementedError

    def _ask(self, sdk: S, prompt: Prompt, timeout: httpx2.Timeout) -> Streaming:
        """Send the request."""
        raise NotImplementedError

    def _read(self, event: object, answer: Answer) -> None:
        """Fold an event of the stream into the answer. Raises CallFailed for an error that it reports."""
        raise NotImplementedError

    def _look_up(self, sdk: S, timeout: float) -> None:
        """Ask for the model by its name. Raises whatever the SDK raises, or CallFailed."""
        raise NotImplementedError

    def check(self, timeout: float) -> None:
        """Ask the endpoint, at no cost, whether it answers, takes the key and knows the model.

        Raises CallFailed when it does not."""
        self._limit.until, self._limit.seconds = time.monotonic() + timeout, timeout
        self._limit.answer = Answer()
        try:
            self._sdk = self._sdk or self._connect()
            self._look_up(self._sdk, timeout)
        except Exception as error:  # whatever a server makes an SDK raise is a failed call
            raise failure(error, key=self._key, sent=False, started=False, usage=None) from None

    def complete(self, prompt: Prompt, timeout: float) -> Completion:
        """Send the request and read the answer within `timeout` seconds in all. Raises CallFailed."""
        if timeout <= 0:
            raise CallFailed("timeout", "no time was left to ask", maybe_billed=False)
        if not (self._key.isascii() and self._key.isprintable()):
            raise CallFailed("key", "the key holds characters that no key has", maybe_billed=False)
        answer = Answer()
        outcome: list[Completion | CallFailed] = []
        until = time.monotonic() + timeout
        asking = threading.Thread(
            target=lambda: outcome.append(self._completed(prompt, timeout, until, answer)),
            name=f"request to {self.model}",
            daemon=True,
        )
        asking.start()
        try:
            asking.join(timeout + _GRACE)
        finally:
            if not outcome:
                self._abandon()
        if not outcome:
            raise overtime(timeout, answer.usage)
        if isinstance(outcome[0], CallFailed):
            raise outcome[0]
        return outcome[0]

    def close(self) -> None:
        """Close the connections. Safe to call more than once."""
        sdk, self._sdk = self._sdk, None
        if sdk is not None:
            sdk.close()

    def _abandon(self) -> None:
        """Leave a request behind: closing its connection ends its thread with the next byte."""
        # The connection is in use by the thread that is left behind, so closing it may fail.
        with contextlib.suppress(Exception):
            self.close()

    def _completed(
        self, prompt: Prompt, timeout: float, until: float, answer: Answer
    ) -> Completion | CallFailed:
        self._limit.sent, self._limit.answer = False, answer
        try:
            sdk = self._sdk = self._sdk or self._connect()
            self._limit.until, self._limit.seconds = until, timeout
            started = time.monotonic()
            limits = httpx2.Timeout(timeout, connect=min(_MOST_CONNECT, timeout / 2))
            stream = self._ask(sdk, prompt, limits)
            received = False
            for event in stream:
                received = True
                self._read(event, answer)
            ended = time.monotonic()
            self._check_complete(answer, received)
            headers = stream.response.headers
            identity = words(headers.get("x-request-id") or headers.get("request-id")) or answer.identity
            return Completion(
                text=answer.text,
                usage=answer.usage,
                stop=answer.stop or "other",
                model=one_line(answer.model or self.model, 100, self._key),
                request_id=one_line(identity, 100, self._key),
                first_token_seconds=(answer.first_token or ended) - started,
                seconds=ended - started,
                signals=signals(headers),
            )
        except Exception as error:  # whatever a server makes an SDK raise is a failed call
            return failure(
                error, key=self._key, sent=self._limit.sent, started=answer.started, usage=answer.usage
            )

    def _check_complete(self, answer: Answer, received: bool) -> None:
        if not received:
            raise CallFailed("malformed", "the answer is no stream of events", maybe_billed=True)
        if not answer.complete:
            raise CallFailed("broken", "the answer ended early", maybe_billed=True)

    @property
    def _http_options(self) -> dict[str, Any]:
        """For the SDK's HTTP client: no redirects, since the key and the repository's text are for this
        endpoint only, no compression, and bodies bounded as they arrive."""
        return {
            "follow_redirects": False,
            "headers": {"Accept-Encoding": "identity"},
            "limits": httpx2.Limits(keepalive_expiry=_KEPT_IDLE),
            "event_hooks": {"request": [self._sending], "response": [self._bound]},
        }

    def _sending(self, request: httpx2.Request) -> None:
        del request
        if time.monotonic() > self._limit.until:  # nobody waits for it any more
            raise overtime(self._limit.seconds)
        self._limit.sent = True

    def _bound(self, response: httpx2.Response) -> None:
        body = response.stream
        if not isinstance(body, httpx2.SyncByteStream):
            return
        packed = response.headers.get("content-encoding", "identity") != "identity"
        if not response.is_success:
            # Packed or not, it is read as it comes: a small body can unpack to a large one.
            response.headers.pop("content-encoding", None)
            response.stream = Excerpt(body, self._limit.until)
        elif packed:
            raise CallFailed("malformed", "the answer is compressed, unasked", maybe_billed=True)
        else:
            answer: Answer = self._limit.answer
            response.stream = Bounded(body, self._limit.until, self._limit.seconds, lambda: answer.complete)


def blocks(prompt: Prompt) -> tuple[list[str], str]:
    """The stable blocks and the fresh text, without empty ones, which vendors refuse."""
    return [text for text in prompt.stable if text.strip()], prompt.fresh


def schema_of(prompt: Prompt) -> dict[str, Any] | None:
    """The reply's JSON Schema, read. None: the reply is free."""
    if prompt.schema is None:
        return None
    schema: dict[str, Any] = json.loads(prompt.schema.text)
    return schema


def joined(texts: Iterable[str]) -> str:
    """Blocks as one text, for endpoints that take no blocks."""
    return "\n\n".join(text for text in texts if text.strip())
