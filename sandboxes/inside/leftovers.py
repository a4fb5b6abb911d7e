"""What a command leaves behind besides its processes, cleared so that no later command finds it.

Temporary files, message queues, System V shared memory, semaphores and queues (the sandbox has an IPC
namespace of its own, so all there is belongs to the command), and a work area nobody may enter.
"""

from __future__ import annotations

import ctypes
import os
import stat
from typing import List, Tuple

from sandboxes.inside.files import empty
from sandboxes.inside.identity import UID, WORK, become_owner

TEMPORARY: Tuple[str, ...] = ("/tmp", "/dev/shm")
QUEUES = "/dev/mqueue"
WORK_MODE = 0o777  # one user is inside; an owner other than that cannot be had from every engine
IPC_RMID = 0
RESERVE_BYTES = 8 * 2**20


class Reserve:
    """Memory held back for the clean-up after a command that took all there was; without it the kernel
    would find no other process to kill for want of memory than the runner.

    It lies in a memory file, where it counts towards the sandbox's memory and not towards the runner's: the
    kernel kills the largest process first.
    """

    def __init__(self) -> None:
        self.file = os.memfd_create("reserve")
        self.hold()

    def hold(self) -> None:
        os.pwrite(self.file, bytes(RESERVE_BYTES), 0)

    def release(self) -> None:
        os.ftruncate(self.file, 0)


def open_work_area() -> None:
    """Where root owns the work area, its mode may be that of a folder of the image."""
    if os.stat(WORK).st_uid == os.getuid():
        os.chmod(WORK, WORK_MODE)


def clear() -> None:
    """Clear what the last command has left, as its owner; cheap when there is nothing."""
    if is_clean():
        return
    pid = os.fork()
    if pid == 0:
        try:
            become_owner()
            if is_shut():
                os.chmod(WORK, WORK_MODE)
            remove_ipc()
            for folder in shared_folders():
                clear_shared(folder)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def is_clean() -> bool:
    if is_shut() or any(ipc_ids(kind) for kind in ("shm", "sem", "msg")):
        return False
    return all(is_empty(folder) for folder in shared_folders())


def is_shut() -> bool:
    """Whether the work area's mode was changed, as its owner can; where root owns it, all may enter."""
    state = os.stat(WORK)
    return state.st_uid == UID and stat.S_IMODE(state.st_mode) != WORK_MODE


def shared_folders() -> List[str]:
    return [folder for folder in (*TEMPORARY, QUEUES) if os.path.isdir(folder)]


def is_empty(folder: str) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def clear_shared(folder: str) -> None:
    """Remove what the user owns in a folder that is not the user's."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                empty(entry.path)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)


def ipc_ids(kind: str) -> List[int]:
    """Ids of what lives in the IPC namespace: `kind` is shm, sem or msg."""
    try:
        with open(f"/proc/sysvipc/{kind}") as lines:
            next(lines)
            return [int(line.split()[1]) for line in lines]
    except FileNotFoundError:  # a kernel without System V IPC
        return []


def remove_ipc() -> None:
    libc = ctypes.CDLL(None)
    for number in ipc_ids("shm"):
        libc.shmctl(number, IPC_RMID, None)
    for number in ipc_ids("sem"):
        libc.semctl(number, 0, IPC_RMID)
    for number in ipc_ids("msg"):
        libc.msgctl(number, IPC_RMID, None)
