"""Which version of a repository's schedule rules, in real git repositories: the base branch's, whatever the
change under repair makes of the file; and nothing of the repository runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from agent.autonomy.form import FILE
from agent.autonomy.versions import NO_VERSIONS, versions_of
from agent.errors import UsageError
from agent.repository import pyproject_of
from agent.settings import Resolved, resolve
from policies.autonomy import BY_PATH, Confirmation
from policies.vocabulary import ActionClass

FREE, CONFIRM, MULTI = Confirmation
COMMIT, DRAFT = ActionClass.COMMIT, ActionClass.DRAFT
STRICT = '[classes]\ncommit = "multi-party"\n[classes.draft]\nconfirmation = "multi-party"\npeople = 3\n'
LAX = '[classes]\ncommit = "free"\ndraft = "free"\n'


@pytest.fixture(autouse=True)
def plain_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of the developer's, and no CI system's word."""
    for name in [name for name in os.environ if name.startswith(("AGENT_", "GITHUB_", "CI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def write(folder: Path, text: str | None) -> None:
    file = folder / FILE
    if text is None:
        file.unlink()
        return
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def commit(folder: Path, text: str | None) -> str:
    write(folder, text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "a change", "--allow-empty")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """main asks for much; the branch that is checked out for nothing."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.py").write_text("x = 1\n")
    commit(folder, STRICT)
    git(folder, "checkout", "-q", "-b", "change")
    commit(folder, LAX)
    return folder


def found(folder: Path, base_ref: str | None = None) -> Resolved:
    return resolve({}, pyproject_of(folder), versions_of(folder, base_ref))


@pytest.mark.parametrize("change", [LAX, None, "# nothing\n", STRICT.replace("3", "2")])
def test_the_change_under_repair_cannot_loosen_it(repository: Path, change: str | None) -> None:
    commit(repository, change)
    ruling = found(repository, "main")
    assert ruling.schedule.scheduled(COMMIT) is MULTI
    assert ruling.schedule.readers(ruling.schedule.scheduled(DRAFT), DRAFT) == 3
    assert any("asks for less confirmation than main (" in note for note in ruling.notes)


def test_what_is_not_committed_cannot_loosen_it_either(repository: Path) -> None:
    git(repository, "checkout", "-q", "main")
    for change in (LAX, None):
        write(repository, change)
        ruling = found(repository)
        assert ruling.schedule.scheduled(COMMIT) is MULTI
        assert any("asks for less confirmation than HEAD (" in note for note in ruling.notes)
    write(repository, STRICT + '[[paths]]\nmatch = "x"\nconfirmation = "confirm"\nclasses = ["draft"]\n')
    assert [rule.match for rule in found(repository).schedule.paths] == ["x"], "it may ask for more"


def test_the_ci_system_says_which_branch_a_change_is_for(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(repository).schedule.scheduled(DRAFT) is FREE, "nobody says so: HEAD rules"
    for variable in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "AGENT_BASE_REF"):
        monkeypatch.setenv(variable, "main")
        assert found(repository).schedule.scheduled(DRAFT) is MULTI
        assert versions_of(repository).branch == "main"
        monkeypatch.setenv(variable, "")
    git(repository, "checkout", "-q", "--detach")
    assert versions_of(repository).branch == ""
    assert found(repository, git(repository, "rev-parse", "main")).schedule.scheduled(DRAFT) is MULTI


def test_the_remotes_branch_goes_before_a_local_one_of_its_name(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", f"file://{repository}", str(clone))
    git(clone, "branch", "-q", "-f", "main", "HEAD")  # a change's own idea of main
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    assert found(clone).schedule.scheduled(DRAFT) is MULTI


def test_a_base_that_is_not_here_is_never_taken_for_lax(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", "--branch=change", f"file://{repository}", str(clone))
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    ruling = found(clone)
    assert {ruling.schedule.scheduled(each) for each in BY_PATH} == {MULTI}
    note = next(note for note in ruling.notes if "the base branch" in note)
    mend = "git fetch --depth=1 origin +refs/heads/main:refs/remotes/origin/main"
    assert "main is not here" in note and mend in note
    git(clone, *mend.split()[1:])
    assert found(clone).schedule.scheduled(DRAFT) is MULTI and not versions_of(clone).problem
    with pytest.raises(UsageError, match="base-ref nowhere: no such commit here; fetch it"):
        versions_of(clone, "nowhere")
    for odd in ("--all", "-n1", "main main", "a\nb", "x" * 300):
        with pytest.raises(UsageError, match="no such commit here"):
            versions_of(clone, odd)


def test_nothing_of_the_repository_runs_or_stands_in(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = tmp_path / "evil"
    script.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n")
    script.chmod(0o755)
    commit(repository, LAX)
    lax = git(repository, "rev-parse", f"HEAD:{FILE}")
    strict = git(repository, "rev-parse", f"main:{FILE}")
    (repository / ".gitattributes").write_text("* filter=evil diff=evil ident\n")
    for name in ("filter.evil.smudge", "filter.evil.clean", "diff.evil.textconv", "core.fsmonitor"):
        git(repository, "config", name, str(script))
    git(repository, "config", "core.hooksPath", str(tmp_path))
    git(repository, "-c", "core.fsmonitor=false", "replace", strict, lax)
    assert found(repository, "main").schedule.scheduled(DRAFT) is MULTI
    assert not ran.exists()


def test_links_folders_and_pipes_are_not_read(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "main")
    outside = tmp_path / "outside.toml"
    outside.write_text("not TOML")
    file = repository / FILE
    file.unlink()
    file.symlink_to(outside)
    not_read(repository)
    file.unlink()
    os.mkfifo(file)
    not_read(repository)
    file.unlink()
    file.mkdir()
    not_read(repository)
    file.rmdir()
    file.parent.rmdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "autonomy.toml").write_text("not TOML")
    file.parent.symlink_to(tmp_path / "elsewhere")
    not_read(repository)
    file.parent.unlink()
    assert versions_of(repository).tree_problem == ""
    file.parent.write_text("a file of another program")
    assert versions_of(repository).tree_problem == ""


def not_read(folder: Path) -> None:
    """The working tree's file is not, and a note says so."""
    assert versions_of(folder).tree is None
    assert any("of the working tree is read through no link" in note for note in found(folder).notes)


@pytest.mark.parametrize("kind", ["a link", "a folder", "a submodule", "behind a link", "in a submodule"])
def test_a_base_whose_file_is_none_is_never_taken_for_lax(repository: Path, kind: str) -> None:
    file = repository / FILE
    (repository / "lax").mkdir()
    (repository / "lax" / file.name).write_text(LAX)
    (repository / "pyproject.toml").write_text('[tool.agent.autonomy]\ndraft = "confirm"\n')
    git(repository, "rm", "-q", FILE)
    at = file.parent if kind in ("behind a link", "in a submodule") else file
    file.parent.mkdir(exist_ok=True)
    if at == file.parent:
        at.rmdir()
    if "link" in kind:
        at.symlink_to("lax" if at == file.parent else f"../lax/{file.name}")
    elif kind == "a folder":
        at.mkdir()
        (at / "x").write_text("x")
    git(repository, "add", "-A")
    if "submodule" in kind:
        gitlink = f"160000,{git(repository, 'rev-parse', 'HEAD')},{at.relative_to(repository)}"
        git(repository, "update-index", "--add", "--cacheinfo", gitlink)
    git(repository, "commit", "-qm", kind)
    odd = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "-f", "main")
    ruling = found(repository, odd)
    assert {ruling.schedule.scheduled(each) for each in BY_PATH} == {MULTI}
    [note] = [note for note in ruling.notes if "read through no link" in note]
    assert f"{FILE} of {odd} ({odd[:12]})" in note and "commit it as a plain file" in note
    git(repository, "rm", "-q", FILE)
    assert found(repository, odd).schedule.scheduled(DRAFT) is CONFIRM, "its pyproject.toml counts still"


@pytest.mark.parametrize("tagged", ["main", "origin/main", "main~0"])
def test_a_tag_never_goes_before_a_branch(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tagged: str
) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", f"file://{repository}", str(clone))
    git(clone, "update-ref", f"refs/tags/{tagged.partition('~')[0]}", "HEAD")
    assert found(clone, tagged).schedule.scheduled(DRAFT) is MULTI
    monkeypatch.setenv("AGENT_BASE_REF", tagged)
    assert found(clone).schedule.scheduled(DRAFT) is MULTI


def test_what_git_keeps_itself_and_a_tag_without_a_branch_are_meant_as_they_are(
    repository: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    git(repository, "checkout", "-q", "main")  # so is the remote's HEAD
    git(tmp_path, "clone", "-q", f"file://{repository}", str(clone))
    git(clone, "checkout", "-q", "change")
    for name in ("HEAD", "@", "HEAD~0"):
        assert found(clone, name).schedule.scheduled(DRAFT) is FREE
    assert found(clone, git(clone, "rev-parse", "HEAD")).schedule.scheduled(DRAFT) is FREE
    git(clone, "tag", "v1", "origin/main")
    assert found(clone, "v1").schedule.scheduled(DRAFT) is MULTI


def test_a_branch_keeps_its_name_beside_a_tag_of_the_same(repository: Path) -> None:
    git(repository, "tag", "change", "main")
    assert versions_of(repository).branch == "change", "its rules by branch count"


def test_a_file_that_is_not_in_order_ends_it_and_says_which(repository: Path) -> None:
    write(repository, '[classes]\ndraft = "x"\n')
    with pytest.raises(UsageError, match=r"^\.agent/autonomy\.toml of the working tree: classes\.draft"):
        versions_of(repository)
    broken = commit(repository, "[")
    write(repository, STRICT)
    with pytest.raises(UsageError, match=rf"^\.agent/autonomy\.toml of HEAD \({broken[:12]}\): "):
        versions_of(repository)
    commit(repository, "# " + "x" * 2**21)
    write(repository, STRICT)
    with pytest.raises(UsageError, match="is larger than 64 KB; make it shorter"):
        versions_of(repository)


def test_without_git_or_a_commit_only_the_working_tree_speaks(tmp_path: Path) -> None:
    assert versions_of(tmp_path) == NO_VERSIONS
    write(tmp_path, STRICT)
    assert found(tmp_path).schedule.scheduled(DRAFT) is MULTI
    git(tmp_path, "init", "-q", "-b", "main")
    assert versions_of(tmp_path).branch == "main" and versions_of(tmp_path).base is None
    assert found(tmp_path / ".agent").schedule.scheduled(DRAFT) is MULTI, "found from a folder inside"


def test_a_base_whose_objects_are_gone_is_never_taken_for_lax(repository: Path) -> None:
    blob = git(repository, "rev-parse", f"main:{FILE}")
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    ruling = found(repository, "main")
    assert ruling.schedule.scheduled(COMMIT) is MULTI
    assert any("cannot be read" in note for note in ruling.notes)
