"""`agent outcome`: what became of a run's patch."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from agent import flags
from agent.audit.runs import Later
from agent.errors import AgentError, UsageError
from agent.outputs import fail
from agent.settings import resolve
from agent.traces.finding import find_trace
from agent.view import make_console
from tools.plain import plain

if TYPE_CHECKING:
    from agent.audit.truth import Word

app = typer.Typer(add_completion=False, rich_markup_mode=None)

NOT_LEARNT = "memory stays as it is (under CI, or as your settings say; --memory would have it learn)"


@app.command("outcome", help="Record what became of a run's patch, for audits and for memory.")
def outcome_command(
    trace: flags.TraceWord,
    merged: Annotated[bool, typer.Option("--merged", help="The patch was kept.")] = False,
    reverted: Annotated[bool, typer.Option("--reverted", help="The patch was taken back.")] = False,
    reworked: Annotated[
        float | None,
        typer.Option("--reworked", metavar="MINUTES", help="It was kept after so much work.", min=0),
    ] = None,
    memory: Annotated[
        bool | None,
        typer.Option(
            "--memory/--no-memory",
            help="Let memory learn from it, if it has learnt from this run [default: yes; under CI no].",
        ),
    ] = None,
) -> None:
    """The newest word counts. It is written beside the events, chained to them."""
    from agent.audit.truth import relearn, told

    console = make_console()
    try:
        if merged + reverted + (reworked is not None) != 1:
            raise UsageError("say one of --merged, --reverted, --reworked MINUTES")
        word: Word = "merged" if merged else "reverted" if reverted else "reworked"
        said = Later(word=word, time=time.time(), minutes=reworked or 0.0)
        folder = find_trace(trace)
        run = told(folder, said)
        teaches = resolve({"memory": flags.word(memory)}, None).teaches
        learnt = relearn(folder, said) if teaches else NOT_LEARNT
    except AgentError as error:
        fail(str(error), error.exit_code)
    minutes = "" if reworked is None else f" ({reworked:g} minutes)"
    line = f"{word}{minutes}: recorded for run {run.run_id}; {learnt}"
    console.print(Text(plain(line)), soft_wrap=True)
