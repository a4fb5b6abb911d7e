"""`agent audit`: what runs did, why, and what it cost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from agent import flags
from agent.audit.runs import Source
from agent.errors import AgentError, UsageError
from agent.outputs import check_output, fail, harmless_json, write_output
from agent.settings import resolve, state_folder
from agent.traces.finding import find_trace
from agent.view import make_console
from policies.vocabulary import EXIT_CODES, Outcome, Prices

if TYPE_CHECKING:
    from agent.audit.sources import Audited

app = typer.Typer(add_completion=False, rich_markup_mode=None)

TAMPERED = 1

HELP = (
    "Say what runs did, why, and what it cost: traces of this runtime, folders of them, or files of other "
    "agents. Prices are for those; ours are audited at the prices they were decided by."
)
EPILOG = (
    "Exit codes: 0 all were audited · 1 a trace does not hold (it is named, the others are audited) · "
    "2 usage error · 20 the disk is full, or fails."
)

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Traces, folders of traces, files [default: your own traces]."),
]
MarkdownOut = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write it here as Markdown.")
]
HtmlOut = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write it here as one HTML page.")
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="NAME",
        help="Format of other agents' files: atif, claude-code, codex, mini-swe-agent [default: by content].",
    ),
]
JsonOut = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it here as JSON.")]


@app.command("audit", help=HELP, epilog=EPILOG)
def audit_command(
    paths: Paths = None,
    value: flags.Value = None,
    latency_price: flags.LatencyPrice = None,
    risk_price: flags.RiskPrice = None,
    irreversible_price: flags.IrreversiblePrice = None,
    json_out: JsonOut = None,
    markdown_out: MarkdownOut = None,
    html_out: HtmlOut = None,
    format_name: Format = "",
) -> None:
    """The prices are for other agents' runs; ours are audited at those they were decided by."""
    # Imported here, as no other command is to wait for it.
    from agent.audit.markdown import markdown
    from agent.audit.results_sums import as_json
    from agent.audit.show import show
    from agent.audit.sources import audit_paths

    console = make_console()
    try:
        for path in (json_out, markdown_out, html_out):
            check_output(path)
        given = {
            "value": value,
            "latency_price": latency_price,
            "risk_price": risk_price,
            "irreversible_price": irreversible_price,
        }
        prices: Prices = resolve(given, None).prices

        def waiting() -> AbstractContextManager[object]:
            return console.status("reading traces …")

        _check_format(format_name)
        audited = audit_paths(_paths(paths), prices, waiting, format_name)
        if json_out is not None:
            write_output(json_out, map(harmless_json, as_json(audited.audit)))
        if markdown_out is not None:
            write_output(markdown_out, [markdown(audited.audit)])
        if html_out is not None:
            from agent.audit.page import page_of  # most audits write none

            write_output(html_out, [page_of(audited, prices, format_name)])
    except AgentError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_CODES[Outcome.INTERRUPTED]) from None
    show(console, audited.audit)
    raise typer.Exit(_exit_code(audited))


def _paths(paths: Sequence[Path] | None) -> Sequence[Path]:
    """What was named (also as a run's id, or `last`), or your own traces."""
    if paths:
        return [path if os.path.lexists(path) else find_trace(str(path)) for path in paths]
    if not state_folder().is_dir():
        raise UsageError(f"there are no traces in {state_folder()} yet; name a trace")
    return [state_folder()]


def _exit_code(audited: Audited) -> int:
    broken = audited.audit.broken
    if any(each.tampered for each in broken):
        return TAMPERED
    return EXIT_CODES[Outcome.USAGE] if broken else 0


def _check_format(name: str) -> None:
    if name and name not in get_args(Source):
        raise UsageError(f"format: '{name[:40]}' is none of {', '.join(get_args(Source)[1:])}")
