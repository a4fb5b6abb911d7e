"""A patch sent to its host, once: as a branch with a draft pull request, or as a comment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal, TypeAlias

from agent.errors import AgentError, UsageError
from agent.publishing import words
from agent.publishing.finding import Verified
from agent.publishing.hosts import only_one
from agent.publishing.places import Place
from agent.redact import Redactor
from agent.task import Record
from tools.pushing import PushError, push_patch

AUTHOR = "marginal-agent", "agent@localhost"
Sent: TypeAlias = Literal["pull-request", "comment"]


class Published(Record):
    """What was published (`published.json`). number: of the pull request or issue; branch, commit: that were
    pushed, "" where none was; made_against: the commit that was repaired; level: the confirmation that it
    needed; new: it was not there before."""

    version: int = 1
    sent: Sent
    repository: str
    number: int
    url: str
    branch: str = ""
    commit: str = ""
    made_against: str
    patch_sha256: str
    level: str
    new: bool


def branch_of(found: Verified) -> str:
    """The same for the same patch of the same commit, so that it is published once."""
    digest = hashlib.sha256(f"{found.commit} {found.digest}".encode()).hexdigest()
    return f"agent/fix-{digest[:16]}"


def proposed(found: Verified, place: Place, into: str, level: str, say: Callable[[str], None]) -> Published:
    """As a draft pull request from a branch of ours. One that there was stays as it is, also if it was closed
    since. Raises UsageError where it is refused, AgentError where the host cannot be asked."""
    branch = branch_of(found)
    if not into:
        raise UsageError("name the branch to merge into with --into BRANCH")
    there, commit = place.host.proposal(branch, into), ""
    if there is None:
        if not place.host.contains(into, found.commit):  # that of a fork, say
            raise UsageError(
                f"commit {found.commit[:12]} is not on branch {into} of {place.repository}, so a pull "
                "request would bring more than the patch; name another branch with --into, or publish it "
                "--as comment"
            )
        commit = _pushed(found, place, branch, say)
    proposal = there or place.host.propose(branch, into, words.title(found), words.body(found))
    return Published(
        sent="pull-request",
        repository=place.repository,
        number=proposal.number,
        url=proposal.url,
        branch=branch,
        commit=commit,
        made_against=found.commit,
        patch_sha256=found.digest,
        level=level,
        new=there is None,
    )


def _pushed(found: Verified, place: Place, branch: str, say: Callable[[str], None]) -> str:
    try:
        pushed = push_patch(place.remote, found.commit, found.patch, branch, words.message(found), AUTHOR)
    except PushError as error:
        kind = UsageError if error.refused else AgentError
        said = Redactor()(str(error))  # a remote may say what it was told
        raise kind(f"{said}; nothing was pushed, the patch is {found.file}") from None
    say(f"{'pushed' if pushed.new else 'already there:'} commit {pushed.commit[:12]} on branch {branch}")
    return pushed.commit


def commented(found: Verified, place: Place, number: int | None, level: str) -> Published:
    """As a comment with the patch in it, on the pull request or issue of this number, or on the open one that
    ends at the commit that was repaired. Raises as `proposed`."""
    if number is None:
        number = only_one(place.host.of_commit(found.commit), found.commit).number
    there = place.host.comment_with(number, words.marker(found))
    return Published(
        sent="comment",
        repository=place.repository,
        number=number,
        url=there or place.host.comment(number, words.comment(found)),
        made_against=found.commit,
        patch_sha256=found.digest,
        level=level,
        new=not there,
    )
