"""Finding a container engine, and for set-up only: installing and starting one.

Any engine that speaks Docker's API will do: Docker, rootless Docker, Podman's compatible socket.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from docker import DockerClient
from docker.errors import DockerException
from requests.exceptions import RequestException

from sandboxes.host import ProgramFailed, Progress, apt_install, may_install, run_program
from sandboxes.interface import EngineMissing, SandboxError

_PING_SECONDS = 5
_API_SECONDS = 120
_START_SECONDS = 60.0
_PID_FILE = Path("/var/run/docker.pid")
_DAEMON_LOG = Path("/var/log/dockerd.log")
MEND_PERMISSION = "have yourself added to the group of its socket (often docker), or use --sandbox bubblewrap"
MEND = "install and start Docker or Podman, set DOCKER_HOST, or run `python -P -m sandboxes.setup` as root"


def candidate_addresses() -> list[str]:
    """Where an engine may answer, best first; DOCKER_HOST alone when it is set."""
    chosen = os.environ.get("DOCKER_HOST")
    if chosen:
        return [chosen]
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    sockets = [
        Path("/var/run/docker.sock"),
        runtime / "docker.sock",
        runtime / "podman" / "podman.sock",
        Path("/run/podman/podman.sock"),
    ]
    return [f"unix://{path}" for path in sockets if path.exists()]


def connect(timeout: int = _API_SECONDS) -> DockerClient:
    """A client of the first engine that answers, each of whose calls may take `timeout` seconds.

    Raises EngineMissing with one line that says how to mend it.
    """
    failures = []
    for address in candidate_addresses():
        try:
            return _client(address, timeout)
        except (DockerException, RequestException) as error:
            failures.append(f"{address}: {reason(error)}")
    tried = "; ".join(failures) or "no socket of Docker or Podman found"
    if "Permission denied" in tried:
        raise EngineMissing(f"no permission for the container engine ({tried}): {MEND_PERMISSION}")
    raise EngineMissing(f"no container engine answers ({tried}): {MEND}")


def _client(address: str, timeout: int) -> DockerClient:
    """A client that has been answered. TLS settings come from the environment, as the docker command's do."""
    environment = {**os.environ, "DOCKER_HOST": address}
    probe = DockerClient.from_env(environment=environment, timeout=_PING_SECONDS)
    try:
        probe.ping()
    finally:
        probe.close()
    return DockerClient.from_env(environment=environment, timeout=timeout)


@contextmanager
def engine_errors(doing: str) -> Iterator[None]:
    """Turn whatever the SDK raises into a SandboxError that says what was being done."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise SandboxError(f"{doing}: the engine failed: {reason(error)}") from error


def reason(error: Exception) -> str:
    """One line: what the engine says of its refusal, or the error's first line."""
    said = str(getattr(error, "explanation", None) or error)
    return said.splitlines()[0] if said else type(error).__name__


def ensure_engine(progress: Progress) -> DockerClient:
    """A client of a running engine; where none answers, install and start one if this host allows it.

    Asks first on a terminal. Raises EngineMissing with one line otherwise.
    """
    try:
        return connect()
    except EngineMissing:
        if os.environ.get("DOCKER_HOST") or not may_install("docker.io", progress):
            raise
    daemon = None
    try:
        if shutil.which("dockerd") is None:
            apt_install("docker.io")
        if Path("/run/systemd/system").is_dir():
            run_program(["systemctl", "start", "docker"])
        else:
            progress("starting dockerd, as this machine has no init system")
            daemon = start_daemon()
    except ProgramFailed as error:
        raise EngineMissing(f"the engine could not be started: {error}: {MEND}") from error
    return _wait_for_engine(daemon)


def start_daemon() -> subprocess.Popen[bytes]:
    """Start dockerd on its own, to outlive this process."""
    forget_stale_pid(_PID_FILE, Path("/proc"))
    with _DAEMON_LOG.open("ab") as log:
        return subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def forget_stale_pid(pid_file: Path, processes: Path) -> None:
    """Delete dockerd's pid file unless it names a dockerd that lives: dockerd refuses to start while the
    file names any process at all, a zombie or a stranger with a reused number included."""
    try:
        status = (processes / pid_file.read_text().strip() / "status").read_text()
    except OSError:
        status = ""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    alive = fields.get("Name", "").strip() == "dockerd" and not fields.get("State", "").strip().startswith(
        "Z"
    )
    if not alive:
        pid_file.unlink(missing_ok=True)


def _wait_for_engine(daemon: subprocess.Popen[bytes] | None) -> DockerClient:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return connect()
        except EngineMissing:
            if daemon is not None and daemon.poll() is not None:
                raise EngineMissing(f"dockerd ended at once, see {_DAEMON_LOG}: {MEND}") from None
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
