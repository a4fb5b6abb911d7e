"""The Docker backend: one hardened container per sandbox, whose main process is the runner."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Ulimit
from requests.exceptions import RequestException

from sandboxes.attach import AttachedStreams
from sandboxes.client import BOOTSTRAP
from sandboxes.engine import connect, engine_errors, reason
from sandboxes.interface import INSIDE, UID, WORK, ImageError, SandboxError, SandboxLimits
from sandboxes.runner_sandbox import (
    CPU_PERIOD,
    INSIDE_BYTES,
    OPEN_FILES,
    SHM_BYTES,
    TMP_BYTES,
    TMP_INODES,
    RunnerSandbox,
    work_inodes,
)

LABEL = "marginal-agent"
PID_LABEL = f"{LABEL}.pid"
BOOT_LABEL = f"{LABEL}.boot"

_REMOVAL_PATIENCE = 30.0

_PODMAN_PROCESSES = 4096
_HOST_NAME = "sandbox"
# What Podman gives every container, and writes into the image made of one.
_PODMAN_VARIABLES = ("container=podman", "TERM=xterm", f"HOSTNAME={_HOST_NAME}")
# Over these Podman lays memory that can be written to, where the root cannot.
_PODMAN_FOLDERS = ("/run", "/var/tmp")  # noqa: S108

_log = logging.getLogger(__name__)


def host_identity() -> str:
    """Boot id and process namespace of this host: what makes a recorded pid mean something."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"


NO_LABELS = {LABEL: "", PID_LABEL: "", BOOT_LABEL: ""}
"""For images: what is made of them later is not ours."""


def host_labels() -> dict[str, str]:
    """Labels of everything this process makes in the engine; `reap_orphans` goes by them."""
    return {LABEL: "1", PID_LABEL: str(os.getpid()), BOOT_LABEL: host_identity()}


class DockerSandbox(RunnerSandbox):
    """`sandboxes.interface.Sandbox` in a container; see `RunnerSandbox`.

    `runtime` names one of the engine's runtimes ("" for its default). `writable_root` is for building
    environments only.
    Closing the host process in any way (SIGKILL too) closes the runner's stdin, which ends and removes the
    container.
    """

    def __init__(
        self,
        image: str,
        limits: SandboxLimits | None = None,
        *,
        client: DockerClient | None = None,
        python: str = "python3",
        runtime: str = "",
        environment: Mapping[str, str] | None = None,
        writable_root: bool = False,
        podman: bool = False,
    ) -> None:
        super().__init__(image, limits, python=python, environment=environment)
        self._client = client or connect()
        self._runtime = runtime
        self._writable_root = writable_root
        self._podman = podman
        self._name = ""

    @property
    def description(self) -> str:
        """Backend and image, for the trace."""
        return f"docker {self._image} {self._digest}"

    @property
    def container(self) -> Container:
        """The engine's container. Raises SandboxError when there is none."""
        try:
            return self._client.containers.get(self._name)
        except (DockerException, RequestException) as error:
            raise SandboxError(f"no container: {error}") from error

    def start(self) -> None:
        """Create the container and greet the runner. Raises ImageError or SandboxError."""
        if self._name:
            raise SandboxError("this sandbox has been started before")
        self._name = f"{LABEL}-{os.getpid()}-{secrets.token_hex(6)}"
        try:
            image = self._client.images.get(self._image)
            self._digest = str(image.id)
            set_by_image = image_variables(image.attrs, podman=self._podman)
            self._environment = {**set_by_image, **self._environment}
            container = self._client.containers.create(self._image, **self._settings())
            streams = AttachedStreams(container)
            container.start()
            self._open(streams, self._python)
        except BaseException as error:
            self.stop()
            if isinstance(error, ImageNotFound):
                raise ImageError(f"the engine has no image {self._image}") from error
            if isinstance(error, DockerException | RequestException):
                raise SandboxError(f"the sandbox could not be started: {reason(error)}") from error
            raise

    def stop(self) -> None:
        """Kill and remove the container. Safe to call twice, after a failure, and from a signal handler."""
        name, self._name = self._name, ""
        self._hang_up()
        if not name:
            return
        try:
            remove_container(self._client, name)
        except (DockerException, RequestException) as error:
            _log.warning("container %s could not be removed: %s", name, error)

    def alive(self) -> bool:
        """Whether the engine says that the container runs."""
        if not self._name or self._connection is None:
            return False
        try:
            return bool(self.container.status == "running")
        except SandboxError:
            return False

    def _settings(self) -> dict[str, Any]:
        """Everything the engine is told: closed by default, and bounded in every direction."""
        limits = self._limits
        return {
            "name": self._name,
            "hostname": _HOST_NAME,
            "entrypoint": ["python3", "-I", "-S", "-c", BOOTSTRAP],
            "command": [],
            "user": "0:0",
            "working_dir": "/",
            "stdin_open": True,
            "auto_remove": True,
            "runtime": self._runtime or None,
            "network_mode": "none",
            "ipc_mode": "private",
            "cap_drop": ["ALL"],
            "cap_add": ["SETUID", "SETGID", "KILL"],
            "security_opt": ["no-new-privileges:true"],
            "read_only": not self._writable_root,
            "tmpfs": self._tmpfs(),
            "shm_size": SHM_BYTES,
            "mem_limit": limits.memory_bytes,
            "memswap_limit": limits.memory_bytes,
            "cpu_period": CPU_PERIOD,
            "cpu_quota": int(limits.cpus * CPU_PERIOD),
            "pids_limit": limits.processes,
            "ulimits": self._ulimits(),
            "log_config": LogConfig(type="none"),
            "labels": host_labels(),
        }

    def _ulimits(self) -> list[Ulimit]:
        """Podman would raise the number of a user's processes above what it may have itself, and fail; that
        of the sandbox's is bounded by `pids_limit`."""
        files = Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES)
        if not self._podman:
            return [files]
        return [files, Ulimit(name="nproc", soft=_PODMAN_PROCESSES, hard=_PODMAN_PROCESSES)]

    def _tmpfs(self) -> dict[str, str]:
        """What can be written, in memory. Podman knows neither owners nor a number of inodes there: its work
        area is open to all users inside, who are one, and its memory limit bounds the inodes."""
        limits = self._limits
        usual = "rw,nosuid,nodev"
        work = f",uid={UID},gid={UID},nr_inodes={work_inodes(limits)}"
        tmp = f",nr_inodes={TMP_INODES}"
        if self._podman:
            usual += ",notmpcopyup"
            work = tmp = ""
        mounts = {
            WORK: f"{usual},exec,size={limits.disk_bytes},mode=0777{work}",
            INSIDE: f"{usual},noexec,size={INSIDE_BYTES},mode=0755",
            "/tmp": f"{usual},exec,size={TMP_BYTES},mode=1777{tmp}",  # noqa: S108
        }
        if self._podman and not self._writable_root:
            mounts |= dict.fromkeys(_PODMAN_FOLDERS, "ro,nosuid,nodev,noexec,notmpcopyup,size=65536")
        return mounts


def image_variables(attributes: Mapping[str, Any], *, podman: bool) -> dict[str, str]:
    """What an image sets for its commands, by the engine's `attributes` of it. PATH is what the runner itself
    greets with, HOME is ours."""
    lines = attributes.get("Config", {}).get("Env") or []
    pairs = (line.partition("=") for line in lines if not (podman and line in _PODMAN_VARIABLES))
    return {name: value for name, _, value in pairs if name not in ("PATH", "HOME")}


def remove_container(client: DockerClient, name: str) -> None:
    """Kill and remove a container and wait until the engine no longer knows it.

    Raises docker.errors.APIError when the engine refuses.
    """
    deadline = time.monotonic() + _REMOVAL_PATIENCE
    while True:
        try:
            client.api.remove_container(name, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            # The engine may be removing it already, because its main process has ended (Podman says 500).
            if error.status_code not in (409, 500) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def reap_orphans(client: DockerClient) -> list[str]:
    """Remove our containers whose process on this host is dead; returns their names."""
    labels = [f"{LABEL}=1", f"{BOOT_LABEL}={host_identity()}"]
    removed = []
    with engine_errors("removing what dead runs have left"):
        for container in client.containers.list(all=True, filters={"label": labels}, ignore_removed=True):
            if _is_orphan(str(container.name), container.labels):
                remove_container(client, str(container.name))
                removed.append(str(container.name))
    return removed


def _is_orphan(name: str, labels: Mapping[str, str]) -> bool:
    """Both name and labels must be ours: a person's own container of an image of ours may inherit labels."""
    pid = labels.get(PID_LABEL, "")
    return pid.isdigit() and name.startswith(f"{LABEL}-{pid}-") and not Path(f"/proc/{pid}").exists()
