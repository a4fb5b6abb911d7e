"""One build of an environment: fetch what is declared, install it offline, then the project on top."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandboxes.backend import Backend, Builder, Facts
from sandboxes.bases import ENV, WHEELS
from sandboxes.fetch_policy import FetchPolicy, fetch_policy
from sandboxes.fetching import run_fetching
from sandboxes.generated import NOTHING, generated_files
from sandboxes.host import Progress
from sandboxes.interface import REPO, WORK, ImageError, RunRequest, RunResult, SandboxLimits
from sandboxes.pip_settings import PipSettings, read_pip_settings
from sandboxes.requirements import Declarations

PYTHON = f"{ENV}/bin/python"
GENERATED = f"{ENV}/.generated.tar"
"""Tar of files that installing wrote into the repository, within the image."""

_ALWAYS = ("pip", "pytest", "coverage")
_LIMITS = SandboxLimits(memory_bytes=4 * 2**30, disk_bytes=2 * 2**30, processes=512)
_FETCH_SECONDS = 900.0
_INSTALL_SECONDS = 900.0
_TAIL = 4000
_NOTE_LINES, _NOTE_WIDTH = 15, 160
_NOTES = 20_000  # bytes of all notes as JSON: in base64 they have to fit into a label of an engine, 64 KB
# What pip prints around the reason of a failed build, which says nothing of it.
_AROUND = re.compile(
    r"(?:note: This |hint: See |\[end of output\]|╰─> |ERROR: Failed |× Failed to build|× Encountered"
    r"|error: (?:subprocess-exited-with-error|metadata-generation-failed|failed-wheel-build)"
    r"|Looking in links: |Obtaining |.*: (?:started|finished with status '\w+')$)"
)
_MOST_MISSING = 5
# What another choice of versions could mend; anything else (a time-out) would be kept as if it were so.
_UNRESOLVABLE = re.compile(r"ResolutionImpossible|No matching distribution|conflict", re.IGNORECASE)
_MISSING = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")
_WANTED = f"{WORK}/wanted.txt"
_LOCKED = f"{WORK}/locked.txt"
_CERTIFICATES = f"{WORK}/certificates.pem"
# pip can run from its own wheel, which is how the environment gets it.
_FETCHED_PIP = ("sh", "-c", f'PYTHONPATH=$(echo {WHEELS}/pip-*.whl) exec {PYTHON} -m pip "$@"', "pip")
_OFFLINE = ("install", "--no-index", "--find-links", WHEELS)
# A version that comes from git tags cannot be had from a copy without history: these tools are told it.
_TELLS_VERSION = (
    "SETUPTOOLS_SCM_PRETEND_VERSION",
    "PDM_BUILD_SCM_VERSION",
    "PBR_VERSION",
    "POETRY_DYNAMIC_VERSIONING_BYPASS",
    "UV_DYNAMIC_VERSIONING_BYPASS",
    "VERSIONINGIT_DEFAULT_VERSION",
)


@dataclass(frozen=True)
class _Fetch:
    """How to fetch: with the user's settings for pip, from where the policy allows."""

    settings: PipSettings
    policy: FetchPolicy
    source_distributions: bool


class Build:
    """One build: the two phases, with the log and the notes they leave. `known`: notes from before it, which
    come after its own."""

    def __init__(
        self,
        backend: Backend,
        declarations: Declarations,
        made_for: str,
        finish_by: float,
        progress: Progress,
    ) -> None:
        self.backend = backend
        self.declarations = declarations
        self.made_for = made_for
        self.finish_by = finish_by
        self.progress = progress
        self.notes: list[str] = []
        self.known = declarations.notes
        self.log = ""
        self.can_build = declarations.installable

    @property
    def tail(self) -> str:
        """The end of what the build printed."""
        return self.log[-_TAIL:]

    def make_requirements(self, base: str, name: str, source_distributions: bool) -> None:
        """Fetch what is declared and install it, without anything of the repository; keep it as `name`."""
        environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "TMPDIR": WHEELS}
        with self.backend.builder(base, _LIMITS, environment=environment) as builder:
            # Asked before anything fetched could have a say in it.
            settings = read_pip_settings()
            policy = fetch_policy(builder, settings)
            wanted = self._fetch(builder, _Fetch(settings, policy, source_distributions))
            self.progress("installing the requirements")
            self._must(builder, ["python3", "-m", "venv", "--without-pip", ENV])
            self._write_requirements(builder, wanted)
            result = self._run(builder, [*_FETCHED_PIP, *_OFFLINE, "--no-compile", "--requirement", _WANTED])
            if result.exit_code != 0:
                raise ImageError("the fetched requirements could not be installed", self.tail)
            # Not by pip, which compiles one file after another. What does not compile is not an error.
            self._run(builder, [PYTHON, "-m", "compileall", "-q", "-j", "0", f"{ENV}/lib"])
            self._must(builder, ["sh", "-c", f"rm -rf {WHEELS}/* {WHEELS}/.[!.]*"])
            builder.keep(name, self._facts("requirements", False))

    def _fetch(self, builder: Builder, how: _Fetch) -> tuple[str, ...]:
        """Download what is declared, all resolved together so that the repository's pins hold.

        Returns what was fetched. Locked versions, and what the project is built with, are given up in that
        order where nothing can be found otherwise.
        """
        declared = self.declarations
        needed = (*declared.requirements, *_ALWAYS)
        everything = (*needed, *declared.build_requirements)
        locked = declared.constraints
        self.progress(f"fetching {len(declared.requirements)} requirements, pytest and coverage")
        if self._download(builder, everything, locked, how):
            return everything
        if not _UNRESOLVABLE.search(self.log):
            raise ImageError("the requirements could not be fetched: see the end of pip's output", self.tail)
        if locked and self._download(builder, everything, (), how):
            self.notes.append("the locked versions cannot be had together here; newer ones are used")
            return everything
        if declared.build_requirements and self._download(builder, needed, (), how):
            self._give_up_building(", ".join(declared.build_requirements), how)
            return needed
        fewer = self._without_what_is_missing(builder, everything, how)
        if fewer:
            return fewer
        mend = "mend them" if how.source_distributions else "mend them, use --allow-source-distributions"
        raise ImageError(
            f"the requirements could not be fetched as wheels: {mend}, or name an image with --image",
            self.tail,
        )

    def _without_what_is_missing(
        self, builder: Builder, wanted: tuple[str, ...], how: _Fetch
    ) -> tuple[str, ...]:
        """What can be had when requirements that pip finds no distribution of are left out; () if nothing.

        The tests asked about may do without, and if not, say so themselves."""
        built_with = self.declarations.build_requirements
        for _ in range(_MOST_MISSING):
            found = _MISSING.findall(self.log)
            name = canonicalize_name(found[-1]) if found else ""
            fewer = tuple(line for line in wanted if canonicalize_name(Requirement(line).name) != name)
            if len(fewer) == len(wanted) or name in _ALWAYS:
                return ()
            wanted = fewer
            if name in {canonicalize_name(Requirement(line).name) for line in built_with}:
                self._give_up_building(name, how)
            else:
                what = "source or wheel" if how.source_distributions else "wheel"
                self.notes.append(
                    f"left out: pip finds no {what} of {name} here (is the name right?){_also_sources(how)}"
                )
            if self._download(builder, wanted, (), how):
                return wanted
        return ()

    def _give_up_building(self, lacking: str, how: _Fetch) -> None:
        self.notes.append(
            f"what the project is built with could not be had ({lacking}); it is used uninstalled"
            f"{_also_sources(how)}"
        )
        self.can_build = False

    def _download(
        self,
        builder: Builder,
        wanted: tuple[str, ...],
        constraints: tuple[str, ...],
        how: _Fetch,
    ) -> bool:
        """Whether pip could fetch the wanted requirements, through the relay: a builder has no network."""
        command = ["python3", "-m", "pip", "download", "--only-binary=:all:", "--dest", WHEELS]
        if how.source_distributions:
            command = ["python3", "-m", "pip", "wheel", "--wheel-dir", WHEELS]
        environment = dict(how.settings.environment)
        if how.settings.certificates:
            environment["PIP_CERT"] = _CERTIFICATES
            builder.write(_CERTIFICATES, how.settings.certificates)
        self._write_requirements(builder, wanted)
        if constraints:
            builder.write(_LOCKED, _lines(constraints))
            command += ["--constraint", _LOCKED]
        request = RunRequest(
            argv=(*command, "--requirement", _WANTED),
            timeout=self._bounded(_FETCH_SECONDS),
            env=environment,
        )
        fetched = run_fetching(builder, request, how.policy)
        self.notes += (f"fetching was refused what lies outside: {refused}" for refused in fetched.refused)
        return self._logged(fetched.result, request).exit_code == 0

    def _write_requirements(self, builder: Builder, wanted: tuple[str, ...]) -> None:
        """To a file, where no requirement can be taken for an option."""
        builder.write(_WANTED, _lines(wanted))

    def make_environment(
        self, requirements: str, tree_tar: bytes, version: str, setup_command: str | None, name: str
    ) -> None:
        """Install the repository on top of its requirements; keep the result as `name`."""
        environment = dict.fromkeys(_TELLS_VERSION, version)
        with self.backend.builder(requirements, _LIMITS, environment=environment) as builder:
            try:
                builder.put_tar(REPO, tree_tar)
            except (OSError, ValueError) as error:
                raise ImageError(f"the repository cannot be put into the sandbox: {error}") from error
            installed = self.declarations.installable and self._install_project(builder)
            if setup_command is not None:
                self.progress(f"running the setup command: {setup_command}")
                command = ("sh", "-c", setup_command)
                self._must(builder, command, cwd=REPO, called=f"the setup command '{setup_command}'")
            self._keep_generated(builder, tree_tar)
            self.progress("keeping the environment")
            builder.keep(name, self._facts("environment", installed))

    def _facts(self, kind: Literal["requirements", "environment"], installed: bool) -> Facts:
        notes, room = (*self.notes, *self.known), _NOTES
        for position, note in enumerate(notes):
            room -= len(json.dumps(note, ensure_ascii=False).encode("utf-8", "surrogatepass"))
            if room < 0:
                notes = (*notes[:position], "more was noted, not kept")
                break
        return Facts(kind, self.made_for, self.can_build, installed, notes)

    def _install_project(self, builder: Builder) -> bool:
        """Install the repository in place; where that fails, put its source folder on the path instead."""
        self.progress("installing the project")
        if self.can_build:
            options = ("--no-deps", "--no-build-isolation", "--editable", REPO)
            command = [PYTHON, "-m", "pip", *_OFFLINE, *options]
            before = len(self.log)
            if self._run(builder, command).exit_code == 0:
                return True
            why = _end_of(self.log[before:])
            self.notes.append(f"the project could not be installed; its source folder is on the path{why}")
        script = (
            "import os, sys, sysconfig\n"
            "source = sys.argv[1] + '/src'\n"
            "line = source if os.path.isdir(source) else sys.argv[1]\n"
            "open(sysconfig.get_path('purelib') + '/repository.pth', 'w').write(line + '\\n')\n"
        )
        self._must(builder, [PYTHON, "-c", script, REPO])
        return False

    def _keep_generated(self, builder: Builder, tree_tar: bytes) -> None:
        """Store in the image what installing wrote into the repository, which lies in memory only."""
        try:
            generated = generated_files(tree_tar, builder.export(REPO, max_bytes=2**30))
        except (OSError, ValueError) as error:
            self.notes.append(f"what installing wrote into the repository is not kept: {str(error)[:200]}")
            generated = NOTHING
        builder.write(f"{WORK}/generated.tar", generated)
        self._must(builder, ["cp", f"{WORK}/generated.tar", GENERATED])

    def _run(
        self,
        builder: Builder,
        command: Sequence[str],
        *,
        cwd: str = WORK,
        timeout: float = _INSTALL_SECONDS,
    ) -> RunResult:
        request = RunRequest(tuple(command), timeout=self._bounded(timeout), cwd=cwd)
        return self._logged(builder.run(request), request)

    def _bounded(self, timeout: float) -> float:
        """`timeout`, or what is left if that is less. Raises ImageError when nothing is."""
        left = self.finish_by - time.monotonic()
        if left <= 0:
            raise ImageError("there is no time left to build the environment", self.tail)
        return min(timeout, left)

    def _logged(self, result: RunResult, request: RunRequest) -> RunResult:
        self.log += (result.stdout + result.stderr).decode(errors="replace")
        for happened, note in (
            (result.timed_out, f"stopped after {request.timeout:.0f} s"),
            (result.out_of_memory, "out of memory"),
            (result.disk_full, "no space left"),
        ):
            self.log += f"[{note}]\n" if happened else ""
        return result

    def _must(self, builder: Builder, command: Sequence[str], *, cwd: str = WORK, called: str = "") -> None:
        result = self._run(builder, command, cwd=cwd)
        if result.exit_code != 0:
            shown = command[-1] if command[0] == "sh" else command[0]
            raise ImageError(f"{called or shown} failed with exit code {result.exit_code}", self.tail)


def _end_of(output: str) -> str:
    """The lines at the end of pip's output that give its reason, each indented on a line of its own."""
    lines = [line for line in output.splitlines() if line.strip() and not _AROUND.match(line.strip())]
    return "".join(f"\n    {line[:_NOTE_WIDTH]}" for line in lines[-_NOTE_LINES:])


def _also_sources(how: _Fetch) -> str:
    return "" if how.source_distributions else "; --allow-source-distributions also looks for sources"


def _lines(requirements: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for line in requirements).encode()
