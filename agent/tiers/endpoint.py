"""Where a tier's model is asked and with what key, for lines that say what is wrong and how to mend it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent.tiers.untrusted import one_line

if TYPE_CHECKING:
    from agent.task import ModelSettings
    from agent.tiers.prompt import FailureKind

BASE_URLS = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com"}

TLS_MEND = "name its certificate in SSL_CERT_FILE, or begin base_url with http:// where there is no TLS"


def is_key(key: str) -> bool:
    """Whether a header can hold it: white space, line breaks and letters beyond ASCII are in no key."""
    return key.isascii() and key.isprintable() and " " not in key


def endpoint_of(model: ModelSettings) -> str:
    """Provider, model, and host and path of its address: "openai gpt-6-luna at api.openai.com/v1"."""
    address = (model.base_url or BASE_URLS[model.provider]).partition("://")[2]
    where = re.split(r"[?#]", address)[0].rpartition("@")[2].rstrip("/")
    return one_line(f"{model.provider} {model.model} at {where}")


def mended(model: ModelSettings, kind: FailureKind, message: str) -> str:
    """A failure's line with what the person can do about it, where a setting would help."""
    match kind:
        case "key" if model.key_variable:
            return f"{message}; check {model.key_variable}"
        case "key":
            return f"{message}; no key_variable is set"
        case "tls":
            return f"{message}; {TLS_MEND}"
        case _:
            return message
