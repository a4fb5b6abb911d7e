"""The command line: `agent fix`, `agent replay`, `agent doctor`, and `agent env` with its commands."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from agent import (
    approvals_cli,
    audit_cli,
    autonomy_cli,
    ci_cli,
    doctor,
    environments_cli,
    explain,
    flags,
    ladder,
    menu_cli,
    outcomes_cli,
    publish_cli,
    replay_cli,
    tiers_cli,
    trace_cli,
)
from agent.autonomy.versions import versions_of
from agent.errors import AgentError, UsageError
from agent.fix import Terminated, carry_out, termination
from agent.intake import read_junit, settings_from
from agent.memory import recalled
from agent.outputs import check_output, fail, said_yes, write_json, written_out
from agent.policies import MARGINAL
from agent.repository import check_dockerfile, pyproject_of
from agent.run import begin, reopen, trace_folder
from agent.schedule import RIGHT, as_toml
from agent.settings import resolve, state_folder, under_ci
from agent.step_summary import add_summary
from agent.task import Record
from agent.traces.finding import find_trace
from agent.view import View, make_console
from agent.words import resumed
from policies.vocabulary import EXIT_CODES, SIGTERM_CODE, Outcome

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a failing test to a verified patch, with every step priced and recorded.",
)

EXIT_CODES_HELP = (
    "Exit codes: 0 fixed and verified, or nothing to fix · 2 usage error · 10 no step is worth its price · "
    "11 deferred to a person · 12 a hard limit alone stopped it · 13 not reproduced · 14 flaky · "
    "20 infrastructure error · 130, 143 interrupted."
)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"agent (marginal-agent) {version('marginal-agent')}")
        raise typer.Exit


@app.callback()
def options(
    version_: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of every command."""


app.add_typer(environments_cli.app, name="env")
audit_cli.register(app)
app.add_typer(trace_cli.app, name="trace")
app.add_typer(approvals_cli.app, name="approvals")
app.add_typer(autonomy_cli.app, name="autonomy")


@app.command(help="Fix failing tests of a repository.", epilog=EXIT_CODES_HELP)
def fix(
    repo: flags.Repo = None,
    test: flags.Test = None,
    junit: flags.JUnit = None,
    runner: flags.Runner = None,
    tests_command: flags.TestsCommand = None,
    setup_command: flags.SetupCommand = None,
    value: flags.Value = None,
    latency_price: flags.LatencyPrice = None,
    risk_price: flags.RiskPrice = None,
    irreversible_price: flags.IrreversiblePrice = None,
    budget: flags.Budget = None,
    deadline: flags.Deadline = None,
    tier: flags.TierNames = None,
    policy: flags.PolicyName = None,
    sandbox: flags.SandboxBackend = None,
    image: flags.Image = None,
    dockerfile: flags.Dockerfile = None,
    allow_source_distributions: flags.SourceDistributions = False,
    trust_repo_config: flags.TrustRepoConfig = False,
    base_ref: flags.BaseRef = None,
    memory: flags.Memory = None,
    trace: flags.TraceFolder = None,
    patch_out: flags.PatchOut = None,
    json_out: flags.JsonOut = None,
    apply: flags.Apply = False,
    commit: flags.Commit = None,
    resume: flags.Resume = None,
    verbose: flags.Verbose = False,
) -> None:
    """Run the loop on one task."""
    view = View(make_console(), verbose=verbose)
    try:
        given = {
            "value": value,
            "latency_price": latency_price,
            "risk_price": risk_price,
            "irreversible_price": irreversible_price,
            "budget": budget,
            "deadline": deadline,
            "policy": policy,
            "runner": runner,
            "tests_command": tests_command,
            "setup_command": setup_command,
            "tier": tier,
            "sandbox": sandbox,
            "image": image,
            "dockerfile": str(dockerfile.absolute()) if dockerfile else None,
            "source_distributions": allow_source_distributions,
            "trust_repo_config": trust_repo_config,
            "memory": flags.word(memory),
        }
        if resume is not None:
            others = (*given.values(), repo, test, junit, base_ref, trace, patch_out, apply, commit)
            if any(other not in (None, False) for other in others):  # an empty word is one, too
                raise UsageError(
                    "--resume goes on with the recorded settings; only --json and --verbose go with it"
                )
            folder = find_trace(resume)
            run = reopen(folder)
            tiers = ladder.reopened(run.state.settings)
            view.note(f"resuming {folder}: {resumed(run.state)}")
            notes: tuple[str, ...] = (run.lost,) if run.lost else ()
        else:
            folder = (repo or Path.cwd()).absolute()
            resolved = resolve(given, pyproject_of(folder), versions_of(folder, base_ref))
            check_dockerfile(resolved)
            _check_outputs(folder, patch_out, json_out)
            if commit == "":
                raise UsageError("commit: name the new branch")
            tiers = ladder.build(resolved)
            settings = settings_from(
                resolved, folder, tiers, tests=tuple(test or ()), junit=read_junit(junit), apply=apply,
                branch=commit or "", patch_out=str(patch_out.absolute()) if patch_out else "",
            )  # fmt: skip
            settings, learnt = recalled(settings, resolved)
            run = begin(settings, trace or trace_folder(state_folder()), resolved.policy)
            notes = (*learnt, *resolved.notes, *ladder.notes_on(resolved, tiers))
            if resolved.policy != MARGINAL:
                notes = (f"steps are chosen by the baseline '{resolved.policy}'", *notes)
        view.started(run.state.settings, str(run.folder), notes)
        interactive = sys.stdin.isatty() and view.console.is_terminal and not (apply or commit)
        interactive = interactive and not under_ci()
        report = carry_out(run, tiers, view, said_yes if interactive else None)
    except AgentError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:  # not during the run, which ends itself and its trace
        raise typer.Exit(EXIT_CODES[Outcome.INTERRUPTED]) from None
    if report.outcome is not Outcome.USAGE:
        view.ended(report)
    if problem := add_summary(report):
        view.note(problem)
    _written(json_out, report)
    if report.outcome is Outcome.USAGE:
        fail(report.explanation, report.exit_code)
    raise typer.Exit(report.exit_code)


@app.command("explain", help="Say what `agent fix` would do at given prices, and which would change it.")
def explain_command(
    value: flags.Value = None,
    latency_price: flags.LatencyPrice = None,
    risk_price: flags.RiskPrice = None,
    irreversible_price: flags.IrreversiblePrice = None,
    budget: flags.Budget = None,
    deadline: flags.Deadline = None,
    tier: flags.TierNames = None,
    apply: Annotated[bool, typer.Option("--apply", help="The patch would be applied or committed.")] = False,
    memory: flags.Remembered = None,
    json_out: flags.JsonOut = None,
    repo: flags.Repo = None,
) -> None:
    """Needs no sandbox: the estimates are asked, as shipped or as learnt. A repository's settings count."""
    given = {
        "value": value,
        "latency_price": latency_price,
        "risk_price": risk_price,
        "irreversible_price": irreversible_price,
        "budget": budget,
        "deadline": deadline,
        "tier": tier,
        "memory": flags.word(memory),
    }
    console = make_console()
    try:
        folder = (repo or Path.cwd()).absolute()
        _check_outputs(folder, None, json_out)
        resolved = resolve(given, pyproject_of(folder), versions_of(folder))
        with console.status("asking the policy …"):
            found = explain.explained(resolved, apply)
    except AgentError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_CODES[Outcome.INTERRUPTED]) from None
    explain.show(found, console)
    _written(json_out, found)


@app.command("doctor", help="Say whether `agent fix` could run here, and how to mend what is missing.")
def doctor_command(sandbox: flags.SandboxBackend = None) -> None:
    """Exit 0 only if it could."""
    console = make_console()
    try:
        checks = doctor.examine(sandbox)
    except UsageError as error:
        fail(str(error), error.exit_code)
    for check in checks:
        console.print(doctor.line(check), soft_wrap=True)
    raise typer.Exit(0 if doctor.fit(checks) else EXIT_CODES[Outcome.INFRASTRUCTURE])


app.command("ci", help="Fix what fails in a CI job: never asks, verifies everything, exits honestly.")(
    ci_cli.ci_command
)
app.command("outcomes", help=outcomes_cli.HELP)(outcomes_cli.outcomes_command)
app.command("publish", help=publish_cli.HELP, epilog=publish_cli.EPILOG)(publish_cli.publish_command)
app.command("replay", help=replay_cli.HELP, epilog=replay_cli.EPILOG)(replay_cli.replay_command)


@app.command("menu", help="Price a menu of tiers for tasks of different values, and check its incentives.")
def menu_command(
    values: menu_cli.TaskValues,
    latency_price: flags.LatencyPrice = None,
    risk_price: flags.RiskPrice = None,
    irreversible_price: flags.IrreversiblePrice = None,
    tier: flags.TierNames = None,
    memory: flags.Remembered = None,
    as_json: menu_cli.Json = False,
) -> None:
    """Print the offers, and every inequality of MTA eq. 5."""
    given = {
        "latency_price": latency_price,
        "risk_price": risk_price,
        "irreversible_price": irreversible_price,
        "tier": tier,
        "memory": flags.word(memory),
    }
    try:
        menu_cli.show_menu(make_console(), values, given, as_json)
    except AgentError as error:
        fail(str(error), error.exit_code)


@app.command("tiers", help="List the tiers with their prices, health, success and cost.")
def tiers_command(
    tier: flags.TierNames = None,
    memory: flags.Remembered = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask no endpoint how it is.")] = False,
    json_out: flags.JsonOut = None,
) -> None:
    """Asking an endpoint for its models costs nothing."""
    console = make_console()
    try:
        _check_outputs(Path.cwd(), None, json_out)
        with console.status("asking the endpoints …"):
            found = tiers_cli.found_tiers({"tier": tier, "memory": flags.word(memory)}, check=not offline)
    except AgentError as error:
        fail(str(error), error.exit_code)
    tiers_cli.show_tiers(console, found)
    _written(json_out, found)


@app.command("schedule", help="Print the autonomy schedule: which action needs whose confirmation.")
def schedule_command(
    repo: flags.Repo = None,
    right: Annotated[
        float, typer.Option(min=0, max=1, help="Show the stakes of a patch that is right with this chance.")
    ] = RIGHT,
) -> None:
    """As a file that the setting `schedule` may name."""
    try:
        folder = (repo or Path.cwd()).absolute()
        _check_outputs(folder, None, None)
        resolved = resolve({}, pyproject_of(folder), versions_of(folder))
        tightened = resolved.schedule != resolve({}, None).schedule
        notes = (*([f"tightened as {folder} asks"] if tightened else []), *resolved.notes)
        typer.echo(as_toml(resolved.schedule, resolved.prices, right, notes))
    except AgentError as error:
        fail(str(error), error.exit_code)


def _check_outputs(folder: Path, patch_out: Path | None, json_out: Path | None) -> None:
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    if patch_out is not None and (patch_out.exists() or patch_out.is_symlink()):
        raise UsageError(f"{patch_out} exists already; name a new file for the patch")
    check_output(patch_out)
    check_output(json_out)


def _written(path: Path | None, report: Record) -> None:
    try:
        if path is not None:
            write_json(path, report)
    except AgentError as error:
        fail(str(error), error.exit_code)


def main() -> None:
    """Entry of the `agent` command."""
    try:
        with termination(), written_out():
            app()
    except Terminated:  # what was half-written is gone, as after Ctrl-C
        sys.exit(SIGTERM_CODE)
