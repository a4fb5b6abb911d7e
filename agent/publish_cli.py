"""`agent publish`."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer
from typer import Argument, Option

from agent.errors import UsageError
from agent.outputs import fail, one_line_errors, write_json
from agent.publishing.allowed import asked_for, granted, waits_for
from agent.publishing.finding import find_verified
from agent.publishing.hosts import HostName
from agent.publishing.places import place_of
from agent.publishing.sending import commented, proposed
from agent.settings import resolve
from agent.view import make_console
from policies.vocabulary import EXIT_CODES, Outcome
from tools.plain import plain_line


class How(StrEnum):
    """What is made of a patch."""

    PULL_REQUEST = "pull-request"
    COMMENT = "comment"
    ARTEFACT = "artefact"


app = typer.Typer(add_completion=False, rich_markup_mode=None)

HELP = (
    "Publish a verified patch: as a draft pull request (from a new branch), as a comment, or not at all. "
    "The patch must be the one that was verified, and the autonomy schedule must let it; the token is taken "
    "from AGENT_PUBLISH_TOKEN, GITHUB_TOKEN or GITLAB_TOKEN and goes to the host alone. Publishing the same "
    "patch again changes nothing."
)
EPILOG = (
    "Exit codes: 0 published, or it is there already, or it was to stay an artefact · 1 the patch is not the "
    "one that was verified · 2 usage error, or the host refuses it · 11 a person must confirm it first · "
    "20 the host cannot be reached."
)

Out = Annotated[
    str, Argument(metavar="OUT", help="The folder that `agent ci --out` wrote, or a trace of `agent fix`.")
]
As = Annotated[
    How | None,
    Option("--as", help="pull-request (a draft), comment, or artefact [default: pull-request, if it may]."),
]
Name = Annotated[
    HostName | None, Option("--host", help="github or gitlab [default: the one whose CI this is, or github].")
]
Repository = Annotated[
    str,
    Option(metavar="OWNER/NAME", help="Where to [default: GITHUB_REPOSITORY or CI_PROJECT_PATH]."),
]
ApiUrl = Annotated[
    str, Option("--api", metavar="URL", help="Of the API [default: GITHUB_API_URL or CI_API_V4_URL].")
]
RemoteUrl = Annotated[
    str, Option("--remote", metavar="URL", help="To push to, over https [default: the repository's own].")
]
Into = Annotated[
    str, Option("--into", metavar="BRANCH", help="The branch that a pull request asks to be merged into.")
]
Number = Annotated[
    int | None,
    Option(
        min=1,
        help="The pull request (GitHub: or issue) to comment on [default: the open one that ends at the "
        "commit that was repaired].",
    ),
]
Confirm = Annotated[
    bool, Option("--confirm", help="You have read the patch and confirm it (in a terminal only).")
]


@app.command("publish", help=HELP, epilog=EPILOG)
def publish_command(
    out: Out,
    how: As = None,
    host: Name = None,
    repository: Repository = "",
    api: ApiUrl = "",
    remote: RemoteUrl = "",
    into: Into = "",
    number: Number = None,
    confirm: Confirm = False,
) -> None:
    """Nothing leaves before all of it is checked."""
    console = make_console()

    def say(text: str) -> None:
        console.print(plain_line(text, 1000), markup=False, soft_wrap=True)

    with one_line_errors():
        found = find_verified(out)
        if how is How.ARTEFACT:
            say(f"nothing was published; the patch is {found.file}")
            return
        if confirm and not sys.stdin.isatty():
            raise UsageError(
                "--confirm is the word of a person at a terminal; elsewhere the schedule must let it "
                "(`agent schedule`)"
            )
        own = resolve({}, None)
        asked = asked_for(found, own, "" if how is How.COMMENT else into)
        given = granted(found, confirm, asked)
        if why := waits_for(found, asked, given):
            fail(f"{why}; the patch waits for that in {found.file}", EXIT_CODES[Outcome.DEFERRED])
        place = place_of(host, repository, api, remote, say)
        given.claim(place, f"#{number or found.commit}" if how is How.COMMENT else into)
        if how is How.COMMENT:
            sent = commented(found, place, number, asked.level.word)
        else:
            sent = proposed(found, place, into, asked.level.word, say)
        say(f"{'published' if sent.new else 'it is there already'}: {sent.sent} {sent.url}")
        if found.record is not None:
            write_json(found.record, sent)
