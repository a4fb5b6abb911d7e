"""Whether a verification on record was made by this user on this machine: a trace may have been written by
anybody, and what it hands out without verifying again has to be ours.

A key of the user's own, beside the traces and in none of them, authenticates the record of a delivery and all
events before it (HMAC-SHA-256 over the hash chain's head and the record).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

from agent.events import DeliveryIntended
from agent.settings import state_folder

KEY_BYTES = 32


def key_file() -> Path:
    """Where the key is kept, readable by its owner alone."""
    return state_folder().parent / "vouching.key"


def vouched_for(prev: str, intended: DeliveryIntended) -> DeliveryIntended:
    """The record as it is to be written after the event with hash `prev`. Where no key can be had, nothing
    vouches for it: a run that is cut off there is verified again."""
    key = _key(make=True)
    return intended.model_copy(update={"voucher": _voucher(key, prev, intended)}) if key else intended


def is_vouched_for(prev: str, intended: DeliveryIntended) -> bool:
    """Whether this user wrote the record here, after the event with hash `prev`."""
    key = _key()
    return key is not None and hmac.compare_digest(_voucher(key, prev, intended), intended.voucher)


def _voucher(key: bytes, prev: str, intended: DeliveryIntended) -> str:
    record = intended.model_copy(update={"voucher": ""}).model_dump_json()
    return hmac.new(key, f"{prev}\n{record}".encode(), hashlib.sha256).hexdigest()


def _key(*, make: bool = False) -> bytes | None:
    """The key, made where there is none yet if `make`; None where it cannot be had."""
    path = key_file()
    with suppress(OSError):
        if make and not path.exists():
            _make(path)
        key = path.read_bytes()
        return key if len(key) == KEY_BYTES else None
    return None


def _make(path: Path) -> None:
    """A new key, whole or not at all, and never in place of another process's. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):
            os.link(part, path)
    finally:
        part.unlink(missing_ok=True)
