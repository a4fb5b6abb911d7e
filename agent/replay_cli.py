"""`agent replay`: decisions recomputed, a step looked at, other prices tried, or recorded steps run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from agent import flags
from agent.errors import AgentError, UsageError
from agent.outputs import check_output, fail, write_json
from agent.repository import check_dockerfile
from agent.settings import resolve
from agent.task import Record, SandboxSettings
from agent.termination import Terminated, termination
from agent.trace import Trace, start_of
from agent.traces.finding import find_trace
from agent.view import View, make_console
from policies.vocabulary import EXIT_CODES, SIGTERM_CODE, Outcome
from sandboxes.interface import ImageError, SandboxError
from tools.plain import plain

if TYPE_CHECKING:
    from agent.replaying.execute import Again

COLUMNS = 80
DIFFERS = 1

app = typer.Typer(add_completion=False, rich_markup_mode=None)

HELP = (
    "Recompute every decision of a trace, with neither model nor sandbox; or look at a step of it (--step, "
    "--until), try other prices or another policy (--what-if, --policy), or run its steps again (--execute)."
)

EPILOG = (
    "Exit codes: 0 identical, or all the same (also where the end of the run is not recorded, which is said) "
    "· 1 something differs, or the trace was altered · 2 usage error · 20 infrastructure error (--execute; "
    "a full disk)."
)


class Replayed(Record):
    """What `--json` holds of a replay of all decisions. difference: "" when they are identical; closed: the
    end of the run is recorded."""

    run_id: str
    decisions: int
    results: int
    blobs: int
    difference: str
    outcome: Outcome | None
    closed: bool
    head_hash: str


@app.command("replay", help=HELP, epilog=EPILOG)
def replay_command(
    trace: flags.TraceWord,
    step: Annotated[
        int | None,
        typer.Option(metavar="N", help="Show step N: belief, every candidate, choice, prediction, bill."),
    ] = None,
    until: Annotated[int | None, typer.Option(metavar="N", help="Show every step up to N.")] = None,
    other: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            metavar="NAME=AMOUNT",
            help="Where other prices would have gone: value, latency, risk, irreversible, budget or "
            "deadline, in the units of `agent fix` (repeatable).",
        ),
    ] = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Where another policy would have gone; the names that `agent fix` takes."
        ),
    ] = None,
    execute_: Annotated[
        bool,
        typer.Option(
            "--execute",
            help="Run what the trace ran in its sandbox again in a fresh one, and compare. Its commands run "
            "only in that closed sandbox, in the recorded image, which must be here: nothing is built or "
            "pulled because a trace says so. No model is asked, nothing is delivered.",
        ),
    ] = False,
    repo: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="With --execute: where the repository is now [default: as recorded]."
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --execute: run in this image, not the recorded one."),
    ] = None,
    dockerfile: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --execute: build the image from this Dockerfile (runs what it says, with network).",
        ),
    ] = None,
    json_out: flags.JsonOut = None,
) -> None:
    """Replay a trace."""
    console = make_console()
    try:
        asked = [step is not None, until is not None, bool(other) or policy is not None, execute_]
        if sum(asked) > 1:
            raise UsageError(
                "--step, --until, --what-if (with --policy) and --execute: one of them at a time"
            )
        if (repo, image, dockerfile) != (None, None, None) and not execute_:
            raise UsageError("--repo, --image and --dockerfile go with --execute")
        check_output(json_out)
        folder = find_trace(trace)
        if execute_:
            found, code = _execute(Trace(folder), repo, _own_sandbox(image, dockerfile), console)
        elif step is not None or until is not None:
            found, code = _show(Trace(folder), step, until, console), 0
        elif other or policy is not None:
            found, code = _what_if(Trace(folder), other or [], policy, console), 0
        else:
            found, code = _replay(folder, console)
        if json_out is not None:
            write_json(json_out, found)
    except AgentError as error:
        fail(str(error), error.exit_code)
    except SandboxError as error:
        fail(str(error), EXIT_CODES[Outcome.INFRASTRUCTURE])
    except OSError as error:  # of the repository, wherever a trace says it is
        where = str(error.filename or "what the trace names")[:80]
        fail(f"cannot read {where}: {error.strerror or error}", UsageError.exit_code)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_CODES[Outcome.INTERRUPTED]) from None
    raise typer.Exit(code)


def _replay(folder: Path, console: Console) -> tuple[Record, int]:
    from agent.replay import replay  # here and below: no other command is to wait for it

    found = replay(folder)
    shown = Replayed(
        run_id=found.state.run_id,
        decisions=found.decisions,
        results=found.state.steps,
        blobs=found.blobs,
        difference=found.difference,
        outcome=found.state.ended,
        closed=found.closed,
        head_hash=found.head_hash,
    )
    if found.difference:
        console.print(Text(f"differs: {plain(found.difference)}"))
        return shown, DIFFERS
    outcome: str = found.state.ended or "none yet"
    if not found.closed:
        outcome = (
            f"{outcome} (the end of the run is not recorded: it goes on, was cut off, or lines are gone)"
        )
    console.print(
        Text(
            f"identical: {found.decisions} decisions recomputed from {found.state.steps} recorded results, "
            f"{found.blobs} blobs whole; outcome {outcome}; head hash {found.head_hash}"
        )
    )
    return shown, 0


def _show(trace: Trace, step: int | None, until: int | None, console: Console) -> Record:
    from agent.replaying.step import show_steps, steps_shown

    started, _ = start_of(trace)
    last = step if step is not None else until
    assert last is not None
    shown = steps_shown(trace, started.policy, last if step is not None else 1, last)
    show_steps(shown, _narrow(console))
    return shown


def _what_if(trace: Trace, other: list[str], policy: str | None, console: Console) -> Record:
    from agent.replaying.what_if import what_if
    from agent.replaying.what_if_words import show_what_if

    with console.status("asking the policy …"):
        found = what_if(trace, other, policy)
    show_what_if(found, _narrow(console))
    return found


def _own_sandbox(image: str | None, dockerfile: Path | None) -> SandboxSettings:
    """The person's word on sandboxes; an image that their settings name for every run is none on this one."""
    given = {"image": image, "dockerfile": str(dockerfile.absolute()) if dockerfile else None}
    own = resolve(given, None)
    check_dockerfile(own)
    if image is None and dockerfile is None:
        return own.sandbox.model_copy(update={"image": "", "dockerfile": ""})
    return own.sandbox


def _execute(trace: Trace, repo: Path | None, own: SandboxSettings, console: Console) -> tuple[Record, int]:
    from agent.replaying.execute import execute
    from agent.replaying.execute_words import show_again, show_executed

    narrow = _narrow(console)
    view = View(narrow)

    def told(step: Again) -> None:
        view.finish()
        show_again(step, narrow)
        view.wait("running the next step again")

    try:
        view.wait("reading the repository")
        with termination():
            found = execute(trace, repo, own, view.progress, told)
    except Terminated:
        raise typer.Exit(SIGTERM_CODE) from None
    except ImageError as error:
        fail(f"{error}\n{error.tail[-1500:]}".strip(), EXIT_CODES[Outcome.INFRASTRUCTURE])
    finally:
        view.finish()
    show_executed(found, narrow)
    return found, DIFFERS if found.differs else 0


def _narrow(console: Console) -> Console:
    """As wide as a terminal is at least, wherever it goes."""
    console.width = min(console.width, COLUMNS)
    return console
