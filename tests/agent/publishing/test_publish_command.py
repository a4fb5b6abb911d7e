"""`agent publish`: what was verified, and nothing else, once, with a token that goes to the host alone."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from publish_world import (
    AFTER,
    HOSTILE,
    TOKEN,
    Hosted,
    Ran,
    Seen,
    api_server,
    git_server,
    let_publish,
    make_origin,
    publish,
    publish_apart,
    run_git,
    secrets_of,
    write_job,
)

TEST = "test_numbers.py::test_double"


@dataclass
class World:
    """An origin, a host, a job's folder and a home."""

    folder: Path
    bare: Path
    commit: str
    patch: bytes
    out: Path
    home: Path
    git: str
    api: str
    pushes: Seen
    calls: Seen
    hosted: Hosted

    def publish(self, *arguments: str, **extra: str) -> Ran:
        """Into main, with the token, unless said otherwise."""
        return publish(self.home, *self.words(), *arguments, **{"AGENT_PUBLISH_TOKEN": TOKEN, **extra})

    def words(self) -> tuple[str, ...]:
        places = ("--repository", "o/r", "--api", self.api, "--remote", f"{self.git}/o/r.git")
        return (str(self.out), *places, "--into", "main")

    def branches(self) -> list[str]:
        return run_git(self.bare, "for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()

    def record(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "published.json").read_bytes())
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    bare, commit, patch = make_origin(tmp_path)
    home = tmp_path / "home"
    let_publish(home)
    out = write_job(tmp_path / "out", commit, patch, (TEST,))
    pushes, calls, hosted = Seen(), Seen(), Hosted()
    with (
        git_server(tmp_path / "served", "x-access-token", pushes) as git,
        api_server(hosted, calls) as api,
    ):
        yield World(tmp_path, bare, commit, patch, out, home, git, api, pushes, calls, hosted)


def one_line(ran: Ran, code: int, *said: str) -> None:
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert len(ran.stderr.strip().splitlines()) == 1, ran.stderr
    assert all(each in ran.stderr for each in said), ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr


def test_a_draft_pull_request_with_the_patch_as_a_commit_on_a_new_branch(world: World) -> None:
    ran = world.publish()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    record = world.record()
    branch, commit = record["branch"], record["commit"]
    assert world.branches() == [branch, "main"] and branch.startswith("agent/fix-")
    assert run_git(world.bare, "rev-parse", branch) == commit
    assert run_git(world.bare, "rev-parse", f"{branch}^") == world.commit, "upon what was repaired"
    assert run_git(world.bare, "show", f"{branch}:numbers_of.py") == AFTER.strip()
    assert run_git(world.bare, "diff", "--name-only", world.commit, branch) == "numbers_of.py"
    message = run_git(world.bare, "show", "-s", "--format=%B", branch)
    assert message.startswith(f"Make {TEST} pass\n\nVerified by marginal-agent:\nrun run-1, head hash aaaa")
    [(path, body)] = world.calls.sent("POST")
    assert path == "/repos/o/r/pulls"
    text = body.pop("body")
    title = f"Make {TEST} pass"
    assert body == {"head": branch, "base": "main", "title": title, "draft": True}
    for said in (f"- `{TEST}`", "9 tests: 9 passed", "probability 0.97", "$0.12", world.commit, "a" * 64):
        assert said in text
    assert {each[2]["X-GitHub-Api-Version"] for each in world.calls.requests} == {"2022-11-28"}
    assert record["url"] == "https://h/pull/1" and record["new"] and record["level"] == "free"
    assert "https://h/pull/1" in ran.stdout


def test_the_token_is_in_no_argument_and_in_no_file(world: World) -> None:
    ran = publish_apart(world.home, subprocess.DEVNULL, *world.words(), AGENT_PUBLISH_TOKEN=TOKEN)
    assert ran.returncode == 0
    assert not world.pushes.told and not world.calls.told
    asked = [each[2].get("Authorization") for each in world.pushes.requests]
    assert len(asked) >= 4 and set(asked) == {f"Basic {secrets_of('x-access-token')[1]}"}
    assert not any(secret in ran.stdout + ran.stderr for secret in secrets_of("x-access-token"))
    for path in world.folder.rglob("*"):
        if path.is_file():
            assert not any(each.encode() in path.read_bytes() for each in secrets_of("x-access-token")), path


def test_the_same_patch_is_published_once(world: World) -> None:
    assert world.publish().returncode == 0
    again = world.publish()
    assert (again.returncode, len(world.hosted.pulls)) == (0, 1) and "there already" in again.stdout
    assert len(world.branches()) == 2 and not world.record()["new"]
    world.hosted.pulls.clear()  # as if the first had ended after its push; another run has another message
    (world.out / "result.json").write_text((world.out / "result.json").read_text().replace("run-1", "run-2"))
    third = world.publish()
    assert (third.returncode, len(world.hosted.pulls)) == (0, 1), third.stderr
    assert len(world.branches()) == 2


def test_a_branch_with_something_else_on_it_is_left_alone(world: World) -> None:
    assert world.publish().returncode == 0
    branch = world.record()["branch"]
    run_git(world.bare, "update-ref", f"refs/heads/{branch}", "main")
    world.hosted.pulls.clear()
    one_line(world.publish(), 2, branch, "something else")
    assert run_git(world.bare, "rev-parse", branch) == world.commit and not world.hosted.pulls


def test_a_comment_goes_to_the_open_pull_request_of_the_commit(world: World) -> None:
    pull = {"html_url": "https://h/pull/7", "web_url": "", "branches": []}
    world.hosted.pulls = [
        *({**pull, "number": 9, "state": "open", "head": {"sha": "1" * 40}} for _ in range(120)),
        {**pull, "number": 6, "state": "closed", "head": {"sha": world.commit}},
        {**pull, "number": 7, "state": "open", "head": {"sha": world.commit}},
        {**pull, "number": 8, "state": "open", "head": {"sha": "0" * 40}},
    ]
    world.hosted.comments = [{"html_url": "https://h/c", "body": None} for _ in range(150)]
    ran = world.publish("--as", "comment")
    assert ran.returncode == 0, ran.stderr
    [(path, body)] = world.calls.sent("POST")
    assert path == "/repos/o/r/issues/7/comments"
    assert "```diff\ndiff --git a/numbers_of.py" in body["body"] and "+    return 2 * x" in body["body"]
    assert world.branches() == ["main"] and not world.pushes.requests, "nothing is pushed"
    again = world.publish("--as", "comment", "--number", "7")
    assert again.returncode == 0 and len(world.calls.sent("POST")) == 1 and "there already" in again.stdout
    world.hosted.pulls.clear()
    one_line(world.publish("--as", "comment"), 2, "no open pull request", "--number")


def test_gitlab_gets_a_draft_merge_request_and_notes(world: World) -> None:
    with git_server(world.folder / "served", "oauth2", world.pushes) as git:
        variables = {
            "CI_API_V4_URL": world.api, "CI_SERVER_URL": git, "CI_PROJECT_PATH": "o/r", "GITLAB_TOKEN": TOKEN,
        }  # fmt: skip
        ran = publish(world.home, str(world.out), "--into", "main", **variables)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        again = publish(world.home, str(world.out), "--into", "main", **variables)
        noted = publish(world.home, str(world.out), "--as", "comment", "--number", "1", **variables)
    assert again.returncode == 0 and "there already" in again.stdout
    assert noted.returncode == 0 and f"{git}/o/r/-/merge_requests/1#note_1" in noted.stdout
    (path, body), (note_path, note) = world.calls.sent("POST")
    assert path == "/projects/o%2Fr/merge_requests" and body["title"] == f"Draft: Make {TEST} pass"
    assert (body["source_branch"], body["target_branch"]) == (world.branches()[0], "main")
    assert note_path == "/projects/o%2Fr/merge_requests/1/notes"
    assert not any(line.startswith("/") for line in (note["body"] + body["description"]).splitlines())


def test_text_of_a_repository_is_text_at_the_host(world: World) -> None:
    out = write_job(world.folder / "hostile", world.commit, world.patch, (HOSTILE,))
    world.out = out
    assert world.publish().returncode == 0
    [(_, body)] = world.calls.sent("POST")
    assert body["title"] == "Make t.py::test pass"
    message = run_git(world.bare, "show", "-s", "--format=%B", world.record()["branch"])
    assert not any(sign in message + body["title"] for sign in ("@", "#", "<", "`", "/merge", "closes"))
    [line] = [each for each in body["body"].splitlines() if "team" in each]
    assert line.startswith("- `") and line.endswith("`") and line.count("`") == 2


def test_without_a_persons_word_nothing_leaves(world: World) -> None:
    (world.home / "config" / "marginal-agent" / "config.toml").unlink()
    one_line(world.publish(), 11, "asks a person to confirm a publish", str(world.out / "fix.patch"))
    one_line(world.publish("--as", "comment"), 11, "asks a person")
    one_line(world.publish("--confirm"), 2, "terminal")
    left = world.publish("--as", "artefact")
    assert left.returncode == 0 and str(world.out / "fix.patch") in left.stdout
    assert not world.calls.requests and not world.pushes.requests
    assert not (world.out / "published.json").exists()


def test_the_run_may_ask_for_more_than_whoever_publishes(world: World) -> None:
    doubtful = write_job(world.folder / "doubtful", world.commit, world.patch, (TEST,))
    text = (doubtful / "result.json").read_text().replace('"posterior":0.97', '"posterior":0.3')
    (doubtful / "result.json").write_text(text)
    world.out = doubtful
    one_line(world.publish(), 11, "at this price of risk", "probability 0.30")


def test_a_person_confirms_at_a_terminal(world: World) -> None:
    (world.home / "config" / "marginal-agent" / "config.toml").unlink()
    ours, theirs = pty.openpty()
    done = publish_apart(world.home, theirs, *world.words(), "--confirm", AGENT_PUBLISH_TOKEN=TOKEN)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert world.record()["level"] == "confirm" and len(world.hosted.pulls) == 1


def test_only_what_was_verified_is_published(world: World) -> None:
    (world.out / "fix.patch").write_bytes(world.patch.replace(b"2 * x", b"3 * x"))
    one_line(world.publish(), 1, "not the patch that was verified")
    (world.out / "fix.patch").unlink()
    (world.out / "fix.patch").symlink_to("/etc/passwd")
    one_line(world.publish(), 2, "fix.patch")
    for name, changed in (
        ("none", {"tasks": (), "patch_sha256": ""}),
        ("older", {"patch_sha256": ""}),
    ):
        world.out = write_job(world.folder / name, world.commit, world.patch, (TEST,), **changed)
        one_line(world.publish(), 2, "of no patch that it was verified")
    world.out = write_job(world.folder / "outside", "", world.patch, (TEST,))
    one_line(world.publish(), 2, "not made against a commit")
    (world.out / "result.json").write_text("{}")
    one_line(world.publish(), 2, "not what `agent ci` writes")
    world.out = world.folder / "nowhere"
    one_line(world.publish(), 2, "neither a folder with a trace")
    assert not world.calls.requests and not world.pushes.requests


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".gitmodules", "x/.gitattributes"])
def test_a_patch_of_what_no_fix_may_touch_is_not_pushed(world: World, path: str) -> None:
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n"
    patch = f"{head}--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
    world.out = write_job(world.folder / "forged", world.commit, patch.encode(), (TEST,))
    one_line(world.publish(), 2, "belongs to git")
    link = "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n"
    world.out = write_job(world.folder / "link", world.commit, link.encode(), (TEST,))
    one_line(world.publish(), 2, "is no plain file")
    assert world.branches() == ["main"] and not world.calls.sent("POST")


@pytest.mark.parametrize(
    ("status", "headers", "code", "said"),
    [
        (401, {}, 2, "check AGENT_PUBLISH_TOKEN"),
        (403, {}, 2, "not allowed"),
        (404, {}, 2, "not there"),
        (422, {}, 2, "refuses it (422): no history"),
        (500, {}, 20, "out of order"),
        (429, {"Retry-After": "3600"}, 20, "asks to wait 3600 s"),
        (301, {"Location": "https://elsewhere.example/x"}, 2, "redirects to https://elsewhere.example/x"),
    ],
)
def test_what_a_host_refuses_is_one_line(
    world: World, status: int, headers: dict[str, str], code: int, said: str
) -> None:
    answer = (status, headers, {"message": f"no history {TOKEN}"})
    world.hosted.refuse = [(200, {}, []), answer]
    one_line(world.publish(), code, said)
    assert len(world.branches()) == 2 and not (world.out / "published.json").exists()
    assert world.publish().returncode == 0 and len(world.hosted.pulls) == 1, "nothing was lost"


def test_a_short_limit_of_the_rate_is_waited_for(world: World) -> None:
    world.hosted.refuse = [(429, {"Retry-After": "1"}, {}), (403, {"Retry-After": "1"}, {})]
    ran = world.publish()
    assert ran.returncode == 0 and "asks to wait 1 s" in ran.stdout and len(world.hosted.pulls) == 1


@pytest.mark.parametrize("data", [b"", b"<html>", b"[{}]", b"[" * 100_000])
def test_an_answer_of_no_api_is_one_line(world: World, data: bytes) -> None:
    world.hosted.refuse = [(200, {}, data.decode())]
    one_line(world.publish(), 20, "not of its API")


def test_a_remote_that_redirects_or_refuses_gets_nothing(world: World) -> None:
    elsewhere = Seen()
    with (
        git_server(world.folder / "served", "x", elsewhere) as other,
        git_server(world.folder, "x-access-token", Seen(), redirect=other) as moved,
    ):
        one_line(world.publish("--remote", f"{moved}/o/r.git"), 2, "nothing was pushed")
        assert elsewhere.requests == [], "no redirect is followed"
        one_line(world.publish("--remote", f"{other}/o/r.git"), 2, "nothing was pushed")
    gone = world.publish("--remote", f"{other}/o/r.git")
    one_line(gone, 20, "nothing was pushed")
    one_line(world.publish("--remote", f"{world.git}/o/gone.git"), 2, "nothing was pushed")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--remote", "http://example.org/o/r.git"), "no https:// address"),
        (("--remote", "ssh://git@example.org/o/r.git"), "keep names and tokens out"),
        (("--remote", "ext::sh -c true"), "no https:// address"),
        (("--api", "http://example.org"), "no https:// address"),
        (("--api", f"https://u:{TOKEN}@example.org"), "keep names and tokens out"),
        (("--repository", "../x"), "is no repository"),
        (("--repository", "o/r/s"), "is no repository"),
        (("--into", ""), "--into BRANCH"),
    ],
)
def test_bad_places_are_refused_before_anything_is_sent(
    world: World, arguments: tuple[str, ...], said: str
) -> None:
    one_line(world.publish(*arguments), 2, said)
    assert not world.calls.requests and not world.pushes.requests


def test_a_token_is_needed_and_checked_and_goes_where_it_is_told(world: World) -> None:
    one_line(world.publish(AGENT_PUBLISH_TOKEN=""), 2, "set AGENT_PUBLISH_TOKEN or GITHUB_TOKEN")
    one_line(world.publish(AGENT_PUBLISH_TOKEN=f"{TOKEN}\nX: y"), 2, "AGENT_PUBLISH_TOKEN holds")
    words = (str(world.out), "--repository", "o/r", "--into", "main", "--api", world.api)
    one_line(publish(world.home, *words, GITHUB_TOKEN=TOKEN), 2, "--remote")
    assert not world.calls.requests
