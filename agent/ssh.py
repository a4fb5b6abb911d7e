"""`ssh-keygen -Y`: detached signatures, made and checked with the SSH keys that people have already.

Keys are read by ssh-keygen (or held by ssh-agent), never by us. Who may sign is said by an `allowed_signers`
file, which counts only where neither a repository nor a trace has a say in it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.ci import RESULT
from agent.errors import AgentError, UsageError
from tools.host_git import GitError, find_repository
from tools.plain import plain_line

SECONDS = 60.0
"""For ssh-keygen where nobody is there; on a terminal a person may take their time."""

MOST_BYTES, MOST_LINKS = 2**16, 40
"""Of a signature; links that a path may lead through."""

_PRINCIPAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,99}")
_FINGERPRINT = re.compile(r"\bSHA256:[A-Za-z0-9+/=]{20,}")
_KEY = re.compile(r"AAAA[A-Za-z0-9+/]+={0,2}")
"""Every public key begins so: with the length of its type's name."""

_ABSENT = (
    "ssh-keygen is not installed; install OpenSSH's client (for example: apt-get install openssh-client)"
)


@dataclass(frozen=True)
class Verdict:
    """Of a signature. refused: why it does not count, "" if it does; key: the fingerprint of its key then."""

    refused: str = ""
    key: str = ""


def check_principal(name: str, text: str) -> None:
    """Raises UsageError, naming the option, for what is no name of a signer."""
    if not _PRINCIPAL.fullmatch(text):
        raise UsageError(f"{name}: '{text[:80]}' is no name such as alice@example.org")


def signed(key: Path, message: bytes, namespace: str) -> bytes:
    """An armoured signature. On a terminal ssh-keygen asks for a passphrase itself, elsewhere it cannot ask.

    key: a private key, or the public key of one that ssh-agent holds. Raises UsageError where it does not
    sign, AgentError without ssh-keygen."""
    if not key.is_file():
        raise UsageError(f"key: {key} is not a file")
    with tempfile.TemporaryDirectory(prefix="agent-sign-") as scratch:
        path = Path(scratch) / "statement"
        path.write_bytes(message)
        _sign_file(key.absolute(), path, namespace)
        return path.with_suffix(".sig").read_bytes()


def _sign_file(key: Path, message: Path, namespace: str) -> None:
    interactive = sys.stdin.isatty() and sys.stderr.isatty()
    command = [_program(), "-q", "-Y", "sign", "-n", namespace, "-f", str(key), str(message)]
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


def verdict(signature: Path, signers: Path, principal: str, message: bytes, namespace: str) -> Verdict:
    """Whether the signature in a file is one of the message by `principal`, by a key that `signers` allows
    for this namespace at this time."""
    arguments = ("-f", str(signers), "-I", principal, "-s", str(signature.absolute()))
    done = _asked(("verify", "-n", namespace, *arguments), message)
    if done is None:
        return Verdict(refused=f"ssh-keygen did not answer within {SECONDS:.0f} s")
    if done.returncode == 0:
        found = _FINGERPRINT.search(done.stdout.decode("utf-8", "replace"))
        return Verdict(key=found[0]) if found else Verdict(refused="ssh-keygen does not name its key")
    said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
    lines = [line for line in said.splitlines() if line.strip()]
    return Verdict(refused=plain_line(lines[0]) if lines else f"ssh-keygen ended with {done.returncode}")


def made_by(signature: Path, message: bytes, namespace: str) -> str:
    """The key, as ssh-keygen names it, of a signature that holds for the message; "" where there is none."""
    if not signature.is_file() or signature.is_symlink() or signature.stat().st_size > MOST_BYTES:
        return ""
    done = _asked(("check-novalidate", "-n", namespace, "-s", str(signature.absolute())), message)
    if done is None:
        raise UsageError(f"ssh-keygen did not look at {signature} within {SECONDS:.0f} s")
    words = done.stdout.decode("utf-8", "replace").partition(" with ")[2]
    return plain_line(words.strip(), 120) if done.returncode == 0 else ""


def principals_of(signature: Path, signers: Path) -> tuple[str, ...]:
    """Whose key made the signature, by the names (or patterns of names) that `signers` gives it."""
    done = _asked(("find-principals", "-s", str(signature.absolute()), "-f", str(signers)), b"")
    if done is None or done.returncode != 0:
        return ()
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return tuple(dict.fromkeys(name for line in lines for name in line.strip().split(",") if name))


def keys_in(signers: Path) -> dict[str, set[str]]:
    """The principals that the file names in full, neither patterns nor authorities, and the fingerprints of
    their keys. Raises OSError."""
    found = dict[str, set[str]]()
    for line in signers.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if len(words) > 1 and not line.startswith("#") and "cert-authority" not in words[1]:
            names = words[0].strip('"').split(",")
            for name in filter(_PRINCIPAL.fullmatch, names):
                found.setdefault(name, set()).update(map(_fingerprint, filter(_KEY.fullmatch, words[1:])))
    return found


def _fingerprint(key: str) -> str:
    """Of a public key in base64, as ssh-keygen names it."""
    try:
        data = base64.b64decode(key)
    except ValueError:
        return ""
    return f"SHA256:{base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')}"


def _asked(arguments: Sequence[str], message: bytes) -> subprocess.CompletedProcess[bytes] | None:
    """What `ssh-keygen -Y` says; None where it does not answer."""
    try:
        return subprocess.run(
            [_program(), "-Y", *arguments], check=False, input=message, capture_output=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return None


def _program() -> str:
    """ssh-keygen, never one from a folder that depends on where we stand. Raises AgentError."""
    folders = [
        each for each in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(each).is_absolute()
    ]
    found = shutil.which("ssh-keygen", path=os.pathsep.join(folders))
    if found is None:
        raise AgentError(_ABSENT)
    return found


def allowed_signers(path: Path, trace: Path, repository: str) -> Path:
    """The file by its real path. Raises UsageError where the trace, the repository that its run was about, or
    the one that we stand in could have a say in it."""
    inside = [("the trace", trace.resolve())]
    if (job := trace.resolve().parent.parent) and (job / RESULT).is_file():
        inside.append(("the folder of its job", job))
    if repository:
        inside.append(("the repository that the run was about", _top(Path(repository))))
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
