"""What the live effects hold on to: the base, the environment, the sandbox and what runs in it.

Everything here can be made anew from the trace's events and the user's tree, so a resumed run starts with
an empty world and fills it as it needs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from agent.errors import UsageError
from agent.events import Settings
from agent.state import State
from agent.tiers.interface import Tier
from sandboxes.docker import DockerSandbox
from sandboxes.environments import Environment
from sandboxes.interface import REPO, SandboxError, SandboxLimits
from tools.base import Base, BaseError, take_base
from tools.command_tests import CommandRunner
from tools.files import FileEdit
from tools.inside_files import inside_files
from tools.protected import Protection
from tools.repair.localise import Localisation
from tools.testing import PytestRunner, RunLimits, TestRunner
from tools.verdicts import SuiteRun, Verdict, VerdictKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.repairing import Searching

LOCALISATION: TypeAdapter[Localisation] = TypeAdapter(Localisation)
BACKEND = "docker"
LEAST_SECONDS = 0.1
PER_TEST_SECONDS = 30.0
"""Bound of one test; a buggy loop may hang for ever."""

COLLECT_SECONDS = 60.0
MEMORY_SHARE = 0.6
"""Share of the sandbox's memory that one test process may take; the rest is for the work area and us."""


@dataclass
class World:
    """Handles that live outside the trace. `say` shows progress; `store`/`load` are the trace's blobs;
    `finish_by` (monotonic seconds) is when the time reserved for the step under way ends."""

    settings: Settings
    tiers: dict[str, Tier]
    say: Callable[[str], None]
    store: Callable[[bytes], str]
    load: Callable[[str], bytes]
    trace_folder: Path
    holds_secret: Callable[[bytes], bool]
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    finish_by: float = math.inf
    base: Base | None = None
    environment: Environment | None = None
    sandbox: DockerSandbox | None = None
    pristine: str = ""
    searching: Searching | None = None
    protection: Protection | None = None

    @property
    def left(self) -> float:
        """Seconds left of what was reserved for the step under way; never quite nothing, so that a limit
        made of it is a limit."""
        return max(LEAST_SECONDS, self.finish_by - time.monotonic())

    def take_base(self) -> Base:
        """The base, taken once. Raises UsageError."""
        if self.base is None:
            try:
                self.base = take_base(Path(self.settings.repository), leave_out=(self.trace_folder,))
            except BaseError as error:
                raise UsageError(str(error)) from None
        return self.base

    def base_of(self, state: State) -> Base:
        """The base of this run; after a resume it must still be the recorded one. Raises UsageError."""
        base = self.take_base()
        if state.intake is not None and base.tree_hash != state.intake.tree_hash:
            raise UsageError(
                f"{base.root} has changed since the trace was begun (tree {base.tree_hash[:12]}, "
                f"recorded {state.intake.tree_hash[:12]}); start a new run"
            )
        return base

    def new_sandbox(self, base: Base, environment: Environment) -> DockerSandbox:
        """A started sandbox with the base in `/workspace/repo` and our own code inside."""
        sandbox = DockerSandbox(environment.image, self.limits, python=environment.python)
        sandbox.start()
        try:
            sandbox.install_inside(inside_files())
            if environment.generated:
                sandbox.put_tar(REPO, environment.generated)
            sandbox.put_tar(REPO, base.tar())  # the base has the last word
        except BaseException:
            sandbox.stop()
            raise
        return sandbox

    def enter(self, base: Base, environment: Environment) -> None:
        """Start the sandbox that steps work in, and keep its work area as it is now."""
        self.environment, self.searching = environment, None
        self.sandbox = self.new_sandbox(base, environment)
        try:
            self.pristine = self.sandbox.checkpoint(REPO)
        except ValueError as error:
            raise SandboxError(f"the repository is too large for the sandbox: {error}") from error

    def runner(self, sandbox: DockerSandbox) -> TestRunner:
        """What runs the tests of this repository."""
        if self.settings.tests_command:
            return CommandRunner(sandbox, self.settings.tests_command, repo=REPO)
        return PytestRunner(sandbox, sandbox.python, repo=REPO)

    def run_tests(
        self, sandbox: DockerSandbox, ids: tuple[str, ...] | None, seconds: float, doing: str = "tests"
    ) -> SuiteRun:
        """Run these tests (None: all) within `seconds`, showing progress."""

        def progress(verdict: Verdict, done: int, total: int) -> None:
            del verdict
            self.say(f"{doing}: {done} of {total}" if total else f"{doing}: {done}")

        return self.runner(sandbox).run(ids, self.run_limits(seconds), progress)

    def run_limits(self, seconds: float) -> RunLimits:
        """Bounds of a test run that may take `seconds` in all."""
        return RunLimits(
            seconds=seconds,
            per_test_seconds=min(PER_TEST_SECONDS, seconds),
            memory_bytes=self.memory_bytes,
            collect_seconds=min(COLLECT_SECONDS, seconds),
        )

    def verdict_key(self, tree: str, ids: tuple[str, ...] | None) -> str:
        """Digest of what a cold run's verdicts depend on (hard rule 5)."""
        assert self.sandbox is not None
        return VerdictKey(
            tree=tree,
            ids=ids,
            command=self.runner(self.sandbox).command,
            image=self.sandbox.image_digest,
            interpreter=self.sandbox.python,
            limits=self.run_limits(math.inf).key,
            backend=BACKEND,
            mode="cold",
        ).digest

    @property
    def memory_bytes(self) -> int:
        """Bound of one test process."""
        return int(self.limits.memory_bytes * MEMORY_SHARE)

    @contextmanager
    def edited(self, sandbox: DockerSandbox, edits: tuple[FileEdit, ...]) -> Iterator[None]:
        """The work area with a candidate in it, put back afterwards whatever the tests left behind."""
        try:
            write_edits(sandbox, edits)
            yield
        finally:
            if sandbox.alive():
                sandbox.restore(self.pristine)

    def close(self) -> None:
        """Stop the sandbox. Safe to call more than once."""
        if self.sandbox is not None:
            self.sandbox.stop()
            self.sandbox = None


def write_edits(sandbox: DockerSandbox, edits: tuple[FileEdit, ...]) -> None:
    """Put whole-file edits into the work area."""
    for edit in edits:
        if edit.content is None:
            sandbox.remove(f"{REPO}/{edit.path}")
        else:
            sandbox.write(f"{REPO}/{edit.path}", edit.content)
