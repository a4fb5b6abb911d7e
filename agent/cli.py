"""The command line: which command is where. A module is imported when one of its commands is called, as no
other is to wait for it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from agent.standard_output import written_out
from agent.termination import Terminated, termination
from policies.vocabulary import SIGTERM_CODE

COMMANDS = (
    "fix",
    "ci",
    "publish",
    "approvals",
    "autonomy",
    "schedule",
    "explain",
    "tiers",
    "menu",
    "trace",
    "replay",
    "audit",
    "outcome",
    "outcomes",
    "env",
    "doctor",
)
"""As `--help` lists them; the Typer application of each is `app` of `agent.<name>_cli`."""


class Imported(Mapping[str, object]):
    """The commands by name, each imported when it is first asked for."""

    def __getitem__(self, name: str) -> object:
        if name not in COMMANDS:
            raise KeyError(name)
        gc.disable()  # what is imported stays: looking for garbage in it is a fifth of the time
        try:
            command = get_command(import_module(f"agent.{name}_cli").app)
        finally:
            gc.freeze()
            gc.enable()
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": Imported()})


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a failing test to a verified patch, with every step priced and recorded.",
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


def main() -> None:
    """Entry of the `agent` command."""
    try:
        with termination(), written_out():
            app()
    except Terminated:  # what was half-written is gone, as after Ctrl-C
        sys.exit(SIGTERM_CODE)
