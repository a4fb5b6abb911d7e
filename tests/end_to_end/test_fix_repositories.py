"""Hostile and unusual repositories through the whole of `agent fix`: nothing of theirs runs on the host, and
what comes out is a vetted patch or one clear line."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from driver import World, make_repository, refused, run_git
from forgeries import BASE, HONEST_FIX, TARGET

pytestmark = pytest.mark.docker

HOOKS = (
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-rewrite", "post-update", "pre-applypatch", "pre-auto-gc",
    "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "prepare-commit-msg", "reference-transaction",
    "update",
)  # fmt: skip
PROGRAMS = (
    "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "core.gitProxy",
    "core.alternateRefsCommand", "credential.helper", "gpg.program", "gpg.ssh.program", "diff.external",
    "diff.evil.textconv", "diff.evil.command", "merge.evil.driver", "filter.evil.clean",
    "filter.evil.smudge", "interactive.diffFilter", "sequence.editor", "uploadpack.packObjectsHook",
    "remote.origin.uploadpack", "remote.origin.receivepack",
)  # fmt: skip


class Trap:
    """A program that notes that it ran, and the ways in which a repository can have git run it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.sprung = folder / "sprung"
        self.program = folder / "program"
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.sprung}\ncat\n')
        self.program.chmod(0o755)

    def set_in(self, git_dir: Path) -> None:
        """Everything a git folder can name, by hook and by configuration, straight and included."""
        for name in HOOKS:
            (git_dir / "hooks").mkdir(exist_ok=True)
            (git_dir / "hooks" / name).symlink_to(self.program)
        included = git_dir / "included"
        lines = [f"[include]\n\tpath = {included}\n", f'[includeIf "gitdir:/**"]\n\tpath = {included}\n']
        (git_dir / "config").write_text((git_dir / "config").read_text() + "".join(lines))
        for name in PROGRAMS:
            run_git(git_dir, "config", "--file", str(included), name, str(self.program))
        for name, value in {
            "commit.gpgSign": "true",
            "alias.ls-tree": f"!{self.program}",
            "alias.rev-parse": f"!{self.program}",
            "protocol.allow": "always",
            "remote.origin.url": f"ext::{self.program}",
            "remote.origin.promisor": "true",
            "core.untrackedCache": "true",
        }.items():
            run_git(git_dir, "config", "--file", str(included), name, value)
        (git_dir / "info").mkdir(exist_ok=True)
        (git_dir / "info" / "attributes").write_text("* filter=evil diff=evil merge=evil\n")


def clutter(repository: Path) -> None:
    """Everything odd that a tree can hold beside the project."""
    for name, target in {
        "passwd": "/etc/passwd",
        "etc": "/etc",
        "calc/up": "../../..",
        "round": "about",
        "about": "round",
        "inside": "calc",
        "git": ".git/config",
    }.items():
        (repository / name).symlink_to(target)
    for name in ("with\nnewline.py", "\x1b[31mred.py", "::set-output name=a::b", "-rf", "CALC", "Calc"):
        (repository / name).write_text("clutter\n")
    (repository / os.fsdecode(b"\xff\xfe.py")).write_text("clutter\n")
    os.mkfifo(repository / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(repository / "socket"))
    for name in ("tracked.bin", "untracked.bin", "ignored.bin"):
        with (repository / name).open("wb") as file:
            file.truncate(2**30)
    (repository / ".gitignore").write_text("ignored.bin\n" + "*.nothing\n" * 100_000)
    (repository / ".gitmodules").write_text('[submodule "x"]\n\tpath = x\n\turl = ext::sh -c true\n')


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    """Sprung if anything of a repository runs on the host."""
    return Trap(tmp_path / "trap")


def test_a_repository_full_of_traps_is_mended_on_a_branch(world: World, calc: Path, trap: Trap) -> None:
    clutter(calc)
    trap.set_in(calc / ".git")
    (calc / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    for name, bare in (("embedded", ()), ("bare", ("--bare",))):
        run_git(calc, "-c", "core.fsmonitor=", "init", "-q", *bare, name)
        trap.set_in(calc / name if bare else calc / name / ".git")
    (calc / "linked").mkdir()
    (calc / "linked" / ".git").write_text("gitdir: ../bare\n")
    trap.sprung.unlink(missing_ok=True)  # by the commands above, if by any

    ran = world.fix(calc, "--test", TARGET, "--commit", "mended", "--verbose")
    assert not trap.sprung.exists(), trap.sprung.read_text()
    assert ran.code == 0, ran.output
    said = " ".join(ran.output.split())
    for reason in ("symlink out of the tree", "submodule or embedded", "larger than 64 MB"):
        assert f"left out ({reason}" in said
    patch = (ran.trace / "fix.patch").read_text()
    assert patch.count("diff --git") == 1
    assert "diff --git a/calc/core.py b/calc/core.py" in patch
    assert (calc / ".git" / "refs" / "heads" / "mended").is_file()
    run_git(calc, "diff", "HEAD")
    assert trap.sprung.exists(), "plain git runs into it"


def test_patches_that_set_a_trap_or_leave_the_tree_are_dropped(world: World, calc: Path) -> None:
    run_git(calc, "init", "-q", "--bare", "bare")
    (calc / "inside").symlink_to("calc")
    (calc / "etc").symlink_to("/etc")
    paths = ("bare/hooks/post-checkout", ".git/hooks/pre-commit", "inside/core.py", "etc/x", "../x")
    fix = {name: data.decode() for name, data in HONEST_FIX.items() if data is not None}
    replies = [{"edits": {**fix, path: "#!/bin/sh\n"}} for path in paths]
    world.tier("sly", dollars=0, attempts=len(paths), ability=3, replies=replies)
    ran = world.fix(calc, "--test", TARGET, "--tier", "sly", "--value", "$1000")
    assert ran.code == 10, ran.output
    attempts = [event["observation"] for event in ran.events("result") if event["step"]["kind"] == "act"]
    assert [bool(attempt["dropped"]) for attempt in attempts] == [True] * len(paths)
    assert not list(ran.trace.glob("*.patch"))


def test_what_no_sandbox_can_hold_is_refused_at_once(world: World, calc: Path) -> None:
    for number in range(8):
        with (calc / f"data{number}.bin").open("wb") as file:
            file.truncate(60 * 2**20)
    ran = world.fix(calc, "--test", TARGET)
    refused(ran, "takes 480 MB in", "a sandbox has room for 409 MB", "let git ignore", "60.0 MB")
    assert ran.steps() == []


@pytest.mark.parametrize("kind", ["worktree", "shallow and detached", "unborn"])
def test_unusual_checkouts_are_mended(world: World, calc: Path, tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "other"
    if kind == "worktree":
        run_git(calc, "worktree", "add", "-q", str(folder))
    elif kind == "unborn":
        folder = make_repository(folder, BASE)
        run_git(folder, "update-ref", "-d", "HEAD")
    else:
        run_git(tmp_path, "clone", "-q", "--depth=1", f"file://{calc}", str(folder))
        run_git(folder, "checkout", "-q", "--detach")
    branch = () if kind == "unborn" else ("--commit", "mended")
    ran = world.fix(folder, *world.honest(), "--test", TARGET, *branch)
    assert ran.code == 0, ran.output
    if branch:
        assert "calc/core.py" in run_git(folder, "diff", "--name-only", "HEAD", "mended")
    assert run_git(folder, "status", "--porcelain") == (
        "" if branch else run_git(folder, "status", "--porcelain")
    )
