"""Which backend: the one the user names; else Docker where an engine answers, or else bubblewrap."""

from __future__ import annotations

from sandboxes.backend import Backend
from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.docker_backend import DockerBackend
from sandboxes.interface import EngineMissing, Wanted


def choose_backend(wanted: Wanted, *, runtime: str = "") -> Backend:
    """The backend that `wanted` names. `runtime`: see `DockerBackend`; naming one rules out bubblewrap.

    Raises EngineMissing, and SandboxError for an engine that cannot bound sandboxes, each with one line that
    says how to mend it.
    """
    if wanted == "bubblewrap":
        return BubblewrapBackend()
    try:
        return DockerBackend(runtime=runtime)
    except EngineMissing as no_engine:
        if wanted == "docker" or runtime:
            raise
        try:
            return BubblewrapBackend()
        except EngineMissing as no_bubblewrap:
            raise EngineMissing(f"{no_engine}; {no_bubblewrap}") from no_bubblewrap
