"""What endpoints say of their load, in headers and metrics, and how long they ask to wait."""

from __future__ import annotations

import math
import re
import ssl
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Literal

from agent.tiers.prompt import RateLimit, Signals

MOST_METRICS = 1024 * 1024
"""Bytes that are read of a metrics page."""

_SPAN = re.compile(
    r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9})ms)?"
)
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{[^\n]*\})?[ \t]+([^\s]+)(?:[ \t]+-?\d+)?[ \t]*")

_LIMITS: Mapping[Literal["requests", "tokens", "input", "output"], str] = {
    "requests": "requests", "tokens": "tokens", "input": "input-tokens", "output": "output-tokens"
}  # fmt: skip
"""Kinds of limits, and what headers call them."""

_WAITING = ("vllm:num_requests_waiting", "llamacpp:requests_deferred", "sglang:num_queue_reqs")
_RUNNING = ("vllm:num_requests_running", "llamacpp:requests_processing", "sglang:num_running_reqs")
_CACHE_USE = (
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "llamacpp:kv_cache_usage_ratio",
    "sglang:token_usage",
)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that an endpoint asks to wait, from now; None if it does not say or says nonsense."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    stated = headers.get("retry-after", "")
    seconds = _number(stated)
    return seconds if seconds is not None else _until(stated, now)


def signals(headers: Mapping[str, str], now: datetime | None = None, *, refused: bool = False) -> Signals:
    """From the rate-limit headers of OpenAI and Anthropic. refused: by a 429; a limit of which it names
    the reset alone is used up."""
    limits: dict[str, RateLimit] = {}
    for kind, name in _LIMITS.items():
        left, reset = (
            next((headers[header] for header in _names(name, what) if header in headers), "")
            for what in ("remaining", "reset")
        )
        number, span = _number(left), _span(reset, now)
        if number is None and refused and span is not None:
            number = 0.0
        if number is not None:
            limits[kind] = RateLimit(kind, int(number), span)
    if "input" in limits or "output" in limits:
        limits.pop("tokens", None)  # Anthropic's: the scarcer of the two
    return Signals(tuple(limits.values()))


def _names(kind: str, what: str) -> tuple[str, str]:
    return f"x-ratelimit-{what}-{kind}", f"anthropic-ratelimit-{kind}-{what}"


def metrics(page: str) -> Signals:
    """From a self-hosted server's page in Prometheus' text format: vLLM, llama.cpp, SGLang. What several
    engines of one server report is added up; of their caches the fullest counts."""
    found: dict[str, list[float]] = {}
    wanted = frozenset((*_WAITING, *_RUNNING, *_CACHE_USE))
    for line in page[:MOST_METRICS].splitlines():
        # Only what may be wanted is looked at: a page has thousands of lines of histograms.
        if not line.startswith(("vllm:", "llamacpp:", "sglang:")):
            continue
        sample = _SAMPLE.fullmatch(line)
        if sample and sample[1] in wanted:
            value = _number(sample[2])
            if value is not None:
                found.setdefault(sample[1], []).append(value)

    def of(names: tuple[str, ...]) -> list[float] | None:
        return next((found[name] for name in names if name in found), None)

    waiting, running, use = of(_WAITING), of(_RUNNING), of(_CACHE_USE)
    return Signals(
        waiting=sum(waiting) if waiting else None,
        running=sum(running) if running else None,
        cache_use=min(1.0, max(use)) if use else None,
    )


def read_metrics(base_url: str, timeout: float) -> Signals:
    """Ask a self-hosted server for its metrics, within `timeout` seconds. Never raises: no page, no signals.
    The key is not sent."""
    pages: list[str] = []
    # In a thread that may be left behind, as requests are (see wire.py): headers can drip for ever.
    asking = threading.Thread(target=lambda: pages.append(_page(base_url, timeout)), daemon=True)
    asking.start()
    asking.join(timeout + 0.25)
    return metrics(pages[0]) if pages else Signals()


def _page(base_url: str, timeout: float) -> str:
    """The beginning of the page, "" where there is none."""
    import httpx2

    until = time.monotonic() + timeout
    page = bytearray()
    try:
        url = httpx2.URL(base_url).join("/metrics")
        headers = {"Accept": "text/plain", "Accept-Encoding": "identity"}
        with (
            httpx2.Client(timeout=timeout, follow_redirects=False, verify=_trusted()) as client,
            client.stream("GET", url, headers=headers) as answer,
        ):
            if not answer.is_success or "content-encoding" in answer.headers:
                return ""
            for chunk in answer.iter_raw():
                page += chunk
                if len(page) > MOST_METRICS or time.monotonic() > until:
                    break
    except Exception:  # whatever it is, there is no page
        return ""
    return page.decode(errors="replace")


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates to trust, read once: that takes 50 ms, and servers are looked at between steps."""
    import httpx2

    return httpx2.create_ssl_context()


def _number(text: str | None) -> float | None:
    """A number that is not negative."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _span(text: str, now: datetime | None) -> float | None:
    """Seconds from a span ("6m0s", "12ms"), a number of seconds, or a time (RFC 3339)."""
    seconds = _number(text)
    if seconds is not None:
        return seconds
    match = _SPAN.fullmatch(text)
    if match and any(match.groups()):
        days, hours, minutes, whole, thousandths = (float(group or 0) for group in match.groups())
        return 86_400 * days + 3_600 * hours + 60 * minutes + whole + thousandths / 1000
    return _until(text, now)


def _until(text: str, now: datetime | None) -> float | None:
    """Seconds until a time in RFC 3339 or in HTTP's form; 0 when it has passed."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            when = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())
    return None
