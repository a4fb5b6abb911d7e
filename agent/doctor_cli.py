"""`agent doctor`."""

from __future__ import annotations

import typer

from agent import doctor, flags
from agent.errors import UsageError
from agent.outputs import fail
from agent.view import make_console
from policies.vocabulary import EXIT_CODES, Outcome

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("doctor", help="Say whether `agent fix` could run here, and how to mend what is missing.")
def doctor_command(sandbox: flags.SandboxBackend = None) -> None:
    """Exit 0 only if it could."""
    console = make_console()
    try:
        checks = doctor.examine(sandbox)
    except UsageError as error:
        fail(str(error), error.exit_code)
    for check in checks:
        console.print(doctor.line(check), soft_wrap=True)
    raise typer.Exit(0 if doctor.fit(checks) else EXIT_CODES[Outcome.INFRASTRUCTURE])
