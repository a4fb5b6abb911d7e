"""A body that should have been a stream of events, or a model's name, and is something else."""

from __future__ import annotations

import json
from collections.abc import Mapping

from agent.tiers.prompt import CallFailed
from agent.tiers.untrusted import one_line

_SHOWN = 60  # characters


def json_object(body: bytes) -> Mapping[str, object] | None:
    """The body as a JSON object; None if it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def no_endpoint(protocol: str, body: bytes, key: str) -> CallFailed:
    """The failure of a whole body that is neither what was asked for nor an error. It comes again the next
    time; what it costs nobody knows."""
    line = f"this is no {protocol} endpoint: it answers with {_form(body, key)}"
    return CallFailed("malformed", line, maybe_billed=True, lasting=True)


def no_stream(protocol: str, body: bytes, key: str) -> CallFailed:
    """The same where a stream was asked for. Text that is neither a page nor JSON may be what is left of it,
    so that another try may help."""
    if json_object(body) is None and not _text(body).startswith("<"):
        line = f"the answer is no stream of events: {_form(body, key)}"
        return CallFailed("malformed", line, maybe_billed=True)
    return no_endpoint(protocol, body, key)


def _form(body: bytes, key: str) -> str:
    """What a body is, and how it begins."""
    shown = one_line(_text(body), _SHOWN, key)
    if shown.startswith("<"):
        return f"a page for browsers, '{shown}'"
    if json_object(body) is not None:
        return f"JSON of another form, '{shown}'"
    return f"'{shown}'" if shown else "nothing"


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
