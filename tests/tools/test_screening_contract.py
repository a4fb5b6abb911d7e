"""Fork verdicts against cold ones: whatever way a candidate was screened, a cold run says the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest
from docker import DockerClient
from screening_cases import Case
from screening_cases_code import CODE
from screening_cases_process import PROCESS
from screening_cases_suites import TESTS

from sandboxes.building import PYTHON
from sandboxes.docker import DockerSandbox
from sandboxes.docker_backend import DockerBackend
from sandboxes.interface import REPO
from tools.files import FileEdit, apply
from tools.inside_files import inside_files
from tools.screening import Screen
from tools.testing import PytestRunner, RunLimits

pytestmark = pytest.mark.docker
MEMORY = 600_000_000
ENV = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}


@pytest.fixture(scope="module")
def shared(docker_client: DockerClient, environment_image: str) -> Iterator[DockerSandbox]:
    """One sandbox for all cases: its tree is replaced for each."""
    with DockerBackend(docker_client).sandbox(environment_image, python=PYTHON) as started:
        started.install_inside(inside_files())
        yield started


@pytest.mark.parametrize("case", [*TESTS, *CODE, *PROCESS], ids=lambda case: case.name)
def test_no_fork_says_otherwise_than_a_cold_run(shared: DockerSandbox, case: Case) -> None:
    shared.remove(REPO)
    for path, text in case.tree().items():
        shared.write(f"{REPO}/{path}", text.encode())
    pristine = shared.checkpoint(REPO)
    # There and back: what the first half taught the server must not mislead it in the second.
    labels = [*case.candidates, *reversed(case.candidates)]
    candidates = [(edit_of(case, label),) for label in labels]
    screen = Screen(
        shared,
        PYTHON,
        REPO,
        case.targets,
        affected=case.affected,
        timeout=case.seconds,
        memory_bytes=MEMORY,
        pristine=pristine,
    )
    found = screen.screen(candidates, 240.0)
    for path, text in case.tree().items():
        assert shared.read(f"{REPO}/{path}") == text.encode(), "the tree must be as it was"

    truth = {label: cold(shared, case, label, pristine) for label in case.candidates}
    assert not truth["wrong"]
    assert len(found.verdicts) == len(labels)
    for screened in found.verdicts:
        label = labels[screened.index]
        assert (screened.verdict == "passed") is truth[label], (label, screened, found.unforkable)
        assert screened.verdict != "unsafe"
    assert bool(found.unforkable) != case.forked, found.unforkable


def edit_of(case: Case, label: str) -> FileEdit:
    path, content = case.edit(label)
    return FileEdit(str(PurePosixPath(path)), None if content is None else content.encode())


def cold(sandbox: DockerSandbox, case: Case, label: str, pristine: str) -> bool:
    """Whether the targets, then the affected tests, pass in fresh processes."""
    runner = PytestRunner(sandbox, PYTHON, env=ENV)
    limits = RunLimits(60.0, case.seconds, MEMORY)
    apply(sandbox, REPO, [edit_of(case, label)])
    try:
        for ids in (case.targets, case.affected):
            run = runner.run(ids, limits) if ids else None
            if run is not None and not (run.complete and all(run.passed(test) for test in ids)):
                return False
        return True
    finally:
        sandbox.restore(pristine)
