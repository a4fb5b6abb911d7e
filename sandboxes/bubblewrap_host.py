"""What bubblewrap needs of this host: the program, and a range of ids that belongs to nobody."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from sandboxes import bubblewrap_launch
from sandboxes.bubblewrap_launch import IDS
from sandboxes.host import ProgramFailed
from sandboxes.interface import EngineMissing, SandboxError

PATH_INSIDE = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_LAUNCHER = str(Path(bubblewrap_launch.__file__))
_ROOTS_RANGE = 0x70000000  # above every range that useradd or systemd hands out
_LEAST_VERSION = (0, 5)  # the first with --add-seccomp-fd
_TAIL = 4000


@dataclass(frozen=True)
class Host:
    """`bwrap`: path of the program; `version`: in its own words; `uids`, `gids`: first ids of the ranges."""

    bwrap: str
    version: str
    uids: int
    gids: int


@dataclass(frozen=True)
class Order:
    """What the launcher is to do; see `bubblewrap_launch.main`."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: {**launch_environment(), "LC_ALL": "C"})
    folders: Sequence[tuple[Path, str]] = ()
    memory: Sequence[tuple[str, str, bool]] = ()
    groups: Sequence[str] = ()
    delegated: Mapping[str, str] = field(default_factory=dict)
    bounds: Mapping[str, int] = field(default_factory=dict)


def launch_command(host: Host, order: Order) -> list[str]:
    """The command line that carries out an order, to be run with `launch_environment`."""
    text = json.dumps({**vars(order), "uids": host.uids, "gids": host.gids}, default=str)
    return [sys.executable, "-I", "-S", _LAUNCHER, text]


def launch_environment() -> dict[str, str]:
    """All that the launcher and plain programs of this host need of ours: nothing of it gets inside."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


def run_mapped(
    host: Host, order: Order, folder: Path, *, stdin: IO[bytes] | None = None, keeping: int | None = None
) -> str:
    """Run a program of this host as root of the range of ids, in `folder`, to its end; what it printed.

    `keeping`: a descriptor, such as that of a lock, which it holds as long as it runs, whatever becomes of
    us. Raises ProgramFailed with the end of what it said.
    """
    done = subprocess.run(
        launch_command(host, order),
        stdin=stdin or subprocess.DEVNULL,
        capture_output=True,
        cwd=folder,
        env=launch_environment(),
        pass_fds=() if keeping is None else (keeping,),
    )
    if done.returncode != 0:
        tail = done.stderr.decode(errors="replace")[-_TAIL:]
        last = tail.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise ProgramFailed(f"{order.argv[0]}: {last[0]}", tail)
    return done.stdout.decode(errors="replace")


def find_host() -> Host:
    """What is needed, tried out. Raises EngineMissing with one line that says how to mend it."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise EngineMissing("bubblewrap is not installed: install the package bubblewrap")
    said = subprocess.run([bwrap, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    version = tuple(map(int, re.findall(r"\d+", said.stdout)[:2]))
    if version < _LEAST_VERSION:
        raise EngineMissing(f"{said.stdout.strip()} is too old: install bubblewrap 0.5 or later")
    host = Host(bwrap, said.stdout.strip(), _range("uid"), _range("gid"))
    trial = [bwrap, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--as-pid-1", "--ro-bind", "/", "/"]
    trial += ["--proc", "/proc", "--dev", "/dev", "--", "true"]
    try:
        run_mapped(host, Order(trial, memory=[("trial", "size=1m", True)]), Path("/"))
    except SandboxError as error:
        raise EngineMissing(
            f"bubblewrap cannot be used here ({error}): allow user namespaces (sysctl "
            "user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns), and in a container an "
            "unmasked /proc"
        ) from error
    return host


def _range(kind: str) -> int:
    """First of IDS ids nobody uses: subordinate ones of this user, or high ones for root. `kind`: uid, gid.

    Raises EngineMissing.
    """
    user = os.getuid()
    name = str(user)
    with suppress(KeyError):
        name = pwd.getpwuid(user).pw_name
    table = Path(f"/etc/sub{kind}")
    start = subordinate_range(table.read_text() if table.exists() else "", (name, str(user)))
    if user == 0:
        return _ROOTS_RANGE if start is None else start
    if shutil.which(f"new{kind}map") is None:
        raise EngineMissing(f"new{kind}map is not installed: install the package uidmap (or shadow)")
    if start is None:
        example = f"200000-{200000 + IDS - 1}"
        raise EngineMissing(
            f"user {name} has no {IDS} subordinate ids in {table}: as root, give a range that nobody has, "
            f"such as `usermod --add-subuids {example} --add-subgids {example} {name}`"
        )
    return start


def subordinate_range(table: str, names: Sequence[str]) -> int | None:
    """First id of the first range of at least IDS that a table like /etc/subuid gives to one of `names`."""
    for line in table.splitlines():
        owner, _, numbers = line.partition(":")
        start, _, count = numbers.partition(":")
        if owner in names and start.isdigit() and count.isdigit() and int(count) >= IDS:
            return int(start)
    return None
