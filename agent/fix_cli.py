"""`agent fix`."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from agent import flags, ladder
from agent.autonomy.versions import versions_of
from agent.errors import AgentError, UsageError
from agent.fix import carry_out
from agent.intake import read_junit, settings_from
from agent.memory import recalled
from agent.outputs import check_outputs, fail, said_yes, written
from agent.policies import MARGINAL
from agent.repository import check_dockerfile, pyproject_of
from agent.run import begin, reopen, trace_folder
from agent.settings import resolve, state_folder, under_ci
from agent.step_summary import add_summary
from agent.traces.finding import find_trace
from agent.view import View, make_console
from agent.words import resumed
from policies.vocabulary import EXIT_CODES, Outcome

app = typer.Typer(add_completion=False, rich_markup_mode=None)

EXIT_CODES_HELP = (
    "Exit codes: 0 fixed and verified, or nothing to fix · 2 usage error · 10 no step is worth its price · "
    "11 deferred to a person · 12 a hard limit alone stopped it · 13 not reproduced · 14 flaky · "
    "20 infrastructure error · 130, 143 interrupted."
)


@app.command("fix", help="Fix failing tests of a repository.", epilog=EXIT_CODES_HELP)
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
            check_outputs(folder, patch_out, json_out)
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
    written(json_out, report)
    if report.outcome is Outcome.USAGE:
        fail(report.explanation, report.exit_code)
    raise typer.Exit(report.exit_code)
