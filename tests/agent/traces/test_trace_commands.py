"""`agent trace list`, `show`, `grep`, `prune` and `export`, as a person and a program see them."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest
from kinds_of_traces import FIXED, LIMIT, RESUMED
from typer.testing import CliRunner, Result

from agent.cli import app
from agent.errors import AgentError
from agent.events import Event, RunEnded, RunStarted, StepDone, StepIntended
from agent.observations import EnvironmentDone, ReproductionDone
from agent.redact import Redactor
from agent.settings import state_folder
from agent.trace import EVENTS, Trace, TraceWriter
from agent.traces.checking import check
from agent.traces.facts import Facts
from agent.traces.handing_on import write_new
from agent.traces.pruning import Rules, plan, remove
from policies.amounts import show_money

HOSTILE = "\x1b[31mred\x9b2J \u202egnp [bold]x[/bold] ::error::no\n::error::yes ##[group]z"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["trace", *map(str, arguments)])


def said(result: Result) -> str:
    return " ".join(result.output.split())


def rewritten(folder: Path, change: Callable[[Event], Event], name: str = "own") -> Path:
    """A trace with the same blobs and other events."""
    own = folder.parent / name
    writer = TraceWriter(own, Redactor({}))
    for path in (folder / "blobs").iterdir():
        writer.blob(path.read_bytes())
    for event in Trace(folder).events():
        writer.append(change(event))
    writer.close()
    return own


def begun(folder: Path, name: str, at: float, run_id: str = "r", repository: str = "/r") -> Path:
    def change(event: Event) -> Event:
        if not isinstance(event, RunStarted):
            return event
        settings = event.settings.model_copy(update={"repository": repository})
        return event.model_copy(update={"time": at, "run_id": run_id, "settings": settings})

    return rewritten(folder, change, name)


@pytest.fixture
def three(copy_of: Callable[..., Path]) -> list[Path]:
    """A fix of an hour ago, a run without money of two days ago, one that was cut off ten days ago."""
    hour, day = 3600.0, 86400.0
    made = [copy_of(FIXED, "a"), copy_of(LIMIT, "b")]
    at = time.time()
    folders = [
        begun(made[0], "one", at - hour, "1" * 16, "/home/u/shop"),
        begun(made[1], "two", at - 2 * day, "2" * 16, "/home/u/bank"),
        begun(made[0], "three", at - 10 * day, "3" * 16, "/home/u/shop"),
    ]
    lines = (folders[2] / EVENTS).read_bytes().splitlines(keepends=True)
    (folders[2] / EVENTS).write_bytes(b"".join(lines[:-1]))
    for folder in made:
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
    return folders


def ids(*arguments: str) -> list[str]:
    return [each["run_id"][0] for each in json.loads(run("list", "--json", *arguments).stdout)]


def test_list_shows_the_newest_first_and_filters(three: list[Path]) -> None:
    assert ids() == ["1", "2", "3"]
    assert ids("--outcome", "fixed") == ["1"]
    assert ids("--outcome", "cut-off", "--outcome", "cut off") == ["3"]
    assert ids("--repo", "shop") == ["1", "3"]
    assert ids("--since", "3d") == ["1", "2"]
    assert ids("--limit", "1") == ["1"]
    assert ids("--tier", "no-such-tier") == []
    assert ids("--min-dollars", "1000000") == []
    assert ids("--rebuild") == ["1", "2", "3"]
    assert "no trace is like that" in said(run("list", "--repo", "x"))
    shown = run("list")
    assert "11111111" in shown.output and "cut off" in shown.output
    assert "3 traces; in all $" in shown.output
    for wrong in (
        ["--outcome", "great"],
        ["--since", "soon"],
        ["--min-dollars", "much"],
        ["--in", "/no/where"],
    ):
        assert run("list", *wrong).exit_code == 2


def test_show_says_what_was_chosen_billed_and_how_it_ended(fixed: Path) -> None:
    shown = run("show", "last")
    assert shown.exit_code == 0, shown.output
    state = [event for event in Trace(fixed).events() if isinstance(event, StepDone)]
    for number, event in enumerate(state, start=1):
        assert f"{number}. {event.step.name}  [" in shown.output
    assert re.search(r"\]  net \$\d+\.\d+, of \d+ on offer; next best [a-z ]+, -?\$\d", shown.output)
    assert "fixed (exit code 0)" in shown.output
    assert check(fixed).head_hash in shown.output
    found = json.loads(run("show", str(fixed), "--json").stdout)
    assert found["report"]["head_hash"] == check(fixed).head_hash
    assert len(found["steps"]) == len(state)
    assert sum(step["dollars"] for step in found["steps"]) == pytest.approx(found["report"]["dollars"])


def test_what_became_of_a_patch_is_listed_and_shown(fixed: Path) -> None:
    assert CliRunner().invoke(app, ["outcome", str(fixed), "--reworked", "4"]).exit_code == 0
    net = show_money(json.loads(run("list", "--json").stdout)[0]["net"])
    assert "fixed, reworked" in said(run("list")) and net in run("list").output
    shown = said(run("show", str(fixed)))
    assert "later: reworked (4 minutes), as was said on 20" in shown
    assert f"net: {net}, as `agent audit` counts it" in shown
    assert ids("--outcome", "fixed") == ["s"]
    assert json.loads(run("show", str(fixed), "--json").stdout)["facts"]["later"]["minutes"] == 4


def test_a_run_without_an_end_is_no_tampering_but_for_verify(fixed: Path) -> None:
    """As README and `--help` say. A trace that is cut within a line holds for an audit alone."""

    def exit_codes() -> list[int]:
        commands = (["trace", "verify"], ["replay"], ["audit"])
        return [CliRunner().invoke(app, [*command, str(fixed)]).exit_code for command in commands]

    assert exit_codes() == [0, 0, 0]
    lines = (fixed / EVENTS).read_bytes().splitlines(keepends=True)
    (fixed / EVENTS).write_bytes(b"".join(lines[:-2]))
    assert exit_codes() == [1, 0, 0]
    (fixed / EVENTS).write_bytes(b"".join(lines[:-2]) + lines[-2][:30])
    assert exit_codes() == [1, 1, 0]
    (fixed / EVENTS).write_bytes(b"".join([*lines[:2], *lines[3:]]))
    assert exit_codes() == [1, 1, 1]
    assert "the end of the run is not recorded" in said(run("verify", "--help"))
    replay_help = " ".join(CliRunner().invoke(app, ["replay", "--help"]).output.split())
    assert "0 identical, or all the same (also where the end of the run is not recorded" in replay_help


def test_show_of_a_run_without_an_end_says_how_to_go_on(three: list[Path]) -> None:
    assert f"agent fix --resume {three[2]}" in said(run("show", "3333"))
    writer = TraceWriter(three[2], Redactor({}), resume=True)
    assert "the run is under way" in said(run("show", "3333"))
    writer.close()


def test_show_has_the_step_that_a_run_was_cut_off_in(fixed: Path) -> None:
    """As an audit has it; what it took is not known."""
    events = list(Trace(fixed).events())
    last = max(at for at, event in enumerate(events) if isinstance(event, StepIntended))
    writer = TraceWriter(fixed.parent / "cut", Redactor({}))
    for event in events[: last + 1]:
        writer.append(event)
    writer.close()
    shown = run("show", str(fixed.parent / "cut"))
    assert shown.exit_code == 0, shown.output
    number = sum(isinstance(event, StepDone) for event in events[:last]) + 1
    assert f"{number}. {events[last].step.name}  [$0.00, time not known]" in shown.output  # type: ignore[union-attr]
    assert "it has no result" in shown.output


def hostile(event: Event) -> Event:
    match event:
        case RunStarted():
            settings = event.settings.model_copy(update={"repository": HOSTILE, "tests": (HOSTILE,)})
            update = {"run_id": HOSTILE, "versions": {HOSTILE: HOSTILE}, "settings": settings}
            return event.model_copy(update=update)
        case StepDone(observation=ReproductionDone() as seen):
            seen = seen.model_copy(update={"targets": (HOSTILE,), "messages": (HOSTILE,), "passes": (0,)})
            return event.model_copy(update={"observation": seen})
        case RunEnded():
            return event.model_copy(update={"explanation": HOSTILE})
        case _:
            return event


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "--json"], ["show"], ["show", "--json"], ["show", "--verbose"], ["watch"],
     ["grep", "red"], ["grep", "--blobs", "e"], ["verify", "own"], ["verify", "own", "--json"]],
)  # fmt: skip
def test_text_of_a_trace_reaches_no_terminal_as_it_is(fixed: Path, arguments: list[str]) -> None:
    own = rewritten(fixed, hostile)
    (own / "x\x1b[31m\u202e").write_bytes(b"")
    fixed.rename(fixed.parent.parent / "away")
    shown = run(*arguments)
    assert shown.output
    assert "Traceback" not in shown.output and shown.exit_code in (0, 1)
    assert not set("\x1b\x9b\u202e") & set(shown.output)
    assert not any(line.lstrip().startswith("::error") for line in shown.output.splitlines())
    assert "--json" in arguments or "##[" not in shown.output
    if arguments in (["show"], ["watch"]):
        assert "[bold]x[/bold]" in shown.output, "shown, not obeyed"


def test_grep_names_run_line_and_step_and_looks_into_blobs_when_asked(fixed: Path) -> None:
    number, done = next(
        (number, event)
        for number, event in enumerate(Trace(fixed).events(), start=1)
        if isinstance(event, StepDone) and isinstance(event.observation, ReproductionDone)
    )
    shown = run("grep", '"type":"reproduc.ion"')
    step = sum(isinstance(each, StepDone) for each in list(Trace(fixed).events())[:number])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"run:{number} step {step} result  …")
    assert len(shown.output.splitlines()) == 1
    del done
    path = next(each for each in (fixed / "blobs").iterdir() if b"value" in each.read_bytes())
    assert path.name[:12] not in run("grep", "value").output
    assert path.name[:12] in run("grep", "--blobs", "-i", "VALUE").output
    assert run("grep", "no such words").exit_code == 1
    assert run("grep", "(").exit_code == 2
    assert "stopped after 1" in run("grep", ".", "--limit", "1").output
    assert run("grep", "fixed", "run").exit_code == 0
    assert run("grep", "fixed", "no-such-run").exit_code == 2


def test_grep_follows_no_link(fixed: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (fixed / "blobs").rename(other)
    (fixed / "blobs").symlink_to(other)
    (other / ("a" * 64)).write_text("needle\n")
    shown = run("grep", "--blobs", "needle", fixed)
    assert shown.exit_code == 1
    assert "cannot read" in said(shown) and "blobs is a link to somewhere else" in said(shown)
    (tmp_path / "needle").write_text("needle\n")
    (fixed / EVENTS).unlink()
    (fixed / EVENTS).symlink_to(tmp_path / "needle")
    assert run("grep", "needle", fixed).exit_code == 1
    (fixed / "blobs").unlink()
    (fixed / "blobs").mkdir()
    (fixed / EVENTS).unlink()
    (fixed / EVENTS).write_bytes(b"")
    (fixed / "blobs" / ("a" * 64)).symlink_to(tmp_path / "needle")
    (fixed / "blobs" / "notes").write_text("needle\n")
    assert run("grep", "--blobs", "needle", fixed).exit_code == 1


def test_show_of_very_many_notes_is_short(fixed: Path) -> None:
    many = tuple(f"note {number}" for number in range(2000))

    def noted(event: Event) -> Event:
        if isinstance(event, StepDone) and isinstance(event.observation, EnvironmentDone):
            seen = event.observation.model_copy(update={"notes": many, "cached": False})
            return event.model_copy(update={"observation": seen})
        return event

    own = rewritten(fixed, noted)
    for shown in (run("show", own), run("watch", own)):
        assert shown.exit_code == 0
        assert "and 1801 more lines" in said(shown) and "note 1000" not in said(shown)


def test_sigterm_leaves_no_half_of_an_export(fixed: Path, tmp_path: Path) -> None:
    """The write waits for ever; the signal comes while it does."""
    program = """
import os, signal, sys
from agent import cli
from agent.traces import handing_on

def waits(trace, stream):
    stream.write(b"half")
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()

handing_on.write_tar = waits
sys.argv = ["agent", "trace", "export", sys.argv[1], "--format", "tar", "-o", sys.argv[2]]
cli.main()
"""
    command = [sys.executable, "-c", program, str(fixed), str(tmp_path / "out.tar.gz")]
    root = Path(__file__).parents[3]
    done = subprocess.run(command, cwd=root, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (143, b"")
    assert not list(tmp_path.glob(".out*")) and not (tmp_path / "out.tar.gz").exists()


def test_grep_searches_what_does_not_hold_too(fixed: Path) -> None:
    (fixed / EVENTS).write_bytes(b"garbage \xff needle\n" + (fixed / EVENTS).read_bytes() + b'{"torn needle')
    found = run("grep", "needle").output.splitlines()
    assert found[0].startswith("run:1 ") and len(found) == 2


def entry(name: str, started: float, outcome: str, size: int = 10, resumable: bool = False) -> Facts:
    return Facts(path=name, started=started, outcome=outcome, bytes=size, resumable=resumable)


ENTRIES = [
    entry("new", 90, "fixed"),
    entry("running", 80, "running"),
    entry("cut", 50, "cut off", resumable=True),
    entry("old", 40, "limit"),
    entry("bad", 30, "unreadable"),
    entry("oldest", 10, "fixed"),
]


@pytest.mark.parametrize(
    ("rules", "goes"),
    [
        (Rules(older_than=45), ["oldest", "old"]),
        (Rules(older_than=45, interrupted=True), ["oldest", "old", "cut"]),
        (Rules(keep=4), ["oldest"]),
        (Rules(keep=0), ["oldest", "old", "new"]),
        (Rules(keep=0, outcomes=("fixed",)), ["oldest", "new"]),
        (Rules(outcomes=("unreadable",)), ["bad"]),
        (Rules(max_bytes=45), ["oldest", "old"]),
        (Rules(max_bytes=55, older_than=45), ["oldest"]),
        (Rules(max_bytes=60), []),
        (Rules(max_bytes=0, outcomes=("limit",)), ["old"]),
    ],
)
def test_a_trace_goes_only_if_every_rule_lets_it(rules: Rules, goes: list[str]) -> None:
    assert [each.path for each in plan(ENTRIES, rules, at=100).goes] == goes


def test_prune_asks_says_what_goes_and_keeps_what_it_must(three: list[Path]) -> None:
    assert run("prune").exit_code == 2
    assert run("prune", "--include-interrupted").exit_code == 2
    assert "would remove 2 traces" in said(run("prune", "--keep", "0", "--dry-run"))
    assert "nobody is there to ask" in said(run("prune", "--keep", "0"))
    assert all(folder.exists() for folder in three)
    done = run("prune", "--older-than", "1d", "--yes")
    assert done.exit_code == 0
    assert "1 could be resumed, and stay" in said(done) and "removed 1 trace," in said(done)
    assert [folder.exists() for folder in three] == [True, False, True]
    assert "removed 1 trace," in said(run("prune", "--older-than", "1d", "--include-interrupted", "--yes"))
    assert [folder.exists() for folder in three] == [True, False, False]
    assert ids() == ["1"]


def test_prune_removes_nothing_but_traces(fixed: Path, tmp_path: Path, copy_of: Callable[..., Path]) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("keep")
    linked, extra, written, strange = (
        copy_of(FIXED, name) for name in ("linked", "extra", "written", "strange")
    )
    for path in (linked / "blobs").iterdir():
        path.unlink()
    (linked / "blobs").rmdir()
    (linked / "blobs").symlink_to(precious)
    (extra / "notes.txt").write_text("mine")
    (strange / EVENTS).write_text("{}\n")
    (state_folder() / "folder").symlink_to(precious)
    (state_folder() / "plain").mkdir()
    writer = TraceWriter(written, Redactor({}), resume=True)
    shown = run("prune", "--keep", "0", "--yes", "--outcome", "fixed", "--outcome", "unreadable")
    writer.close()
    assert shown.exit_code == 1
    words = said(shown)
    assert "kept linked: blobs, a link, lies in it" in words
    assert "kept extra: notes.txt lies in it" in words
    assert "kept written: it is being written" in words
    assert "kept strange: line 1 of" in words
    left = {each.name for each in state_folder().iterdir()}
    assert left == {"extra", "linked", "written", "strange", "folder", "plain"}
    assert (precious / "file").read_text() == "keep"


@pytest.mark.parametrize(
    "odd",
    [
        "blobs/thesis/work.txt", "blobs/notes.txt", "blobs/" + "A" * 64, "blobs/" + "a" * 64 + "/x",
        "fix.patch/x", "later.jsonl/x", "signatures/keys/id_rsa", "signatures/id_rsa", "signatures/a.sig/x",
    ],
)  # fmt: skip
def test_prune_leaves_a_trace_with_anything_else_below_it(fixed: Path, odd: str) -> None:
    path = fixed / odd
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    before = sorted(fixed.rglob("*"))
    shown = run("prune", "--keep", "0", "--yes", "--outcome", "fixed", "--outcome", "unreadable")
    assert shown.exit_code == 1
    assert "lies in it, which is no part of a trace" in said(shown)
    assert sorted(fixed.rglob("*")) == before


def test_prune_leaves_links_within_a_trace(fixed: Path, tmp_path: Path) -> None:
    name = next((fixed / "blobs").iterdir()).name
    (fixed / "blobs" / name).rename(tmp_path / name)
    (fixed / "blobs" / name).symlink_to(tmp_path / name)
    assert remove(fixed) == f"blobs/{name}, a link, lies in it, which is no part of a trace"
    (fixed / "blobs" / name).unlink()
    (fixed / "signatures").mkdir()
    (fixed / "signatures" / "alice.sig").write_text("x")
    assert remove(fixed) == ""
    assert not fixed.exists()


def test_prune_on_a_disk_that_refuses_says_so_and_ends_with_1(
    fixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    before = sorted(fixed.rglob("*"))
    monkeypatch.setattr(Path, "unlink", refuse)
    shown = run("prune", "--keep", "0", "--yes")
    assert shown.exit_code == 1
    assert "kept run: cannot remove it: Read-only file system" in said(shown)
    assert "removed 0 traces" in said(shown)
    assert sorted(fixed.rglob("*")) == before


def test_files_with_holes_are_not_waited_for(fixed: Path, tmp_path: Path) -> None:
    """500 GB that take no space, as a blob and as events."""
    blob = fixed / "blobs" / (64 * "a")
    with blob.open("wb") as stream:
        stream.truncate(500 * 2**30)
    tar = ("export", fixed, "--format", "tar", "-o", tmp_path / "out.tar.gz")
    assert "it is larger than 256 MB" in run("grep", "no such text", "--blobs", fixed).stderr
    assert "it is larger than 256 MB" in run(*tar).stderr
    blob.unlink()
    os.truncate(fixed / EVENTS, 500 * 2**30)
    assert "is longer than any event" in run("grep", "no such text", fixed).stderr
    assert "is longer than any event" in run(*tar).stderr
    assert not (tmp_path / "out.tar.gz").exists()


def test_export_tar_is_the_trace_and_the_same_bytes_each_time(fixed: Path, tmp_path: Path) -> None:
    (fixed / "notes.txt").write_text("no part of it")
    (fixed / "candidate.patch").symlink_to("/etc/passwd")
    assert run("export", fixed, "--format", "tar", "-o", tmp_path / "one.tar.gz").exit_code == 0
    os.utime(fixed / EVENTS, (1, 1))
    run("export", fixed, "--format", "tar", "-o", tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
    assert (tmp_path / "one.tar.gz").stat().st_mode & 0o777 == 0o600
    piped = CliRunner().invoke(app, ["trace", "export", str(fixed), "--format", "tar"])
    assert piped.stdout_bytes == (tmp_path / "one.tar.gz").read_bytes()
    with tarfile.open(fileobj=io.BytesIO(piped.stdout_bytes)) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    unpacked = tmp_path / "unpacked" / "run"
    assert check(unpacked).good
    assert check(unpacked).head_hash == check(fixed).head_hash
    assert {each.name for each in unpacked.iterdir()} == {EVENTS, "blobs"}


def test_export_writes_over_nothing_and_knows_its_formats(fixed: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("mine")
    refused = run("export", fixed, "--format", "tar", "-o", there)
    assert refused.exit_code == 2 and there.read_text() == "mine"
    assert run("export", fixed, "--format", "zip").exit_code == 2
    assert run("export", fixed, "--format", "tar", "-o", tmp_path / "no" / "where").exit_code == 2
    writer = TraceWriter(fixed, Redactor({}), resume=True)
    refused = run("export", fixed, "--format", "tar", "-o", tmp_path / "new")
    writer.close()
    assert refused.exit_code == 2 and "is being written" in said(refused)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["there"], "nothing half-written is left"


def test_a_full_disk_is_no_usage_error(tmp_path: Path) -> None:
    def full(stream: BinaryIO) -> None:
        stream.write(b"half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(AgentError, match="No space left on device") as caught:
        write_new(tmp_path / "out", full)
    assert caught.value.exit_code == 20
    assert not list(tmp_path.iterdir())


def test_export_for_other_tools(fixed: Path) -> None:
    pytest.importorskip("agent.foreign.exports")
    for name in ("atif", "otlp"):
        found = CliRunner().invoke(app, ["trace", "export", str(fixed), "--format", name])
        assert found.exit_code == 0, found.output
        assert found.stdout_bytes


def test_a_run_of_interruptions_is_shown(copy_of: Callable[..., Path]) -> None:
    copy_of(RESUMED)
    assert run("show", "--verbose").exit_code == 0
    assert run("verify", "run").exit_code == 0
