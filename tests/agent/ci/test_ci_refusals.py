"""What `agent ci` says, and leaves, where there is nothing it can work on."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agent import ci_cli, intake
from agent.ci.outputs import new_folder, take_away
from agent.cli import app
from agent.errors import UsageError
from agent.redact import Redactor
from agent.trace import TraceWriter


def ci(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["ci", *map(str, words)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """No repository."""
    found = tmp_path / "folder"
    found.mkdir()
    (found / "test_a.py").write_text("def test_a():\n    assert 0\n")
    return found


def test_what_cannot_be_read_is_named_and_nothing_is_left(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, readlink = folder / "cwd", os.readlink
    link.symlink_to("test_a.py")

    def forbidden(path: os.PathLike[str] | str) -> str:
        if os.fspath(path) == str(link):  # as in /proc, to root as well
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return readlink(path)

    monkeypatch.setattr(os, "readlink", forbidden)
    ran = ci(folder, "--out", tmp_path / "new" / "out")
    assert ran.exit_code == 2, ran.stderr
    assert f"cannot read {link}: Permission denied; allow it" in ran.stderr
    assert sorted(each.name for each in tmp_path.iterdir()) == ["folder"]


def test_a_folder_that_exists_is_named_as_a_person_would(folder: Path, tmp_path: Path) -> None:
    ran = ci(folder, "--out", tmp_path / "none" / ".." / "folder")
    assert (ran.exit_code, ran.stderr) == (
        2, f"agent: {tmp_path}/folder exists already; name a new folder with --out\n"
    )  # fmt: skip


def test_a_folder_that_cannot_be_made_leaves_nothing(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*test_a\.py/out: Not a directory"):
        new_folder(folder / "test_a.py" / "out")
    made = new_folder(folder / "a" / "b")
    assert made == (folder / "a" / "b", folder / "a")
    take_away(made)
    assert [each.name for each in folder.iterdir()] == ["test_a.py"]


def test_a_report_is_named_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_BYTES", 0)
    report = folder / "big.xml"
    report.write_text("<testsuite/>")
    ran = ci(folder, "--junit", report, "--out", folder / "out")
    assert (ran.exit_code, ran.stderr) == (2, f"agent: {report} is larger than 0 MB\n")


def test_a_full_disk_names_no_flag_that_a_job_does_not_have(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        writer = TraceWriter(tmp_path / "trace", Redactor())
        writer.close()
        monkeypatch.setattr("agent.trace.sync_folder", refuse)
        writer.blob(b"x")

    def refuse(_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ci_cli, "_carried_out", full)
    ran = ci(folder, "--out", tmp_path / "out")
    assert ran.exit_code == 20, ran.stderr
    assert "No space left on device; mend that, then run the job again with a new --out" in ran.stderr
    assert "--resume" not in ran.stderr
