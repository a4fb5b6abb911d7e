"""`agent schedule`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent import flags
from agent.autonomy.versions import versions_of
from agent.errors import AgentError
from agent.outputs import check_outputs, fail
from agent.repository import pyproject_of
from agent.schedule import RIGHT, as_toml
from agent.settings import resolve

app = typer.Typer(add_completion=False, rich_markup_mode=None)


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
        check_outputs(folder, None, None)
        resolved = resolve({}, pyproject_of(folder), versions_of(folder))
        tightened = resolved.schedule != resolve({}, None).schedule
        notes = (*([f"tightened as {folder} asks"] if tightened else []), *resolved.notes)
        typer.echo(as_toml(resolved.schedule, resolved.prices, right, notes))
    except AgentError as error:
        fail(str(error), error.exit_code)
