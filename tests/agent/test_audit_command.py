"""`agent audit`: one trace or many, on the terminal and in files; what does not hold is named."""

from __future__ import annotations

import json
import re
import shutil
import sys
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from audit_parts import act, decided, foreign, request, row, run, step, traced
from rich.console import Console
from test_policies import LADDER
from typer.testing import CliRunner, Result

from agent.audit.audited import audit_of, audit_run
from agent.audit.markdown import markdown
from agent.audit.results_sums import Audit, Broken
from agent.audit.section import shown_number
from agent.audit.sections import FEW
from agent.audit.show import show
from agent.audit.shown import short_names
from agent.audit.tallies import Tallies
from agent.cli import app
from agent.errors import TraceError
from agent.settings import state_folder
from agent.task import Settings
from agent.trace import EVENTS, Trace
from benchmarks._traces_made import copied
from policies.vocabulary import Limits, Outcome, Prices

ASKED = Settings(repository="/r", tests=("t",), tiers=LADDER, limits=Limits(5.0, 900.0))
SAMPLES = Path(__file__).parent / "foreign" / "samples"
HOSTILE = "\x1b[31m<script>alert(1)</script>\n::error::x | [bold] \u202e ##[error] `a` @someone"


def audit(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["audit", *map(str, arguments)])


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of more traces than are told step by step, three kinds of them."""
    folder = tmp_path_factory.mktemp("several")
    traced(folder / "a", "cascade", ASKED, ("dear",))
    traced(folder / "b", "marginal", ASKED, ())
    traced(folder / "c", "cheapest", ASKED, ("cheap",))
    for number in range(4):
        for name in "abc":
            copied(folder / name, folder / "more" / f"{name}{number}", f"{name}{number}")
    return folder


def altered(source: Path, folder: Path) -> Path:
    shutil.copytree(source, folder)
    path = folder / EVENTS
    path.write_bytes(path.read_bytes().replace(b'"dollars":0.6', b'"dollars":0.1', 1))
    return folder


def test_one_run_is_told_with_what_it_cost_and_why(several: Path) -> None:
    told = audit(several / "a")
    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[0] == f"{several / 'a'}: fixed"
    assert "steps chosen by 'cascade'" in told.stdout
    assert re.search(r"net \$\d+\.\d+: value \$20\.00 \(verified\) - spent \$0\.85", told.stdout)
    assert "2 steps that gave nothing" in told.stdout
    assert "why: act cheap: by the rule 'cascade', the cheapest tier that has not failed yet" in told.stdout
    places = [
        told.stdout.index(word) for word in ("net $", "what went wrong", "step by step", "gain per dollar")
    ]
    assert places == sorted(places)
    assert audit(several / "a" / EVENTS).stdout == told.stdout


def test_many_runs_are_summed_and_the_json_holds_each(several: Path, tmp_path: Path) -> None:
    told = audit(several / "more", "--json", tmp_path / "audit.json")
    assert told.exit_code == 0, told.stderr
    assert told.stdout.startswith("12 runs\nended: 8 fixed; 4 not-fixed")
    read = Audit.model_validate_json((tmp_path / "audit.json").read_text())
    assert len(read.runs) == 12 > FEW and not any(each.steps for each in read.runs)
    assert [each.path for each in read.runs] == sorted(each.path for each in read.runs)
    net = sum(each.realised.net.total for each in read.runs)
    assert read.realised.net.total == pytest.approx(net) and read.realised.net.known == 12


def test_two_processes_find_what_one_does(several: Path, tmp_path: Path) -> None:
    """Twelve runs in two processes are four times three in this one."""
    assert audit(several / "more", "--json", tmp_path / "many.json").exit_code == 0
    three = [several / name for name in "abc"]
    assert audit(*three, "--json", tmp_path / "few.json").exit_code == 0
    many = Audit.model_validate_json((tmp_path / "many.json").read_text())
    few = Audit.model_validate_json((tmp_path / "few.json").read_text())
    assert all(each.steps for each in few.runs)
    assert many.realised.net.total == pytest.approx(4 * few.realised.net.total)
    assert [(each.found, each.dollars) for each in many.modes] == [
        (4 * each.found, None if each.dollars is None else pytest.approx(4 * each.dollars))
        for each in few.modes
    ]
    assert many.given_up.total == pytest.approx(4 * few.given_up.total) and few.given_up.total > 0
    assert [each.n for each in many.calibration] == [4 * each.n for each in few.calibration]
    assert [each.brier for each in many.calibration] == pytest.approx(
        [each.brier for each in few.calibration]
    )


@pytest.mark.parametrize("among", ["few", "many"])
def test_a_broken_trace_is_named_and_the_others_are_audited(
    several: Path, tmp_path: Path, among: str
) -> None:
    folder = tmp_path / "traces"
    shutil.copytree(several / "more" if among == "many" else several, folder)
    if among == "few":
        shutil.rmtree(folder / "more")
    altered(several / "a", folder / "zz")
    told = audit(folder)
    whole = 12 if among == "many" else 3
    assert told.exit_code == 1
    assert f"{whole} runs, and 1 that cannot be audited" in told.stdout
    assert re.search(r"not audited\n.*zz: line \d+ of", told.stdout)


def test_what_is_no_trace_is_a_usage_error(several: Path, tmp_path: Path) -> None:
    for arguments, said in (
        ([tmp_path], "is no trace, and there is none in it"),
        ([tmp_path / "nowhere"], "is neither a folder with a trace nor"),
        ([several / "a", "--json", tmp_path / "no" / "x"], "is not a folder; make it first"),
        ([several / "a", "--html", tmp_path], "cannot be written"),
        ([several / "a", "--value", "much"], "much"),
    ):
        told = audit(*arguments)
        assert told.exit_code == 2 and said in told.stderr, (arguments, told.stderr)
        assert len(told.stderr.strip().splitlines()) == 1


def test_without_a_path_your_own_traces_are_audited(several: Path) -> None:
    assert audit().exit_code == 2
    shutil.copytree(several / "a", state_folder() / "one")
    assert audit().stdout.splitlines()[0] == f"{state_folder() / 'one'}: fixed"


def test_links_to_elsewhere_are_not_followed(several: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(several / "a")
    assert audit(tmp_path).exit_code == 2


def test_a_file_is_another_agents(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Read by its importer, at the prices that were given; a file that it cannot read is named."""
    seen = []

    def read_foreign(path: Path, prices: Prices, format_name: str) -> tuple[object, ...]:
        assert format_name == ""
        if path.name == "broken.json":
            raise TraceError(f"{path} is of none of the formats")
        seen.append(prices)
        return (foreign(path=str(path), prices=prices), foreign(path=str(path), run_id="2", prices=prices))

    interface = ModuleType("agent.foreign.interface")
    interface.read_foreign = read_foreign  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agent.foreign", ModuleType("agent.foreign"))
    monkeypatch.setitem(sys.modules, "agent.foreign.interface", interface)
    for name in ("session.json", "broken.json"):
        (tmp_path / name).write_text(f'{{"name": "{name}"}}')
    told = audit(tmp_path / "session.json", tmp_path / "broken.json", "--value", "$50")
    assert told.exit_code == 1
    assert seen == [Prices(value=50.0)]
    assert told.stdout.startswith("2 runs, and 1 that cannot be audited")
    assert "net ?" in told.stdout and "value delivered ? - " in told.stdout


def test_a_folder_of_other_agents_files_is_audited(tmp_path: Path) -> None:
    """Those that are of a format; others that lie beside them are passed over."""
    for sample in SAMPLES.iterdir():
        shutil.copy(sample, tmp_path)
    (tmp_path / "package.json").write_text('{"name": "no run"}')
    told = audit(tmp_path)
    assert told.exit_code == 0
    assert told.stdout.startswith(f"{len(list(SAMPLES.iterdir()))} runs")
    assert "1 file is no run of a known format" in " ".join(told.stdout.split())
    named = audit(tmp_path / "codex.jsonl", "--format", "atif")
    assert named.exit_code == 1 and "not a run of" in named.stdout + named.stderr
    assert audit(tmp_path / "codex.jsonl", "--format", "other").exit_code == 2


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for name in ("first", "second"):
        folder = tmp_path / "job" / name / "agent"
        folder.mkdir(parents=True)
        sample = json.loads((SAMPLES / "atif.json").read_text()) | {"session_id": name}
        (folder / "trajectory.json").write_text(json.dumps(sample))
    shutil.copy(SAMPLES / "codex.jsonl", tmp_path)
    told = audit(tmp_path, "--html", tmp_path / "page.html")
    for name in ("first/…/trajectory.json", "second/…/trajectory.json", " codex.jsonl"):
        assert name in told.stdout
    assert "first/…/trajectory.json" in (tmp_path / "page.html").read_text()
    assert short_names(["/a/b", "/a/b"]) == {"/a/b": "b"}
    assert short_names(["b", "/b", "/c/b"]) == {"b": "b", "/b": "/b", "/c/b": "c/b"}


def test_large_ratios_are_written_out() -> None:
    assert [shown_number(each) for each in (0.01234, 12.34, 1621.4, -1621.4, None)] == [
        "0.0123", "12.3", "1,621", "-1,621", "?",
    ]  # fmt: skip


def test_a_folder_of_all_kinds_is_audited_as_a_whole(several: Path, tmp_path: Path) -> None:
    """Our traces, other agents' files beside them, and what looks like a run but cannot be read."""
    folder = tmp_path / "mixed"
    altered(several / "a", folder / "ours")
    shutil.copytree(SAMPLES, folder, dirs_exist_ok=True)
    shutil.copytree(several / "b", folder / "below" / "b")
    (folder / "below" / "b" / "codex.jsonl").write_bytes(
        (SAMPLES / "codex.jsonl").read_bytes()
    )  # of the trace
    whole = (SAMPLES / "atif.json").read_text()
    (folder / "cut.json").write_text(whole[: len(whole) // 2])
    (folder / "below" / "newer.json").write_text(re.sub(r"ATIF-v1\.\d", "ATIF-v9.9", whole))
    (folder / "package.json").write_text('{"name": "no run"}')
    (folder / "package.jsonl").symlink_to(SAMPLES / "codex.jsonl")
    told = audit(folder, "--json", tmp_path / "audit.json")
    assert told.exit_code == 1
    found = json.loads((tmp_path / "audit.json").read_text())
    assert len(found["runs"]) == len(list(SAMPLES.iterdir())) + 1
    assert [Path(each["path"]).name for each in found["broken"]] == ["newer.json", "cut.json", "ours"]
    assert "begins like atif, but is cut off or of an unknown version" in found["broken"][0]["problem"]
    assert found["notes"][0].startswith("2 files are no runs of a known format")
    assert told.stdout.startswith(f"{len(found['runs'])} runs, and 3 that cannot be audited")
    (tmp_path / "only").mkdir()
    shutil.copy(folder / "cut.json", tmp_path / "only")
    assert audit(tmp_path / "only").exit_code == 1


def test_a_page_is_written(several: Path, tmp_path: Path) -> None:
    assert audit(several / "a", "--html", tmp_path / "page.html").exit_code == 0
    assert next(Trace(several / "a").events()).run_id in (tmp_path / "page.html").read_text()  # type: ignore[union-attr]


# How it is shown.


def hostile_audit() -> Audit:
    """Everything that a trace can say says something else."""
    named = act(HOSTILE)
    table = decided(named, row(named, 1.0, 0.5, 9.0), row(act("other"), 3.0, 0.1, 9.0))
    one = run(
        step(table, 1, requests=(request(10, written=1000, model=HOSTILE),), said=HOSTILE, succeeded=True),
        path=f"/traces/{HOSTILE}",
        agent=HOSTILE,
        model=HOSTILE,
        policy=HOSTILE,
        task=HOSTILE,
        explanation=HOSTILE,
        notes=(HOSTILE,),
        outcome=Outcome.NOT_FIXED,
    )
    tallies = Tallies()
    tallies.take(one)
    runs = [audit_run(each, steps=True) for each in (one, one)]
    return audit_of(runs, [Broken(path=HOSTILE, problem=HOSTILE, tampered=True)], tallies)


def shown(found: Audit, width: int, terminal: bool = False) -> str:
    stream = StringIO()
    show(Console(file=stream, width=width, highlight=False, force_terminal=terminal, no_color=True), found)
    return stream.getvalue()


def test_what_a_trace_says_is_text_on_the_screen() -> None:
    text = shown(hostile_audit(), 80)
    assert "\x1b" not in text and "\u202e" not in text
    assert "##[" not in text and not re.search(r"^\s*::", text, re.MULTILINE)
    assert "[bold]" in text.replace("\n", "").replace("  ", "")  # no markup of ours, either


def test_what_a_trace_says_is_text_in_markdown() -> None:
    text = markdown(hostile_audit())
    assert "\x1b" not in text and "<script" not in re.sub(r"\\<", "", text)
    assert "`a`" not in text and "\\`a\\`" in text
    for line in text.splitlines():
        if line.startswith("| "):  # no cell of its own
            assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", line.strip()))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert rows and all(line.endswith("|") for line in rows)


def test_nothing_is_cut_in_80_columns(several: Path) -> None:
    narrow, wide = audit_text(several, 80), audit_text(several, 200)
    assert all(len(line) <= 80 for line in narrow.splitlines())
    assert "…" not in narrow
    assert "".join(narrow.split()) == "".join(wide.split())


def audit_text(several: Path, width: int) -> str:
    from agent.audit.sources import audit_paths

    return shown(audit_paths([several / "a"], Prices(), lambda: StringIO()).audit, width)


def test_the_json_is_as_documented(several: Path, tmp_path: Path) -> None:
    """Every field of the result is named in the README of the folder, so that others can read it."""
    audit(several / "a", "--json", tmp_path / "audit.json")
    documented = (Path(__file__).parents[2] / "agent" / "audit" / "README.md").read_text()
    read = json.loads((tmp_path / "audit.json").read_text())
    assert read["version"] == 1
    for name in (*read, *read["runs"][0]):
        assert f"`{name}`" in documented, name


# The same run more than once.


def test_copies_links_and_beginnings_of_a_trace_are_one_run(several: Path, tmp_path: Path) -> None:
    once = [json_of(several / "a", tmp_path), json_of(several / "b", tmp_path)]
    for name in ("1", "2"):
        shutil.copytree(several / "a", tmp_path / name)
    (tmp_path / "link").symlink_to(tmp_path / "1")
    shutil.copytree(several / "a", tmp_path / "begun")
    events = (several / "a" / EVENTS).read_bytes().splitlines(keepends=True)
    (tmp_path / "begun" / EVENTS).write_bytes(b"".join([*events[:5], events[5][:40]]))
    paths = (tmp_path / "begun", several / "b", tmp_path / "1", tmp_path / "link", tmp_path / "2")
    told = audit(*paths)
    assert told.exit_code == 0 and told.stdout.startswith("2 runs\n")
    said = " ".join(told.stdout.split())
    assert f"{tmp_path / '1'} counts, and its copies do not: {tmp_path / 'link'}, {tmp_path / '2'}" in said
    assert f"counts, and a beginning of it does not: {tmp_path / 'begun'}" in said
    found = json_of(*paths, tmp_path)
    assert found["realised"]["net"]["total"] == sum(each["realised"]["net"]["total"] for each in once)
    alone = audit(tmp_path / "1", tmp_path / "2").stdout
    assert alone.startswith(f"{tmp_path / '1'}: fixed\n") and "its copies do not" in alone


def test_of_copies_the_one_counts_of_which_more_was_said(several: Path, tmp_path: Path) -> None:
    for name in ("1", "2"):
        shutil.copytree(several / "a", tmp_path / name)
    CliRunner().invoke(app, ["outcome", str(tmp_path / "2"), "--reverted"])
    assert audit(tmp_path / "1", tmp_path / "2").stdout.startswith(f"{tmp_path / '2'}: fixed, reverted\n")


def test_two_traces_of_one_run_that_went_on_differently_are_named(several: Path, tmp_path: Path) -> None:
    copied(several / "a", tmp_path / "1", "r")
    copied(several / "b", tmp_path / "2", "r")
    told = audit(tmp_path / "1", tmp_path / "2")
    assert told.exit_code == 0 and told.stdout.startswith(f"{tmp_path / '1'}: fixed\n")
    assert "another trace of its run does not (both cannot be right)" in " ".join(told.stdout.split())
    altered_one = altered(several / "a", tmp_path / "3")
    shutil.copytree(several / "a", tmp_path / "4")
    told = audit(altered_one, tmp_path / "4")
    assert told.exit_code == 1, "a copy that does not hold is named, and the other counts"
    assert told.stdout.startswith(f"{tmp_path / '4'}: fixed\n") and "was altered" in told.stdout


def test_copies_of_another_agents_file_are_one_run(tmp_path: Path) -> None:
    for name in ("1.jsonl", "2.jsonl"):
        shutil.copy(SAMPLES / "codex.jsonl", tmp_path / name)
    told = audit(tmp_path / "1.jsonl", tmp_path / "2.jsonl").stdout
    assert told.startswith(f"{tmp_path / '1.jsonl'}:") and "its copies do not" in " ".join(told.split())


def json_of(*paths: Path) -> Any:
    """The JSON of an audit; the last path is a folder to write in."""
    audit(*paths[:-1], "--json", paths[-1] / "out.json")
    return json.loads((paths[-1] / "out.json").read_text())
