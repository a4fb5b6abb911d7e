"""What a run adds to the summary of a CI job."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from audit_parts import traced
from test_policies import LADDER

from agent.report import Report
from agent.step_summary import VARIABLE, add_summary, summary
from agent.task import Settings
from agent.traces.showing import shown
from policies.vocabulary import Limits

HOSTILE = "\x1b[31m<script>x</script>\n# Done\n::error::x | [a](http://b) `c` www.example.com \u202e *d*"


@pytest.fixture
def report(tmp_path: Path) -> Report:
    asked = Settings(repository="/r", tests=("t",), tiers=LADDER, limits=Limits(5.0, 900.0))
    traced(tmp_path / "trace", "cascade", asked, ("dear",))
    found = shown(tmp_path / "trace").report
    assert found is not None
    return found


def test_it_is_added_to_what_is_there(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    assert add_summary(report) == "", "nothing asks for it"
    assert path.read_text() == "before\n"
    monkeypatch.setenv(VARIABLE, str(path))
    assert add_summary(report) == ""
    text = path.read_text()
    assert text == f"before\n{summary(report)}"
    plain = text.replace("\\", "")
    assert "\n## agent fix: fixed\n" in text
    for said in (report.explanation, report.trace, report.run_id, f"head hash: {report.head_hash}", "$0.85"):
        assert said in plain


def test_text_of_the_repository_is_text(report: Report) -> None:
    text = summary(report.model_copy(update={"explanation": HOSTILE, "trace": f"/tmp/{HOSTILE}"}))
    assert "\x1b" not in text and "\u202e" not in text
    assert len(text.splitlines()) == len(summary(report).splitlines())
    assert not re.search(r"(?<!\\)[<>\[\]`|*]|(?<!\\)://|www\.", text)


@pytest.mark.parametrize("kind", ["folder", "pipe", "nowhere", "full"])
def test_a_file_that_cannot_be_written_is_a_note(
    kind: str, report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = {"nowhere": tmp_path / "no" / "file", "full": Path("/dev/full")}.get(kind, tmp_path / kind)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    monkeypatch.setenv(VARIABLE, str(path))
    assert add_summary(report).startswith(f"nothing was added to {path} ({VARIABLE}): ")
