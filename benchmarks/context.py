"""Which pieces of a repository a repair needs: the shares of `policies.context`, measured on known repairs.

    python -m benchmarks.context [--set programs|repositories|libraries|all] [--libraries NAME,...]
        [--per-library N] [--only TEXT] [--seed N] [--limit SECONDS] [--jobs N] [--sandbox NAME]
        [--cache DIR] [--json FILE]

Cases are the defects of `benchmarks.repair` (the small programs, and the libraries that are not held back),
those of `benchmarks.harness`, and more made in its repositories, as in libraries, by the first run. Each is
localised by the steps of `agent fix`, which give the pieces that a model may be shown. No model is asked: the
repair is known.

- The place: of each run of changed lines, the first suspect that holds them all, else the first other piece.
- Names: attributes, keywords, imports, identifiers and texts that could be keys, which the new lines use and
  neither bind themselves nor share with Python's builtins and their methods. Those that occur nowhere in the
  failing tests, what they said, the place, and the suspects of no later rank, are looked for in the other
  pieces, the first of each kind before the second ones; the first that holds a name is needed.

"share": needed ones among the pieces that there are of that kind and rank, with a 90 % interval (Wilson's).
The rows "all" count cases that have pieces of the kind, and of these the ones that need any, beside what the
shipped shares of those pieces sum up to in the mean one.

What this does not see: injected mistakes are small edits, so most repairs use names that stand beside the
defect; and code may have to be read whose names the repair does not use. What is needed here is a lower
bound.
So the shipped shares of other kinds than suspects are half of it and half judgement: of a kind,
(measured + judged) / 2 is what its shares sum up to in the mean case, and "first" its first share by that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import user_cache_path

from agent.errors import AgentError
from agent.pieces import case_of
from agent.tiers.models import PRESETS, model_settings
from agent.tiers.prompts import Form, act_prompt
from benchmarks import _harness_cases
from benchmarks._context_needs import Needs, needs_of
from benchmarks._context_shares import show_summary, show_table
from benchmarks._repair_bench import Bench
from benchmarks._repair_cases import PROGRAMS, BadCase, Case, tree_files
from benchmarks._repair_libraries import LIBRARIES, Library, seeded_cases
from benchmarks._repair_run import Attempt
from benchmarks._repair_run import Result as Attempted
from benchmarks.options import at_least, some_of
from benchmarks.repair import environment_of, gather, progress
from sandboxes.interface import SandboxError

REPOSITORIES = "repositories"
MODEL = model_settings(PRESETS["ANTHROPIC_API_KEY"][0])
"""That there is one makes pieces be looked for; which one does not matter."""


@dataclass(frozen=True)
class Result:
    """A case, and what its repair needs; `problem`: why it could not be run."""

    name: str
    collection: str
    kind: str
    needs: Needs | None = None
    problem: str = ""


def examine(case: Case, bench: Bench, limit: float) -> Result:
    """What the repair of a case needs. A case that cannot be run is a result with a `problem`."""
    result = Result(case.name, case.collection, case.kind)
    attempted = Attempted(case.name, case.collection, case.kind, "")
    with TemporaryDirectory(prefix="context-benchmark-") as scratch:
        try:
            environment = environment_of(case, bench)
            attempt = Attempt(case, bench, environment, Path(scratch), attempted, models=(MODEL,))
        except (AgentError, SandboxError) as error:
            return replace(result, problem=str(error).splitlines()[0])
        try:
            attempt.prepare()
            seen = attempt.localise(limit)
            said = "\n".join(act_prompt(case_of(attempt.state, ()), Form(max_output=1)).stable)
            read = attempt.world.base_of(attempt.state).read
            needs = needs_of(case.path, case.wrong, case.right, seen.pieces, said, read)
        except (AgentError, SandboxError) as error:
            return replace(result, problem=str(error).splitlines()[0])
        finally:
            attempt.world.close()
    return replace(result, needs=needs)


def repositories(arguments: argparse.Namespace, bench: Bench) -> list[Case]:
    """The cases of `benchmarks.harness`, and defects made in their repositories as in those of libraries.
    Raises BadCase, SandboxError."""
    found = []
    for case in _harness_cases.cases():
        # Defects that are kept hold for this very tree.
        digest = hashlib.sha256(repr(tree_files(case.sources)).encode()).hexdigest()[:8]
        as_library = Library(case.name, digest, held_back=False)
        made = seeded_cases(
            as_library, case.sources, arguments.per_library, arguments.seed, arguments.cache, bench, progress
        )
        found += [replace(each, collection=REPOSITORIES) for each in made]
        right = (case.sources / case.path).read_text(encoding="utf-8")
        found.append(
            Case(
                name=case.name,
                collection=REPOSITORIES,
                project=case.name,
                kind="own",
                path=case.path,
                line=right[: right.index(case.right)].count("\n") + 1,
                right=right.encode(),
                wrong=right.replace(case.right, case.defect).encode(),
                tree=case.sources,
                failing=case.targets,
            )
        )
    return found


def show(results: Sequence[Result]) -> dict[str, object]:
    """Print everything; returns it for JSON. Programs of one file have little to choose from: their shares
    are shown, and nothing follows from them."""
    collections: dict[str, list[Needs]] = {}
    for each in results:
        if each.needs:
            collections.setdefault(each.collection, []).append(each.needs)
    larger = [needs for name, its in collections.items() if name != PROGRAMS for needs in its]
    groups = {"libraries and repositories": larger, "small programs": collections.get(PROGRAMS, [])}
    tables = {name: show_table(name, found) for name, found in groups.items() if found}
    show_summary(collections)
    for each in results:
        if each.problem:
            print(f"not run: {each.name}: {each.problem}")
    return {
        "shares": {name: [asdict(each) for each in rows] for name, rows in tables.items()},
        "cases": [asdict(each) for each in results],
    }


def main() -> None:
    """Run the cases and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.context", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    ours = [each.name for each in LIBRARIES if not each.held_back]
    parser.add_argument("--set", choices=(PROGRAMS, REPOSITORIES, "libraries", "all"), default="all")
    parser.add_argument("--libraries", type=some_of(ours), default=tuple(ours), help=f"of {', '.join(ours)}")
    parser.add_argument("--per-library", type=at_least(1), default=5, help="defects in each")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--limit", type=at_least(1), default=60, help="seconds for localising a case")
    parser.add_argument("--jobs", type=at_least(1), default=2, help="cases at a time")
    parser.add_argument("--sandbox", choices=("auto", "docker", "bubblewrap"), default="auto")
    parser.add_argument("--cache", type=Path, default=user_cache_path("marginal-agent") / "benchmarks")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args(namespace=argparse.Namespace(half="train"))
    arguments.libraries = ",".join(arguments.libraries)
    bench = Bench(arguments.sandbox)
    try:
        cases = gather(arguments, bench) if arguments.set != REPOSITORIES else []
        if arguments.set in ("all", REPOSITORIES):
            cases += [case for case in repositories(arguments, bench) if arguments.only in case.name]
        with ThreadPoolExecutor(arguments.jobs) as pool:
            tasks = [pool.submit(examine, case, bench, arguments.limit) for case in cases]
            for number, done in enumerate(as_completed(tasks), 1):
                progress(f"{number} of {len(tasks)}: {done.result().name} {done.result().problem}")
    except (BadCase, SandboxError) as error:
        raise SystemExit(str(error)) from None
    results = [task.result() for task in tasks]
    if not any(each.needs for each in results):
        raise SystemExit("no case is left of what was asked for")
    figures = show(results)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
