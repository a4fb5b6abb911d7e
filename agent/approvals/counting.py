"""Which of the approvals on record count now: each signature is checked anew, whoever wrote the trace."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agent import ssh
from agent.approvals import nonces
from agent.approvals.request import Wanted, awaits, people_needed, statement_of
from agent.approvals.statement import NAMESPACE, Statement
from agent.errors import UsageError
from agent.sources import user_file, user_settings
from agent.state import State
from agent.trace import Trace, start_of


@dataclass(frozen=True)
class Approver:
    """A person who approved, and the fingerprint of the key they signed with."""

    principal: str
    key: str


@dataclass(frozen=True)
class Count:
    """needed: how many different people. approvers: those whose signatures hold, no person and no key twice;
    dropped: those who do not count, and why, in words."""

    needed: int
    approvers: tuple[Approver, ...]
    dropped: Mapping[str, str]

    @property
    def missing(self) -> int:
        """How many more people have to approve."""
        return max(0, self.needed - len(self.approvers))


def named_signers(given: Path | None, trace: Path, repository: str) -> Path | None:
    """The allowed_signers file: as given, or as the user's own settings name it (`allowed_signers`, where a
    relative path is meant from their folder); None where neither says. A repository's settings have no say.

    Raises UsageError for a file in which the trace or a repository could have a say."""
    if given is None:
        named = user_settings({}).allowed_signers
        given = None if named is None else user_file().parent / named.expanduser()
    return None if given is None else ssh.allowed_signers(given, trace, repository)


def signers_of(folder: Path, given: Path | None) -> Path:
    """As `named_signers`, for the run whose trace is in `folder`. Raises UsageError, also where it is not
    said who may sign; TraceError."""
    start, _ = start_of(Trace(folder), allow_torn_end=True)
    found = named_signers(given, folder, start.settings.repository)
    if found is None:
        raise UsageError(
            "allowed-signers: who may approve is not said; give --allowed-signers FILE, or name it in "
            f"AGENT_ALLOWED_SIGNERS or as `allowed_signers` in {user_file()}"
        )
    return found


def asked_of(state: State) -> Statement:
    """What people are asked to sign, found to be what this run would deliver.

    Raises UsageError where nothing waits, it was rejected, or the request on record says something else."""
    request, rejected = state.approvals.request, state.approvals.rejected
    if rejected is not None:
        raise UsageError(f"{rejected.principal} rejected it: {rejected.reason}")
    if request is None and awaits(state):
        raise UsageError("nobody was asked to approve it yet; `agent approvals request` asks")
    if request is None or (request.statement.action_class is state.settings.delivery and not awaits(state)):
        raise UsageError("nothing of this run waits for an approval")
    asked = request.statement
    if nonces.is_rejected(asked.run, asked.patch):
        raise UsageError(
            "the patch was rejected; an approval counts once, a rejection for every copy and request"
        )
    wanted = Wanted(asked.action_class, asked.delivery, asked.people)
    own = statement_of(state, wanted, asked.nonce, asked.expires)
    for name in Statement.model_fields:
        if getattr(asked, name) != getattr(own, name):
            raise UsageError(
                f"the request on record is not what this run would deliver ({name} is another): nothing is "
                "signed or delivered by it; `agent approvals request` asks anew"
            )
    return asked


def check_in_time(asked: Statement, now: float) -> None:
    """Raises UsageError for a request that has expired. now: seconds since the epoch."""
    if now >= asked.expires_at:
        raise UsageError(f"the request expired at {asked.expires}; `agent approvals request` asks anew")


_OVER = {
    nonces.DONE: "was delivered by it already",
    nonces.REJECTED: "was rejected",
    nonces.REPLACED: "was asked for anew",
}


def check_not_over(asked: Statement) -> None:
    """Raises UsageError where the nonce is used up, not only taken by a delivery that may go on."""
    if word := _OVER.get(nonces.use_of(asked.nonce)):
        raise _used(word)


def check_unused(asked: Statement, token: str = "") -> None:
    """Raises UsageError where the nonce was used, but for the delivery with this token."""
    check_not_over(asked)
    if nonces.use_of(asked.nonce) not in ("", token):
        raise _used("is delivered by it from another copy of this trace")


def _used(word: str) -> UsageError:
    return UsageError(f"the nonce of this request was used: the patch {word}; an approval counts once")


def counted(state: State, asked: Statement, signers: Path) -> Count:
    """The approvals on record that count by the file `signers`, at this time."""
    approvers, dropped = list[Approver](), dict[str, str]()
    for given in state.approvals.given:
        verdict = verdict_of(given.signature, asked, given.principal, signers)
        if verdict.refused:
            dropped[given.principal] = verdict.refused
        elif any(given.principal == other.principal for other in approvers):
            dropped[given.principal] = "has approved already"
        elif any(verdict.key == other.key for other in approvers):
            dropped[given.principal] = f"signed with the key of somebody else ({verdict.key})"
        else:
            approvers.append(Approver(given.principal, verdict.key))
    needed = max(people_needed(state, asked.action_class), asked.people)
    return Count(needed, tuple(approvers), dropped)


def verdict_of(signature: str, asked: Statement, principal: str, signers: Path) -> ssh.Verdict:
    """Whether it is a signature of the statement by this person. Raises UsageError for what is no name."""
    ssh.check_principal("as", principal)
    with as_file(signature) as path:
        return ssh.verdict(path, signers, principal, asked.to_sign(), NAMESPACE)


@contextmanager
def as_file(signature: str) -> Iterator[Path]:
    """A signature as a file, which is what ssh-keygen reads."""
    with tempfile.TemporaryDirectory(prefix="agent-approval-") as folder:
        path = Path(folder) / "statement.sig"
        path.write_text(signature, encoding="utf-8", errors="replace")
        yield path
