"""How the runner becomes the unprivileged user that code under repair runs as."""

from __future__ import annotations

import ctypes
import os
import struct
import sys

WORK = "/workspace"
UID = 1000
PR_SET_NO_NEW_PRIVS = 38
CAPABILITY_VERSION_3 = 0x20080522


def status_field(name: str) -> str:
    """A field of /proc/self/status, such as NoNewPrivs."""
    with open("/proc/self/status") as lines:
        for line in lines:
            key, _, value = line.partition(":")
            if key == name:
                return value.strip()
    return ""


def forbid_new_privileges() -> None:
    """Set no_new_privs for this process and all it starts, if the engine has not done it already."""
    if status_field("NoNewPrivs") != "1":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            sys.exit("runner: cannot set no_new_privs")


def become_owner() -> None:
    """Drop to uid and gid 1000 with no other groups and no capability, inheritable ones included."""
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    if ctypes.CDLL(None).capset(header, bytes(24)) != 0:
        sys.exit("runner: cannot drop capabilities")
    os.umask(0o022)
