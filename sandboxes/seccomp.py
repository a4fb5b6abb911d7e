"""Filters of system calls for a whole sandbox without an engine, whose default profile they stand in for.

The filter that every backend puts on commands (`inside/syscalls.py`) holds here for the runner as well, with
more calls refused: those an engine's profile leaves to capabilities nobody has inside, and which would
otherwise be kernel code within reach for nothing. A second filter looks at arguments.
"""

from __future__ import annotations

import errno
import os
import platform

from sandboxes.inside.syscalls import (
    ALLOW,
    ARCHITECTURE,
    ARCHITECTURES,
    EQUAL,
    FAIL,
    FIRST_ARGUMENT,
    LOAD,
    NUMBER,
    RETURN,
    Architecture,
    Instruction,
    encode,
    program,
)
from sandboxes.interface import EngineMissing

SECOND_ARGUMENT = FIRST_ARGUMENT + 8

# Calls refused by name. A name that an architecture lacks has no number there.
REFUSED: dict[str, dict[str, int]] = {
    "x86_64": {
        "syslog": 103, "uselib": 134, "ustat": 136, "sysfs": 139, "vhangup": 153, "_sysctl": 156,
        "chroot": 161, "acct": 163, "settimeofday": 164, "swapon": 167, "swapoff": 168, "reboot": 169,
        "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173, "create_module": 174,
        "init_module": 175, "delete_module": 176, "get_kernel_syms": 177, "query_module": 178,
        "quotactl": 179, "nfsservctl": 180, "lookup_dcookie": 212, "clock_settime": 227, "mbind": 237,
        "set_mempolicy": 238, "get_mempolicy": 239, "kexec_load": 246, "migrate_pages": 256,
        "move_pages": 279, "fanotify_init": 300, "name_to_handle_at": 303, "clock_adjtime": 305,
        "finit_module": 313, "kexec_file_load": 320, "quotactl_fd": 443, "set_mempolicy_home_node": 450,
    },
    "aarch64": {
        "lookup_dcookie": 18, "nfsservctl": 42, "chroot": 51, "vhangup": 58, "quotactl": 60, "acct": 89,
        "kexec_load": 104, "init_module": 105, "delete_module": 106, "clock_settime": 112, "syslog": 116,
        "reboot": 142, "sethostname": 161, "setdomainname": 162, "settimeofday": 170, "swapon": 224,
        "swapoff": 225, "mbind": 235, "get_mempolicy": 236, "set_mempolicy": 237, "migrate_pages": 238,
        "move_pages": 239, "fanotify_init": 262, "name_to_handle_at": 264, "clock_adjtime": 266,
        "finit_module": 273, "kexec_file_load": 294, "quotactl_fd": 443, "set_mempolicy_home_node": 450,
    },
}  # fmt: skip
LOOKED_INTO = {
    "x86_64": {"ioctl": 16, "personality": 135},
    "aarch64": {"ioctl": 29, "personality": 92},
}
TERMINAL_REQUESTS = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: put input into the terminal for others to read
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)  # Linux, with uname of 32 bits or 2.6; only asking


def filters(name: str) -> tuple[bytes, ...]:
    """Programs for seccomp(2), all of which hold, for the architecture `name`. Raises EngineMissing where
    there is no table for it."""
    machine = ARCHITECTURES.get(name)
    if machine is None or name not in REFUSED:
        raise EngineMissing(f"there is no filter of system calls for {name}: bubblewrap cannot be used here")
    more = machine._replace(refused=(*machine.refused, *REFUSED[name].values()))
    return encode(program(more)), encode(argument_program(machine, **LOOKED_INTO[name]))


def argument_program(machine: Architecture, ioctl: int, personality: int) -> list[Instruction]:
    """Refuses some requests of ioctl, and all but some arguments of personality."""
    refuse, allow = (RETURN, 0, 0, FAIL | errno.EPERM), (RETURN, 0, 0, ALLOW)
    requests = [step for request in TERMINAL_REQUESTS for step in ((EQUAL, 0, 1, request), refuse)]
    personalities = [step for value in PERSONALITIES for step in ((EQUAL, 0, 1, value), allow)]
    of_ioctl = [(LOAD, 0, 0, SECOND_ARGUMENT), *requests, allow]
    return [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, machine.audit),
        allow,  # the other filter refuses it
        (LOAD, 0, 0, NUMBER),
        (EQUAL, 0, len(of_ioctl), ioctl),
        *of_ioctl,
        (EQUAL, 1, 0, personality),
        allow,
        (LOAD, 0, 0, FIRST_ARGUMENT),
        *personalities,
        refuse,
    ]


def filter_files() -> list[int]:
    """Each filter for this machine in a memory file, to be read from its start; the caller closes them."""
    files = []
    for code in filters(platform.machine()):
        files.append(os.memfd_create("filter"))
        os.pwrite(files[-1], code, 0)
    return files
