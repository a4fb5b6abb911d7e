"""Whatever goes wrong in a request -> `CallFailed`: of which kind, and whether it may be on the bill."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import replace

import httpx2

from agent.tiers.prompt import CallFailed, FailureKind, Usage
from agent.tiers.throttle import retry_after, signals
from agent.tiers.untrusted import one_line, part, words

_BY_STATUS: dict[int, FailureKind] = {
    401: "key", 402: "key", 403: "key", 404: "model", 408: "timeout", 409: "server", 413: "too-long",
    429: "rate", 503: "overloaded", 504: "timeout", 524: "timeout", 529: "overloaded",
}  # fmt: skip

_BY_CODE: dict[str, FailureKind] = {
    "authentication_error": "key",
    "billing_error": "key",
    "context_length_exceeded": "too-long",
    "exceed_context_size_error": "too-long",
    "insufficient_quota": "key",
    "invalid_api_key": "key",
    "invalid_prompt": "request",
    "invalid_request_error": "request",
    "model_not_found": "model",
    "not_found_error": "model",
    "overloaded_error": "overloaded",
    "permission_error": "key",
    "rate_limit_error": "rate",
    "rate_limit_exceeded": "rate",
    "request_too_large": "too-long",
    "server_error": "server",
    "timeout_error": "timeout",
}
"""What vendors call it; the status alone does not tell a quota used up from a rate, or a long prompt from a
bad request."""

_TOO_LONG = (
    "prompt is too long",
    "maximum context length",
    "context length",
    "context window",
    "context size",
    "exceed context limit",
)

_LOST_UPSTREAM = frozenset({502, 504, 520, 524})
"""A gateway lost sight of the server behind it, which may well have done the work."""

_PLAIN: dict[FailureKind, str] = {
    "key": "the endpoint refuses the key or the account",
    "model": "the endpoint does not know this model, or this path",
    "request": "the endpoint refuses the request",
    "too-long": "the prompt does not fit",
    "rate": "too many requests or tokens",
    "overloaded": "the endpoint is overloaded",
    "server": "the endpoint failed",
    "timeout": "the endpoint gave up waiting",
}


_REFUSED_AT_ONCE = frozenset({"key", "model", "too-long", "rate", "overloaded"})
"""What a request is refused for, before any work on it, when nothing else has come."""

_NOISE = re.compile(r"\[(?:Errno -?\d+|SSL: \w+)\] | \(_ssl\.c:\d+\)")
"""What Python adds to an error of the system or of TLS, and says twice."""


def failure(
    error: Exception, *, key: str, base_url: str, sent: bool, worked_on: bool, usage: Usage | None
) -> CallFailed:
    """The failure behind an exception of an SDK, of its HTTP client, or of reading what they returned.
    sent: whether the request was about to go out. worked_on: whether work on an answer had begun. usage: what
    it had reported."""
    links = list(_chain(error))
    for link in links:
        if isinstance(link, CallFailed):
            link.usage = link.usage or usage
            return link
    response = part(error, "response")
    if isinstance(response, httpx2.Response) and not response.is_success:
        return _refused(error, response, key, base_url)
    for link in links:
        if isinstance(link, (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError)):
            return _not_transported(link, links, key, usage)
    if part(error, "body") is not None or part(error, "type") is not None:
        return _reported(part(error, "body"), words(part(error, "message")), key, worked_on, usage)
    what = "the answer cannot be read" if sent else "the request cannot be made"
    return CallFailed(
        "malformed" if sent else "request",
        one_line(f"{what}: {type(error).__name__}: {error}", secret=key),
        maybe_billed=sent,
        usage=usage,
    )


def reported(problem: object, *, key: str, worked_on: bool, usage: Usage | None) -> CallFailed:
    """The failure that an event of a stream reports: an object with a message, and a code or type."""
    return _reported(problem, "", key, worked_on, usage)


def reported_alone(body: object, *, key: str, usage: Usage | None) -> CallFailed | None:
    """The failure that a whole body is, with a status that says success; None if it is none. There was no
    work, and it stays as it is unless it says that the endpoint is busy."""
    if not part(body, "error") and "error" not in (part(body, "type"), part(body, "object")):
        return None
    failed = _reported(body, "", key, usage is not None, usage)
    failed.maybe_billed = usage is not None
    failed.lasting = failed.kind not in ("rate", "overloaded")
    return failed


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        yield link
        seen.add(id(link))
        link = link.__cause__ or link.__context__


def _refused(error: Exception, response: httpx2.Response, key: str, base_url: str) -> CallFailed:
    status = response.status_code
    if response.is_redirect:
        return CallFailed("model", one_line(_redirected(response, base_url), secret=key), maybe_billed=False)
    said, by_code = _said(part(error, "body"))
    kind = _kind(status, by_code, said)
    return CallFailed(
        kind,
        _line(kind, f" (HTTP {status})", said, key),
        maybe_billed=status in _LOST_UPSTREAM,
        signals=replace(
            signals(response.headers, refused=kind == "rate"), retry_after=retry_after(response.headers)
        ),
    )


def _redirected(response: httpx2.Response, base_url: str) -> str:
    """Where to, without query and user, and the base_url that leads there if the rest of the path is ours."""
    sent = response.request.url
    line = f"the endpoint redirects (HTTP {response.status_code}) to"
    location = response.headers.get("location", "")
    if not location:
        return f"{line} nowhere"
    try:
        target = sent.join(location).copy_with(username=None, password=None, query=None, fragment=None)
    except (httpx2.InvalidURL, ValueError):
        return f"{line} what is no address"
    ours = sent.path.removeprefix(httpx2.URL(base_url).path.rstrip("/"))
    if target.path.endswith(ours):
        base = str(target.copy_with(path=target.path.removesuffix(ours) or "/")).rstrip("/")
        return f'{line} {base}: state base_url = "{base}"'
    return f"{line} {target}: state the base_url that it stands for"


def _line(kind: FailureKind, status: str, said: str, key: str) -> str:
    """What happened, in our words and in the server's, unless these are the same."""
    plain = _PLAIN.get(kind, "the endpoint failed")
    if said.strip(" .!").casefold() in plain:
        return plain + status
    return one_line(f"{plain}{status}: {said}", secret=key)


def _kind(status: int, by_code: FailureKind | None, said: str) -> FailureKind:
    if status in (400, 422) and (by_code == "too-long" or any(mark in said.lower() for mark in _TOO_LONG)):
        return "too-long"
    if status in (400, 422):
        return by_code if by_code in ("model", "key") else "request"
    if by_code == "key" and status < 500:
        return by_code
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return "server" if status >= 500 else "request"


def _said(body: object) -> tuple[str, FailureKind | None]:
    """Message and kind of an error's body, in the forms that vendors, gateways and local servers give it:
    their word for it as code or type, or a status as code."""
    problem = part(body, "error") or body
    if isinstance(problem, str):
        return problem, None
    codes = [part(problem, name) for name in ("code", "type")]
    kinds = [_BY_STATUS.get(code) if isinstance(code, int) else _BY_CODE.get(words(code)) for code in codes]
    return words(part(problem, "message")), next((kind for kind in kinds if kind), None)


def _reported(body: object, message: str, key: str, worked_on: bool, usage: Usage | None) -> CallFailed:
    said, by_code = _said(body)
    said = said or message
    kind = by_code or "server"
    if kind in ("request", "server") and any(mark in said.lower() for mark in _TOO_LONG):
        kind = "too-long"
    return CallFailed(
        kind,
        _line(kind, "", said, key),
        # Refused for what it is, before any work; everything else may have been worked on.
        maybe_billed=worked_on or kind not in _REFUSED_AT_ONCE,
        usage=usage,
    )


def _not_transported(
    error: BaseException, links: list[BaseException], key: str, usage: Usage | None
) -> CallFailed:
    kind: FailureKind
    billed = True
    match error:
        case httpx2.ConnectError() if any(isinstance(link, ssl.SSLError) for link in links):
            kind, what, billed = "tls", "no trusted TLS connection", False
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout() | httpx2.ProxyError():
            kind, what, billed = "unreachable", "no connection to the endpoint", False
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            kind, what, billed = "unreachable", "base_url is no address of an endpoint", False
        case httpx2.LocalProtocolError():
            kind, what, billed = "request", "the request cannot be sent", False
        case httpx2.TimeoutException():
            kind, what = "timeout", "no answer in time"
        case httpx2.DecodingError():
            kind, what = "malformed", "the answer cannot be read"
        case _:
            kind, what = "broken", "the connection broke"
    detail = _NOISE.sub("", str(error)) or type(error).__name__
    return CallFailed(kind, one_line(f"{what}: {detail}", secret=key), maybe_billed=billed, usage=usage)
