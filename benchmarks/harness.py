"""The same scripted model drives this runtime, mini-swe-agent and aider on the same small repositories.

    python -m benchmarks.harness [--agents NAME,...] [--scripts NAME,...] [--cases NAME,...] [--cache DIR]
                                 [--steps N] [--json FILE]

The others are installed with pip, each in a virtual environment of its own in `--cache`, and run there with
this person's rights, without a sandbox; the model is a server on loopback and cannot ask for anything but
what `_harness_scripts.py` has. What every agent left is judged in a fresh copy: fixed is what makes the
failing test pass and leaves the tests as they were; an exit code is true if it is 0 exactly then.

Which help the others get: mini-swe-agent's model edits and tests in one command, and in `shallow` and
`medium` edits code that it was never shown (the row "after a look" is without that); aider has the file to
mend in the chat from the beginning but in `deep`. Ours has in its prompt what it takes to be relevant.

Own overhead is taken where a reply only asks to read, so that no test runs between: from the end of an answer
to the next request, as the server sees them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path

import platformdirs

from benchmarks._harness_agents import (
    AGENTS,
    HELPER,
    MINI,
    OURS,
    PATCH,
    Agent,
    Job,
    install,
    run,
)
from benchmarks._harness_cases import Case, Look, Truth, cases, judge
from benchmarks._harness_figures import (
    Growth,
    Result,
    growth_of,
    median_gap_ms,
    share_of_best,
    show,
)
from benchmarks._harness_scripts import BLIND, FIXING, SCRIPTS, Said, decide
from benchmarks._harness_server import ScriptedModel
from benchmarks.demo import AGENT
from benchmarks.options import at_least, some_of


def play(
    agent: Agent, binary: Path, case: Case, script: str, steps: int, *, to_the_end: bool = False
) -> Result:
    """One run, and what came of it."""

    def say(turn: int) -> Said:
        return agent.tell(decide(script, case, turn, kept=agent.kept, looks=agent.looks), case)

    with tempfile.TemporaryDirectory(prefix="harness-") as scratch, ScriptedModel(say, HELPER) as model:
        folder = Path(scratch)
        home, repository = folder / "home", case.commit(folder / "repository")
        home.mkdir()
        ran = run(agent, Job(case, script, repository, home, model.base_url, binary, steps, to_the_end))
        exchanges = tuple(model.exchanges)
        return Result(
            agent=agent.name,
            case=case.name,
            script=script,
            code=ran.code,
            seconds=ran.seconds,
            truth=_truth(case, repository, home / PATCH, folder / "patched"),
            exchanges=exchanges,
            gaps=tuple(
                later.arrived - earlier.answered
                for earlier, later in pairwise(exchanges)
                if earlier.turn >= 0 and isinstance(
                    decide(script, case, earlier.turn, kept=agent.kept, looks=agent.looks), Look
                )
            ),
            problem="" if exchanges else " ".join(ran.said.split())[-200:],
        )  # fmt: skip


def _truth(case: Case, repository: Path, patch: Path, patched: Path) -> Truth:
    """Of the repository as it is; of one with the patch where there is one."""
    if not patch.exists():
        return judge(case, repository)
    shutil.copytree(repository, patched)
    applied = subprocess.run(["git", "apply", str(patch)], cwd=patched, capture_output=True, check=False)
    return judge(case, patched) if applied.returncode == 0 else Truth(passes=False, tampered=False)


def _environment(case: Case) -> None:
    """The case's sandbox environment, built ahead. SystemExit where it cannot be."""
    with tempfile.TemporaryDirectory(prefix="harness-") as scratch:
        repository = case.commit(Path(scratch) / "repository")
        done = subprocess.run([str(AGENT), "env", "build", str(repository)], capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"no environment for {case.name}: {done.stderr.decode()[-500:].strip()}")


def measure(
    agents: Sequence[tuple[Agent, Path]], wanted: Sequence[Case], scripts: Sequence[str], steps: int
) -> tuple[list[Result], list[Growth]]:
    """All runs; the growth of prompts is taken on the first case."""
    results, growths = list[Result](), list[Growth]()
    for agent, binary in agents:
        for script in scripts:
            for case in wanted:
                if agent.looks and script not in BLIND:
                    continue
                results.append(play(agent, binary, case, script, steps))
                print(f"{agent.name}: {script} on {case.name}: {results[-1].code}", file=sys.stderr)
        if "never" in scripts and not agent.looks:
            never = next(each for each in results if (each.agent, each.script) == (agent.name, "never"))
            if len(never.exchanges) < steps:
                never = play(agent, binary, wanted[0], "never", steps, to_the_end=True)
            growths.append(growth_of(agent.name, never.exchanges, steps))
    return results, growths


def main() -> None:
    """Install, run, print."""
    known = {case.name: case for case in cases()}
    names = [agent.name for agent in AGENTS if not agent.looks]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.harness", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    for option, choices in (("agents", names), ("scripts", SCRIPTS), ("cases", known)):
        everything = tuple(choices)
        parser.add_argument(
            f"--{option}", type=some_of(everything), default=everything, help=", ".join(everything)
        )
    cache = platformdirs.user_cache_path("marginal-agent") / "harness"
    parser.add_argument("--cache", type=Path, default=cache, help="where the others go [%(default)s]")
    parser.add_argument(
        "--steps", type=at_least(4), default=40, help="most requests, for `never` [%(default)s]"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run there")
    arguments = parser.parse_args()

    missing, agents, versions = dict[str, str](), list[tuple[Agent, Path]](), dict[str, str]()
    for agent in AGENTS:
        if (MINI if agent.looks else agent.name) not in arguments.agents:
            continue
        try:
            binary, versions[agent.name] = install(agent, arguments.cache)
        except RuntimeError as error:
            missing[agent.name] = str(error)
        else:
            agents.append((agent, binary))
    wanted = [known[name] for name in arguments.cases]
    if any(agent.name == OURS for agent, _ in agents):
        for case in wanted:
            _environment(case)
    results, growths = measure(agents, wanted, arguments.scripts, arguments.steps)
    show(results, growths, missing)
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(_figures(results, growths, missing, versions), indent=2) + "\n")


def _figures(
    results: Sequence[Result], growths: Sequence[Growth], missing: dict[str, str], versions: dict[str, str]
) -> dict[str, object]:
    return {
        "versions": versions,
        "missing": missing,
        "shares": {script: share_of_best(results, script) for script in FIXING},
        "shares_after_a_look": {script: share_of_best(results, script, looking=True) for script in BLIND},
        "median_gap_ms": {name: median_gap_ms(results, name) for name in versions},
        "growth": [asdict(each) for each in growths],
        "runs": [
            asdict(each)
            | {
                "prompt_tokens": each.prompt_tokens,
                "dollars": each.dollars,
                "fixed": each.truth.fixed,
                "truthful": each.truthful,
            }
            for each in results
        ],
    }


if __name__ == "__main__":
    main()
