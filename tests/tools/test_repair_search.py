"""The repair tier end to end, inside the sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from docker import DockerClient
from repair_cases import DEFECTS, SHOP, Defect

from sandboxes.building import PYTHON
from sandboxes.docker import DockerSandbox
from sandboxes.docker_backend import DockerBackend
from sandboxes.interface import RunRequest, SandboxLimits
from tools.repair.localise import Localisation, localise, trace_tests
from tools.repair.reports import RepairError
from tools.repair.results import SearchResult
from tools.repair.search import RepairSearch

REPO = "/workspace/repo"
SOURCES = [path for path in SHOP if path.startswith("shop/")]
pytestmark = pytest.mark.docker
SECONDS = 600.0  # of a search: more than any takes, on a busy machine too


@pytest.fixture(scope="module")
def sandbox(docker_client: DockerClient, environment_image: str) -> Iterator[DockerSandbox]:
    """One for all: every test begins with a tree of its own."""
    with DockerBackend(docker_client).sandbox(environment_image, python=PYTHON) as started:
        yield started


def put(sandbox: DockerSandbox, files: Mapping[str, str]) -> None:
    sandbox.remove(REPO)
    for path, text in files.items():
        sandbox.write(f"{REPO}/{path}", text.encode())


def test_ids(files: Mapping[str, str]) -> list[str]:
    return [
        f"{path}::{line[4 : line.index('(')]}"
        for path, text in files.items()
        for line in text.splitlines()
        if line.startswith("def test_")
    ]


test_ids.__test__ = False  # type: ignore[attr-defined]


def locate(sandbox: DockerSandbox, files: Mapping[str, str], failing: tuple[str, ...]) -> Localisation:
    others = [name for name in test_ids(files) if name not in failing]
    return localise(
        trace_tests(sandbox, sandbox.python, failing, others, 2.0, editable=lambda path: path in SOURCES),
        failing,
    )


def search(
    sandbox: DockerSandbox,
    defect: Defect,
    localisation: Localisation | None,
    *,
    affected: bool = True,
    priors: Mapping[str, float] | None = None,
) -> RepairSearch:
    others = [name for name in test_ids(SHOP) if name not in defect.failing]
    return RepairSearch(
        sandbox,
        sandbox.python,
        REPO,
        SOURCES,
        defect.failing,
        affected=others if affected else (),
        localisation=localisation,
        timeout=2.0,
        priors=priors,
    )


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_seeded_defects_are_repaired(sandbox: DockerSandbox, defect: Defect) -> None:
    files = defect.seeded()
    put(sandbox, files)
    found = search(sandbox, defect, locate(sandbox, files, defect.failing)).advance(0, SECONDS, 5000)
    assert found.plausible is not None, found
    assert found.plausible.path in SOURCES
    for path, text in files.items():
        assert sandbox.read(f"{REPO}/{path}") == text.encode(), "the tree must be as it was"
    # The whole suite, cold, says whether the proposal holds.
    put(sandbox, {**files, found.plausible.path: found.plausible.content.decode()})
    assert run_suite(sandbox) == 0


def run_suite(sandbox: DockerSandbox) -> int | None:
    argv = (sandbox.python, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    return sandbox.run(RunRequest(argv=argv, timeout=60.0, cwd=REPO)).exit_code


def test_a_search_goes_on_where_it_stopped(sandbox: DockerSandbox) -> None:
    defect = next(each for each in DEFECTS if each.name == "attribute")
    files = defect.seeded()
    put(sandbox, files)
    localisation = locate(sandbox, files, defect.failing)
    whole = search(sandbox, defect, localisation).advance(0, SECONDS, 5000)
    assert whole.plausible is not None and whole.next_index == whole.plausible.index + 1
    first = search(sandbox, defect, localisation).advance(0, SECONDS, 10)
    assert (first.next_index, first.plausible, first.exhausted) == (10, None, False)
    seen: list[tuple[int, int]] = []
    second = search(sandbox, defect, localisation).advance(10, SECONDS, 5000, lambda *at: seen.append(at))
    assert second.plausible == whole.plausible
    assert second.next_index == whole.next_index
    assert first.mass_tried + second.mass_tried == pytest.approx(whole.mass_tried)
    assert seen and all(index >= 10 for index, _ in seen)
    after = search(sandbox, defect, localisation).advance(whole.next_index, SECONDS, 20)
    assert after.plausible is None or after.plausible.index >= whole.next_index


def test_what_was_tried_is_told_by_template_and_one_that_is_likelier_comes_earlier(
    sandbox: DockerSandbox,
) -> None:
    defect = next(each for each in DEFECTS if each.name == "attribute")
    files = defect.seeded()
    put(sandbox, files)
    localisation = locate(sandbox, files, defect.failing)
    found = search(sandbox, defect, localisation).advance(0, SECONDS, 5000)
    assert found.plausible is not None and found.plausible.index > 5
    told, template = found.templates, found.plausible.template
    assert told[template].passed >= 1
    assert sum(tally.tried for tally in told.values()) >= found.tried
    assert all(tally.tried >= tally.passed for tally in told.values())
    run = sum(tally.mass for tally in told.values())
    assert 0 < run < found.mass_tried, "what did not compile, or was known, was not tried"

    indices = list[int]()
    for factor in (4.0, 1.5, 0.25):
        again = search(sandbox, defect, localisation, priors={template: factor}).advance(0, SECONDS, 5000)
        assert again.plausible is not None and again.plausible.content == found.plausible.content
        indices.append(again.plausible.index)
    assert indices[0] < indices[1] < found.plausible.index < indices[2]


BATCHES = {
    "shop/batches.py": """
def batches(jobs, most):
    paper, batch = None, []
    for size, pages in jobs:
        if batch and (size != paper or sum(batch) + pages > most):
            yield paper, batch
            batch = []
        paper = size
        batch.append(pages)


def changes(jobs, most):
    papers = [paper for paper, _ in batches(jobs, most)]
    return sum(papers[at] != papers[at - 1] for at in range(1, len(papers)))
""",
    "tests/test_batches.py": """
from shop.batches import batches, changes


def test_changes():
    assert changes([("A4", 2), ("A3", 1), ("A4", 1)], 10) == 2


def test_one():
    assert list(batches([("A4", 2), ("A4", 3)], 10)) == [("A4", [2, 3])]


def test_nothing():
    assert list(batches([], 10)) == []
""",
}
"""What is missing is the last batch."""


def test_a_candidate_that_leaves_red_what_fails_alike_is_proposed_only_where_no_other_is_found(
    sandbox: DockerSandbox,
) -> None:
    put(sandbox, BATCHES)
    target, witness, passing = test_ids(BATCHES)

    def found(count: int, witnesses: tuple[str, ...], start: int = 0) -> SearchResult:
        searched = RepairSearch(
            sandbox, sandbox.python, REPO, ["shop/batches.py"], (target,), affected=(passing,),
            witnesses=witnesses, timeout=2.0,
        )  # fmt: skip
        return searched.advance(start, SECONDS, count)

    alone = found(20_000, ())
    assert alone.plausible is not None and alone.heals is None
    doubted = found(alone.next_index + 20, (witness,))
    assert doubted.plausible is not None and doubted.heals is False and doubted.share <= 0.25
    assert doubted.next_index > doubted.plausible.index, "the search goes on behind it"
    healing = found(20_000, (witness,), doubted.next_index)
    assert healing.plausible is not None and healing.heals is True and healing.share > doubted.share
    put(sandbox, {**BATCHES, "shop/batches.py": healing.plausible.content.decode()})
    assert run_suite(sandbox) == 0


def test_rivals_are_found_again_one_by_one_and_none_twice(sandbox: DockerSandbox) -> None:
    """`any` where it should be `all`, and one test only: several overfit patches pass, too."""
    defect = next(each for each in DEFECTS if each.name == "all")
    files = defect.seeded()
    put(sandbox, files)
    again = search(sandbox, defect, locate(sandbox, files, defect.failing), affected=False)
    start, proposed, contents = 0, [], set()
    for _ in range(4):
        found = again.advance(start, SECONDS, 5000, proposed=proposed)
        assert found.plausible is not None
        assert len(found.passing) >= found.clusters >= 1 and 0 < found.share <= 1
        assert (found.clusters > 1) == (found.share < 1)
        # whatever was not proposed is still ahead
        first = found.plausible.index < found.next_index
        assert found.next_index == found.plausible.index + 1 if first else found.next_index >= start
        start = found.next_index
        proposed.append(found.plausible.index)
        contents.add(found.plausible.content)
    assert len(contents) == 4
    assert any(b"all(line.quantity > 0" in content for content in contents)


def test_what_passed_earlier_is_compared_with_what_is_found_later(sandbox: DockerSandbox) -> None:
    defect = next(each for each in DEFECTS if each.name == "all")
    files = defect.seeded()
    put(sandbox, files)
    again = search(sandbox, defect, locate(sandbox, files, defect.failing), affected=False)
    first = again.advance(0, SECONDS, 5000)
    assert first.plausible is not None and first.plausible.index in first.passing
    at_once = again.advance(first.next_index, SECONDS, 0, earlier=first.passing)
    assert at_once.plausible is not None and at_once.plausible.content == first.plausible.content
    assert (at_once.next_index, at_once.tried, set(at_once.passing)) == (
        first.next_index,
        0,
        {*first.passing},
    )
    others = [index for index in first.passing if index != first.plausible.index]
    later = again.advance(first.next_index, SECONDS, 5000, earlier=first.passing)
    assert later.plausible is not None and {*first.passing} < {*later.passing}, "no other was found again"
    without = again.advance(first.next_index, SECONDS, 0, earlier=others)
    assert (without.plausible is None) == (not others)


def test_prepare_tells_count_masses_and_pace(sandbox: DockerSandbox) -> None:
    defect = DEFECTS[0]
    files = defect.seeded()
    put(sandbox, files)
    space = search(sandbox, defect, locate(sandbox, files, defect.failing)).prepare()
    assert space.count > 100
    assert 0 == space.mass(0) < space.mass(10) < space.mass(100) < space.mass(10**6) == pytest.approx(0.95)
    assert space.seconds_per_candidate > 0
    assert not space.already_passes


def test_it_works_without_a_localisation(sandbox: DockerSandbox) -> None:
    defect = next(each for each in DEFECTS if each.name == "import")
    put(sandbox, defect.seeded())
    found = search(sandbox, defect, None).advance(0, SECONDS, 5000)
    assert found.plausible is not None
    assert b"import math" in found.plausible.content


def test_a_command_stands_in_for_pytest(sandbox: DockerSandbox) -> None:
    check = "import shop.stock as s; k = s.Stock(); k.add('tea', 2); k.reserve('tea', 2)"
    defect = next(each for each in DEFECTS if each.name == "boundary")
    put(sandbox, defect.seeded())
    command = (sandbox.python, "-B", "-c", check)
    only = RepairSearch(sandbox, sandbox.python, REPO, ["shop/stock.py"], command=command, timeout=5.0)
    found = only.advance(0, SECONDS, 300)
    assert found.plausible is not None
    put(sandbox, {"shop/__init__.py": "", "shop/stock.py": found.plausible.content.decode()})
    assert sandbox.run(RunRequest(argv=command, timeout=30.0, cwd=REPO)).exit_code == 0


@pytest.mark.parametrize(
    "exit_call", ["sys.exit(0)", "os._exit(0)", "raise SystemExit(0)", "raise KeyboardInterrupt"]
)
def test_leaving_early_is_not_passing(sandbox: DockerSandbox, exit_call: str) -> None:
    """Every candidate leaves before the assertion; none may be called plausible."""
    files = {
        "pack/__init__.py": "",
        "pack/leave.py": (
            f"import os\nimport sys\n\n\ndef leave(n):\n    x = n + 1\n    {exit_call}\n    return x\n"
        ),
        "test_leave.py": "from pack.leave import leave\n\n\ndef test_it():\n    leave(1)\n    assert 0\n",
    }
    put(sandbox, files)
    only = RepairSearch(
        sandbox, sandbox.python, REPO, ["pack/leave.py"], ["test_leave.py::test_it"], timeout=2.0
    )
    found = only.advance(0, SECONDS, 60)
    assert found.plausible is None
    assert found.tried > 20


def test_candidates_that_eat_memory_or_never_end_are_cut(sandbox: DockerSandbox) -> None:
    files = {
        "grow.py": (
            "def grow(n):\n    xs = [0]\n    while len(xs) != n:\n        xs += xs + [0]\n"
            "    return len(xs)\n"
        ),
        "test_grow.py": "from grow import grow\n\n\ndef test_it():\n    assert grow(5) == 5\n",
    }
    put(sandbox, files)
    only = RepairSearch(
        sandbox,
        sandbox.python,
        REPO,
        ["grow.py"],
        ["test_grow.py::test_it"],
        timeout=1.0,
        memory_bytes=3 * 10**8,
    )
    found = only.advance(0, SECONDS, 400)
    assert found.plausible is not None
    put(sandbox, {**files, "grow.py": found.plausible.content.decode()})
    assert run_suite(sandbox) == 0


def test_a_search_that_runs_out_of_memory_says_so(
    docker_client: DockerClient, environment_image: str
) -> None:
    files = {
        "calc.py": "".join(f"x{n} = 1 + 2\n" for n in range(100_000)),
        "test_calc.py": "def test_it():\n    assert 0\n",
    }
    limits = SandboxLimits(memory_bytes=256 * 2**20, disk_bytes=64 * 2**20)
    with DockerSandbox(environment_image, limits, client=docker_client, python=PYTHON) as small:
        put(small, files)
        only = RepairSearch(small, small.python, REPO, ["calc.py"], ["test_calc.py::test_it"])
        with pytest.raises(RepairError, match="the repair search inside the sandbox ran out of memory"):
            only.advance(0, SECONDS, 100)


def test_seconds_are_a_hard_limit_and_the_tree_is_put_back(sandbox: DockerSandbox) -> None:
    files = {
        "slow.py": "import time\n\n\ndef slow():\n    time.sleep(1.5)\n    return 1\n",
        "test_slow.py": "from slow import slow\n\n\ndef test_it():\n    assert slow() == 2 - 5\n",
    }
    put(sandbox, files)
    only = RepairSearch(sandbox, sandbox.python, REPO, ["slow.py"], ["test_slow.py::test_it"], timeout=30.0)
    found = only.advance(0, 6.0, 1000)
    assert not found.exhausted and found.next_index < 1000
    assert only.prepare(6.0).seconds_per_candidate > 1
    assert sandbox.read(f"{REPO}/slow.py") == files["slow.py"].encode()


def test_only_the_given_files_are_edited(sandbox: DockerSandbox) -> None:
    """The only easy way to green is to edit the test; the search never does."""
    files = {
        "calc.py": "def one():\n    return 1\n",
        "test_calc.py": (
            "from calc import one\n\nWANT = 'x'\n\n\ndef test_it():\n    assert one() == WANT * 2 + 'yz'\n"
        ),
    }
    put(sandbox, files)
    only = RepairSearch(sandbox, sandbox.python, REPO, ["calc.py"], ["test_calc.py::test_it"], timeout=2.0)
    found = only.advance(0, SECONDS, 10**6)
    assert found.plausible is None
    assert found.exhausted


def test_targets_or_a_command_not_both(sandbox: DockerSandbox) -> None:
    with pytest.raises(ValueError, match="either"):
        RepairSearch(sandbox, sandbox.python, REPO, ["a.py"], ["t.py::t"], command=["true"])


def test_a_pytest_that_cannot_start_is_an_error_not_a_search(sandbox: DockerSandbox) -> None:
    files = {
        "calc.py": "def one():\n    return 2\n",
        "conftest.py": "def pytest_sessionstart(session):\n    raise RuntimeError('no session here')\n",
        "test_calc.py": "from calc import one\n\n\ndef test_it():\n    assert one() == 1\n",
    }
    put(sandbox, files)
    only = RepairSearch(sandbox, sandbox.python, REPO, ["calc.py"], ["test_calc.py::test_it"], timeout=2.0)
    with pytest.raises(RepairError, match="before any test"):
        only.advance(0, SECONDS, 100)
