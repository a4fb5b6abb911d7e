"""The headers of a request: the tier's own key, and nothing of what else an SDK finds in the environment.

The SDKs take organisations, projects and headers of any name (`OPENAI_CUSTOM_HEADERS`) from there, and send
them to whatever base_url they are given; such a header may even replace the key. So what goes out is chosen
here, by name.
"""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

_KEPT = (
    "accept", "anthropic-version", "connection", "content-type", "user-agent",
    "x-stainless-raw-response",  # the SDKs look there for what their caller asked for
)  # fmt: skip


def headers_of(request: httpx2.Request, own: Mapping[str, str], also: tuple[str, ...] = ()) -> httpx2.Headers:
    """What of the request's headers goes out, and `own`, which has the key. also: names that may go out,
    too."""
    found = request.headers
    kept = {name: found[name] for name in (*_KEPT, *also) if name in found}
    body = {"Content-Length": str(len(request.read()))} if request.method == "POST" else {}
    host = {"Host": request.url.netloc.decode("ascii")}
    # Bodies that unpack to more than was sent are not asked for.
    return httpx2.Headers({**host, **kept, **body, "Accept-Encoding": "identity", **own})


def is_at(base_url: str, host: str) -> bool:
    """Whether an address is one of the vendor's own, which its organisations and projects are for."""
    url = httpx2.URL(base_url)
    return url.scheme == "https" and (url.host == host or url.host.endswith(f".{host}"))
