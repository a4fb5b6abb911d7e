"""How much the embedded repair tier mends: small programs of our own, and libraries with a seeded defect.

    python -m benchmarks.repair [--set programs|libraries|all] [--half train|held-back|all]
        [--libraries NAME,...] [--per-library N] [--only TEXT] [--seed N] [--limit SECONDS] [--jobs N]
        [--sandbox NAME] [--cache DIR] [--first-test] [--verbose] [--json FILE]
        [--naive | --without PART,... | --compare parts|families]

A case is a tree in which one edit has made 1 to 10 tests fail. It goes through the steps of `agent fix`
(baseline, reproduction, localisation, search, final verification), without prices: the search goes on until
a patch has passed the final verification, cold in a fresh sandbox with the whole suite, or the time is up.

Timed are localisation and search, and the verification of patches that did not pass it; not the environment,
the baseline, the reproduction and the verification that the fix passed. The judge then compares with the
program as it was: "identical" is the same program again (layout aside), "different" another one that passes
all tests, "regressed" one under which a test fails that passes on the right program. The environment is that
of the right tree: a defect that would keep the project from installing cannot show it.

Libraries come from the package index, by pip, with pinned versions, and are kept in the cache with the
defects made in them (`_repair_libraries`; the first run makes them, which takes longer than repairing them).
Half of the libraries are held back: nothing is to be tuned to their defects.

With `--first-test` only the first of the failing tests is to be mended, as where a suite stops at its first
failure; cases with one failing test are left out. "regressed" then holds the others that a patch leaves red.

To compare, leave parts out: `--without localisation` suspects every line alike, `forks` runs each candidate
in a cold pytest, `ranking` tries candidates in random order, `pruning` tries those too that change nothing,
`rivals` takes the first patch that passes, `witnesses` does not look at failing tests beside those to be
mended; a family of templates (`--help` names them) leaves these out.
`--naive` is `--without localisation,forks,ranking`. `--compare parts` runs every case as it is, then without
each part in turn, and naively. `--compare families` runs every case as it is, and those that a family mended
again without it: elsewhere, leaving it out takes nothing away from what was found.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, replace
from pathlib import Path

from platformdirs import user_cache_path

from benchmarks._repair_bench import Bench
from benchmarks._repair_cases import PROGRAMS, BadCase, Case, programs, tree_files
from benchmarks._repair_libraries import LIBRARIES, Library, library_cases
from benchmarks._repair_run import FORKS, LOCALISING, NAIVE, Result, Way, run_case
from benchmarks._repair_show import line, show
from benchmarks.options import at_least, some_of
from sandboxes.environments import Environment
from sandboxes.interface import SandboxError
from tools.inside.repair import candidates  # noqa: F401 (registers the templates)
from tools.inside.repair.registry import TEMPLATES, families
from tools.repair.search import PARTS


def chosen(arguments: argparse.Namespace) -> list[Library]:
    """The libraries asked about."""
    if arguments.set == PROGRAMS:
        return []
    wanted = arguments.libraries.split(",") if arguments.libraries else None
    half = {"train": (False,), "held-back": (True,), "all": (False, True)}[arguments.half]
    return [each for each in LIBRARIES if each.held_back in half and (wanted is None or each.name in wanted)]


def gather(arguments: argparse.Namespace, bench: Bench) -> list[Case]:
    """The cases asked about; libraries are fetched and defects made where the cache has none.

    A library that cannot be had is said and left out. Raises BadCase, SandboxError.
    """
    cases = programs() if arguments.set != "libraries" else []

    def of(library: Library) -> list[Case]:
        try:
            return library_cases(
                library, arguments.per_library, arguments.seed, arguments.cache, bench, progress
            )
        except (BadCase, SandboxError) as error:
            progress(f"left out: {error}")
            return []

    with ThreadPoolExecutor(arguments.jobs) as pool:
        for found in pool.map(of, chosen(arguments)):
            cases += found
    return [case for case in cases if arguments.only in case.name]


def run_all(cases: Sequence[Case], arguments: argparse.Namespace, bench: Bench) -> list[Result]:
    """Every case's result, in the order of the cases; after Ctrl-C, of those that had begun. Where several
    ways are compared, the collection of a result names its way too."""
    if arguments.compare == "families":
        return by_family(cases, arguments, bench)
    found: list[Result] = []
    for name, way in ways(arguments).items():
        results = run_way(cases, arguments, bench, way)
        found += [replace(each, collection=f"{each.collection}{name}") for each in results]
    return found


def by_family(cases: Sequence[Case], arguments: argparse.Namespace, bench: Bench) -> list[Result]:
    """Every case's result; then, of each family, those of the cases that it mended, without it."""
    found = run_way(cases, arguments, bench, Way())
    mended: dict[str, list[Case]] = {}
    for each in found:
        if each.template in TEMPLATES:
            mended.setdefault(TEMPLATES[each.template].family, []).extend(
                case for case in cases if (case.collection, case.name) == (each.collection, each.name)
            )
    for family, its in sorted(mended.items()):
        progress(f"without {family}")
        without = run_way(its, arguments, bench, Way(frozenset((family,))))
        found += [replace(each, collection=f"mended by {family}, without it") for each in without]
    return found


def ways(arguments: argparse.Namespace) -> dict[str, Way]:
    """The ways to search that were asked for, by how they are told apart."""
    if arguments.compare is None:
        return {"": NAIVE if arguments.naive else Way(frozenset(arguments.without))}
    parts = [part for part in (LOCALISING, FORKS, *PARTS) if part != "witnesses" or arguments.first_test]
    left_out = {f" without {part}": Way(frozenset((part,))) for part in parts}
    return {" as it is": Way(), **left_out, " naively": NAIVE}


def run_way(cases: Sequence[Case], arguments: argparse.Namespace, bench: Bench, way: Way) -> list[Result]:
    """Every case's result in one way."""

    def one(case: Case) -> Result:
        return run_case(case, bench, environment_of(case, bench), arguments.limit, way)

    if arguments.first_test:
        cases = [named for case in cases for named in named_first(case, bench)]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        tasks = [pool.submit(one, case) for case in cases]
        try:
            for number, done in enumerate(as_completed(tasks), 1):
                progress(f"{number} of {len(tasks)}: {line(done.result())}")
        except KeyboardInterrupt:
            progress("stopping: the cases under way come to their end")
            pool.shutdown(cancel_futures=True)
        except Exception:  # (a mistake of ours) is not hidden behind all the cases to come
            pool.shutdown(cancel_futures=True)
            raise
    return [task.result() for task in tasks if not task.cancelled()]


def named_first(case: Case, bench: Bench) -> list[Case]:
    """The case with the first of its failing tests alone to be mended; none where it is the only one."""
    environment = environment_of(case, bench)
    right = bench.passing(str(case.tree), environment, case.files(defective=False))
    failing = sorted(right - bench.passing("", environment, case.files()))
    return [replace(case, failing=(failing[0],))] if len(failing) > 1 else []


def environment_of(case: Case, bench: Bench) -> Environment:
    """The environment of its project, built if need be. Raises SandboxError."""
    tree = {"README": b"needs pytest only\n"} if case.project == PROGRAMS else tree_files(case.tree)
    return bench.environment(case.project, tree)


def progress(text: str) -> None:
    """Said while it happens; standard output holds the tables only."""
    print(text, file=sys.stderr, flush=True)


def options() -> argparse.ArgumentParser:
    """What can be asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--set", choices=(PROGRAMS, "libraries", "all"), default="all")
    parser.add_argument("--half", choices=("train", "held-back", "all"), default="all")
    parser.add_argument("--libraries", help="only these, with commas between")
    parser.add_argument("--per-library", type=at_least(1), default=5, help="defects in each")
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--seed", type=at_least(0), default=0)
    parser.add_argument("--limit", type=at_least(1), default=60, help="seconds for a case")
    parser.add_argument("--jobs", type=at_least(1), default=2, help="cases at a time")
    parser.add_argument("--sandbox", choices=("auto", "docker", "bubblewrap"), default="auto")
    parser.add_argument("--cache", type=Path, default=user_cache_path("marginal-agent") / "benchmarks")
    parser.add_argument(
        "--first-test", action="store_true", help="only the first failing test is to be mended"
    )
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--naive", action="store_true", help="random order, no localisation, cold processes")
    known = (LOCALISING, FORKS, *PARTS, *families())
    parts.add_argument(
        "--without", type=some_of(known), default=(), metavar="PART,...", help=f"of {', '.join(known)}"
    )
    parts.add_argument("--compare", choices=("parts", "families"), help="leave each out in turn")
    parser.add_argument("--verbose", action="store_true", help="show the accepted patches too")
    parser.add_argument("--json", type=Path)
    return parser


def main() -> None:
    """Run the cases and print."""
    parser = options()
    arguments = parser.parse_args()
    known = {library.name for library in LIBRARIES}
    if unknown := set((arguments.libraries or "").split(",")) - known - {""}:
        parser.error(f"no such library: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    bench = Bench(arguments.sandbox)
    try:
        results = run_all(gather(arguments, bench), arguments, bench)
    except (BadCase, SandboxError) as error:
        raise SystemExit(str(error)) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    if not results:
        raise SystemExit("no case is left of what was asked for")
    show(results, arguments.verbose, together=arguments.compare is None)
    if arguments.json:
        rows = [{**asdict(each), "per_second": each.per_second} for each in results]
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
