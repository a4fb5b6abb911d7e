"""Where to publish: which host, which repository, by which addresses, with which token."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from agent.errors import UsageError
from agent.publishing.api import check_address
from agent.publishing.hosts import Host, HostName, host_of
from agent.tiers.endpoint import is_key
from tools.plain import plain_line
from tools.pushing import Remote

TOKEN = "AGENT_PUBLISH_TOKEN"  # noqa: S105 - the name of a variable
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+")


@dataclass(frozen=True)
class _Usual:
    """Of a host: variables of its CI for API, server, repository and token, and where it is without them."""

    api_variable: str
    server_variable: str
    repository_variable: str
    token_variable: str
    api: str
    server: str


USUAL: dict[HostName, _Usual] = {
    "github": _Usual(
        "GITHUB_API_URL", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN",
        "https://api.github.com", "https://github.com",
    ),
    "gitlab": _Usual(
        "CI_API_V4_URL", "CI_SERVER_URL", "CI_PROJECT_PATH", "GITLAB_TOKEN",
        "https://gitlab.com/api/v4", "https://gitlab.com",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A repository at a host."""

    host: Host
    remote: Remote
    repository: str


def place_of(
    name: HostName | None, repository: str, api: str, remote: str, say: Callable[[str], None]
) -> Place:
    """From flags ("": not given), then the variables of the CI system, then the public hosts.

    Raises UsageError for what is missing or not to be trusted with a token."""
    name = name or ("gitlab" if os.environ.get(USUAL["gitlab"].api_variable) else "github")
    usual = USUAL[name]
    repository = repository or os.environ.get(usual.repository_variable, "")
    _check_repository(name, repository)
    if api and not remote:  # the token is not to go to another server than the API's
        raise UsageError("--api goes with --remote: name the address to push to as well")
    server = os.environ.get(usual.server_variable) or usual.server
    remote = remote or f"{server.rstrip('/')}/{repository}.git"
    if not remote.startswith("file:///"):
        check_address(remote)
    variable, token = _token(usual.token_variable)
    host = host_of(
        name,
        api or os.environ.get(usual.api_variable) or usual.api,
        repository,
        remote.removesuffix(".git"),
        token,
        variable,
        say,
    )
    return Place(host, Remote(remote, host.user, token), repository)


def _check_repository(name: HostName, repository: str) -> None:
    parts = repository.split("/")
    whole = _REPOSITORY.fullmatch(repository) and not {".", ".."} & set(parts)
    if not whole or (name == "github" and len(parts) != 2):
        given = f"'{plain_line(repository, 100)}' is no repository; " if repository else ""
        raise UsageError(f"{given}name one with --repository owner/name")


def _token(usual: str) -> tuple[str, str]:
    """The variable that holds a token, and the token."""
    for variable in (TOKEN, usual):
        if token := os.environ.get(variable, "").strip():
            if not is_key(token):
                raise UsageError(f"{variable} holds white space or letters that no token has")
            return variable, token
    raise UsageError(f"there is no token to publish with; set {TOKEN} or {usual}")
