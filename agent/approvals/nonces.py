"""Which nonces were used: kept beside the traces, so that a copy of one delivers nothing a second time.

One small file for each nonce, made whole or not at all and never in place of another. What it holds: the
token of the delivery that took the nonce, which alone may go on where it was cut off; then that it is spent.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path

from agent.errors import UsageError, unwritable
from agent.settings import state_folder

DONE, REJECTED, REPLACED = "delivered", "rejected", "replaced"


def nonce_folder() -> Path:
    """Where they are kept."""
    return state_folder().parent / "approvals"


def reject(run: str, patch: str) -> None:
    """Keep a no to this patch of a run, for all copies of its trace and all requests."""
    spend(_rejection(run, patch), REJECTED)


def is_rejected(run: str, patch: str) -> bool:
    """Whether a person said no to this patch of a run."""
    return bool(use_of(_rejection(run, patch)))


def _rejection(run: str, patch: str) -> str:
    return hashlib.sha256(f"{run}\n{patch}".encode()).hexdigest()[:32]


def use_of(nonce: str) -> str:
    """What the nonce was used for: "" for nothing yet, DONE, REJECTED, REPLACED, or a delivery's
    token.

    Raises UsageError where that cannot be read: then nothing is delivered by it."""
    try:
        return (nonce_folder() / nonce).read_text(encoding="ascii").strip() or "?"
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read which approvals were used: {error}") from error


def take(nonce: str, word: str) -> bool:
    """Use the nonce for this; whether it was free, or this very use has it. Raises UsageError, AgentError."""
    path = nonce_folder() / nonce
    part = path.with_name(f".{nonce}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(part, word)
        try:
            os.link(part, path)
        except FileExistsError:
            return use_of(nonce) == word
        return True
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def spend(nonce: str, word: str = DONE) -> None:
    """Use the nonce up, whatever took it: its delivery is made, or another request stands in its place.
    Raises UsageError, AgentError."""
    path = nonce_folder() / nonce
    part = path.with_name(f".{nonce}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(part, word)
        part.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error


def _write(path: Path, word: str) -> None:
    with path.open("x", encoding="ascii") as stream:
        stream.write(f"{word}\n")
        stream.flush()
        os.fsync(stream.fileno())
