"""What the clients share: a request bounded in time and size, and its stream read into a `Completion`.

An SDK's own time limits are for each byte. Here the request runs in a thread of its own, which is left
behind when the time is over, so that neither a slow name server nor headers that drip can hold a run up.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import httpx2

from agent.tiers.answer import Answer
from agent.tiers.bodies import Bounded, Excerpt, overtime
from agent.tiers.endpoint import is_key
from agent.tiers.failures import failure, reported_alone
from agent.tiers.headers import headers_of, is_at
from agent.tiers.prompt import CallFailed, Completion, Prompt
from agent.tiers.throttle import signals
from agent.tiers.unstreamed import json_object, no_endpoint, no_stream
from agent.tiers.untrusted import one_line, part, without, words

_KEPT_IDLE = 3.0
"""Seconds for which a connection is kept for the next request. Servers hang up on idle ones after five, and a
request that crosses that counts as one that may have been billed."""

NO_KEY = "none"
"""What an SDK has in the key's place: the key itself is added to what goes out, and is in nothing it logs."""

OPENAI, OPENAI_HEADERS = "api.openai.com", ("openai-organization", "openai-project")
"""Its host, and what SDKs name the account with (`OPENAI_ORG_ID`, `OPENAI_PROJECT_ID`)."""

_LEAST_SECRET = 8
"""Characters of a key that a server may not make us write down as its answer: "none" is a word."""

_MOST_CONNECT = 10.0
_GRACE = 0.25  # for a limit inside, which knows more, to strike first


class Streaming(Protocol):
    """An SDK's stream of events."""

    @property
    def response(self) -> httpx2.Response: ...

    def __iter__(self) -> Iterator[Any]: ...


class Closing(Protocol):
    """An SDK's client."""

    def close(self) -> None: ...


S = TypeVar("S", bound=Closing)
R = TypeVar("R")


class StreamingClient(Generic[S]):
    """A `Client` over an SDK; a vendor's class says how to connect, to ask, and to read an event.

    One request at a time. The key goes to the endpoint and nowhere else: not into messages, and not after a
    redirect."""

    protocol: ClassVar[str]
    vendor: ClassVar[str]
    """The host of those who speak it themselves."""
    vendor_headers: ClassVar[tuple[str, ...]] = ()
    """Names of what goes to the vendor's own addresses besides the key."""

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

    def _read_whole(self, body: object, answer: Answer) -> None:
        """The same of an answer that came as a whole. `answer.complete` stays false if it is none."""
        raise NotImplementedError

    def _look_up(self, sdk: S, timeout: float) -> httpx2.Response:
        """Ask for the model by its name. Raises whatever the SDK raises."""
        raise NotImplementedError

    def _check_found(self, found: object) -> bool:
        """Whether what came of `_look_up` is of the protocol's form. Raises CallFailed if the model is not
        there."""
        return bool(words(part(found, "id")))

    def _credentials(self) -> dict[str, str]:
        """The headers that carry the key."""
        return {"Authorization": f"Bearer {self._key}"}

    def check(self, timeout: float) -> None:
        """Ask the endpoint, at no cost, whether it answers, takes the key and knows the model.

        Raises CallFailed when it does not."""
        self._in_time(lambda: self._checked(timeout), timeout, Answer())

    def complete(self, prompt: Prompt, timeout: float) -> Completion:
        """Send the request and read the answer within `timeout` seconds in all. Raises CallFailed."""
        answer = Answer()
        return self._in_time(lambda: self._completed(prompt, timeout, answer), timeout, answer)

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

    def _in_time(self, work: Callable[[], R], timeout: float, answer: Answer) -> R:
        """What comes of the work, in a thread of its own. Raises CallFailed, also when the time is over."""
        if timeout <= 0:
            raise CallFailed("timeout", "no time was left to ask", maybe_billed=False)
        if not is_key(self._key):
            raise CallFailed("key", "the key holds characters that no key has", maybe_billed=False)
        outcome: list[R | CallFailed] = []
        until = time.monotonic() + timeout

        def ask() -> None:
            limit = self._limit
            limit.sent, limit.answer, limit.until, limit.seconds = False, answer, until, timeout
            try:
                outcome.append(work())
            except Exception as error:  # whatever a server makes an SDK raise is a failed call
                outcome.append(self._failure(error, answer))

        asking = threading.Thread(target=ask, name=f"request to {self.model}", daemon=True)
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

    def _failure(self, error: Exception, answer: Answer) -> CallFailed:
        return failure(
            error,
            key=self._key,
            base_url=self.base_url,
            sent=self._limit.sent,
            worked_on=answer.worked_on,
            usage=answer.usage,
        )

    def _checked(self, timeout: float) -> None:
        sdk = self._sdk = self._sdk or self._connect()
        body = self._look_up(sdk, timeout).content
        found = json_object(body)
        if problem := reported_alone(found, key=self._key, usage=None):
            raise problem
        if not self._check_found(found):
            raise no_endpoint(self.protocol, body, self._key)

    def _completed(self, prompt: Prompt, timeout: float, answer: Answer) -> Completion:
        sdk = self._sdk = self._sdk or self._connect()
        started = time.monotonic()
        limits = httpx2.Timeout(timeout, connect=min(_MOST_CONNECT, timeout / 2))
        stream = self._ask(sdk, prompt, limits)
        received = False
        for event in stream:
            received = True
            self._read(event, answer)
        ended = time.monotonic()
        if not received:
            self._unstreamed(answer)
        if not answer.complete:
            raise CallFailed("broken", "the answer ended early", maybe_billed=True)
        headers = stream.response.headers
        identity = words(headers.get("x-request-id") or headers.get("request-id")) or answer.identity
        only_called = answer.called and not answer.text.strip()
        return Completion(
            text=without(answer.text, self._key) if len(self._key) >= _LEAST_SECRET else answer.text,
            usage=answer.usage,
            stop="tool" if only_called else answer.stop or "other",
            model=one_line(answer.model or self.model, 100, self._key),
            request_id=one_line(identity, 100, self._key),
            first_token_seconds=(answer.first_token or ended) - started,
            seconds=ended - started,
            signals=signals(headers),
        )

    def _unstreamed(self, answer: Answer) -> None:
        """Nothing of a stream has come: an answer as a whole is as good, an error is the server's word."""
        body = bytes(answer.body.beginning) if answer.body else b""
        found = json_object(body)
        if found is not None:
            self._read_whole(found, answer)
        if answer.complete:
            return
        problem = reported_alone(found, key=self._key, usage=answer.usage)
        raise problem or no_stream(self.protocol, body, self._key)

    @property
    def _http_options(self) -> dict[str, Any]:
        """For the SDK's HTTP client: no redirects, since the key and the repository's text are for this
        endpoint only, no headers but those chosen, and bodies bounded as they arrive."""
        return {
            "follow_redirects": False,
            "limits": httpx2.Limits(keepalive_expiry=_KEPT_IDLE),
            "event_hooks": {"request": [self._sending], "response": [self._bound]},
        }

    def _sending(self, request: httpx2.Request) -> None:
        if time.monotonic() > self._limit.until:  # nobody waits for it any more
            raise overtime(self._limit.seconds)
        own = self._credentials() if self._key else {}
        request.headers = headers_of(request, own, self.vendor_headers if self._at_vendor else ())
        self._limit.sent = True

    @property
    def _at_vendor(self) -> bool:
        return is_at(self.base_url, self.vendor)

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
            answer.body = Bounded(body, self._limit.until, self._limit.seconds, lambda: answer.complete)
            response.stream = answer.body


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
