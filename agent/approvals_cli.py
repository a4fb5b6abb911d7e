"""`agent approvals`: deliveries that wait for people, shown, signed for, rejected and made."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer
from rich.table import Table
from rich.text import Text
from typer import Argument, Option

from agent import flags, trace_flags, units
from agent.ci import RESULT, TRACES
from agent.errors import UsageError
from agent.outputs import check_output, harmless_json, trace_errors, write_json
from agent.traces.finding import SHORT, find_trace
from agent.view import View, diff_text, make_console
from policies.amounts import show_money
from tools.plain import plain, plain_line

if TYPE_CHECKING:
    from agent.approvals.page import Waiting
    from agent.approvals.signing import Making

# What the commands do is imported where it is used: no other command is to wait for it.

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Verified patches whose delivery waits for people: list and show them, approve or reject one with "
    "an SSH key, deliver what enough people have approved. TRACE is a folder (also the one of a job, as "
    "`agent ci --out` named it), the beginning of a run's id, or `last`.",
)

Key = Annotated[
    Path | None,
    Option(metavar="FILE", help="SSH private key to sign with, or the public key of one in ssh-agent."),
]
Signature = Annotated[
    Path | None,
    Option(
        metavar="FILE",
        help="Take this signature instead, made elsewhere (ssh-keygen -Y sign -n agent-approval) of what "
        "`agent approvals show --statement` prints.",
    ),
]
Principal = Annotated[
    str, Option("--as", metavar="NAME", help="Who signs, by their name in the allowed_signers file.")
]
Signers = Annotated[
    Path | None,
    Option(
        metavar="FILE",
        help="Who may approve (ssh-keygen's allowed_signers), kept outside the repository and the trace "
        "[default: your setting allowed_signers].",
    ),
]
ENDS = (
    "Exit codes: 0 on record · 1 the trace does not hold · 2 it does not count, and why; nothing was touched."
)
DELIVERED = (
    "Exit codes: 0 delivered · 1 the trace does not hold · 2 refused, nothing was touched · 11 more people "
    "must approve, or not all could be delivered."
)


@app.command("list", help="List verified patches that wait for people, newest first.")
def list_waiting(
    paths: Annotated[
        list[Path] | None,
        Argument(metavar="[PATH]...", help="Folders of traces, or of jobs [default: your state folder]."),
    ] = None,
    allowed_signers: Signers = None,
    everything: Annotated[
        bool, Option("--all", help="Also those that expired, were rejected or can no longer be delivered.")
    ] = False,
    as_json: trace_flags.Json = False,
) -> None:
    """Signatures are checked where it is said who may sign; `deliver` always does."""
    from agent.approvals import page

    view = View(make_console())
    with trace_errors():
        folders = (path / TRACES if os.path.lexists(path / RESULT) else path for path in paths or ())
        found, problems = page.waiting_in(tuple(folders), allowed_signers)
        some = [each for each in found if everything or each.state in page.OPEN]
    if as_json:
        typer.echo(harmless_json(json.dumps([each.model_dump(mode="json") for each in some], indent=2)))
        return
    for problem in problems:
        view.note(plain_line(problem))
    if some:
        view.console.print(_table(some, named=bool(paths)))
    else:
        view.note("nothing waits for an approval")
    if len(some) < len(found):
        view.note(f"{len(found) - len(some)} more: delivered, expired, rejected or used (--all)")


@app.command(help="Show what would be delivered: the diff, what was verified, what is at stake, who signed.")
def show(
    trace: flags.TraceWord,
    statement: Annotated[
        bool, Option("--statement", help="Print exactly the bytes that are to be signed, and nothing else.")
    ] = False,
    reason: Annotated[
        str, Option(metavar="TEXT", help="With --statement: those of a rejection for this reason.")
    ] = "",
    allowed_signers: Signers = None,
    as_json: trace_flags.Json = False,
) -> None:
    """Signatures are checked where it is said who may sign."""
    from agent.approvals import page
    from agent.approvals.counting import asked_of, named_signers
    from agent.approvals.request import approvable_diff
    from agent.trace import Trace
    from agent.traces.handing_on import write_out

    view = View(make_console())
    with trace_errors():
        folder = _trace_named(trace)
        state = page.state_of(folder)
        if statement:
            asked = asked_of(state)
            to_sign = (asked.rejecting(reason) if reason else asked).to_sign()
            write_out(lambda stream: _write(stream, to_sign))
            return
        signers = named_signers(allowed_signers, folder, state.settings.repository)
        found = page.waiting_of(folder, state, signers)
        if as_json:
            typer.echo(harmless_json(json.dumps(found.model_dump(mode="json"), indent=2)))
            return
        diff = Trace(folder).blob(approvable_diff(state)).decode("utf-8", "replace")
    view.console.print(diff_text(diff), soft_wrap=True)
    for label, line in page.lines_of(found):
        view.console.print(Text(f"{label:<12}{plain_line(line, 3000)}"), soft_wrap=True)


@app.command(help="Ask anew: a new request, with its own nonce and term; earlier approvals count no more.")
def request(
    trace: flags.TraceWord,
    expires: Annotated[
        str, Option(metavar="TIME", help="From now until it expires, such as 3d or 12h.")
    ] = "7d",
    action: Annotated[
        str,
        Option(
            "--for",
            metavar="CLASS",
            help="For publish, with a patch that was verified [default: for the run's own delivery].",
        ),
    ] = "",
    repository: Annotated[
        str, Option(metavar="OWNER/NAME", help="With --for publish: where alone [default: anywhere].")
    ] = "",
    into: Annotated[
        str,
        Option(metavar="BRANCH", help="With --for publish: the branch that alone it is to be merged into."),
    ] = "",
    people: Annotated[
        int,
        Option(min=0, max=99, help="With --for publish: at least so many, if more than the schedule asks."),
    ] = 0,
) -> None:
    """For one that expired, that nobody was asked, or for something else than its run was asked to do."""
    from agent.approvals import signing
    from agent.approvals.request import Wanted, publishing
    from policies.vocabulary import ActionClass

    view = View(make_console())
    with trace_errors():
        try:
            lasts = units.duration(expires)
        except ValueError as error:
            raise UsageError(f"expires: {error}") from None
        if action and action not in tuple(ActionClass):
            raise UsageError(f"for: '{action[:40]}' is none of {', '.join(ActionClass)}")
        if (repository or into or people) and action != ActionClass.PUBLISH:
            raise UsageError("--repository, --into and --people go with --for publish")
        to = publishing(repository, into) if action == ActionClass.PUBLISH else ()
        wanted = Wanted(ActionClass(action), to, people) if action else None
        asked = signing.ask(_trace_named(trace), lasts, wanted)
    who = units.counted(asked.people, "person", "people")
    view.note(f"asked for a {asked.action_class}, until {asked.expires}: {who} must approve")
    view.note(f"to approve: agent approvals approve {shlex.quote(trace)} --key FILE")


@app.command(epilog=ENDS, help="Approve a delivery: sign its statement, and put the approval on record.")
def approve(
    trace: flags.TraceWord,
    key: Key = None,
    signature: Signature = None,
    principal: Principal = "",
    allowed_signers: Signers = None,
) -> None:
    """Nothing is delivered by it yet."""
    from agent.approvals import signing
    from agent.approvals.counting import signers_of

    view = View(make_console())
    with trace_errors():
        folder = _trace_named(trace)
        signers = signers_of(folder, allowed_signers)
        made = signing.approve(folder, signers, _making(key, signature), principal)
    count = made.count
    view.note(f"approved by {made.approver.principal} ({made.approver.key}); head hash {made.head}")
    for who, why in count.dropped.items():
        view.note(f"does not count: {plain_line(f'{who}: {why}')}")
    if count.missing:
        needed = units.counted(count.needed, "person", "people")
        view.note(f"{len(count.approvers)} of {needed}: {count.missing} more must approve")
    else:
        how = f"delivered: agent approvals deliver {shlex.quote(str(folder))}"
        if not made.own:
            how = f"published: agent publish {shlex.quote(trace)}"
        view.note(f"enough have approved; it can be {how}")


@app.command(epilog=ENDS, help="Reject a delivery, signed: nothing of this run is delivered any more.")
def reject(
    trace: flags.TraceWord,
    reason: Annotated[str, Option(metavar="TEXT", help="Why; it is part of what is signed.")],
    key: Key = None,
    signature: Signature = None,
    principal: Principal = "",
    allowed_signers: Signers = None,
) -> None:
    """One no is enough."""
    from agent.approvals import signing
    from agent.approvals.counting import signers_of

    view = View(make_console())
    with trace_errors():
        folder = _trace_named(trace)
        signers = signers_of(folder, allowed_signers)
        rejecter = signing.reject(folder, signers, _making(key, signature), principal, reason)
    view.note(f"rejected by {rejecter.principal} ({rejecter.key}): nothing of this run is delivered")


@app.command(
    epilog=DELIVERED,
    help="Deliver what enough people have approved, as the run was asked to; everything is checked anew.",
)
def deliver(
    trace: flags.TraceWord,
    allowed_signers: Signers = None,
    base_ref: flags.BaseRef = None,
    json_out: flags.JsonOut = None,
) -> None:
    """By whoever has the run's state folder: the patch was verified there."""
    from agent.approvals.counting import signers_of
    from agent.approvals.delivering import deliver_approved

    view = View(make_console())
    with trace_errors(view):
        check_output(json_out)
        folder = _trace_named(trace)
        signers = signers_of(folder, allowed_signers)
        report = deliver_approved(folder, signers, view.progress, base_ref)
        view.ended(report)
        if json_out is not None:
            write_json(json_out, report)
    raise typer.Exit(report.exit_code)


def _trace_named(word: str) -> Path:
    """The trace that it names; of the folder of a job, that by which its patch is approved."""
    if not os.path.lexists(Path(word) / RESULT):
        return find_trace(word)
    from agent.ci.lead import lead_trace, read_report

    folder = Path(word)
    if (trace := lead_trace(folder, read_report(folder))) is None:
        raise UsageError(f"{word} holds no verified patch with its trace; name the trace of one of its tasks")
    return trace


def _making(key: Path | None, signature: Path | None) -> Making:
    from agent.approvals import signing

    if (key is None) == (signature is None):
        raise UsageError("give --key FILE to sign here, or --signature FILE of a signature made elsewhere")
    return signing.with_key(key) if key is not None else signing.from_file(signature or Path())


def _write(stream: BinaryIO, data: bytes) -> None:
    stream.write(data)


def _table(found: list[Waiting], *, named: bool) -> Table:
    """named: by their folders, as run ids are known of the traces in the state folder only."""
    from agent.approvals.page import standing

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
    for column in ("run", "class", "patch", "right", "at risk", "V", "approved by", "expires", ""):
        table.add_column(column, overflow="fold")
    for each in found:
        by = ", ".join(approval.principal for approval in each.approvals) or "nobody"
        row = (
            each.path if named else each.run_id[:SHORT],
            each.action_class,
            f"+{each.added} -{each.removed}",
            f"{each.right:.2f}",
            show_money(each.at_risk),
            show_money(each.value),
            by,
            each.expires,
            standing(each),
        )
        table.add_row(*(Text(plain(plain_line(cell), 300)) for cell in row))
    return table
