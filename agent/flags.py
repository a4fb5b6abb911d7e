"""The flags of `agent fix`, each with its help. Defaults of prices and limits are in `agent.settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from agent.policies import ALSO, MARGINAL, POLICIES
from agent.settings import DEFAULTS

Repo = Annotated[Path | None, Argument(help="The repository [default: this folder].", show_default=False)]
Test = Annotated[
    list[str] | None,
    Option(
        help="Node id of a failing test (repeatable). Without it the suite is run and what fails is taken."
    ),
]
JUnit = Annotated[Path | None, Option(help="Take the failing tests from a JUnit XML report.")]
TestsCommand = Annotated[
    str | None,
    Option(
        help="Run the tests with this command instead of pytest. Its exit code counts, or the JUnit XML it "
        "writes to $AGENT_JUNIT."
    ),
]
Runner = Annotated[
    str | None,
    Option(
        help="What runs the tests: pytest, unittest, node, vitest, go, phpunit, or auto, which asks the "
        "repository's files [default: auto]."
    ),
]
SetupCommand = Annotated[
    str | None, Option(help="Run this in the sandbox, offline, when the environment is built.")
]
Value = Annotated[
    str | None,
    Option(help=f"V: what the fix is worth, minutes saved x hourly rate [default: {DEFAULTS['value']}]."),
]
LatencyPrice = Annotated[
    str | None, Option(help=f"What waiting costs, such as 36/h [default: {DEFAULTS['latency_price']}].")
]
RiskPrice = Annotated[
    str | None,
    Option(help=f"What a wrong patch on the branch would cost [default: {DEFAULTS['risk_price']}]."),
]
IrreversiblePrice = Annotated[
    str | None,
    Option(help=f"Added for the part that cannot be undone [default: {DEFAULTS['irreversible_price']}]."),
]
Budget = Annotated[
    str | None, Option(help=f"Hard limit of money, or 'none' [default: {DEFAULTS['budget']}].")
]
Deadline = Annotated[
    str | None, Option(help=f"Hard limit of time, or 'none' [default: {DEFAULTS['deadline']}].")
]
TierNames = Annotated[
    list[str] | None,
    Option("--tier", metavar="NAME", help="Use only this tier (repeatable) [default: all configured]."),
]
PolicyName = Annotated[
    str | None,
    Option(
        "--policy",
        metavar="NAME",
        help=f"What chooses the steps: {MARGINAL}, or a baseline to compare it with: "
        f"{', '.join(POLICIES[1:])} (also {', '.join(ALSO)}) [default: {MARGINAL}].",
    ),
]
SandboxBackend = Annotated[
    str | None,
    Option("--sandbox", help="docker, bubblewrap, or auto, which prefers Docker [default: auto]."),
]
Image = Annotated[
    str | None,
    Option(help="Run in this image (bubblewrap: a root file system's folder), instead of building one."),
]
Dockerfile = Annotated[
    Path | None,
    Option(
        metavar="FILE",
        help="Build the image from this Dockerfile or devcontainer.json (runs what it says, with network).",
    ),
]
SourceDistributions = Annotated[
    bool,
    Option(
        "--allow-source-distributions",
        help="Dependencies without a wheel may be built from source (runs their build code in the sandbox).",
    ),
]
TrustRepoConfig = Annotated[
    bool,
    Option(
        "--trust-repo-config",
        help="Let the repository's [tool.agent] set everything, not only tighten, and its "
        ".agent/autonomy.toml raise the value.",
    ),
]
BaseRef = Annotated[
    str | None,
    Option(
        "--base-ref",
        metavar="REF",
        help="Branch or commit whose .agent/autonomy.toml rules: what the change is for [default: "
        "$AGENT_BASE_REF, else what the CI system says, else HEAD].",
    ),
]
Memory = Annotated[
    bool | None,
    Option(
        "--memory/--no-memory",
        help="Expect what your finished runs taught, and keep what this one teaches [default: yes; under CI "
        "nothing is kept].",
    ),
]
Remembered = Annotated[
    bool | None,
    Option("--memory/--no-memory", help="Expect what your finished runs taught [default: yes]."),
]
TraceFolder = Annotated[
    Path | None, Option("--trace", metavar="DIR", help="Folder for the trace [default: your state folder].")
]
PatchOut = Annotated[
    Path | None, Option(metavar="FILE", help="Write the verified patch here (must not exist).")
]
JsonOut = Annotated[Path | None, Option("--json", metavar="FILE", help="Write the report here as JSON.")]
Apply = Annotated[bool, Option("--apply", help="Apply the verified patch to your tree.")]
Commit = Annotated[
    str | None, Option(metavar="BRANCH", help="Commit HEAD + patch on this new branch; your tree stays.")
]
TraceWord = Annotated[
    str,
    Argument(
        metavar="TRACE",
        help="A folder, the beginning of a run's id or folder name, or `last`: the newest run.",
    ),
]
Resume = Annotated[
    str | None,
    Option(
        metavar="TRACE",
        help="Go on with the interrupted run of this trace by its recorded settings: only of one you trust.",
    ),
]
Verbose = Annotated[bool, Option("--verbose", help="Show every candidate table and note.")]


def word(flag: bool | None) -> str | None:
    """A flag that may be unset, as settings take it: False would pass for unset there."""
    return None if flag is None else str(flag).lower()
