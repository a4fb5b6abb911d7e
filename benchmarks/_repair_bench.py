"""Where the cases of `benchmarks.repair` run: environments by tree, and sandboxes with a tree in them."""

from __future__ import annotations

import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.environment import environment_of
from agent.task import SandboxSettings
from agent.world import unpack_generated
from sandboxes.backend import Backend
from sandboxes.choose import choose_backend
from sandboxes.environments import Environment
from sandboxes.interface import REPO, Sandbox, SandboxLimits, Wanted
from tools.base import take_base
from tools.inside_files import inside_files
from tools.testing import PytestRunner, RunLimits
from tools.verdicts import SuiteRun

BUILD_SECONDS = 900.0
SUITE_SECONDS = 600.0


@dataclass
class Bench:
    """Environments, each built once, of the trees without their defect: what a defect does to the
    installation is not measured here. Safe for several threads."""

    wanted: Wanted
    environments: dict[str, Environment] = field(default_factory=dict)
    _known: dict[str, frozenset[str]] = field(default_factory=dict)
    _building: threading.Lock = field(default_factory=threading.Lock)

    def backend(self) -> Backend:
        """A connection of one's own. Raises SandboxError."""
        return choose_backend(self.wanted)

    def environment(self, name: str, tree: Mapping[str, bytes]) -> Environment:
        """The environment `name`, built for this tree unless it is known. Raises ImageError, SandboxError."""
        with self._building:
            if name not in self.environments:
                self.environments[name] = self._build(name, tree)
            return self.environments[name]

    def _build(self, name: str, tree: Mapping[str, bytes]) -> Environment:
        settings = SandboxSettings(backend=self.wanted)
        with TemporaryDirectory(prefix="repair-benchmark-") as scratch, closing(self.backend()) as backend:
            base = take_base(write(tree, Path(scratch) / name))
            return environment_of(backend, base, settings, BUILD_SECONDS, lambda _: None)

    @contextmanager
    def sandbox(self, environment: Environment, tree: Mapping[str, bytes]) -> Iterator[Sandbox]:
        """A fresh sandbox with the tree in its work area. Raises SandboxError."""
        with (
            closing(self.backend()) as backend,
            backend.sandbox(environment.image, SandboxLimits(), python=environment.python) as started,
        ):
            started.install_inside(inside_files())
            if environment.generated:
                unpack_generated(started, environment.generated)
            started.put_tar(REPO, _tar(tree))
            yield started

    def passing(self, name: str, environment: Environment, tree: Mapping[str, bytes]) -> frozenset[str]:
        """Tests that pass in the tree, cold in a fresh sandbox; remembered under `name` if it has one.

        Raises SandboxError.
        """
        if name in self._known:
            return self._known[name]
        with self.sandbox(environment, tree) as sandbox:
            run = run_suite(sandbox, SUITE_SECONDS)
        found = frozenset(test for test in run.collected if run.passed(test))
        if name:
            self._known[name] = found
        return found


def run_suite(sandbox: Sandbox, seconds: float, per_test: float = 30.0) -> SuiteRun:
    """The whole suite, cold."""
    limits = RunLimits(seconds=seconds, per_test_seconds=per_test)
    return PytestRunner(sandbox, sandbox.python).run(None, limits)


def write(tree: Mapping[str, bytes], folder: Path) -> Path:
    """Write a tree into a folder; returns the folder."""
    for path, data in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def _tar(tree: Mapping[str, bytes]) -> bytes:
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, data in sorted(tree.items()):
            member = tarfile.TarInfo(path)
            member.size, member.mtime = len(data), 1_700_000_000
            tar.addfile(member, BytesIO(data))
    return packed.getvalue()
