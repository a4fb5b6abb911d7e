"""Whether a patch is in a history, by what commits change: merged, squashed, reverted, brought back."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools.files import FileEdit
from tools.host_git import GitError
from tools.landed import default_branch, landings

GIT = ("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
BEFORE = "def f(x):\n    y = 1\n    z = 2\n    return x - y\n"
AFTER = BEFORE.replace("x - y", "x + y")
EDITS = (FileEdit("a.py", AFTER.encode()),)


def git(root: Path, *arguments: str) -> str:
    return subprocess.run((*GIT, *arguments), cwd=root, check=True, capture_output=True, text=True).stdout


class History:
    """A repository with a patch of `a.py` that is not in it yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()
        git(root, "init", "-q", "-b", "main")
        (root / "a.py").write_text(BEFORE)
        self.base = self.commit("base", other="0")
        (root / "a.py").write_text(AFTER)
        self.patch = git(root, "diff").encode()
        git(root, "checkout", "-q", "a.py")

    def commit(self, subject: str, **files: str) -> str:
        for name, text in files.items():
            (self.root / name).write_text(text)
        git(self.root, "add", "-A")
        git(self.root, "commit", "-q", "--allow-empty", "-m", subject)
        return git(self.root, "rev-parse", "HEAD").strip()

    def fix(self, subject: str = "fix", **files: str) -> str:
        (self.root / "a.py").write_text((self.root / "a.py").read_text().replace("x - y", "x + y"))
        return self.commit(subject, **files)

    def words(self, branch: str = "HEAD") -> list[str]:
        found = landings(self.root / ".git", branch, self.base, self.patch, EDITS)
        return [each.word for each in found]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "repo")


def test_a_patch_that_is_in_no_commit_is_not_there(history: History) -> None:
    history.commit("something else", other="1")
    (history.root / "a.py").write_text(BEFORE.replace("x - y", "y - x"))
    history.commit("Verified by marginal-agent, run 1234")  # whatever it says
    assert history.words() == []


def test_a_patch_is_merged_wherever_its_lines_lie(history: History) -> None:
    (history.root / "a.py").write_text("# more\n" * 9 + BEFORE)
    history.commit("lines above")
    history.fix("fix, with other files", other="2")
    assert history.words() == ["merged"]


def test_a_merged_branch_and_a_squashed_one_count(history: History) -> None:
    git(history.root, "checkout", "-q", "-b", "fix")
    history.fix()
    git(history.root, "checkout", "-q", "main")
    assert history.words("main") == []
    git(history.root, "merge", "-q", "--no-ff", "-m", "merge", "fix")
    assert history.words("main") == ["merged"]
    git(history.root, "reset", "-q", "--hard", history.base)
    git(history.root, "merge", "-q", "--squash", "fix")
    history.commit("squashed")
    assert history.words("main") == ["merged"]


def test_reverts_and_what_brings_it_back(history: History) -> None:
    history.fix()
    git(history.root, "revert", "--no-edit", "HEAD")
    assert history.words() == ["merged", "reverted"]
    git(history.root, "revert", "--no-edit", "HEAD")
    assert history.words() == ["merged", "reverted", "merged"]


def test_a_patch_of_work_that_was_not_committed_counts_once_both_are(history: History) -> None:
    work = BEFORE.replace("z = 2", "z = 3")
    edits = (FileEdit("a.py", work.replace("x - y", "x + y").encode()), FileEdit("b.py", None))
    history.commit("b", **{"b.py": "1"})
    (history.root / "a.py").write_text(work.replace("x - y", "x + y"))
    history.commit("only a part of it")
    found = landings(history.root / ".git", "HEAD", history.base, history.patch, edits)
    assert found == ()
    history.commit("something else", **{"a.py": BEFORE})
    (history.root / "b.py").unlink()
    history.commit("all of it", **{"a.py": work.replace("x - y", "x + y")})
    (landing,) = landings(history.root / ".git", "HEAD", history.base, history.patch, edits)
    assert landing.word == "merged"


def test_a_revert_need_not_say_so(history: History) -> None:
    history.fix()
    history.commit("no good", **{"a.py": BEFORE, "other": "5"})
    assert history.words() == ["merged", "reverted"]


def test_a_reverted_merge_is_a_revert(history: History) -> None:
    git(history.root, "checkout", "-q", "-b", "fix")
    history.fix()
    git(history.root, "checkout", "-q", "main")
    git(history.root, "merge", "-q", "--no-ff", "-m", "merge", "fix")
    git(history.root, "revert", "--no-edit", "-m", "1", "HEAD")
    assert history.words() == ["merged", "reverted"]


def test_a_revert_that_had_to_be_made_by_hand_is_known_by_what_it_says(history: History) -> None:
    fix = history.fix()
    (history.root / "a.py").write_text(AFTER.replace("y = 1", "y = 10"))
    history.commit("meanwhile")
    (history.root / "a.py").write_text(BEFORE.replace("return x - y", "return x - 10"))
    history.commit(f'Revert "fix"\n\nThis reverts commit {fix}.\n\nby hand')
    assert history.words() == ["merged", "reverted"]
    history.commit(f"This reverts commit {fix}", other="3")  # touches none of its files
    assert history.words() == ["merged", "reverted"]


def test_the_repository_s_settings_and_attributes_change_nothing(history: History) -> None:
    ran = history.root.parent / "ran"
    (history.root / ".gitattributes").write_text("*.py diff=evil filter=evil\n")
    history.commit("attributes")
    for name in ("diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "diff.external"):
        git(history.root, "config", name, f"touch {ran}; cat")
    for name, value in (("diff.noprefix", "true"), ("diff.context", "0"), ("diff.algorithm", "patience")):
        git(history.root, "config", name, value)
    ran.unlink(missing_ok=True)
    (history.root / "a.py").write_text(AFTER)
    git(history.root, "-c", "filter.evil.clean=cat", "add", "-A")
    git(history.root, "commit", "-q", "-m", "fix")
    ran.unlink(missing_ok=True)
    assert history.words() == ["merged"]
    assert not ran.exists()


def test_the_branch_that_others_see_is_the_remote_s(history: History, tmp_path: Path) -> None:
    assert default_branch(history.root / ".git") == "HEAD"
    git(tmp_path, "clone", "-q", str(history.root), "clone")
    git(tmp_path / "clone", "checkout", "-q", "-b", "mine")
    assert default_branch(tmp_path / "clone" / ".git") == "refs/remotes/origin/HEAD"


def test_an_unknown_base_is_an_error_of_git(history: History) -> None:
    with pytest.raises(GitError):
        landings(history.root / ".git", "HEAD", "f" * 40, history.patch, EDITS)
