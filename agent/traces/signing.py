"""Signatures over a trace, made and checked by `ssh-keygen -Y` with the SSH keys that people have already.

What is signed is a line of JSON that is made from the trace anew each time: run id, head hash, number of
events, and the hash of the list of blobs. Keys are read by ssh-keygen (or held by ssh-agent), never by us.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.errors import AgentError, TraceError, UsageError, unwritable
from agent.trace import is_written
from agent.traces.checking import ANEW, SIGNATURES, SIGNED, WENT_ON, Checked
from tools.host_git import GitError, find_repository
from tools.plain import plain_line

NAMESPACE = "marginal-agent-trace"
"""A signature for another purpose (a commit, an approval) is none for a trace."""

SECONDS = 60.0
"""For ssh-keygen where nobody is there; on a terminal a person may take their time."""

MOST_SIGNATURES, MOST_BYTES, MOST_LINKS = 64, 2**16, 40

_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,99}")
_ABSENT = (
    "ssh-keygen is not installed; install OpenSSH's client (for example: apt-get install openssh-client)"
)


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
    if not _PRINCIPAL.fullmatch(principal):
        raise UsageError(f"principal: '{principal[:80]}' is no name such as alice@example.org")
    if not key.is_file():
        raise UsageError(f"key: {key} is not a file")
    with tempfile.TemporaryDirectory(prefix="agent-sign-") as scratch:
        message = Path(scratch) / "statement"
        message.write_bytes(statement(checked))
        _signed(key.absolute(), message)
        made, there = message.with_suffix(".sig"), folder / SIGNATURES / f"{principal}.sig"
        other = _made_by(there, statement(checked))
        if other and other != _made_by(made, statement(checked)):
            raise UsageError(
                f"principal: {there} is a signature of this trace already, by another key ({other}); give "
                "another --principal, or move that file away"
            )
        signature = made.read_bytes()
    return _kept(folder / SIGNATURES, principal, signature)


def with_signature(checked: Checked, signers: Path, principal: str) -> Checked:
    """The check with that of a signature by `principal`, whose keys the file `signers` allows.

    Raises UsageError for such a file inside the trace or a repository, whoever wrote those."""
    allowed = _allowed_signers(signers, checked)
    if not _PRINCIPAL.fullmatch(principal):
        raise UsageError(f"signer: '{principal[:80]}' is no name such as alice@example.org")
    if checked.line:
        problem = "the signature was not looked at, as the events do not hold"
        return checked.model_copy(update={"problems": (*checked.problems, problem)})
    found, reasons = 0, dict[str, None]()
    for signature in _signatures(Path(checked.path) / SIGNATURES, principal):
        found += 1
        reason = _refused(signature, allowed, principal, statement(checked))
        if not reason:
            holds = f"signed by {principal}, with a key that the file {signers} lists ({signature.name})"
            cannot = (SIGNED, *(each for each in checked.cannot if each not in (ANEW, WENT_ON)))
            return checked.model_copy(update={"holds": (*checked.holds, holds), "cannot": cannot})
        reasons[reason] = None
    counted = f"{found} signature{' does' if found == 1 else 's do'} not count"
    why = f"{counted}: {'; '.join(reasons)}" if found else "it has no signature"
    problem = f"not signed by {principal}: {why}"
    return checked.model_copy(update={"problems": (*checked.problems, problem)})


def _signed(key: Path, message: Path) -> None:
    """Have ssh-keygen sign a file. On a terminal it asks for a passphrase itself, elsewhere it cannot ask."""
    interactive = sys.stdin.isatty() and sys.stderr.isatty()
    command = [_program(), "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(key), str(message)]
    try:
        if interactive:
            done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
            said = b""
        else:
            done = subprocess.run(
                command, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS,
                env={**os.environ, "SSH_ASKPASS_REQUIRE": "never"}, start_new_session=True,
            )  # fmt: skip
            said = done.stderr
    except subprocess.TimeoutExpired:
        raise UsageError(f"key: ssh-keygen did not sign within {SECONDS:.0f} s") from None
    if done.returncode != 0:
        raise UsageError(f"key: ssh-keygen cannot sign with {key}{_why(said)}")


def _why(said: bytes) -> str:
    """ssh-keygen's own last line, and what mends it."""
    text = said.decode("utf-8", "replace")
    last = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    if "passphrase" in text:
        return ": it has a passphrase; add it to ssh-agent (ssh-add), or sign on a terminal"
    if "UNPROTECTED" in text:
        return ": others may read it; chmod 600 it"
    if "load public key" in text:
        return ": it is no SSH key"
    return f": {plain_line(last)}" if last else ""


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


def _refused(signature: Path, allowed: Path, principal: str, message: bytes) -> str:
    """Why a signature does not count, "" if it does."""
    command = [
        _program(), "-Y", "verify", "-n", NAMESPACE, "-f", str(allowed), "-I", principal,
        "-s", str(signature.absolute()),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, check=False, input=message, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return f"ssh-keygen did not answer within {SECONDS:.0f} s"
    if done.returncode == 0:
        return ""
    said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    lines = [line for line in said.splitlines() if line.strip()]
    return plain_line(lines[0]) if lines else f"ssh-keygen ended with {done.returncode}"


def _made_by(signature: Path, message: bytes) -> str:
    """The key, as ssh-keygen names it, of a signature that holds for the message; "" where there is none."""
    if not signature.is_file() or signature.is_symlink() or signature.stat().st_size > MOST_BYTES:
        return ""
    command = [_program(), "-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature.absolute())]
    try:
        done = subprocess.run(command, check=False, input=message, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise UsageError(f"ssh-keygen did not look at {signature} within {SECONDS:.0f} s") from None
    words = done.stdout.decode("utf-8", "replace").partition(" with ")[2]
    return plain_line(words.strip(), 120) if done.returncode == 0 else ""


def _program() -> str:
    """ssh-keygen, never one from a folder that depends on where we stand. Raises AgentError."""
    folders = [
        each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(each).is_absolute()
    ]
    found = shutil.which("ssh-keygen", path=os.pathsep.join(folders))
    if found is None:
        raise AgentError(_ABSENT)
    return found


def _allowed_signers(path: Path, checked: Checked) -> Path:
    """The file by its real path. Raises UsageError where a repository or the trace could have a say in it."""
    inside = [("the trace", Path(checked.path).resolve())]
    if checked.repository:
        inside.append(("the repository that the run was about", _top(Path(checked.repository))))
    here = _top(Path.cwd())
    if (here / ".git").exists():
        inside.append(("the repository you are in", here))
    for name, folder in inside:
        for place in _places(path):
            if place.is_relative_to(folder) and folder != folder.parent:
                raise UsageError(
                    f"allowed-signers: {path} is, or leads through, {place} inside {name}, whose authors "
                    "could name their own key; keep it elsewhere"
                )
    if not path.is_file():
        raise UsageError(f"allowed-signers: {path} is not a file")
    return path.resolve()


def _top(folder: Path) -> Path:
    """The real path of the repository that holds a folder, the folder's own outside of git."""
    try:
        return find_repository(folder)[0]
    except (GitError, OSError, ValueError):
        return folder.absolute()


def _places(path: Path) -> Sequence[Path]:
    """Where a path ends, and every link through which it leads there: they are followed one by one, as each
    may lie where somebody else can change it. A real folder that it leaves again by `..` has no say in it.
    Raises UsageError for a loop."""
    links, here, rest = list[Path](), Path("/"), list(reversed(path.absolute().parts[1:]))
    while rest:
        part = rest.pop()
        here = here.parent if part == ".." else here / part
        if here.is_symlink():
            links.append(here)
            if len(links) > MOST_LINKS:
                raise UsageError(f"allowed-signers: {path} leads through too many links")
            target = here.readlink()
            here = Path("/") if target.is_absolute() else here.parent
            rest += reversed(target.parts[1:] if target.is_absolute() else target.parts)
    return [*links, here]
