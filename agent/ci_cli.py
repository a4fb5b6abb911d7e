"""`agent ci`."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from agent import flags, ladder
from agent.autonomy.versions import versions_of
from agent.ci import TRACES
from agent.ci.failing import Reported, read_cache, read_reports
from agent.ci.flaky import FlakyTest, found_by, looked_for
from agent.ci.job import Job
from agent.ci.lead import record_merged
from agent.ci.outputs import new_folder, take_away, write_outputs, write_patch
from agent.ci.prospects import Bodies
from agent.ci.report import CANDIDATE, PATCH, JobReport, job_report, task_report
from agent.ci.survey import survey
from agent.errors import AgentError, UsageError
from agent.intake import settings_from
from agent.memory import recalled
from agent.outputs import fail
from agent.prepare import baseline_run, count
from agent.repository import check_dockerfile, pyproject_of
from agent.run import redactor_for
from agent.settings import Resolved, resolve
from agent.starting import starting_seconds
from agent.termination import Terminated, termination
from agent.units import counted
from agent.view import View, make_console
from agent.world import World
from policies.vocabulary import EXIT_CODES, SIGTERM_CODE, Outcome
from sandboxes.interface import SandboxError
from tools.patch import PatchError, make_patch
from tools.plain import plain

app = typer.Typer(add_completion=False, rich_markup_mode=None)

Reports = Annotated[
    list[Path] | None,
    Option(
        "--junit", metavar="FILE", help="Take the failing tests from these JUnit XML reports (repeatable)."
    ),
]
LastFailed = Annotated[
    bool, Option("--last-failed", help="Take what failed when pytest last ran here, from its cache.")
]
Out = Annotated[Path, Option("--out", metavar="DIR", help="A new folder for patch, reports and traces.")]


@app.command("ci", help="Fix what fails in a CI job: never asks, verifies everything, exits honestly.")
def ci_command(
    repo: flags.Repo = None,
    junit: Reports = None,
    last_failed: LastFailed = False,
    out: Out = Path("agent-ci"),
    value: flags.Value = None,
    latency_price: flags.LatencyPrice = None,
    risk_price: flags.RiskPrice = None,
    irreversible_price: flags.IrreversiblePrice = None,
    budget: flags.Budget = None,
    deadline: flags.Deadline = None,
    tier: flags.TierNames = None,
    runner: flags.Runner = None,
    tests_command: flags.TestsCommand = None,
    setup_command: flags.SetupCommand = None,
    sandbox: flags.SandboxBackend = None,
    image: flags.Image = None,
    dockerfile: flags.Dockerfile = None,
    allow_source_distributions: flags.SourceDistributions = False,
    base_ref: flags.BaseRef = None,
    verbose: flags.Verbose = False,
) -> None:
    """Never asks anybody anything."""
    given = {
        "value": value,
        "latency_price": latency_price,
        "risk_price": risk_price,
        "irreversible_price": irreversible_price,
        "budget": budget,
        "deadline": deadline,
        "tier": tier,
        "runner": runner,
        "tests_command": tests_command,
        "setup_command": setup_command,
        "sandbox": sandbox,
        "image": image,
        "dockerfile": str(dockerfile.absolute()) if dockerfile else None,
        "source_distributions": allow_source_distributions,
    }
    began = time.monotonic() - starting_seconds()
    view = View(make_console(), verbose=verbose)
    try:
        folder = (repo or Path.cwd()).absolute()
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder")
        if junit and last_failed:
            raise UsageError("--junit and --last-failed: name one, not both")
        reported = read_reports(junit) if junit else read_cache(folder) if last_failed else Reported()
        resolved = resolve(given, pyproject_of(folder), versions_of(folder, base_ref))
        check_dockerfile(resolved)
        out = Path(os.path.normpath(out.absolute()))  # as a person would write it
        if os.path.lexists(out):
            raise UsageError(f"{out} exists already; name a new folder with --out")
        with termination():
            report = _carried_out(folder, out, resolved, reported, view, began)
    except KeyboardInterrupt:  # before there was a task
        raise typer.Exit(EXIT_CODES[Outcome.INTERRUPTED]) from None
    except AgentError as error:
        mend = "; mend that, then run the job again with a new --out" if error.mend else ""
        fail(f"{error.what}{mend}", error.exit_code)
    except SandboxError as error:
        fail(str(error), EXIT_CODES[Outcome.INFRASTRUCTURE])
    except OSError as error:  # of this machine; what is written says so itself
        where = f": {error.filename}" if error.filename else ""
        fail(f"{error.strerror or error}{where}", EXIT_CODES[Outcome.INFRASTRUCTURE])
    view.finish()
    for line in report.lines():
        view.console.print(plain(line, 2000), markup=False, soft_wrap=True)
    written = ", ".join(sorted(path.name for path in out.iterdir() if not path.name.startswith(".")))
    view.console.print(plain(f"written     {out}: {written}", 2000), markup=False, soft_wrap=True)
    raise typer.Exit(report.exit_code)


def _carried_out(
    folder: Path, out: Path, resolved: Resolved, reported: Reported, view: View, began: float
) -> JobReport:
    tiers = ladder.build(resolved)
    settings = settings_from(
        resolved, folder, tiers, tests=(), junit=(), apply=False, branch="", patch_out=""
    )
    settings, learnt = recalled(settings, resolved)
    made = new_folder(out)
    bodies = Bodies()
    world = World(
        settings=settings,
        tiers=tiers,
        say=view.progress,
        store=bodies.store,
        load=bodies.load,
        trace_folder=out,
        holds_secret=redactor_for(settings).holds_secret,
    )
    finish_by = began + settings.limits.seconds
    try:
        for note in (*learnt, *resolved.notes):
            view.note(note)
        view.wait("looking at what fails")
        try:
            found = survey(world, reported, finish_by)
        except BaseException as error:
            take_away(made)
            if isinstance(error, KeyboardInterrupt | Terminated):
                view.note("stopped before there was a task; nothing is left behind")
            raise
        view.finish()
        tests, groups = sum(map(len, found.groups)), len(found.groups)
        view.note(f"{counted(tests, 'failing test')} in {counted(groups, 'group')}")
        traces = out / TRACES
        job = Job(resolved.policy, view, traces, world, found, bodies, finish_by)
        stopped, why = 0, "stopped from outside; the trace can be resumed"
        edits, noticed = None, list[FlakyTest]()
        try:
            edits = job.carry_out()
            if found.groups:
                noticed += (each for task in job.tasks for each in found_by(task.run.state))
                noticed += looked_for(world, found.state, job.left.seconds)
        except (KeyboardInterrupt, Terminated) as signalled:
            stopped = SIGTERM_CODE if isinstance(signalled, Terminated) else EXIT_CODES[Outcome.INTERRUPTED]
        except (AgentError, PatchError, SandboxError) as error:  # what is there is not lost with it
            stopped, why = EXIT_CODES[Outcome.INFRASTRUCTURE], f"the job was cut off: {error}"
            view.note(why)
        name, held = (CANDIDATE, job.stop(stopped, why)) if edits is None else (PATCH, edits)
        patch = make_patch(world.take_base(), held) if held else b""
        if patch:
            write_patch(out / name, patch)
        not_begun = tuple(test for each in job.unbegun for test in each.tests)
        verified, left = (patch, False) if name == PATCH else (b"", bool(patch))
        suite = job.together.suite
        counts = count(suite) if verified and suite is not None else None
        seconds = time.monotonic() - began
        if counts is not None:
            parts = [task for task in job.tasks if task in job.kept]
            record_merged(parts, patch, tuple(edit.path for edit in held), counts, seconds, job.dollars)
        tasks = [task_report(task, job.report(task), out) for task in job.tasks]
        red = (suite if verified and suite is not None else baseline_run(world, found.state)).failing
        report = job_report(
            found, tasks, not_begun, verified, counts, seconds, tuple(noticed), stopped, left, red
        )
        if problem := write_outputs(out, report, suite, settings.prices):
            view.note(problem)
        return report
    finally:
        view.finish()
        world.close()
