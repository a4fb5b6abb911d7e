"""`agent trace`: traces listed, shown, followed, searched, checked, signed, handed on and removed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.text import Text
from typer import Argument, Option

from agent import flags, trace_flags, units
from agent.errors import TraceError, UsageError
from agent.outputs import said_yes, trace_errors
from agent.trace import EVENTS, Trace
from agent.traces.finding import LAST, find_trace
from agent.view import View, make_console
from policies.amounts import show_money
from tools.plain import plain

if TYPE_CHECKING:
    from agent.traces.facts import Facts

# What the commands do is imported where it is used: no other command is to wait for it.

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Traces of runs: list, show, follow and search them; check, sign and export one; remove old ones. "
    "TRACE is a folder, the beginning of a run's id, or `last`.",
)

SHOWN, MOST_EXCERPTS = 30, 200
KEPT = 1
"""Exit code of `prune` when something that was to go stays."""

_Number = TypeVar("_Number", int, float)


@app.command("list", help="List traces, newest first.")
def list_traces(
    within: trace_flags.In = None,
    outcome: trace_flags.States = None,
    repo: trace_flags.Repository = "",
    since: trace_flags.Since = "",
    tier: trace_flags.Tier = "",
    min_dollars: trace_flags.MinDollars = "",
    limit: trace_flags.Limit = SHOWN,
    rebuild: trace_flags.Rebuild = False,
    as_json: trace_flags.Json = False,
) -> None:
    """From the index, which is brought up to date first."""
    from agent.traces import screen
    from agent.traces.facts import now
    from agent.traces.index import traces_in

    view = View(make_console())
    with trace_errors():
        words, begun = _states(outcome), _since(since)
        dollars = _parsed("min-dollars", units.money, min_dollars) if min_dollars else 0.0
        found = [
            each
            for each in map(now, traces_in(within or (), rebuild=rebuild))
            if (not words or each.outcome in words)
            and repo in each.repository
            and each.started >= begun
            and (not tier or tier in each.tiers)
            and (not min_dollars or (each.dollars is not None and each.dollars >= dollars))
        ]
    some = found[: limit or None]
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in some], indent=2))
        return
    if not found:
        view.note(
            "no trace" + (" is like that" if any((outcome, repo, since, tier, min_dollars)) else " yet")
        )
        return
    view.console.print(screen.table_of(some, view.console.width))
    more = f", {len(found) - len(some)} more (--limit 0 shows all)" if len(some) < len(found) else ""
    dollars = sum(each.dollars or 0.0 for each in found)
    view.note(f"{screen.count(some)}{more}; in all {show_money(dollars)}, {screen.size(found)}")


@app.command(help="Show a run in short: its task, prices, steps with their bills, and its end.")
def show(
    trace: flags.TraceWord = LAST,
    verbose: Annotated[bool, Option("--verbose", help="Show its notes and the diff, too.")] = False,
    as_json: trace_flags.Json = False,
) -> None:
    """Read from the trace, not from the index."""
    from agent.traces import showing

    with trace_errors():
        found = showing.shown(find_trace(trace))
        if as_json:
            typer.echo(json.dumps(found.model_dump(mode="json"), indent=2))  # escapes what a terminal obeys
            return
        showing.show(found, View(make_console(), verbose=verbose))


@app.command(help="Follow a run from another terminal, as `agent fix` shows it, until it ends.")
def watch(
    trace: flags.TraceWord = LAST,
    verbose: Annotated[bool, Option("--verbose", help="Show every candidate table and note.")] = False,
) -> None:
    """`last`: a run that is under way, if there is one."""
    from agent.traces import watching

    view = View(make_console(), verbose=verbose)
    with trace_errors(view):
        watching.watch(_watched(trace), view)


@app.command(
    help="Search traces for a regular expression (Python's), in the events as they stand in the file. Exit 1 "
    "if nothing is found. A pattern of nested repeats, such as (a+)+b, may take for ever; Ctrl-C ends it."
)
def grep(
    pattern: Annotated[str, Argument(help="Regular expression.")],
    trace: Annotated[
        list[str] | None,
        Argument(metavar="[TRACE]...", help="Search these [default: all].", show_default=False),
    ] = None,
    within: trace_flags.In = None,
    blobs: Annotated[bool, Option("--blobs", help="Search prompts, answers, diffs and logs, too.")] = False,
    ignore_case: Annotated[bool, Option("--ignore-case", "-i", help="Upper and lower case alike.")] = False,
    limit: Annotated[int, Option(min=0, help="Stop after so many; 0: never.")] = MOST_EXCERPTS,
) -> None:
    """Each match says of which run, line and step it is."""
    from agent.traces import screen, searching
    from agent.traces.index import traces_in

    console = make_console()
    shown = 0
    with trace_errors():
        compiled = searching.pattern_of(pattern, ignore_case)
        folders = [find_trace(each) for each in trace or ()] or [
            Path(f.path) for f in traces_in(within or ())
        ]
        for folder in folders:
            try:
                for match in searching.search(folder, compiled, blobs):
                    console.print(screen.match_line(match), soft_wrap=True)
                    shown += 1
                    if shown == limit:
                        console.print(
                            Text(f"  note: stopped after {limit}; --limit 0 shows all", style="dim")
                        )
                        return
            except OSError as error:
                typer.echo(f"agent: cannot read {plain(str(folder))}: {error.strerror or error}", err=True)
    if not shown:
        raise typer.Exit(1)


@app.command(
    help="Check that a trace is whole and unaltered, and say what could not show. Exit 1 if it is not, or if "
    "the end of the run is not recorded (it goes on, was cut off, or lines are gone)."
)
def verify(
    trace: flags.TraceWord,
    head: trace_flags.Head = "",
    allowed_signers: trace_flags.AllowedSigners = None,
    signer: trace_flags.Signer = "",
    as_json: trace_flags.Json = False,
) -> None:
    """Hash chain, blobs, end, other files; the head hash and a signature where they are given."""
    from agent.traces import checking, screen, signing

    console = make_console()
    with trace_errors():
        if (allowed_signers is None) != (not signer):
            raise UsageError(
                "--allowed-signers and --signer go together: who must have signed, by which file"
            )
        given = checking.head_hash(head) if head else ""
        found = checking.check(find_trace(trace), given)
        if allowed_signers is not None:
            found = signing.with_signature(found, allowed_signers, signer)
        if as_json:
            typer.echo(json.dumps(found.model_dump(mode="json") | {"good": found.good}, indent=2))
        else:
            screen.print_check(console, found)
    raise typer.Exit(0 if found.good else TraceError.exit_code)


@app.command(help="Sign a trace with an SSH key (ssh-keygen -Y sign).")
def sign(trace: flags.TraceWord, key: trace_flags.Key, principal: trace_flags.Principal = "signer") -> None:
    """What is signed: run id, head hash, number of events, list of blobs."""
    from agent.traces import checking, signing

    view = View(make_console())
    with trace_errors():
        checked = checking.check(find_trace(trace))
        path = signing.sign(checked, key, principal)
    view.note(f"signed {checked.events} events, head hash {checked.head_hash}: {path}")
    if checked.unfinished:
        view.note(f"{checked.unfinished}; a run that is resumed must be signed again")


@app.command(help="Write a trace as one file: tar (for an auditor), or atif or otlp (for other tools).")
def export(
    trace: flags.TraceWord,
    form: Annotated[str, Option("--format", metavar="FORMAT", help="tar, atif or otlp.")],
    out: Annotated[
        Path | None, Option("-o", "--out", metavar="FILE", help="A new file [default: standard output].")
    ] = None,
) -> None:
    """The trace is taken as it is; `agent trace verify` checks it, before or after."""
    from agent.traces import handing_on

    with trace_errors():
        found, write = Trace(find_trace(trace)), handing_on.exporter(form)
        if out is not None:
            handing_on.write_new(out, lambda stream: write(found, stream))
        elif form == handing_on.TAR and sys.stdout.isatty():
            raise UsageError("a tar file is nothing for a terminal; name a file with -o")
        else:
            handing_on.write_out(lambda stream: write(found, stream))


@app.command(
    help="Remove traces. One goes only if every rule you give lets it; never one that is being written, and "
    "none that could be resumed without --include-interrupted, and no folder that holds anything else. "
    "Exit 1 if one that was to go stays."
)
def prune(
    older_than: Annotated[str, Option(metavar="AGE", help="Those begun longer ago, such as 30d.")] = "",
    keep: Annotated[int | None, Option(min=0, metavar="N", help="All but the newest N.")] = None,
    outcome: trace_flags.States = None,
    max_bytes: Annotated[str, Option(metavar="SIZE", help="The oldest, until the rest takes 2g.")] = "",
    include_interrupted: Annotated[
        bool, Option("--include-interrupted", help="Also those that `agent fix --resume` could go on with.")
    ] = False,
    within: trace_flags.In = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what would be removed.")] = False,
    yes: Annotated[bool, Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Says what goes, and asks."""
    from agent.traces import pruning, screen
    from agent.traces.facts import now
    from agent.traces.index import traces_in

    view = View(make_console())
    with trace_errors():
        rules = pruning.Rules(
            older_than=_parsed("older-than", units.duration, older_than) if older_than else None,
            keep=keep,
            outcomes=_states(outcome),
            max_bytes=_parsed("max-bytes", units.size, max_bytes) if max_bytes else None,
            interrupted=include_interrupted,
        )
        if rules in (pruning.Rules(), pruning.Rules(interrupted=True)):
            raise UsageError("say what goes: --older-than 30d, --keep 100, --outcome fixed or --max-bytes 2g")
        planned = pruning.plan([now(each) for each in traces_in(within or ())], rules, time.time())
        if planned.goes:
            view.console.print(screen.table_of(planned.goes, view.console.width))
        if planned.resumable:
            view.note(f"{planned.resumable} could be resumed, and stay (--include-interrupted)")
        said = f"{screen.count(planned.goes)}, {screen.size(planned.goes)}"
        if dry_run or not planned.goes:
            view.note(f"would remove {said}")
            return
        if not yes and not sys.stdin.isatty():
            raise UsageError("nobody is there to ask: say --yes, or --dry-run")
        if not yes and not said_yes(f"remove {said}?"):
            view.note("nothing was removed")
            return
        gone: list[Facts] = []
        for each in planned.goes:
            if problem := pruning.remove(Path(each.path)):
                view.note(f"kept {Path(each.path).name}: {problem}")
            else:
                gone.append(each)
    view.note(f"removed {screen.count(gone)}, {screen.size(gone)}")
    if len(gone) < len(planned.goes):
        raise typer.Exit(KEPT)


def _watched(word: str) -> Path:
    """The trace to follow: one that is not there yet is waited for, where its folder is named by a path."""
    if word == LAST:
        from agent.traces.facts import now
        from agent.traces.index import traces_in

        running = [each for each in map(now, traces_in()) if each.outcome == "running"]
        return Path(running[0].path) if running else find_trace(word)
    path = Path(word)
    if "/" in word and not (path / EVENTS).exists() and path.name != EVENTS and path.parent.is_dir():
        return path
    return find_trace(word)


def _states(words: list[str] | None) -> tuple[str, ...]:
    from agent.traces.facts import STATES

    known = {each.replace(" ", "-"): each for each in STATES}
    given = [word.strip().replace(" ", "-") for word in words or ()]
    for word in given:
        if word not in known:
            raise UsageError(f"outcome: '{word[:40]}' is none of {', '.join(known)}")
    return tuple(known[word] for word in given)


def _since(text: str) -> float:
    """Seconds since the epoch; the beginning of time for ""."""
    return time.time() - _parsed("since", units.duration, text) if text else float("-inf")


def _parsed(name: str, parse: Callable[[str], _Number], text: str) -> _Number:
    try:
        return parse(text)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
