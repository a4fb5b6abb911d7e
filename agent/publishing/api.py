"""Requests to a host's API: the token goes to its address alone, answers are bounded, errors are one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from agent.errors import AgentError, UsageError
from agent.redact import Redactor
from tools.plain import plain_line

if TYPE_CHECKING:
    import httpx2

SECONDS = 30.0
MOST_ANSWER = 32 * 2**20
MOST_WAIT = 60.0
"""Seconds that a host's rate limits are waited for, in all."""

UNSAID_WAIT = 10.0
"""Seconds to wait where a limit does not say how long."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
USER_AGENT = "marginal-agent"

Shape = TypeVar("Shape")


class _Refusal(BaseModel):
    """What GitHub and GitLab say of an error; of any shape."""

    message: Any = None
    error: Any = None
    errors: Any = None


class Api:
    """The API at `url`. token_variable: the environment variable that the token is from. say: hears of waits.

    Raises UsageError for an address that a token should not be sent to."""

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str],
        token_variable: str,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx2

        self.url = url.rstrip("/")
        check_address(self.url)
        self._variable, self._say, self._sleep = token_variable, say, sleep
        self._wait_left = MOST_WAIT
        self._redacted = Redactor()
        self._client = httpx2.Client(
            headers={**headers, "User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            timeout=SECONDS,
            follow_redirects=False,
        )

    def get(
        self, path: str, shape: TypeAdapter[Shape], params: Mapping[str, str | int] | None = None
    ) -> Shape:
        """What is at a path, as `shape`. Raises UsageError where it is refused, AgentError where the host
        cannot be asked."""
        return self._asked("GET", path, shape, params=params)

    def post(self, path: str, shape: TypeAdapter[Shape], body: Mapping[str, str | bool]) -> Shape:
        """What comes of sending a body; sent again only where a rate limit refused it. Raises as `get`."""
        return self._asked("POST", path, shape, body=body)

    def _asked(
        self,
        method: str,
        path: str,
        shape: TypeAdapter[Shape],
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, str | bool] | None = None,
    ) -> Shape:
        while True:
            status, headers, data = self._sent(method, path, params, body)
            wait = _wait(status, headers)
            if wait is None:
                break
            if wait > self._wait_left:
                raise AgentError(f"{self.url} asks to wait {wait:.0f} s, too long; try later")
            self._wait_left -= wait
            self._say(f"{self.url} asks to wait {wait:.0f} s")
            self._sleep(wait)
        self._check(status, headers, data, path)
        try:
            return shape.validate_json(data)
        except ValidationError:
            raise AgentError(f"{self.url}{path} answers what is not of its API; check --api") from None

    def _sent(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None,
        body: Mapping[str, str | bool] | None,
    ) -> tuple[int, httpx2.Headers, bytes]:
        import httpx2

        data = bytearray()
        try:
            with self._client.stream(method, f"{self.url}{path}", params=params, json=body) as response:
                for chunk in response.iter_raw():
                    data += chunk
                    if len(data) > MOST_ANSWER:
                        raise AgentError(f"{self.url} answers more than {MOST_ANSWER // 2**20} MB")
                return response.status_code, response.headers, bytes(data)
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError) as error:
            why = plain_line(str(error)) or type(error).__name__
            raise AgentError(f"{self.url} cannot be asked: {why}; nothing is lost, try again") from None

    def _check(self, status: int, headers: httpx2.Headers, data: bytes, path: str) -> None:
        if 200 <= status < 300:
            return
        said = self._redacted(_said(data))
        if 300 <= status < 400:
            target = plain_line(headers.get("location", "nowhere"))
            raise UsageError(
                f"{self.url}{path} redirects to {target}, where the token is not sent; if that is right, "
                "name it with --api or --repository"
            )
        match status:
            case 401:
                raise UsageError(f"{self.url} does not take the token ({said}); check {self._variable}")
            case 403:
                raise UsageError(f"the token of {self._variable} is not allowed to do this: {said}")
            case 404:
                raise UsageError(
                    f"{self.url}{path} is not there, or the token of {self._variable} may not see it ({said})"
                )
            case _ if status < 500:
                raise UsageError(f"{self.url} refuses it ({status}): {said}")
            case _:
                raise AgentError(f"{self.url} is out of order ({status}): {said}; nothing is lost, try again")


def check_address(url: str) -> None:
    """Raises UsageError for a URL that a token should not be sent to, or that has one in it."""
    import httpx2

    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise UsageError(f"'{plain_line(url, 100)}' is not a URL") from None
    if parsed.userinfo:
        raise UsageError("keep names and tokens out of the URL; set AGENT_PUBLISH_TOKEN")
    here = parsed.scheme == "http" and parsed.host in LOOPBACK
    if not parsed.host or not (parsed.scheme == "https" or here):
        raise UsageError(f"'{plain_line(url, 100)}' is no https:// address, and a token goes to no other")


def _wait(status: int, headers: httpx2.Headers) -> float | None:
    """Seconds that a rate limit asks to wait; None where none refused the request."""
    if status not in (403, 429):
        return None
    after, left = headers.get("retry-after", ""), headers.get("x-ratelimit-remaining", "")
    if after.isdecimal() and len(after) < 10:
        return max(1.0, float(after))
    reset = headers.get("x-ratelimit-reset", "") if left == "0" else ""
    if reset.isdecimal() and len(reset) < 15:
        return max(1.0, float(reset) - time.time())
    return UNSAID_WAIT if status == 429 else None


def _said(data: bytes) -> str:
    """The host's own words on an error, on one line."""
    try:
        found = _Refusal.model_validate_json(data)
        words = [str(each) for each in (found.message, found.error, found.errors) if each]
    except ValidationError:
        words = [data[:2000].decode("utf-8", "replace")]
    return plain_line("; ".join(words), 300) or "no word why"
