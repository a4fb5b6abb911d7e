"""`agent outcomes`: what became of the patches of runs, as the history of the repository says."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from agent import flags, trace_flags, units
from agent.errors import AgentError, UsageError
from agent.outcome_cli import NOT_LEARNT
from agent.outputs import check_output, fail, write_json
from agent.settings import resolve
from agent.view import make_console
from policies.vocabulary import EXIT_CODES, Outcome
from tools.plain import plain

SINCE = "90d"

app = typer.Typer(add_completion=False, rich_markup_mode=None)

HELP = (
    "Look in a repository's history for the patches of your runs, and record which were merged and which "
    "reverted, as `agent outcome` does. To run it again records nothing twice."
)

HOOK = """\
#!/bin/sh
# Tells `agent` what became of its patches, so that its estimates learn. Save this as both
# .git/hooks/post-merge and .git/hooks/post-commit, and make both executable:
#   for hook in post-merge post-commit; do
#     agent outcomes --print-hook > .git/hooks/$hook && chmod +x .git/hooks/$hook
#   done
# It never stops a merge or a commit, and looks at commits only where they revert something.
command -v agent > /dev/null 2>&1 || exit 0
case "$0" in
  *post-commit) git log -1 --format=%B | grep -q '^This reverts commit ' || exit 0 ;;
esac
agent outcomes --quiet "$(git rev-parse --show-toplevel)" || true
"""

Branch = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Where a patch counts as merged [default: the remote's default branch, else what HEAD is on].",
    ),
]
Since = Annotated[str, typer.Option(metavar="AGE", help="Only runs begun since, such as 7d; 'ever' for all.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Say only what is recorded now, or cannot be.")]
PrintHook = Annotated[
    bool, typer.Option("--print-hook", help="Print a hook for git (post-merge, post-commit), and do nothing.")
]
JsonOut = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it here as JSON.")]


@app.command("outcomes", help=HELP)
def outcomes_command(
    repo: flags.Repo = None,
    branch: Branch = "",
    within: trace_flags.In = None,
    since: Since = SINCE,
    memory: Annotated[
        bool | None,
        typer.Option(
            "--memory/--no-memory",
            help="Let memory learn from it, where it has learnt from the run [default: yes; under CI no].",
        ),
    ] = None,
    quiet: Quiet = False,
    json_out: JsonOut = None,
    print_hook: PrintHook = False,
) -> None:
    """By what commits change, not by what they say; nothing of the repository runs."""
    if print_hook:
        typer.echo(HOOK, nl=False)
        return
    # Imported here, as no other command is to wait for it.
    from agent.audit.landed import in_words, outcomes
    from agent.traces.index import traces_in

    console = make_console()
    try:
        check_output(json_out)
        begun = _begun(since)
        teaches = resolve({"memory": flags.word(memory)}, None).teaches
        folder = (repo or Path.cwd()).absolute()
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder")
        runs = [each for each in traces_in(within or ()) if each.started >= begun]
        found = outcomes(folder, runs, branch, "" if teaches else NOT_LEARNT)
        if json_out is not None:
            write_json(json_out, found)
    except AgentError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_CODES[Outcome.INTERRUPTED]) from None
    for line in in_words(found, only_new=quiet):
        console.print(Text(plain(line)), soft_wrap=True)


def _begun(since: str) -> float:
    """Seconds since the epoch, from which on runs count. Raises UsageError."""
    if since == "ever":
        return 0.0
    try:
        return time.time() - units.duration(since)
    except ValueError as error:
        raise UsageError(f"since: {error}") from None
