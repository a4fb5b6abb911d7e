"""The hosts that a patch can be published at, and what of their APIs that needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter

from agent.errors import UsageError
from agent.publishing.api import Api
from agent.task import Record

HostName: TypeAlias = Literal["github", "gitlab"]

MOST_PAGES, A_PAGE = 20, 100
"""Of comments and of open pull requests, that are looked through."""

Entry = TypeVar("Entry")


class Proposal(Record):
    """A pull request or merge request."""

    number: int
    url: str


class Host(Protocol):
    """Where a patch is proposed. All raise UsageError and AgentError as `Api` does."""

    user: str
    """The name that goes with the token when git asks for both."""

    def contains(self, branch: str, commit: str) -> bool:
        """Whether a commit is on a branch."""

    def proposal(self, branch: str, into: str) -> Proposal | None:
        """The one that asks to merge this branch into that one, open or not."""

    def propose(self, branch: str, into: str, title: str, body: str) -> Proposal:
        """Open a draft."""

    def of_commit(self, commit: str) -> tuple[Proposal, ...]:
        """The open ones whose branch ends at this commit."""

    def comment_with(self, number: int, text: str) -> str:
        """The address of a comment that holds this text, or ""."""

    def comment(self, number: int, body: str) -> str:
        """Comment; returns the address."""


class _Tip(BaseModel):
    sha: str


class _Pull(BaseModel):
    number: int
    html_url: str
    head: _Tip

    def proposal(self) -> Proposal:
        return Proposal(number=self.number, url=self.html_url)


class _Comment(BaseModel):
    html_url: str
    body: str | None


class _Comparison(BaseModel):
    status: str


class GitHub:
    """Its REST API, version 2022-11-28."""

    user = "x-access-token"

    def __init__(self, api: Api, repository: str) -> None:
        self._api, self._owner = api, repository.partition("/")[0]
        self._at = f"/repos/{quote(repository)}"

    def contains(self, branch: str, commit: str) -> bool:
        path = f"{self._at}/compare/{quote(f'{commit}...{branch}', safe='')}"
        params = {"per_page": 1, "page": 2}  # the first page has the files that differ
        return self._api.get(path, TypeAdapter(_Comparison), params).status in ("ahead", "identical")

    def proposal(self, branch: str, into: str) -> Proposal | None:
        params: dict[str, str | int] = {
            "head": f"{self._owner}:{branch}",
            "base": into,
            "state": "all",
            "per_page": 1,
        }
        found = self._api.get(f"{self._at}/pulls", TypeAdapter(list[_Pull]), params)
        return found[0].proposal() if found else None

    def propose(self, branch: str, into: str, title: str, body: str) -> Proposal:
        sent: dict[str, str | bool] = {
            "head": branch, "base": into, "title": title, "body": body, "draft": True
        }  # fmt: skip
        return self._api.post(f"{self._at}/pulls", TypeAdapter(_Pull), sent).proposal()

    def of_commit(self, commit: str) -> tuple[Proposal, ...]:
        # Asked for the pull requests of a commit, GitHub leaves out those from forks.
        params: dict[str, str | int] = {"state": "open", "sort": "updated", "direction": "desc"}
        for page in _pages(self._api, f"{self._at}/pulls", TypeAdapter(list[_Pull]), params):
            if found := tuple(each.proposal() for each in page if each.head.sha == commit):
                return found
        return ()

    def comment_with(self, number: int, text: str) -> str:
        path = f"{self._at}/issues/{number}/comments"
        for page in _pages(self._api, path, TypeAdapter(list[_Comment])):
            for each in page:
                if text in (each.body or ""):
                    return each.html_url
        return ""

    def comment(self, number: int, body: str) -> str:
        path = f"{self._at}/issues/{number}/comments"
        return self._api.post(path, TypeAdapter(_Comment), {"body": body}).html_url


class _Merge(BaseModel):
    iid: int
    web_url: str
    sha: str | None

    def proposal(self) -> Proposal:
        return Proposal(number=self.iid, url=self.web_url)


class _Note(BaseModel):
    id: int
    body: str


class _Commit(BaseModel):
    id: str


class GitLab:
    """Its REST API, version 4. `web`: the address of the project's pages."""

    user = "oauth2"

    def __init__(self, api: Api, repository: str, web: str) -> None:
        self._api, self._web = api, web
        self._at = f"/projects/{quote(repository, safe='')}"

    def contains(self, branch: str, commit: str) -> bool:
        path = f"{self._at}/repository/merge_base?refs[]={commit}&refs[]={quote(branch, safe='')}"
        return self._api.get(path, TypeAdapter(_Commit)).id == commit

    def proposal(self, branch: str, into: str) -> Proposal | None:
        params: dict[str, str | int] = {
            "source_branch": branch,
            "target_branch": into,
            "state": "all",
            "per_page": 1,
        }
        found = self._api.get(f"{self._at}/merge_requests", TypeAdapter(list[_Merge]), params)
        return found[0].proposal() if found else None

    def propose(self, branch: str, into: str, title: str, body: str) -> Proposal:
        sent: dict[str, str | bool] = {
            "source_branch": branch, "target_branch": into, "title": f"Draft: {title}", "description": body,
            "remove_source_branch": True,
        }  # fmt: skip
        return self._api.post(f"{self._at}/merge_requests", TypeAdapter(_Merge), sent).proposal()

    def of_commit(self, commit: str) -> tuple[Proposal, ...]:
        params: dict[str, str | int] = {"state": "opened", "order_by": "updated_at"}
        for page in _pages(self._api, f"{self._at}/merge_requests", TypeAdapter(list[_Merge]), params):
            if found := tuple(each.proposal() for each in page if each.sha == commit):
                return found
        return ()

    def comment_with(self, number: int, text: str) -> str:
        path = f"{self._at}/merge_requests/{number}/notes"
        for page in _pages(self._api, path, TypeAdapter(list[_Note])):
            for each in page:
                if text in each.body:
                    return self._address(number, each)
        return ""

    def comment(self, number: int, body: str) -> str:
        path = f"{self._at}/merge_requests/{number}/notes"
        return self._address(number, self._api.post(path, TypeAdapter(_Note), {"body": body}))

    def _address(self, number: int, note: _Note) -> str:
        return f"{self._web}/-/merge_requests/{number}#note_{note.id}"


def _pages(
    api: Api, path: str, shape: TypeAdapter[list[Entry]], params: Mapping[str, str | int] | None = None
) -> Iterator[list[Entry]]:
    """A list of a host, page by page."""
    for page in range(1, MOST_PAGES + 1):
        found = api.get(path, shape, {**(params or {}), "per_page": A_PAGE, "page": page})
        yield found
        if len(found) < A_PAGE:
            return


def host_of(
    name: HostName, api: str, repository: str, web: str, token: str, variable: str, say: Callable[[str], None]
) -> Host:
    """The host called `name`, at the address `api`. variable: where the token is from."""
    headers = {"Authorization": f"Bearer {token}"}
    if name == "gitlab":
        return GitLab(Api(api, headers, variable, say), repository, web)
    headers |= {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return GitHub(Api(api, headers, variable, say), repository)


def only_one(found: tuple[Proposal, ...], commit: str) -> Proposal:
    """Raises UsageError where there is none, or more."""
    if len(found) != 1:
        what = "no open pull request ends" if not found else f"{len(found)} open pull requests end"
        raise UsageError(f"{what} at commit {commit[:12]}; name the one to comment on with --number")
    return found[0]
