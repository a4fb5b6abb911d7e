"""Runs one program in a user namespace of its own: bwrap for a sandbox, or work on files of the store.

A process of its own, started as `python3 -I -S bubblewrap_launch.py ORDER`, because only a process with one
thread can make a user namespace, and because somebody must stay to remove the control groups when the
sandbox has ended, whatever became of the agent. Standard library only.

In the namespace the ids 0 to 65535 are a range of the host that belongs to nobody, so that root inside is
root of nothing outside, and cannot even go through the user's own folders. So folders are opened before the
identity changes, and mounted below STAGE in a mount namespace nobody else sees.
"""
# A sandbox waits for this to start, so no pathlib; and /tmp is covered before it is used.
# ruff: noqa: PTH102, PTH106, PTH110, PTH123, S108

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from typing import Any, NoReturn

STAGE = "/tmp"  # covered by memory of our own in the new mount namespace; bwrap needs this very folder, too
IDS = 65536
REMOVAL_PATIENCE = 10.0
SWAP = "memory.swap.max"  # missing where the kernel does not count swap

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC = 2, 4, 8, 4096, 16384
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Do as the order says; the exit code is the program's, 128 + N for its end by signal N.

    The order is JSON: `argv` and `environment` of the program; `uids` and `gids`, the first of each range;
    `folders`, pairs of path and name below STAGE; `memory`, triples of name, tmpfs options and whether
    files there may be run; `groups`, control groups to join and to remove at the end, the first of which is
    shown as `group` below STAGE; `delegated`, settings of a group to be made for that in the one this runs
    in, which must be delegated; `bounds`, resource limits by name.
    """
    order = json.loads(sys.argv[1])
    if order["delegated"]:
        try:
            order["groups"] = [make_group(order["delegated"])]
        except OSError as error:
            complain("making a control group", error)
            return 1
    made, say_made = os.pipe()
    mapped, say_mapped = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(made)
        os.close(say_mapped)
        become(order, say_made, mapped)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    for fd in (0, 1, say_made, mapped):  # the streams are the program's alone: its end must show
        os.close(fd)
    try:
        if os.read(made, 1):
            map_ids(child, order["uids"], order["gids"])
            for group in order["groups"]:
                write(f"{group}/cgroup.procs", str(child))
            os.write(say_mapped, b"1")
    except OSError as error:
        complain("preparing a user namespace", error)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    for group in order["groups"]:
        remove_group(group)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def become(order: dict[str, Any], say_made: int, mapped: int) -> NoReturn:
    """In the child: enter the namespaces, prepare what the program finds in them, and become it."""
    parent = os.getppid()
    try:
        paths = [*order["folders"], *((path, "group") for path in order["groups"][:1])]
        staged = CLONE_NEWNS if paths or order["memory"] else 0
        check(LIBC.unshare(CLONE_NEWUSER | staged))
        os.write(say_made, b"1")
        if not os.read(mapped, 1):
            os._exit(1)
        folders = [(os.open(path, os.O_PATH | os.O_DIRECTORY), name) for path, name in paths]
        os.setgroups([])
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        check(LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        if os.getppid() != parent:
            os._exit(1)
        if staged:
            stage(folders, order["memory"])
        for name, value in order["bounds"].items():
            set_limit(getattr(resource, name), value)
        os.execvpe(order["argv"][0], order["argv"], order["environment"])  # noqa: S606
    except OSError as error:
        complain("entering a user namespace", error)
    finally:
        os._exit(1)


def stage(folders: list[tuple[int, str]], memory: list[tuple[str, str, bool]]) -> None:
    """Mount open folders and new memory below STAGE."""
    mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755")
    for fd, name in folders:
        os.mkdir(f"{STAGE}/{name}")
        mount(f"/proc/self/fd/{fd}", f"{STAGE}/{name}", "", MS_BIND | MS_REC, "")
    for name, options, runnable in memory:
        os.mkdir(f"{STAGE}/{name}")
        flags = MS_NOSUID | MS_NODEV | (0 if runnable else MS_NOEXEC)
        mount("tmpfs", f"{STAGE}/{name}", "tmpfs", flags, options)


def set_limit(resource_number: int, value: int) -> None:
    """Bound a resource by `value`, or by the bound there is already if that is less."""
    hard = resource.getrlimit(resource_number)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(resource_number, (value, value))


def mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    """mount(2). Raises OSError."""
    check(LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()))


def check(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def map_ids(pid: int, uids: int, gids: int) -> None:
    """Give the namespace of a process its ids: root does so itself, others ask newuidmap and newgidmap.

    Raises OSError.
    """
    for kind, start in (("uid", uids), ("gid", gids)):
        if os.getuid() == 0:
            write(f"/proc/{pid}/{kind}_map", f"0 {start} {IDS}")
        else:
            command = [f"new{kind}map", str(pid), "0", str(start), str(IDS)]
            mapper = os.posix_spawnp(command[0], command, os.environ)
            if os.waitpid(mapper, 0)[1] != 0:
                raise OSError(f"{command[0]} failed")


def make_group(settings: dict[str, str]) -> str:
    """Make a (version 2) control group with these settings below the one this runs in. Raises OSError.

    A group that hands on controllers has no processes of its own, so this one moves to another below it.
    """
    with open("/proc/self/cgroup") as lines:
        (here,) = ("/sys/fs/cgroup" + line.strip()[3:] for line in lines if line.startswith("0::"))
    os.mkdir(f"{here}/launcher")
    write(f"{here}/launcher/cgroup.procs", str(os.getpid()))
    controllers = {name.partition(".")[0] for name in settings}
    write(f"{here}/cgroup.subtree_control", " ".join(f"+{name}" for name in controllers))
    os.mkdir(f"{here}/sandbox")
    for name, value in settings.items():
        if name != SWAP or os.path.exists(f"{here}/sandbox/{name}"):
            write(f"{here}/sandbox/{name}", value)
    return f"{here}/sandbox"


def remove_group(path: str) -> None:
    """Kill what is in a control group and remove it; gives up after a while."""
    deadline = time.monotonic() + REMOVAL_PATIENCE
    while time.monotonic() < deadline:
        try:
            os.rmdir(path)
            return
        except FileNotFoundError:
            return
        except OSError:  # the kernel is not done with its processes
            kill_all(path)
            time.sleep(0.005)


def kill_all(group: str) -> None:
    try:
        with open(f"{group}/cgroup.procs") as lines:
            for pid in map(int, lines):
                if pid > 0:  # 0 is a process that this namespace does not see
                    os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return


def write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def complain(doing: str, error: Exception) -> None:
    os.write(2, f"{doing}: {error}\n".encode("utf-8", "replace"))


if __name__ == "__main__":
    sys.exit(main())
