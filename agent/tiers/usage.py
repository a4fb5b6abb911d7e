"""Each vendor's account of the tokens it used -> `Usage`.

OpenAI's total of input includes what its caches held and what was written to them; Anthropic's
`input_tokens` excludes both. None: no account that can be believed, so the caller books the worst case.
"""

from __future__ import annotations

from agent.tiers.prompt import Usage
from agent.tiers.untrusted import count, part


def chat_usage(usage: object) -> Usage | None:
    """Of OpenAI's Chat Completions and the servers that speak it. Local ones leave the details out."""
    details = part(usage, "prompt_tokens_details")
    return _inclusive(
        part(usage, "prompt_tokens"),
        part(usage, "completion_tokens"),
        cached=part(details, "cached_tokens"),
        written=part(details, "cache_write_tokens"),
        written_long=None,
        reasoning=part(usage, "completion_tokens_details", "reasoning_tokens"),
    )


def responses_usage(usage: object) -> Usage | None:
    """Of OpenAI's Responses. `written_long`: kept for 12 hours."""
    details = part(usage, "input_tokens_details")
    return _inclusive(
        part(usage, "input_tokens"),
        part(usage, "output_tokens"),
        cached=part(details, "cached_tokens"),
        written=part(details, "cache_write_tokens"),
        written_long=part(details, "cache_write_tokens_details", "ttl_12h_tokens"),
        reasoning=part(usage, "output_tokens_details", "reasoning_tokens"),
    )


def messages_usage(*accounts: object) -> Usage | None:
    """Of Anthropic's Messages. A stream gives several accounts, each of all so far, some with fields left
    out: of each count the largest one is taken. `written_long`: kept for an hour."""
    prefill = _largest(accounts, "input_tokens")
    decode = _largest(accounts, "output_tokens")
    cached = _largest(accounts, "cache_read_input_tokens") or 0
    long = _largest(accounts, "cache_creation", "ephemeral_1h_input_tokens") or 0
    short = _largest(accounts, "cache_creation", "ephemeral_5m_input_tokens") or 0
    written = max(_largest(accounts, "cache_creation_input_tokens") or 0, long + short)
    if prefill is None or decode is None or prefill + cached + written == 0:
        return None
    return Usage(
        prefill=prefill,
        cached=cached,
        written=written - long,
        written_long=long,
        decode=decode,
        reasoning=min(_largest(accounts, "output_tokens_details", "thinking_tokens") or 0, decode),
    )


def _inclusive(
    total: object,
    decode: object,
    *,
    cached: object,
    written: object,
    written_long: object,
    reasoning: object,
) -> Usage | None:
    """Where the total of input holds its parts. Parts beyond the total are cut; a request without input is
    none, so a total of 0 says nothing."""
    total, decode = count(total), count(decode)
    if not total or decode is None:
        return None
    read = min(count(cached) or 0, total)
    wrote = min(count(written) or 0, total - read)
    long = min(count(written_long) or 0, wrote)
    return Usage(
        prefill=total - read - wrote,
        cached=read,
        written=wrote - long,
        written_long=long,
        decode=decode,
        reasoning=min(count(reasoning) or 0, decode),
    )


def _largest(accounts: tuple[object, ...], *path: str) -> int | None:
    counts = [number for account in accounts if (number := count(part(account, *path))) is not None]
    return max(counts, default=None)
