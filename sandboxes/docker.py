"""The Docker backend: one hardened container per sandbox, whose main process is the runner."""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from docker import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Mount, Ulimit
from requests.exceptions import RequestException

from sandboxes.attach import AttachedStreams
from sandboxes.client import BOOTSTRAP, RunnerClient
from sandboxes.engine import connect, engine_errors
from sandboxes.interface import INSIDE, UID, WORK, ImageError, SandboxError, SandboxLimits

LABEL = "marginal-agent"
PID_LABEL = f"{LABEL}.pid"
BOOT_LABEL = f"{LABEL}.boot"

_TMP_BYTES = 256 * 2**20
_SHM_BYTES = 64 * 2**20
_INSIDE_BYTES = 64 * 2**20
_OPEN_FILES = 4096
_BYTES_PER_INODE = 4096
_CPU_PERIOD = 100_000  # microseconds; a quota may exceed the engine's CPUs, a count of CPUs may not
_REMOVAL_PATIENCE = 30.0

_log = logging.getLogger(__name__)


def host_identity() -> str:
    """Boot id and process namespace of this host: what makes a recorded pid mean something."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"


def host_labels() -> dict[str, str]:
    """Labels of everything this process makes in the engine; `reap_orphans` goes by them."""
    return {LABEL: "1", PID_LABEL: str(os.getpid()), BOOT_LABEL: host_identity()}


class DockerSandbox(RunnerClient):
    """`sandboxes.interface.Sandbox` in a container of `image`. A context manager: starts and stops.

    `python` is the interpreter that runs tests; the runner itself uses the image's own `python3`, never
    one that code under repair could have written. `environment` is given to every command. `network`,
    `writable_root` and `mounts` are for building environments only. Closing the host process in any way
    (SIGKILL too) closes the runner's stdin, which ends and removes the container.
    """

    def __init__(
        self,
        image: str,
        limits: SandboxLimits | None = None,
        *,
        client: DockerClient | None = None,
        python: str = "python3",
        network: bool = False,
        environment: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        writable_root: bool = False,
        mounts: Sequence[Mount] = (),
    ) -> None:
        super().__init__(environment)
        self._image = image
        self._limits = limits or SandboxLimits()
        self._client = client or connect()
        self._python = python
        self._network = network
        self._labels = dict(labels or {})
        self._writable_root = writable_root
        self._mounts = list(mounts)
        self._name = ""
        self._digest = ""

    @property
    def python(self) -> str:
        """The interpreter inside that runs tests."""
        return self._python

    @property
    def image_digest(self) -> str:
        """The engine's content id of the image, known once started."""
        return self._digest

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
            self._digest = str(self._client.images.get(self._image).id)
            container = self._client.containers.create(self._image, **self._settings())
            streams = AttachedStreams(container)
            container.start()
            self._open(streams, self._python)
        except BaseException as error:
            self.stop()
            if isinstance(error, ImageNotFound):
                raise ImageError(f"the engine has no image {self._image}") from error
            if isinstance(error, DockerException | RequestException):
                raise SandboxError(f"the sandbox could not be started: {error}") from error
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

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _settings(self) -> dict[str, Any]:
        """Everything the engine is told: closed by default, and bounded in every direction."""
        limits = self._limits
        owned = f"rw,exec,nosuid,nodev,uid={UID},gid={UID},mode=0755"
        inodes = max(limits.disk_bytes // _BYTES_PER_INODE, 1024)
        return {
            "name": self._name,
            "hostname": "sandbox",
            "entrypoint": ["python3", "-I", "-S", "-c", BOOTSTRAP],
            "command": [],
            "user": "0:0",
            "working_dir": "/",
            "stdin_open": True,
            "auto_remove": True,
            "network_mode": "bridge" if self._network else "none",
            "ipc_mode": "private",
            "cap_drop": ["ALL"],
            "cap_add": ["SETUID", "SETGID", "KILL"],
            "security_opt": ["no-new-privileges:true"],
            "read_only": not self._writable_root,
            "tmpfs": {
                WORK: f"{owned},size={limits.disk_bytes},nr_inodes={inodes}",
                INSIDE: f"rw,noexec,nosuid,nodev,uid=0,gid=0,mode=0755,size={_INSIDE_BYTES}",
                "/tmp": f"rw,exec,nosuid,nodev,mode=1777,size={_TMP_BYTES},nr_inodes=65536",  # noqa: S108
            },
            "shm_size": _SHM_BYTES,
            "mounts": self._mounts,
            "mem_limit": limits.memory_bytes,
            "memswap_limit": limits.memory_bytes,
            "cpu_period": _CPU_PERIOD,
            "cpu_quota": int(limits.cpus * _CPU_PERIOD),
            "pids_limit": limits.processes,
            "ulimits": [Ulimit(name="nofile", soft=_OPEN_FILES, hard=_OPEN_FILES)],
            "log_config": LogConfig(type="none"),
            "labels": {**self._labels, **host_labels()},
        }


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
            # The engine may be removing it already, because its main process has ended.
            if error.status_code != 409 or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def reap_orphans(client: DockerClient) -> list[str]:
    """Remove our containers and volumes whose process on this host is dead; returns their names."""
    labels = [f"{LABEL}=1", f"{BOOT_LABEL}={host_identity()}"]
    removed = []
    with engine_errors("removing what dead runs have left"):
        for container in client.containers.list(all=True, filters={"label": labels}):
            if _is_orphan(container.labels):
                remove_container(client, str(container.name))
                removed.append(str(container.name))
        for volume in client.volumes.list(filters={"label": labels}):
            if _is_orphan(volume.attrs["Labels"]):
                with suppress(NotFound):  # another run may be removing it too
                    volume.remove(force=True)
                    removed.append(str(volume.name))
    return removed


def _is_orphan(labels: Mapping[str, str]) -> bool:
    pid = labels.get(PID_LABEL, "")
    return pid.isdigit() and not Path(f"/proc/{pid}").exists()
