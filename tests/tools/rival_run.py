"""Started by test_rivals.py in a process of its own: compares given patches of one file as a search would.

Settings on stdin: `root`, `path`, `edits` ([old text, new text, mass] rows), `targets`, `affected`,
`witnesses`. Prints
the verdicts, the ranking, and how long it took.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from tools.inside.repair.candidates import Candidate
from tools.inside.repair.nest import Limits
from tools.inside.repair.rivals import Rivals
from tools.inside.repair.scope import Project
from tools.inside.repair.screener import Screener
from tools.inside.repair.source import Source
from tools.inside.repair.space import Space
from tools.inside.repair.tree import Tree

SECONDS = 60.0


def main() -> None:
    settings = json.load(sys.stdin)
    root, path = settings["root"], settings["path"]
    project = Project()
    project.add(Source(path, Path(root, path).read_bytes()))
    space = Space(project.sources, {}, {})
    space.candidates = {index: _candidate(space, path, *row) for index, row in enumerate(settings["edits"])}
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("visible", "hidden"):
            Path(scratch, name).mkdir()
        screener = Screener(
            Tree(root, [root], scratch),
            scratch,
            settings["targets"],
            settings["affected"],
            Limits(2.0, 10.0),
            500_000_000,
            lambda index: {path: space.patched(space.candidates[index])},
            {path: space.sources[path].data},
            time.monotonic() + SECONDS,
            settings["witnesses"],
        )
        try:
            screener.baseline(None)
            verdicts = [screener.screen(index).verdict for index in range(len(space.candidates))]
            began = time.monotonic()
            ranking = Rivals(screener, space, 0).ranked(list(range(len(space.candidates))))
            seconds = time.monotonic() - began
        finally:
            screener.close()
    print(json.dumps([verdicts, ranking.best, ranking.clusters, ranking.share, ranking.heals, seconds]))


def _candidate(space: Space, path: str, old: str, new: str, mass: float) -> Candidate:
    data = space.sources[path].data
    start = data.index(old.encode())
    return Candidate(path, start, start + len(old.encode()), new.encode(), "given", 1, mass)


if __name__ == "__main__":
    main()
