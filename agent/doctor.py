"""`agent doctor`: what `agent fix` needs on this machine, each thing ok or with the way to mend it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import get_args

from packaging.specifiers import SpecifierSet
from rich.text import Text

from agent import ladder
from agent.errors import AgentError, UsageError
from agent.sandbox_limits import USUAL, changed, check_machine, show_limits
from agent.settings import Resolved, resolve, state_folder
from agent.sources import user_file
from agent.units import show_size
from sandboxes.backend import Backend
from sandboxes.choose import choose_backend
from sandboxes.host import quiet
from sandboxes.interface import RunRequest, SandboxError, SandboxLimits, Wanted
from tools.endings import exit_words
from tools.host_git import GitError, git
from tools.plain import plain

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
PACKAGES = ("docker", "openai", "anthropic", "gitpython", "pydantic", "numpy")
LEAST_DISK = 2 * 10**9
"""Bytes: a base image, an environment and a trace need less."""

TRIAL_SECONDS = 60.0


class Status(StrEnum):
    """`note`: nothing that would keep `agent fix` from running."""

    OK = "ok"
    NOTE = "note"
    MISSING = "missing"


@dataclass(frozen=True)
class Check:
    """One thing looked at, and what was found; for a missing one, with how to mend it."""

    subject: str
    status: Status
    found: str


def examine(sandbox: str | None) -> tuple[Check, ...]:
    """Look at everything; `sandbox` as in `agent fix --sandbox`. Never raises for what is missing.

    Raises UsageError for a sandbox that there is none of."""
    if sandbox is not None and sandbox not in (choices := get_args(Wanted)):
        raise UsageError(f"--sandbox: '{sandbox}' is none of {', '.join(choices)}")
    resolved, configuration = _configuration(sandbox)
    checks = [_versions(), _git(), configuration, *_state()]
    if resolved is not None:
        checks += _sandboxes(resolved)
    return (*checks, *(_key(name) for name in KEYS))


def fit(checks: tuple[Check, ...]) -> bool:
    """Whether `agent fix` could run."""
    return all(check.status is not Status.MISSING for check in checks)


def line(check: Check) -> Text:
    """A check as one line."""
    style = {Status.OK: "green", Status.NOTE: "", Status.MISSING: "bold red"}[check.status]
    return Text.assemble((f"{check.status:<8}", style), f"{check.subject}: {plain(check.found)}")


def _versions() -> Check:
    python = ".".join(map(str, sys.version_info[:3]))
    found, absent = [f"marginal-agent {version('marginal-agent')}", f"Python {python}"], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            absent.append(name)
    if absent:
        return Check("versions", Status.MISSING, f"{', '.join(absent)} not installed: install this again")
    return Check("versions", Status.OK, ", ".join(found))


def _git() -> Check:
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = git("--version", git_dir=Path(folder))
    except GitError as error:
        return Check("git", Status.MISSING, str(error))
    return Check("git", Status.OK, found.decode().strip())


def _configuration(sandbox: str | None) -> tuple[Resolved | None, Check]:
    try:
        resolved = resolve({"sandbox": sandbox}, None)
        ladder.build(resolved)
    except AgentError as error:
        return None, Check("configuration", Status.MISSING, str(error))
    where = str(user_file()) if user_file().is_file() else "defaults, no file"
    return resolved, Check("configuration", Status.OK, f"{where}; tiers: {', '.join(resolved.tier_names)}")


def _state() -> list[Check]:
    """Whether a trace can be written: tried, as permissions do not tell (/proc, a read-only disk)."""
    folder = state_folder()
    there = _existing(folder)
    try:
        with tempfile.TemporaryDirectory(dir=there) as trial:
            (Path(trial) / "trace").write_bytes(b"x")
    except OSError as error:
        why = f"nothing can be written in {there} ({error.strerror})"
        mend = "mend that, have XDG_STATE_HOME name another folder, or use --trace"
        return [Check("permissions", Status.MISSING, f"{why}: {mend}")]
    return [Check("permissions", Status.OK, f"traces go to {folder}"), _disk("state folder", there)]


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there and may be looked at."""
    return next(each for each in (folder, *folder.parents) if os.access(each, os.F_OK))


def _disk(subject: str, folder: Path) -> Check:
    there = _existing(folder)
    free = shutil.disk_usage(there).free
    if free < LEAST_DISK:
        mend = "free some, for example with `agent env prune`"
        return Check("disk", Status.MISSING, f"{subject}: only {show_size(free)} free: {mend}")
    return Check("disk", Status.OK, f"{subject}: {show_size(free)} free")


def _sandboxes(resolved: Resolved) -> list[Check]:
    asked = resolved.sandbox
    try:
        backend = choose_backend(asked.backend, runtime=asked.runtime)
    except SandboxError as error:
        return [Check("sandbox", Status.MISSING, str(error))]
    try:
        why = (
            " (no container engine answers)"
            if (asked.backend, backend.name) == ("auto", "bubblewrap")
            else ""
        )
        checks = [Check("sandbox", Status.OK, f"{backend.name}: {backend.description}{why}")]
        checks += [_disk(f"storage of {backend.name}", folder) for folder in backend.storage()]
        if asked.dockerfile and not Path(asked.dockerfile).is_file():
            checks.append(Check("dockerfile", Status.MISSING, f"{asked.dockerfile} is not a file"))
        return [*checks, *_trial(backend, asked.image, asked.limits)]
    except SandboxError as error:
        return [Check("sandbox", Status.MISSING, str(error))]
    finally:
        backend.close()


def _trial(backend: Backend, named: str, limits: SandboxLimits) -> list[Check]:
    """Whether the image is there, and a sandbox of it runs a command within the limits."""
    try:
        check_machine(limits, backend.machine())
        if named:
            backend.take(named, quiet)
        image = named or backend.base_at_hand(SpecifierSet())
    except UsageError as error:
        return [Check("limits", Status.MISSING, str(error))]
    except SandboxError as error:
        return [Check("image", Status.MISSING, str(error))]
    if not image:
        found = "no base image yet; the first run makes it (`python -P -m sandboxes.setup` does it now)"
        return [Check("image", Status.NOTE, found)]
    asked, problem = show_limits(limits), ""
    try:
        said = f"{image}: {_try(backend, image, limits)}"
    except SandboxError as error:
        problem = str(error)
    if problem and changed(limits):
        try:
            said = f"{image}: {_try(backend, image, USUAL)}"
        except SandboxError:
            pass  # then the limits are not what is wrong
        else:
            mend = f"no sandbox starts with {asked}: {problem}: change {' or '.join(changed(limits))}"
            return [Check("image", Status.OK, said), Check("limits", Status.MISSING, mend)]
    if problem:
        return [Check("image", Status.MISSING, problem)]
    bounds = Check("limits", Status.OK, asked)
    if backend.unbounded:
        bounds = Check("limits", Status.NOTE, f"{asked}; {backend.unbounded}")
    return [Check("image", Status.OK, said), bounds]


def _try(backend: Backend, image: str, limits: SandboxLimits) -> str:
    """What the interpreter of a sandbox of the image says, and how long that took. Raises SandboxError."""
    started = time.monotonic()
    with backend.sandbox(image, limits) as sandbox:
        result = sandbox.run(RunRequest(("python3", "--version"), timeout=TRIAL_SECONDS))
    milliseconds = 1000 * (time.monotonic() - started)
    if result.exit_code != 0:
        raise SandboxError(f"python3 does not run in a sandbox of {image} ({exit_words(result)})")
    said = result.stdout.decode("utf-8", "replace").strip()
    return f"{said}, started and ended in {milliseconds:.0f} ms"


def _key(name: str) -> Check:
    if os.environ.get(name):
        return Check(name, Status.NOTE, "present")
    return Check(name, Status.NOTE, "not present; the embedded repair tier needs none")
