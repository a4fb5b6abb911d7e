"""A filter of system calls for commands, the same under every backend and on top of the engine's own.

It takes away what no namespace closes or no test needs: socket families that lead past the network namespace
(AF_VSOCK reaches the host of a virtual machine) or are rarely tested code of the kernel, `io_uring` (which
opens sockets unseen by any filter), key rings, new namespaces, and system calls of other architectures.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import Dict, List, NamedTuple, Tuple

ALLOW, FAIL = 0x7FFF0000, 0x00050000  # seccomp(2): SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # opcodes of classic BPF
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2

FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (the last two halves of name look-up)
CLONE_NEWUSER = 0x10000000
FOREIGN_ABI = 0x40000000  # x32 calls on x86_64; no other architecture has numbers this high
IO_URING_AND_CLONE3 = (425, 426, 427, 435)  # their arguments lie in memory, where no filter can look


class Architecture(NamedTuple):
    """An audit architecture, the numbers of two calls looked into, and those of calls refused."""

    audit: int
    socket: int
    clone: int
    refused: Tuple[int, ...]


# refused: add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, unshare, setns, mount, umount2,
# pivot_root, open_by_handle_at, kcmp; by number, and from 428 on (open_tree to fspick) the same everywhere.
NEW_MOUNTS = (428, 429, 430, 431, 432, 433, 442)
ARCHITECTURES: Dict[str, Architecture] = {
    "x86_64": Architecture(
        0xC000003E, 41, 56, (248, 249, 250, 321, 298, 323, 272, 308, 165, 166, 155, 304, 312, *NEW_MOUNTS)
    ),
    "aarch64": Architecture(
        0xC00000B7, 198, 220, (217, 218, 219, 280, 241, 282, 97, 268, 40, 39, 41, 265, 272, *NEW_MOUNTS)
    ),
}

Instruction = Tuple[int, int, int, int]  # opcode, jump if true, jump if false, operand


def program(machine: Architecture) -> List[Instruction]:
    """The filter: each test is followed by what happens when it holds, and jumps over that when not."""
    absent, refused, no_family = (FAIL | code for code in (errno.ENOSYS, errno.EPERM, errno.EAFNOSUPPORT))
    steps: List[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, absent),
        (LOAD, 0, 0, NUMBER),
        (AT_LEAST, 0, 1, FOREIGN_ABI),
        (RETURN, 0, 0, absent),
    ]
    for number in IO_URING_AND_CLONE3:
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, absent)]
    for number in machine.refused:
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, refused)]
    steps += [(EQUAL, 0, 4, machine.clone), (LOAD, 0, 0, FIRST_ARGUMENT), (ANY_BIT, 0, 1, CLONE_NEWUSER)]
    steps += [(RETURN, 0, 0, refused), (RETURN, 0, 0, ALLOW)]
    steps += [(EQUAL, 0, 2 + 2 * len(FAMILIES), machine.socket), (LOAD, 0, 0, FIRST_ARGUMENT)]
    for family in FAMILIES:
        steps += [(EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    return [*steps, (RETURN, 0, 0, no_family), (RETURN, 0, 0, ALLOW)]


def encode(steps: List[Instruction]) -> bytes:
    """Instructions as an array of struct sock_filter."""
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


class Filter:
    """The filter for this machine, made once: children that bind themselves to it have little time.

    On an architecture without a table there is none, and only the engine's own filter holds.
    """

    def __init__(self) -> None:
        self.libc = ctypes.CDLL(None, use_errno=True)
        machine = ARCHITECTURES.get(os.uname().machine)
        steps = program(machine) if machine else []
        self.code = ctypes.create_string_buffer(encode(steps))
        self.header = struct.pack("HP", len(steps), ctypes.addressof(self.code)) if steps else b""

    def bind(self) -> None:
        """Bind this process and all it starts to the filter. Raises OSError when the kernel will not."""
        if self.header and self.libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, self.header, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the kernel takes no filter of system calls")


FILTER = Filter()
