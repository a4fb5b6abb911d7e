"""Bounds of a sandbox without an engine: a control group where one can be made, resource limits elsewhere.

Control groups lie at the top of what is visible of each hierarchy (as those of an engine do), in a folder of
ours. The name of each says who made it: process namespace, process, and a random part.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sandboxes.bubblewrap_launch import SWAP, remove_group
from sandboxes.interface import SandboxError, SandboxLimits
from sandboxes.runner_sandbox import CPU_PERIOD

PARENT = "marginal-agent"
SHOWN = "/sys/fs/cgroup"
_CONTROLLERS = ("memory", "pids", "cpu")
_SWAP = ("memory.memsw.limit_in_bytes", SWAP)
# Without accounting of its own: systemd ends a scope in which the kernel has ended a process for its memory.
_SCOPE = (
    "systemd-run", "--user", "--scope", "--quiet", "--collect",
    "--property=Delegate=yes", "--property=MemoryAccounting=no", "--",
)  # fmt: skip
_OFFERED = "cat /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.controllers"


@dataclass(frozen=True)
class Hierarchy:
    """Where a controller's groups are made: a mount of version 1 or 2, as a folder."""

    folder: Path
    version: Literal[1, 2]


@dataclass(frozen=True)
class Means:
    """What sandboxes are bounded with here: groups of our own in `hierarchies` (by controller), groups in a
    scope of the user's systemd with `delegated` controllers, or else resource limits of each process."""

    hierarchies: Mapping[str, Hierarchy] = field(default_factory=dict)
    delegated: tuple[str, ...] = ()

    @property
    def unbounded(self) -> str:
        """What is not bounded as it should be, in words."""
        if self.hierarchies or set(self.delegated) == set(_CONTROLLERS):
            return ""
        if self.delegated:
            return "processors are not bounded: systemd does not delegate them to users here"
        return (
            "no control group can be made here: memory is bounded per process and not for the sandbox as a "
            "whole, processors are not bounded"
        )


@dataclass(frozen=True)
class Bounds:
    """What bounds one sandbox.

    `folders`: groups to join, removed at its end; the first counts memory. `delegated`: settings of a group
    to be made for it in the scope that `prefix`, a command to start it with, puts it into. `shown_at`: where
    inside the group that counts memory is shown, "" for nowhere. `limits`: resource limits by name.
    """

    folders: tuple[str, ...] = ()
    delegated: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    shown_at: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)


def find_means(mounts: str) -> Means:
    """The best there is here, tried out; `mounts` is the text of /proc/mounts."""
    hierarchies = find_hierarchies(mounts)
    try:
        bounds = make_groups(hierarchies, SandboxLimits())
    except SandboxError:
        return Means(delegated=_delegated())
    for folder in bounds.folders:
        remove_group(folder)
    return Means(hierarchies)


def make_bounds(means: Means, limits: SandboxLimits) -> Bounds:
    """Bounds for one sandbox. Raises SandboxError."""
    if means.hierarchies:
        return make_groups(means.hierarchies, limits)
    if means.delegated:
        settings: dict[str, str] = {}
        for controller in means.delegated:
            settings |= _settings(controller, 2, limits)
        return Bounds(delegated=settings, prefix=_SCOPE, shown_at=SHOWN)
    return Bounds(limits={"RLIMIT_DATA": limits.memory_bytes, "RLIMIT_NPROC": limits.processes})


def make_groups(hierarchies: Mapping[str, Hierarchy], limits: SandboxLimits) -> Bounds:
    """A group with its limits set in the hierarchy of each controller. Raises SandboxError."""
    if set(hierarchies) != set(_CONTROLLERS):
        raise SandboxError("not every controller of control groups is here")
    name = f"{_namespace()}-{os.getpid()}-{secrets.token_hex(6)}"
    folders = {hierarchies[each].folder / PARENT / name: hierarchies[each] for each in _CONTROLLERS}
    try:
        for folder, where in folders.items():
            if where.version == 2:
                _delegate(where.folder)
            folder.mkdir(parents=True)
        for controller in _CONTROLLERS:
            where = hierarchies[controller]
            for file, value in _settings(controller, where.version, limits).items():
                _set(where.folder / PARENT / name / file, value)
    except OSError as error:
        for folder in folders:
            remove_group(str(folder))
        raise SandboxError(f"a control group cannot be made: {error}") from error
    shown_at = SHOWN if hierarchies["memory"].version == 2 else f"{SHOWN}/memory"
    return Bounds(tuple(map(str, folders)), shown_at=shown_at)


def reap_groups(hierarchies: Mapping[str, Hierarchy]) -> tuple[str, ...]:
    """Remove groups of ours whose process is dead, and what may still run in them; returns their names."""
    removed = set()
    for where in hierarchies.values():
        with suppress(OSError):
            for folder in (where.folder / PARENT).iterdir():
                namespace, pid, *_ = [*folder.name.split("-"), "", ""]
                dead = pid.isdigit() and not Path(f"/proc/{pid}").exists()
                if folder.is_dir() and namespace == _namespace() and dead:
                    remove_group(str(folder))
                    removed.add(folder.name)
    return tuple(sorted(removed))


def find_hierarchies(mounts: str) -> dict[str, Hierarchy]:
    """Where each controller we need is, from the text of /proc/mounts; version 1 wins, as it does where
    both are mounted."""
    found: dict[str, Hierarchy] = {}
    for line in mounts.splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup2":
            offered: list[str] = []
            with suppress(OSError):
                offered = Path(folder, "cgroup.controllers").read_text().split()
            found |= {name: Hierarchy(Path(folder), 2) for name in offered if name not in found}
        elif kind == "cgroup":
            found |= {name: Hierarchy(Path(folder), 1) for name in options.split(",")}
    return {name: where for name, where in found.items() if name in _CONTROLLERS}


def _namespace() -> str:
    """Number of our process namespace. (Groups do not outlive a boot.)"""
    return str(Path("/proc/self/ns/pid").stat().st_ino)


def _delegate(top: Path) -> None:
    """Let groups below `top`, and below our folder in it, have the controllers. Raises OSError."""
    wanted = " ".join(f"+{name}" for name in _CONTROLLERS)
    (top / PARENT).mkdir(exist_ok=True)
    for folder in (top, top / PARENT):
        file = folder / "cgroup.subtree_control"
        if not set(_CONTROLLERS) <= set(file.read_text().split()):
            _set(file, wanted)


def _settings(controller: str, version: int, limits: SandboxLimits) -> dict[str, str]:
    """Files of a group and what to write to them, in this order."""
    quota = int(limits.cpus * CPU_PERIOD)
    memory = str(limits.memory_bytes)
    processes = str(limits.processes + 1)  # bwrap is in it, too
    version1 = {
        "memory": {"memory.limit_in_bytes": memory, "memory.memsw.limit_in_bytes": memory},
        "pids": {"pids.max": processes},
        "cpu": {"cpu.cfs_period_us": str(CPU_PERIOD), "cpu.cfs_quota_us": str(quota)},
    }
    version2 = {
        "memory": {"memory.max": memory, SWAP: "0"},
        "pids": {"pids.max": processes},
        "cpu": {"cpu.max": f"{quota} {CPU_PERIOD}"},
    }
    return (version1 if version == 1 else version2)[controller]


def _set(file: Path, value: str) -> None:
    """Write a setting. Only swap accounting may be missing, where the kernel has none."""
    if file.name in _SWAP and not file.exists():
        return
    file.write_text(value)


def _delegated() -> tuple[str, ...]:
    """Controllers of a scope of the user's systemd; none where that makes no scope or leaves out memory."""
    if shutil.which(_SCOPE[0]) is None:
        return ()
    tried = subprocess.run(
        [*_SCOPE, "sh", "-c", _OFFERED], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    offered = tried.stdout.split()
    return tuple(each for each in _CONTROLLERS if each in offered) if "memory" in offered else ()
