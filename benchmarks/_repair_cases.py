"""A case of `benchmarks.repair`: a tree with one defect; and the small programs as cases."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = "programs"
FOLDER = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One defect.

    `collection`: the set it is counted in. `project`: whose environment it needs. `tree`: the folder of the
    right tree, in which the file `path` becomes `wrong`. `failing`: the tests to be mended, where others fail
    for other reasons; none for all that fail.
    """

    name: str
    collection: str
    project: str
    kind: str
    path: str
    line: int
    right: bytes
    wrong: bytes
    tree: Path
    failing: tuple[str, ...] = ()

    def files(self, *, defective: bool = True) -> Mapping[str, bytes]:
        """The tree, with the defect or without."""
        return {**tree_files(self.tree), self.path: self.wrong if defective else self.right}


class BadCase(ValueError):
    """A case that cannot be read; the message is one line."""


def tree_files(tree: Path) -> dict[str, bytes]:
    """Every file of a folder, by its path below it, without byte code and defects' descriptions."""
    return {
        path.relative_to(tree).as_posix(): path.read_bytes()
        for path in sorted(tree.rglob("*"))
        if path.is_file()
        and not path.name.startswith("defect")
        and "__pycache__" not in path.parts
        and ".pytest_cache" not in path.parts
    }


def programs(folder: Path = FOLDER) -> list[Case]:
    """The small programs: folders with NAME.py, test_NAME.py and any number of defect*.toml, each of which
    says `kind`, and that `before`, which NAME.py has once, becomes `after`. Raises BadCase."""
    return [_program(file) for file in sorted(folder.glob("*/defect*.toml"))]


def _program(file: Path) -> Case:
    folder = file.parent
    said = tomllib.loads(file.read_text(encoding="utf-8"))
    source = folder / f"{folder.name}.py"
    right = source.read_text(encoding="utf-8")
    kind, before, after = (str(said.get(word, "")) for word in ("kind", "before", "after"))
    if not kind or right.count(before) != 1:
        raise BadCase(f"{file}: it names no kind, or {source.name} has `before` {right.count(before)} times")
    suffix = file.stem.removeprefix("defect").replace("_", "-")
    return Case(
        name=folder.name + suffix,
        collection=PROGRAMS,
        project=PROGRAMS,
        kind=kind,
        path=source.name,
        line=right[: right.index(before)].count("\n") + 1,
        right=right.encode(),
        wrong=right.replace(before, after).encode(),
        tree=folder,
    )
