"""The environment image of a repository: what it needs, fetched with network and installed without.

Fetch runs in a container that has network and nothing of the repository but the names of what it requires.
Install runs in containers without network: first the requirements, with nothing of the repository, then the
project itself. Each result is committed under a name that hashes everything it depends on, so an unchanged
repository costs one look-up, and a changed tree with the same requirements only its own installation.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass

from docker import DockerClient
from docker.types import Mount

from sandboxes.docker import DockerSandbox
from sandboxes.engine import engine_errors
from sandboxes.generated import generated_files, read_generated
from sandboxes.host import Progress
from sandboxes.images import ENV, WHEELS
from sandboxes.interface import REPO, WORK, ImageError, RunRequest, RunResult, SandboxLimits
from sandboxes.kept import FACTS_LABEL, image_id, image_name, read_facts, wheels_volume
from sandboxes.pip_settings import read_pip_settings
from sandboxes.requirements import Declarations

REPOSITORY = "marginal-agent/env"
REQUIREMENTS = "marginal-agent/requirements"
PYTHON = f"{ENV}/bin/python"

_RECIPE = "2"
_ALWAYS = ("pip", "pytest", "coverage")
_LIMITS = SandboxLimits(memory_bytes=4 * 2**30, disk_bytes=2 * 2**30, processes=512)
_FETCH_SECONDS = 900.0
_INSTALL_SECONDS = 900.0
_TAIL = 4000
_GENERATED = f"{ENV}/.generated.tar"
# pip can run from its own wheel, which is how the environment gets it.
_FETCHED_PIP = ("sh", "-c", f'PYTHONPATH=$(echo {WHEELS}/pip-*.whl) exec {PYTHON} -m pip "$@"', "pip")
_OFFLINE = ("install", "--no-index", "--find-links", WHEELS)
# Version numbers that come from git tags cannot be had from a copy without history.
_BUILD_VARIABLES = {
    "SETUPTOOLS_SCM_PRETEND_VERSION": "0.0.0",
    "PDM_BUILD_SCM_VERSION": "0.0.0",
    "PBR_VERSION": "0.0.0",
    "POETRY_DYNAMIC_VERSIONING_BYPASS": "0.0.0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}


@dataclass(frozen=True)
class Environment:
    """An image whose `python` has what the repository needs.

    `digest` is the engine's content id. `generated` is a tar of files that installing wrote into the
    repository (metadata, version files); the runtime unpacks it into the work area at start. It comes from
    code of the repository: unpack it inside a sandbox only. `log_tail` is empty when `cached`.
    """

    image: str
    digest: str
    python: str
    cached: bool
    project_installed: bool
    notes: tuple[str, ...]
    generated: bytes
    log_tail: str


def build_environment(
    client: DockerClient,
    declarations: Declarations,
    *,
    base: str,
    tree_tar: bytes,
    setup_command: str | None = None,
    allow_source_distributions: bool = False,
    seconds: float = math.inf,
    progress: Progress,
) -> Environment:
    """Build the environment of a repository, or find the one built before for the same declarations.

    `tree_tar`: the repository as uncompressed tar, names relative to its root. `setup_command` runs in a
    shell in the repository, offline, after the installation. Building is given up after `seconds`.
    Raises ImageError with the end of the failing output and what to do about it.
    """
    base_id = image_id(client, base)
    key: list[str | bool | None] = [_RECIPE, REPO, declarations.digest, base_id, allow_source_distributions]
    requirements = image_name(REQUIREMENTS, key)
    # Installing the project and the setup command run code of this very tree, so the tree is in their key:
    # what one tree does to its environment must not reach another that declares the same.
    name = image_name(REPOSITORY, [*key, setup_command, hashlib.sha256(tree_tar).hexdigest()])
    cached = _find(client, name)
    if cached is not None:
        return cached
    build = _Build(client, declarations, tree_tar, time.monotonic() + seconds, progress)
    known = read_facts(client, requirements)
    if known is None:
        with wheels_volume(client) as volume:
            build.fetch(base, volume, allow_source_distributions)
            build.install_requirements(base, volume, requirements)
    else:
        build.notes, build.can_build = list(known.notes), known.can_build
    build.install_project(requirements, setup_command, name)
    made = _find(client, name)
    if made is None:
        raise ImageError("the engine did not keep the environment image")
    return Environment(**{**vars(made), "cached": False, "log_tail": build.log[-_TAIL:]})


class _Build:
    """One build: the two phases, with the notes and the log they leave."""

    def __init__(
        self,
        client: DockerClient,
        declarations: Declarations,
        tree_tar: bytes,
        finish_by: float,
        progress: Progress,
    ) -> None:
        self.client = client
        self.declarations = declarations
        self.tree_tar = tree_tar
        self.finish_by = finish_by
        self.progress = progress
        self.notes = list(declarations.notes)
        self.log = ""
        self.wanted: tuple[str, ...] = ()
        self.can_build = declarations.installable

    def fetch(self, base: str, volume: str, source_distributions: bool) -> None:
        """Download into the volume, all requirements resolved together so that the repository's pins hold."""
        needed = (*self.declarations.requirements, *_ALWAYS)
        self.progress(f"fetching {len(self.declarations.requirements)} requirements, pytest and coverage")
        settings = read_pip_settings()
        mounts = [Mount(WHEELS, volume, type="volume")]
        environment = {**settings.environment, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "TMPDIR": WHEELS}
        command = ["python3", "-m", "pip", "download", "--only-binary=:all:", "--dest", WHEELS]
        if source_distributions:
            command = ["python3", "-m", "pip", "wheel", "--wheel-dir", WHEELS]
        if settings.certificates:
            environment["PIP_CERT"] = f"{WORK}/certificates.pem"
        with self._sandbox(base, mounts, network=True, environment=environment) as sandbox:
            if settings.certificates:
                sandbox.write(f"{WORK}/certificates.pem", settings.certificates)
            self.wanted = (*needed, *self.declarations.build_requirements)
            result = self._pip(sandbox, command, self.wanted)
            if result.exit_code != 0 and self.declarations.build_requirements:
                self.notes.append("what the project is built with could not be had; it is used uninstalled")
                self.wanted, self.can_build = needed, False
                result = self._pip(sandbox, command, self.wanted)
        if result.exit_code != 0:
            raise ImageError(
                "the requirements could not be fetched as wheels: mend them, allow source distributions, "
                "or name an image with --image",
                self.log[-_TAIL:],
            )

    def install_requirements(self, base: str, volume: str, name: str) -> None:
        """Install what was fetched, without anything of the repository; commit the result as `name`."""
        mounts = [Mount(WHEELS, volume, type="volume", read_only=True)]
        with self._sandbox(base, mounts, writable_root=True, environment=_BUILD_VARIABLES) as sandbox:
            self.progress("installing the requirements")
            self._must(sandbox, ["python3", "-m", "venv", "--without-pip", ENV])
            result = self._pip(sandbox, [*_FETCHED_PIP, *_OFFLINE], self.wanted)
            if result.exit_code != 0:
                raise ImageError("the fetched requirements could not be installed", self.log[-_TAIL:])
            self._commit(sandbox, name, False)

    def install_project(self, requirements: str, setup_command: str | None, name: str) -> None:
        """Install the repository on top of its requirements; commit the result as `name`."""
        with self._sandbox(requirements, [], writable_root=True, environment=_BUILD_VARIABLES) as sandbox:
            sandbox.put_tar(REPO, self.tree_tar)
            installed = self.declarations.installable and self._install_project(sandbox)
            if setup_command is not None:
                self.progress(f"running the setup command: {setup_command}")
                self._must(sandbox, ["sh", "-c", setup_command], cwd=REPO)
            self._keep_generated(sandbox)
            self._commit(sandbox, name, installed)

    def _commit(self, sandbox: DockerSandbox, name: str, installed: bool) -> None:
        facts = {"project_installed": installed, "can_build": self.can_build, "notes": self.notes}
        repository, _, tag = name.partition(":")
        self.progress("keeping the environment")
        with engine_errors("keeping the environment"):
            sandbox.container.commit(repository, tag, conf={"Labels": {FACTS_LABEL: json.dumps(facts)}})

    def _install_project(self, sandbox: DockerSandbox) -> bool:
        """Install the repository in place; where that fails, put its source folder on the path instead."""
        self.progress("installing the project")
        if self.can_build:
            options = ("--no-deps", "--no-build-isolation", "--editable", REPO)
            command = [PYTHON, "-m", "pip", *_OFFLINE, *options]
            result = self._run(sandbox, command)
            if result.exit_code == 0:
                return True
            said = (result.stderr or result.stdout).decode(errors="replace").strip().splitlines()
            why = f" ({said[-1][:200]})" if said else ""
            self.notes.append(f"the project could not be installed; its source folder is on the path{why}")
        script = (
            "import os, sys, sysconfig\n"
            "source = sys.argv[1] + '/src'\n"
            "line = source if os.path.isdir(source) else sys.argv[1]\n"
            "open(sysconfig.get_path('purelib') + '/repository.pth', 'w').write(line + '\\n')\n"
        )
        self._must(sandbox, [PYTHON, "-c", script, REPO])
        return False

    def _keep_generated(self, sandbox: DockerSandbox) -> None:
        """Store in the image what installing wrote into the repository, which lies in memory only."""
        generated = generated_files(self.tree_tar, sandbox.export(REPO, max_bytes=2**30))
        if generated is None:
            self.notes.append("installing wrote too many files into the repository; they are not kept")
            return
        sandbox.write(f"{WORK}/generated.tar", generated)
        self._must(sandbox, ["cp", f"{WORK}/generated.tar", _GENERATED])

    def _sandbox(
        self,
        image: str,
        mounts: list[Mount],
        *,
        network: bool = False,
        writable_root: bool = False,
        environment: dict[str, str],
    ) -> DockerSandbox:
        return DockerSandbox(
            image,
            _LIMITS,
            client=self.client,
            python=PYTHON,
            network=network,
            writable_root=writable_root,
            environment=environment,
            mounts=mounts,
        )

    def _pip(self, sandbox: DockerSandbox, command: list[str], requirements: tuple[str, ...]) -> RunResult:
        """Run pip on requirements from a file, where no requirement can be taken for an option."""
        path = f"{WORK}/requirements.txt"
        sandbox.write(path, "".join(f"{line}\n" for line in requirements).encode())
        return self._run(sandbox, [*command, "--requirement", path], timeout=_FETCH_SECONDS)

    def _run(
        self,
        sandbox: DockerSandbox,
        command: list[str],
        *,
        cwd: str = WORK,
        timeout: float = _INSTALL_SECONDS,
    ) -> RunResult:
        timeout = min(timeout, self.finish_by - time.monotonic())
        if timeout <= 0:
            raise ImageError("there is no time left to build the environment", self.log[-_TAIL:])
        result = sandbox.run(RunRequest(tuple(command), timeout=timeout, cwd=cwd))
        self.log += (result.stdout + result.stderr).decode(errors="replace")
        for happened, note in (
            (result.timed_out, f"stopped after {timeout:.0f} s"),
            (result.out_of_memory, "out of memory"),
            (result.disk_full, "no space left"),
        ):
            self.log += f"[{note}]\n" if happened else ""
        return result

    def _must(self, sandbox: DockerSandbox, command: list[str], *, cwd: str = WORK) -> None:
        result = self._run(sandbox, command, cwd=cwd)
        if result.exit_code != 0:
            shown = command[-1] if command[0] == "sh" else command[0]
            raise ImageError(f"{shown} failed with exit code {result.exit_code}", self.log[-_TAIL:])


def _find(client: DockerClient, name: str) -> Environment | None:
    """The environment kept under `name`, if there is one."""
    facts = read_facts(client, name)
    if facts is None:
        return None
    return Environment(
        image=name,
        digest=facts.digest,
        python=PYTHON,
        cached=True,
        project_installed=facts.project_installed,
        notes=facts.notes,
        generated=read_generated(client, name, _GENERATED),
        log_tail="",
    )
