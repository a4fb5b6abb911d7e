"""Options and arguments of `agent trace`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

In = Annotated[
    list[Path] | None,
    Option("--in", metavar="DIR", help="Look in this folder of traces [default: your state folder]."),
]
States = Annotated[
    list[str] | None,
    Option(
        "--outcome", metavar="WORD", help="Only those that ended so: fixed, limit, ...; running, cut-off."
    ),
]
Repository = Annotated[
    str, Option("--repo", metavar="NAME", help="Only of repositories with this in their path.")
]
Since = Annotated[str, Option(metavar="AGE", help="Only those begun since, such as 7d or 12h.")]
Tier = Annotated[str, Option(metavar="NAME", help="Only those with this tier on their ladder.")]
MinDollars = Annotated[str, Option(metavar="AMOUNT", help="Only those that cost at least this.")]
Limit = Annotated[int, Option(min=0, help="Show so many of the newest; 0: all.")]
Rebuild = Annotated[bool, Option("--rebuild", help="Make the index anew from the files.")]
Json = Annotated[bool, Option("--json", help="Print JSON.")]
Head = Annotated[str, Option(metavar="HASH", help="The head hash that was printed when the run ended.")]
AllowedSigners = Annotated[
    Path | None,
    Option(metavar="FILE", help="Who may sign (ssh-keygen's allowed_signers), kept outside any repository."),
]
Signer = Annotated[str, Option(metavar="PRINCIPAL", help="Who must have signed, by their name in that file.")]
Key = Annotated[Path, Option(metavar="FILE", help="SSH private key, or the public key of one in ssh-agent.")]
Principal = Annotated[str, Option(metavar="NAME", help="Who signs; names the signature's file.")]
