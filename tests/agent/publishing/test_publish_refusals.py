"""`agent publish`: what is refused, by us, by a host or by a remote, and that nothing is lost by it."""

from __future__ import annotations

import pytest
from publish_servers import TOKEN, Seen, git_server
from publish_world import (
    TEST,
    Place,
    one_line,
    publish,
    run_git,
    write_job,
)


def test_a_commit_that_is_not_on_the_branch_brings_no_pull_request(world: Place) -> None:
    world.hosted.contains = "diverged"
    one_line(world.publish(), 2, "is not on branch main", "--as comment")
    variables = {"CI_API_V4_URL": world.api, "CI_PROJECT_PATH": "o/r", "GITLAB_TOKEN": TOKEN}
    ran = publish(world.home, str(world.out), "--into", "feature/x", **variables)
    one_line(ran, 2, "is not on branch feature/x")
    asked = [path for _, path, _, _ in world.calls.requests if "compare" in path or "merge_base" in path]
    assert asked[0].split("?")[0] == f"/repos/o/r/compare/{world.commit}...main"
    assert asked[1].endswith(f"merge_base?refs[]={world.commit}&refs[]=feature%2Fx")
    assert not world.pushes.requests and not world.calls.sent("POST")


def test_a_branch_with_something_else_on_it_is_left_alone(world: Place) -> None:
    assert world.publish().returncode == 0
    branch = world.record()["branch"]
    run_git(world.bare, "update-ref", f"refs/heads/{branch}", "main")
    world.hosted.pulls.clear()
    one_line(world.publish(), 2, branch, "something else")
    assert run_git(world.bare, "rev-parse", branch) == world.commit and not world.hosted.pulls


def test_only_what_was_verified_is_published(world: Place) -> None:
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
    one_line(world.publish(), 2, "holds neither the result.json of `agent ci` nor a trace")
    assert not world.calls.requests and not world.pushes.requests


def test_a_patch_of_uncommitted_work_is_not_pushed(world: Place) -> None:
    patch = world.patch.replace(b"return x", b"return x + 0")
    world.out = write_job(world.folder / "dirty", world.commit, patch, (TEST,), dirty=1)
    one_line(world.publish(), 2, "does not fit commit", "not committed", str(world.out / "fix.patch"))
    assert world.branches() == ["main"] and not world.calls.sent("POST")


@pytest.mark.parametrize("path", [".github/workflows/ci.yml", ".gitmodules", "x/.gitattributes"])
def test_a_patch_of_what_no_fix_may_touch_is_not_pushed(world: Place, path: str) -> None:
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
    world: Place, status: int, headers: dict[str, str], code: int, said: str
) -> None:
    answer = (status, headers, {"message": f"no history {TOKEN}"})
    world.hosted.refuse = [(200, {}, []), (200, {}, {"status": "ahead"}), answer]
    one_line(world.publish(), code, said)
    assert len(world.branches()) == 2 and not (world.out / "published.json").exists()
    assert world.publish().returncode == 0 and len(world.hosted.pulls) == 1, "nothing was lost"


def test_a_short_limit_of_the_rate_is_waited_for(world: Place) -> None:
    world.hosted.refuse = [(429, {"Retry-After": "1"}, {}), (403, {"Retry-After": "1"}, {})]
    ran = world.publish()
    assert ran.returncode == 0 and "asks to wait 1 s" in ran.stdout and len(world.hosted.pulls) == 1


@pytest.mark.parametrize("data", [b"", b"<html>", b"[{}]", b"[" * 100_000])
def test_an_answer_of_no_api_is_one_line(world: Place, data: bytes) -> None:
    world.hosted.refuse = [(200, {}, data.decode())]
    one_line(world.publish(), 20, "not of its API")


def test_a_remote_that_redirects_or_refuses_gets_nothing(world: Place) -> None:
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
    world: Place, arguments: tuple[str, ...], said: str
) -> None:
    one_line(world.publish(*arguments), 2, said)
    assert not world.calls.requests and not world.pushes.requests


def test_a_token_is_needed_and_checked_and_goes_where_it_is_told(world: Place) -> None:
    one_line(world.publish(AGENT_PUBLISH_TOKEN=""), 2, "set AGENT_PUBLISH_TOKEN or GITHUB_TOKEN")
    one_line(world.publish(AGENT_PUBLISH_TOKEN=f"{TOKEN}\nX: y"), 2, "AGENT_PUBLISH_TOKEN holds")
    words = (str(world.out), "--repository", "o/r", "--into", "main", "--api", world.api)
    one_line(publish(world.home, *words, GITHUB_TOKEN=TOKEN), 2, "--remote")
    assert not world.calls.requests
