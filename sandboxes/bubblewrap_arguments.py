"""What bwrap is told of a sandbox's root: put together of an image's folders, and never the host's `/`.

bwrap carries out its arguments in their order. Sources lie below STAGE, where the launcher has put them.
"""

from __future__ import annotations

from pathlib import Path

from sandboxes.bubblewrap_launch import STAGE
from sandboxes.interface import INSIDE, WORK

# Of a root file system, what the sandbox has of its own.
_OWN = frozenset(("dev", "proc", "sys", "run", "tmp", WORK.strip("/")))
_SHARED, _OURS = Path(INSIDE).parts[1:]
# What tells of the host and not of the sandbox.
_MASKED = ("acpi", "asound", "keys", "latency_stats", "sched_debug", "scsi", "timer_list")

CLOSED = (
    "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try",
    "--hostname", "sandbox", "--new-session", "--die-with-parent", "--as-pid-1",
    "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_KILL",
)  # fmt: skip
"""Namespaces of its own (that of users is made before), and the runner's three capabilities."""

MEMORY = (
    "--bind", f"{STAGE}/work", WORK, "--bind", f"{STAGE}/inside", INSIDE,
    "--bind", f"{STAGE}/tmp", "/tmp", "--bind", f"{STAGE}/shm", "/dev/shm",  # noqa: S108
)  # fmt: skip
"""The folders that lie in memory."""

LAST = ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/")
"""After everything is mounted."""


def root_arguments(root: Path) -> list[str]:
    """The folders, files and links of a root file system, read-only, and what every sandbox has besides.

    Raises OSError.
    """
    arguments = ["--dir", "/run", "--dir", f"/{_SHARED}"]
    for entry in sorted(root.iterdir()):
        if entry.name == _SHARED and entry.is_dir() and not entry.is_symlink():
            for below in sorted(entry.iterdir()):
                if below.name != _OURS:
                    arguments += _entry(below, f"/{_SHARED}/{below.name}")
        elif entry.name not in (*_OWN, _SHARED):
            arguments += _entry(entry, f"/{entry.name}")
    arguments += ["--proc", "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue"]
    for path in (Path("/proc", name) for name in _MASKED):
        if path.is_dir():
            arguments += ["--tmpfs", str(path), "--remount-ro", str(path)]
        elif path.exists():
            arguments += ["--ro-bind", "/dev/null", str(path)]
    return arguments


def show(name: str, place: str) -> list[str]:
    """A folder below STAGE, read-only, in a place whose folders may have to be made."""
    above = [str(folder) for folder in reversed(Path(place).parents)][1:]
    return [*(each for folder in above for each in ("--dir", folder)), "--ro-bind", f"{STAGE}/{name}", place]


def _entry(entry: Path, place: str) -> list[str]:
    if entry.is_symlink():
        return ["--symlink", str(entry.readlink()), place]
    if entry.is_dir() or entry.is_file():
        return ["--ro-bind", f"{STAGE}/root{place}", place]
    return []
