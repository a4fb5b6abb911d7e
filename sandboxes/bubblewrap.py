"""One sandbox of the bubblewrap backend: a `bwrap` process that becomes the runner; no daemon, no engine."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandboxes import cgroups, seccomp
from sandboxes.bases import ENV, VARIABLES
from sandboxes.bubblewrap_arguments import CLOSED, LAST, MEMORY, root_arguments, show
from sandboxes.bubblewrap_host import PATH_INSIDE, Host, Order, launch_command, launch_environment
from sandboxes.bubblewrap_launch import STAGE, remove_group
from sandboxes.bubblewrap_opened import Opened
from sandboxes.bubblewrap_store import Store
from sandboxes.cgroups import Bounds, Means
from sandboxes.client import BOOTSTRAP
from sandboxes.interface import UID, SandboxError, SandboxLimits
from sandboxes.runner_sandbox import (
    INSIDE_BYTES,
    OPEN_FILES,
    SHM_BYTES,
    TMP_BYTES,
    TMP_INODES,
    RunnerSandbox,
    work_inodes,
)
from sandboxes.streams import Streams

_STOP_PATIENCE = 20.0
_RUNNER = ("python3", "-I", "-S", "-c", BOOTSTRAP)
# A user's systemd is found by these.
_SESSION = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Site:
    """What sandboxes on this host are made with."""

    host: Host
    store: Store
    means: Means


class BubblewrapSandbox(RunnerSandbox):
    """`sandboxes.interface.Sandbox` without an engine; see `RunnerSandbox`.

    Its root is put together of the image's top folders, read-only, so that nothing of the host's is there
    but what is named here. Closing the host process in any way (SIGKILL too) closes the runner's stdin,
    which ends the runner and with it every process of the sandbox.
    """

    def __init__(
        self,
        image: str,
        limits: SandboxLimits | None = None,
        *,
        site: Site,
        python: str = "python3",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(image, limits, python=python, environment=environment)
        self._site = site
        self._opened: Opened | None = None
        self._bounds = Bounds()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def description(self) -> str:
        """Backend and image, for the trace."""
        return f"bubblewrap {self._image} {self._digest}"

    def start(self) -> None:
        """Start bwrap and greet the runner. Raises ImageError or SandboxError."""
        if self._opened is not None:
            raise SandboxError("this sandbox has been started before")
        try:
            self._opened = self._site.store.open(self._image)
            self._digest = self._opened.digest
            self._bounds = cgroups.make_bounds(self._site.means, self._limits)
            self._open(self._launch(self._opened), self._python)
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError):
                raise SandboxError(f"the sandbox could not be started: {error}") from error
            raise

    def stop(self) -> None:
        """Kill all its processes. Safe to call twice, after a failure, and from a signal handler."""
        process, self._process = self._process, None
        self._hang_up()
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                _log.warning("the launcher of a sandbox does not end; it is killed")
                process.kill()
                process.wait()
        bounds, self._bounds = self._bounds, Bounds()
        for folder in bounds.folders:
            remove_group(folder)
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def alive(self) -> bool:
        """Whether its main process runs."""
        return self._connection is not None and self._process is not None and self._process.poll() is None

    def _writable(self) -> Mapping[str, Path]:
        """Folders of this host, by where they can be written inside: none, but for builders."""
        return {}

    def _launch(self, opened: Opened) -> Streams:
        ours, theirs = socket.socketpair()
        filters = seccomp.filter_files()
        session = {name: os.environ[name] for name in _SESSION if name in os.environ}
        try:
            self._process = subprocess.Popen(
                [*self._bounds.prefix, *launch_command(self._site.host, self._order(opened, filters))],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                cwd="/",
                env={**launch_environment(), **(session if self._bounds.prefix else {})},
                pass_fds=filters,
                start_new_session=True,  # a Ctrl-C is for the agent, which stops the sandbox in its own time
            )
        finally:
            theirs.close()
            for file in filters:
                os.close(file)
        assert self._process.stderr is not None
        return Streams(ours, self._process.stderr)

    def _order(self, opened: Opened, filters: list[int]) -> Order:
        """Everything the launcher is told: closed by default, and bounded in every direction."""
        limits = self._limits
        owned = f"uid={UID},gid={UID},mode=0777"
        folders, arguments = [(opened.root, "root")], root_arguments(opened.root)
        if opened.env is not None:
            folders.append((opened.env, "env"))
            arguments += ["--ro-bind", f"{STAGE}/env", ENV]
        for number, (place, folder) in enumerate(self._writable().items()):
            folders.append((folder, f"writable{number}"))
            arguments += ["--bind", f"{STAGE}/writable{number}", place]
        if self._bounds.shown_at:
            arguments += show("group", self._bounds.shown_at)
        arguments += MEMORY
        for file in filters:
            arguments += ["--add-seccomp-fd", str(file)]
        return Order(
            argv=[self._site.host.bwrap, *CLOSED, *arguments, *LAST, "--", *_RUNNER],
            environment={"PATH": PATH_INSIDE, **VARIABLES},
            folders=folders,
            memory=(
                ("work", f"size={limits.disk_bytes},nr_inodes={work_inodes(limits)},{owned}", True),
                ("inside", f"size={INSIDE_BYTES},mode=0755", False),
                ("tmp", f"size={TMP_BYTES},nr_inodes={TMP_INODES},mode=1777", True),
                ("shm", f"size={SHM_BYTES},nr_inodes={TMP_INODES},mode=1777", False),
            ),
            groups=self._bounds.folders,
            delegated=self._bounds.delegated,
            bounds={"RLIMIT_NOFILE": OPEN_FILES, **self._bounds.limits},
        )
