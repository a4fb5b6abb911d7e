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

from packaging.specifiers import SpecifierSet
from rich.text import Text

from agent import ladder
from agent.errors import AgentError
from agent.settings import Resolved, resolve, state_folder, user_file
from agent.units import show_size
from sandboxes.backend import Backend
from sandboxes.choose import choose_backend
from sandboxes.host import quiet
from sandboxes.interface import RunRequest, SandboxError
from tools.host_git import GitError, git
from tools.plain import plain

KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
PACKAGES = ("docker", "openai", "anthropic", "gitpython", "pydantic", "numpy")
LEAST_DISK = 2 * 10**9
"""Bytes: a base image, an environment and a trace need less."""


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
    """Look at everything; `sandbox` as in `agent fix --sandbox`. Never raises for what is missing."""
    resolved, configuration = _configuration(sandbox)
    checks = [_versions(), _git(), configuration, _state(), _disk("state folder", state_folder())]
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


def _state() -> Check:
    folder = state_folder()
    there = _existing(folder)
    if os.access(there, os.W_OK | os.X_OK):
        return Check("permissions", Status.OK, f"traces go to {folder}")
    return Check(
        "permissions", Status.MISSING, f"no permission to write to {there}: mend that, or use --trace"
    )


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
        return [*checks, *_image(backend, asked.image)]
    except SandboxError as error:
        return [Check("sandbox", Status.MISSING, str(error))]
    finally:
        backend.close()


def _image(backend: Backend, named: str) -> list[Check]:
    """Whether the image is there and a sandbox of it runs a command."""
    try:
        if named:
            backend.take(named, quiet)
        image = named or backend.base_at_hand(SpecifierSet())
        if not image:
            found = "no base image yet; the first run makes it (`python -P -m sandboxes.setup` does it now)"
            return [Check("image", Status.NOTE, found)]
        started = time.monotonic()
        with backend.sandbox(image) as sandbox:
            result = sandbox.run(RunRequest(("python3", "--version"), timeout=60))
        milliseconds = 1000 * (time.monotonic() - started)
    except SandboxError as error:
        return [Check("image", Status.MISSING, str(error))]
    if result.exit_code != 0:
        return [Check("image", Status.MISSING, f"{image} has no python3; the sandbox needs one")]
    said = result.stdout.decode("utf-8", "replace").strip()
    return [Check("image", Status.OK, f"{image}: {said}, started and ended in {milliseconds:.0f} ms")]


def _key(name: str) -> Check:
    if os.environ.get(name):
        return Check(name, Status.NOTE, "present")
    return Check(name, Status.NOTE, "not present; the embedded repair tier needs none")
