"""`agent explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from agent import explain, flags
from agent.autonomy.versions import versions_of
from agent.errors import AgentError
from agent.outputs import check_outputs, fail, written
from agent.repository import pyproject_of
from agent.settings import resolve
from agent.view import make_console
from policies.vocabulary import EXIT_CODES, Outcome

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command("explain", help="Say what `agent fix` would do at given prices, and which would change it.")
def explain_command(
    value: flags.Value = None,
    latency_price: flags.LatencyPrice = None,
    risk_price: flags.RiskPrice = None,
    irreversible_price: flags.IrreversiblePrice = None,
    budget: flags.Budget = None,
    deadline: flags.Deadline = None,
    tier: flags.TierNames = None,
    apply: Annotated[bool, typer.Option("--apply", help="The patch would be applied or committed.")] = False,
    memory: flags.Remembered = None,
    json_out: flags.JsonOut = None,
    repo: flags.Repo = None,
) -> None:
    """Needs no sandbox: the estimates are asked, as shipped or as learnt. A repository's settings count."""
    given = {
        "value": value,
        "latency_price": latency_price,
        "risk_price": risk_price,
        "irreversible_price": irreversible_price,
        "budget": budget,
        "deadline": deadline,
        "tier": tier,
        "memory": flags.word(memory),
    }
    console = make_console()
    try:
        folder = (repo or Path.cwd()).absolute()
        check_outputs(folder, None, json_out)
        resolved = resolve(given, pyproject_of(folder), versions_of(folder))
        with console.status("asking the policy …"):
            found = explain.explained(resolved, apply)
    except AgentError as error:
        fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_CODES[Outcome.INTERRUPTED]) from None
    explain.show(found, console)
    written(json_out, found)
