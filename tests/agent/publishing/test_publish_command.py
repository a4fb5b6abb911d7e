"""`agent publish`: what was verified, and nothing else, once, with a token that goes to the host alone."""

from __future__ import annotations

import os
import pty
import subprocess

from publish_servers import TOKEN, git_server, secrets_of
from publish_world import (
    AFTER,
    HOSTILE,
    TEST,
    Place,
    one_line,
    publish,
    publish_apart,
    run_git,
    write_job,
)


def test_a_draft_pull_request_with_the_patch_as_a_commit_on_a_new_branch(world: Place) -> None:
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


def test_the_token_is_in_no_argument_and_in_no_file(world: Place) -> None:
    ran = publish_apart(world.home, subprocess.DEVNULL, *world.words(), AGENT_PUBLISH_TOKEN=TOKEN)
    assert ran.returncode == 0
    assert not world.pushes.told and not world.calls.told
    asked = [each[2].get("Authorization") for each in world.pushes.requests]
    assert len(asked) >= 4 and set(asked) == {f"Basic {secrets_of('x-access-token')[1]}"}
    assert not any(secret in ran.stdout + ran.stderr for secret in secrets_of("x-access-token"))
    for path in world.folder.rglob("*"):
        if path.is_file():
            assert not any(each.encode() in path.read_bytes() for each in secrets_of("x-access-token")), path


def test_the_same_patch_is_published_once(world: Place) -> None:
    assert world.publish().returncode == 0
    again = world.publish()
    assert (again.returncode, len(world.hosted.pulls)) == (0, 1) and "there already" in again.stdout
    assert len(world.branches()) == 2 and not world.record()["new"]
    world.hosted.pulls.clear()  # as if the first had ended after its push; another run has another message
    (world.out / "result.json").write_text((world.out / "result.json").read_text().replace("run-1", "run-2"))
    third = world.publish()
    assert (third.returncode, len(world.hosted.pulls)) == (0, 1), third.stderr
    assert len(world.branches()) == 2


def test_a_comment_goes_to_the_open_pull_request_of_the_commit(world: Place) -> None:
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


def test_gitlab_gets_a_draft_merge_request_and_notes(world: Place) -> None:
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


def test_text_of_a_repository_is_text_at_the_host(world: Place) -> None:
    out = write_job(world.folder / "hostile", world.commit, world.patch, (HOSTILE,))
    world.out = out
    assert world.publish().returncode == 0
    [(_, body)] = world.calls.sent("POST")
    assert body["title"] == "Make t.py::test pass"
    message = run_git(world.bare, "show", "-s", "--format=%B", world.record()["branch"])
    assert not any(sign in message + body["title"] for sign in ("@", "#", "<", "`", "/merge", "closes"))
    [line] = [each for each in body["body"].splitlines() if "team" in each]
    assert line.startswith("- `") and line.endswith("`") and line.count("`") == 2


def test_without_a_persons_word_nothing_leaves(world: Place) -> None:
    (world.home / "config" / "marginal-agent" / "config.toml").unlink()
    one_line(
        world.publish(),
        11,
        "asks a person (--confirm at a terminal) to confirm a publish",
        str(world.out / "fix.patch"),
    )
    one_line(world.publish("--as", "comment"), 11, "asks a person")
    one_line(world.publish("--confirm"), 2, "terminal")
    left = world.publish("--as", "artefact")
    assert left.returncode == 0 and str(world.out / "fix.patch") in left.stdout
    assert not world.calls.requests and not world.pushes.requests
    assert not (world.out / "published.json").exists()


def test_the_run_may_ask_for_more_than_whoever_publishes(world: Place) -> None:
    doubtful = write_job(world.folder / "doubtful", world.commit, world.patch, (TEST,))
    text = (doubtful / "result.json").read_text().replace('"posterior":0.97', '"posterior":0.3')
    (doubtful / "result.json").write_text(text)
    world.out = doubtful
    one_line(world.publish(), 11, "at this price of risk", "probability 0.30")


def test_a_person_confirms_at_a_terminal(world: Place) -> None:
    (world.home / "config" / "marginal-agent" / "config.toml").unlink()
    ours, theirs = pty.openpty()
    done = publish_apart(world.home, theirs, *world.words(), "--confirm", AGENT_PUBLISH_TOKEN=TOKEN)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert world.record()["level"] == "confirm" and len(world.hosted.pulls) == 1


def test_a_rule_for_a_path_that_the_patch_changes_counts(world: Place) -> None:
    schedule = world.home / "config" / "marginal-agent" / "schedule.toml"
    lax = schedule.read_text()
    schedule.write_text(f'{lax}\n[[paths]]\nmatch = "auth/**"\nconfirmation = "multi-party"\n')
    assert world.publish().returncode == 0
    world.hosted.pulls.clear()
    schedule.write_text(f'{lax}\n[[paths]]\nmatch = "numbers_of.py"\nconfirmation = "multi-party"\n')
    one_line(world.publish(), 11, "two people to confirm a publish")
