"""Signatures over a trace, made and checked by `ssh-keygen -Y` with the SSH keys that people have already.

What is signed is a line of JSON that is made from the trace anew each time: run id, head hash, number of
events, and the hash of the list of blobs.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agent.errors import TraceError, UsageError, unwritable
from agent.ssh import MOST_BYTES, allowed_signers, check_principal, made_by, signed, verdict
from agent.trace import is_written
from agent.traces.checking import ANEW, SIGNATURES, SIGNED, WENT_ON, Checked

NAMESPACE = "marginal-agent-trace"
"""A signature for another purpose (a commit, an approval) is none for a trace."""

MOST_SIGNATURES = 64


def statement(checked: Checked) -> bytes:
    """What is signed of a trace."""
    content = {
        "blobs": checked.blob_list,
        "events": checked.events,
        "head": checked.head_hash,
        "run": checked.run_id,
        "type": NAMESPACE,
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def sign(checked: Checked, key: Path, principal: str) -> Path:
    """Sign the trace with an SSH key; returns the signature's file, which is named after `principal`.

    key: a private key, or the public key of one that ssh-agent holds. Raises TraceError for a trace that does
    not hold, UsageError when it is being written, the key does not sign, or another key has signed this very
    trace under that name. A signature that does not hold (any more) is replaced."""
    folder = Path(checked.path)
    if is_written(folder):
        raise UsageError(f"{folder} is being written; sign it when the run has ended")
    if checked.problems:
        raise TraceError(f"not signed, as it does not hold: {checked.problems[0]}", checked.line)
    check_principal("principal", principal)
    message, there = statement(checked), folder / SIGNATURES / f"{principal}.sig"
    made = signed(key, message, NAMESPACE)
    other = made_by(there, message, NAMESPACE)
    if other and other != _maker(made, message):
        raise UsageError(
            f"principal: {there} is a signature of this trace already, by another key ({other}); give "
            "another --principal, or move that file away"
        )
    return _kept(folder / SIGNATURES, principal, made)


def _maker(signature: bytes, message: bytes) -> str:
    """As `made_by`, of a signature that is no file yet."""
    with tempfile.TemporaryDirectory(prefix="agent-sign-") as scratch:
        path = Path(scratch) / "made.sig"
        path.write_bytes(signature)
        return made_by(path, message, NAMESPACE)


def with_signature(checked: Checked, signers: Path, principal: str) -> Checked:
    """The check with that of a signature by `principal`, whose keys the file `signers` allows.

    Raises UsageError for such a file inside the trace or a repository, whoever wrote those."""
    allowed = allowed_signers(signers, Path(checked.path), checked.repository)
    check_principal("signer", principal)
    if checked.line:
        problem = "the signature was not looked at, as the events do not hold"
        return checked.model_copy(update={"problems": (*checked.problems, problem)})
    found, reasons = 0, dict[str, None]()
    for signature in _signatures(Path(checked.path) / SIGNATURES, principal):
        found += 1
        reason = verdict(signature, allowed, principal, statement(checked), NAMESPACE).refused
        if not reason:
            holds = f"signed by {principal}, with a key that the file {signers} lists ({signature.name})"
            cannot = (SIGNED, *(each for each in checked.cannot if each not in (ANEW, WENT_ON)))
            return checked.model_copy(update={"holds": (*checked.holds, holds), "cannot": cannot})
        reasons[reason] = None
    counted = f"{found} signature{' does' if found == 1 else 's do'} not count"
    why = f"{counted}: {'; '.join(reasons)}" if found else "it has no signature"
    problem = f"not signed by {principal}: {why}"
    return checked.model_copy(update={"problems": (*checked.problems, problem)})


def _kept(folder: Path, principal: str, signature: bytes) -> Path:
    path = folder / f"{principal}.sig"
    temporary = folder / f".{principal}.part"
    try:
        if folder.is_symlink():
            raise UsageError(f"{folder} is a link; it must be a folder of the trace")
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary.write_bytes(signature)
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def _signatures(folder: Path, principal: str) -> Iterator[Path]:
    """The one that is named after the principal first: any number of others cannot hide it."""
    try:
        names = sorted(
            (each.name for each in os.scandir(folder) if each.is_file(follow_symlinks=False)),
            key=lambda name: (name != f"{principal}.sig", name),
        )
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"cannot read {folder}: {error.strerror or error}") from error
    for name in [name for name in names if name.endswith(".sig")][:MOST_SIGNATURES]:
        path = folder / name
        if path.stat().st_size <= MOST_BYTES:
            yield path
