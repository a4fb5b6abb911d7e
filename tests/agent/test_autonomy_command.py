"""`agent autonomy show`, `check` and `init`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent.autonomy.form import FILE, parse
from agent.cli import app

RULES = """[classes]
publish = "multi-party"
[[paths]]
match = "auth/**"
confirmation = "multi-party"
people = 3
value = 100
notify = ["security@example.org"]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository whose only commit has the rules."""
    for name in [name for name in os.environ if name.startswith(("AGENT_", "GITHUB_", "CI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "repository"
    (folder / ".agent").mkdir(parents=True)
    (folder / FILE).write_text(RULES)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "base"]):
        identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
        subprocess.run(["git", *identity, *words], cwd=folder, check=True)
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["autonomy", *map(str, arguments)])


def refused(done: Result, *said: str) -> None:
    assert done.exit_code == 2, done.output
    (line,) = done.stderr.strip().splitlines()
    assert all(text in line for text in said), line


def test_show_says_who_asks_for_each_line_and_what_is_at_stake(repository: Path) -> None:
    done = run("show", repository)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("base        HEAD (") and lines[0].endswith("), for branch main")
    (publish,) = (line for line in lines if line.startswith("publish "))
    assert "multi-party (two people), says .agent/autonomy.toml of HEAD (" in publish
    assert any(line.startswith("draft ") and line.endswith("says the shipped schedule") for line in lines)
    (rule,) = (line for line in lines if line.startswith("path "))
    assert "auth/**: multi-party (3 people), telling security@example.org for commit, publish, deploy" in rule
    assert any("at P(right) = 0.90: expected loss $2.10" in line for line in lines)
    assert any("--trust-repo-config: auth/** $100.00" in line for line in lines)
    assert any(line == "value       $20.00, says the default" for line in lines)
    trusted = run("show", repository, "--trust-repo-config", "--right", "0.99").output
    assert "value       auth/** $100.00" in trusted and "at P(right) = 0.99" in trusted


def test_check_says_what_a_patch_would_need(repository: Path, tmp_path: Path) -> None:
    done = run("check", repository, "--path", "docs/x.md", "--path", "auth/login.py", "--trust-repo-config")
    assert done.exit_code == 0, done.output
    assert "a patch of docs/x.md, auth/login.py needs" in done.output
    asked = "multi-party (3 people), telling security@example.org (paths auth/**)"
    assert f"commit      {asked}" in done.output and "draft       free\n" in done.output
    assert "value       $100.00, says a rule by path" in done.output
    patch = tmp_path / "fix.patch"
    patch.write_text("--- a/auth/login.py\n+++ b/auth/login.py\n@@ -1 +1 @@\n-x\n+y\n")
    assert f"commit      {asked}" in run("check", repository, "--patch", patch).output
    patch.write_text("nothing")
    refused(run("check", repository, "--patch", patch), "fix.patch", "name a unified diff")
    refused(run("check", repository, "--patch", tmp_path / "none"), "cannot read")


def test_check_says_where_the_working_tree_asks_for_less(repository: Path) -> None:
    (repository / FILE).write_text(RULES.replace("people = 3", "people = 2"))
    done = run("check", repository, "--path", "auth/login.py")
    assert done.exit_code == 0
    assert "ignored: paths auth/**" in done.output
    assert "commit      multi-party (3 people)" in done.output


def test_check_ends_with_one_line_where_the_file_is_not_in_order(repository: Path) -> None:
    (repository / FILE).write_text('[classes]\npublish = "nobody"\n')
    for command in ("check", "show"):
        refused(run(command, repository), ".agent/autonomy.toml of the working tree: classes.publish")
    refused(run("check", repository / "nowhere"), "is not a folder")
    (repository / FILE).unlink()
    refused(run("check", repository, "--base-ref", "nowhere"), "no such commit here; fetch it")


def test_init_writes_a_file_that_is_in_order_and_never_over_another(tmp_path: Path) -> None:
    done = run("init", tmp_path)
    assert done.exit_code == 0, done.output
    written = (tmp_path / FILE).read_text()
    assert parse(written.encode(), "").levels == ()
    kept = ("[", "match", "confirmation", "people", "notify", "publish")
    proposed = (line.removeprefix("# ") for line in written.splitlines())
    asks = parse("\n".join(line for line in proposed if line.startswith(kept)).encode(), "")
    assert asks.paths and asks.branches and asks.levels, "what it proposes is in order, too"
    refused(run("init", tmp_path), "exists already")
    assert (tmp_path / FILE).read_text() == written
    other = tmp_path / "other"
    other.mkdir()
    (other / ".agent").symlink_to(tmp_path)
    refused(run("init", other), "is a link")
    refused(run("init", tmp_path / "nowhere"), "is not a folder")
