"""Libraries whose source distributions hold their tests, and single-edit defects in them."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import _repair_mistakes, _repair_mistakes_calls, _repair_mistakes_statements
from benchmarks._repair_bench import Bench, run_suite
from benchmarks._repair_cases import BadCase, Case, tree_files
from benchmarks._repair_make import another_program, apply, defects
from benchmarks._repair_source import Defect
from sandboxes.interface import REPO, Sandbox
from tools.protected import Protection, protected_reason
from tools.verdicts import SuiteRun, VerdictOutcome

FETCH_SECONDS = 300
NEEDS_FILE = "requirements-test.txt"
SUITE_SECONDS = 300.0
MOST_FAILING = 10
TRIES_EACH = 15
"""Changes tried for one defect that is kept, before a library is given up."""

SLOWEST_TEST = 10.0
"""Seconds after which a test of a library counts as hanging."""


@dataclass(frozen=True)
class Library:
    """A pinned source distribution. `needs`: what its tests need and it does not declare."""

    name: str
    version: str
    held_back: bool
    needs: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        return f"{self.name}=={self.version}"


LIBRARIES = (
    Library("boltons", "26.2.0", held_back=False),
    Library("cachetools", "8.0.0", held_back=True),
    Library("click", "8.5.1", held_back=False),
    Library("funcy", "2.1", held_back=True),
    Library("humanize", "4.17.0", held_back=False),
    Library("markdown", "3.11.3", held_back=True, needs=("pyyaml",)),
    Library("mistune", "3.4.0", held_back=False),
    Library("more-itertools", "11.2.1", held_back=True),
    Library("natsort", "8.4.0", held_back=False, needs=("pytest-mock", "hypothesis")),
    Library("parse", "1.22.4", held_back=True),
    Library("python-slugify", "9.2.0", held_back=False),
    Library("semver", "3.1.1", held_back=True),
    Library("sqlparse", "0.6.1", held_back=False),
    Library("tabulate", "0.10.0", held_back=True),
    Library("tinydb", "4.9.0", held_back=False, needs=("pytest-cov", "pyyaml")),
    Library("tomlkit", "0.15.2", held_back=True, needs=("pyyaml",)),
    Library("toolz", "1.2.0", held_back=False),
    Library("xmltodict", "1.0.4", held_back=True),
)


@dataclass(frozen=True)
class Kept:
    """A defect that was kept: what it is, and the tests that fail with it."""

    path: str
    kind: str
    line: int
    start: int
    end: int
    text: str
    failing: tuple[str, ...]
    hangs: bool


def fetch(library: Library, cache: Path) -> Path:
    """The library's unpacked source distribution, downloaded if it is not in the cache. Raises BadCase."""
    folder = cache / "trees" / f"{library.name}-{library.version}"
    if not folder.is_dir():
        _unpack(library, folder)
    if library.needs:
        (folder / NEEDS_FILE).write_text("\n".join(("pytest", *library.needs)) + "\n")
    return folder


def _unpack(library: Library, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as scratch:
        _download(library.requirement, scratch)
        (archive,) = Path(scratch).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(f"{scratch}/unpacked", filter="data")
        (top,) = Path(scratch, "unpacked").iterdir()
        top.rename(folder)


def _download(requirement: str, folder: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download"]
    command += ["--no-binary", ":all:", "--no-deps", "--dest", folder, requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
    except subprocess.TimeoutExpired:
        raise BadCase(f"{requirement}: the package index did not answer in {FETCH_SECONDS} s") from None
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["pip failed"]
        raise BadCase(f"{requirement} cannot be fetched: {said[-1]}")


def library_cases(
    library: Library, count: int, seed: int, cache: Path, bench: Bench, say: Callable[[str], None]
) -> list[Case]:
    """`count` cases of a library, fewer where no more are found. Raises BadCase, SandboxError."""
    return seeded_cases(library, fetch(library, cache), count, seed, cache, bench, say)


def seeded_cases(
    library: Library, tree: Path, count: int, seed: int, cache: Path, bench: Bench, say: Callable[[str], None]
) -> list[Case]:
    """The same of a library whose tree is there; defects are made once, then read from the cache."""
    kept_in = cache / "defects" / f"{library.name}-{library.version}-{seed}-{makers_digest()}.json"
    if not kept_in.exists() or json.loads(kept_in.read_text())["asked"] < count:
        made = make_defects(library, tree, count, seed, bench, say)
        kept_in.parent.mkdir(parents=True, exist_ok=True)
        record = {"asked": count, "defects": [asdict(each) for each in made]}
        kept_in.write_text(json.dumps(record, indent=1) + "\n")
    known = [Kept(**each) for each in json.loads(kept_in.read_text())["defects"]]
    return [_case(library, tree, number, each) for number, each in enumerate(known[:count], 1)]


def makers_digest() -> str:
    """Changes whenever the makers of mistakes do."""
    modules = (_repair_mistakes, _repair_mistakes_calls, _repair_mistakes_statements)
    data = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    return hashlib.sha256(data).hexdigest()[:8]


def _case(library: Library, tree: Path, number: int, kept: Kept) -> Case:
    right = (tree / kept.path).read_bytes()
    return Case(
        name=f"{library.name}-{number}",
        collection=f"libraries, {'held back' if library.held_back else 'training'}",
        project=library.name,
        kind=kept.kind,
        path=kept.path,
        line=kept.line,
        right=right,
        wrong=right[: kept.start] + kept.text.encode() + right[kept.end :],
        tree=tree,
        failing=kept.failing,
    )


def make_defects(
    library: Library, tree: Path, count: int, seed: int, bench: Bench, say: Callable[[str], None]
) -> list[Kept]:
    """Draw changes until `count` are defects as this benchmark wants them: 1 to MOST_FAILING tests fail that
    pass without, twice the same ones, and all others pass. Kinds come in turn. Raises BadCase, SandboxError.
    """
    files = tree_files(tree)
    environment = bench.environment(library.name, files)
    with bench.sandbox(environment, files) as sandbox:
        pristine = sandbox.checkpoint(REPO)
        base = run_suite(sandbox, SUITE_SECONDS)
        if not base.complete or sum(base.passed(test) for test in base.collected) < MOST_FAILING:
            raise BadCase(
                f"{library.requirement}: its tests do not run here: {base.problem or base.output[-300:]}"
            )
        kept: list[Kept] = []
        for tried, (path, defect) in enumerate(draw(files, base, random.Random(f"{seed} {library.name}"))):
            if len(kept) == count or tried == TRIES_EACH * count:
                break
            sandbox.restore(pristine)
            if found := _examine(sandbox, path, files[path], defect, base):
                kept.append(found)
                say(f"{library.requirement}: {len(kept)} of {count} defects, {tried + 1} tried")
    return kept


def draw(files: dict[str, bytes], base: SuiteRun, random_: random.Random) -> Iterator[tuple[str, Defect]]:
    """Changes of the library's own files in random order, the kinds that came least often first."""
    protection = Protection.of(base)
    by_kind: dict[str, list[tuple[str, Defect]]] = {}
    for path, data in files.items():
        ours = path.endswith(".py") and not path.startswith(
            ("docs/", "examples/", "benchmark", "tools/", "setup")
        )
        if ours and protected_reason(path, data, data + b"\n", protection) is None:
            for defect in _defects_of(data):
                by_kind.setdefault(defect.kind, []).append((path, defect))
    for changes in by_kind.values():
        random_.shuffle(changes)
    came: Counter[str] = Counter()
    lines: set[tuple[str, int]] = set()
    while by_kind:
        kind = min(by_kind, key=lambda name: (came[name], random_.random()))
        came[kind] += 1
        path, defect = by_kind[kind].pop()
        if not by_kind[kind]:
            del by_kind[kind]
        if (path, defect.line) not in lines:
            lines.add((path, defect.line))
            yield path, defect


def _defects_of(data: bytes) -> list[Defect]:
    try:
        return list(defects(data))
    except (SyntaxError, UnicodeDecodeError):
        return []


def _examine(sandbox: Sandbox, path: str, right: bytes, defect: Defect, base: SuiteRun) -> Kept | None:
    """The defect if it is one of those wanted, else None."""
    wrong = apply(right, defect.change)
    if not another_program(wrong, right):
        return None
    failing: list[tuple[str, ...]] = []
    hangs = False
    for _ in range(2):
        sandbox.write(f"{REPO}/{path}", wrong)
        run = run_suite(sandbox, min(SUITE_SECONDS, 3 * base.seconds + 60), SLOWEST_TEST)
        rest_holds = run.complete and run.collected == base.collected
        bad = tuple(test for test in base.collected if base.passed(test) and not run.passed(test))
        if not (rest_holds and 1 <= len(bad) <= MOST_FAILING and set(run.failing) == {*bad, *base.failing}):
            return None
        failing.append(bad)
        hangs = any(run.verdicts[test].outcome is VerdictOutcome.TIMEOUT for test in bad)
    if failing[0] != failing[1]:
        return None
    change = defect.change
    return Kept(path, defect.kind, defect.line, change.start, change.end, change.text, failing[0], hangs)
