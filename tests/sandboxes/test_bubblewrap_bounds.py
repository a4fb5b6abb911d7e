"""Filters of system calls, run as the kernel would, and what bounds a sandbox besides."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from contract import SMALL, script, shell
from packaging.specifiers import SpecifierSet

from sandboxes import cgroups, seccomp
from sandboxes.bubblewrap_backend import BubblewrapBackend
from sandboxes.cgroups import Hierarchy, Means
from sandboxes.inside.syscalls import ALLOW, ARCHITECTURES, FAIL
from sandboxes.interface import EngineMissing, SandboxError, SandboxLimits

ARCHITECTURE_NAMES = sorted(seccomp.REFUSED)
AUDIT_OF = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06


def verdict(code: bytes, audit: int, number: int, *arguments: int) -> int:
    """What a filter returns for a call: the part of classic BPF that filters use."""
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    data = struct.pack("=IIQ6Q", number, audit, 0, *padded)
    accumulator, place = 0, 0
    while True:
        operation, if_true, if_false, operand = struct.unpack_from("=HBBI", code, place * 8)
        place += 1
        if operation == RETURN:
            return int(operand)
        if operation == LOAD:
            (accumulator,) = struct.unpack_from("=I", data, operand)
            continue
        holds = {
            EQUAL: accumulator == operand,
            AT_LEAST: accumulator >= operand,
            ANY_BIT: bool(accumulator & operand),
        }[operation]
        place += if_true if holds else if_false


def decided(name: str, number: int, *arguments: int) -> int:
    """The strictest verdict of both filters of an architecture: the errno of a refusal, or 0."""
    verdicts = [verdict(code, AUDIT_OF[name], number, *arguments) for code in seccomp.filters(name)]
    return 0 if all(each == ALLOW for each in verdicts) else min(verdicts) & 0xFFFF


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_what_is_refused_and_what_is_not(name: str) -> None:
    refused = (*seccomp.REFUSED[name].values(), *ARCHITECTURES[name].refused)
    for number in refused:
        assert decided(name, number) == errno.EPERM
    looked_into = seccomp.LOOKED_INTO[name]
    special = {425, 426, 427, 435, ARCHITECTURES[name].socket, *looked_into.values()}
    for number in set(range(500)) - set(refused) - special:
        assert decided(name, number) == 0
    ioctl, personality = looked_into["ioctl"], looked_into["personality"]
    assert decided(name, ioctl, 1, 0x5412) == decided(name, ioctl, 1, 0x541C) == errno.EPERM
    assert decided(name, ioctl, 1, 0x1_0000_5412) == errno.EPERM, "the kernel looks at 32 bits"
    assert decided(name, ioctl, 1, 0x5401) == 0
    assert decided(name, personality, 0) == decided(name, personality, 0xFFFFFFFF) == 0
    assert decided(name, personality, 0x0040000) == errno.EPERM
    foreign = [verdict(code, 0x40000003, 1) for code in seccomp.filters(name)]
    assert foreign[0] == FAIL | errno.ENOSYS


@pytest.mark.parametrize("name", ARCHITECTURE_NAMES)
def test_numbers_are_those_of_the_names(name: str) -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp, which knows the numbers, is not here")
    numbers = {**seccomp.REFUSED[name], **seccomp.LOOKED_INTO[name]}
    resolve = library.seccomp_syscall_resolve_name_arch
    known = {call: resolve(AUDIT_OF[name], call.encode()) for call in numbers}
    assert {call: number for call, number in known.items() if number >= 0} == {
        call: numbers[call] for call, number in known.items() if number >= 0
    }
    assert len(known) > 25


def test_an_architecture_without_a_table_is_refused() -> None:
    with pytest.raises(EngineMissing, match="no filter of system calls for riscv64"):
        seccomp.filters("riscv64")


def test_where_controllers_are() -> None:
    version1 = "cgroup /c/memory cgroup rw,memory 0 0\ncgroup /c/cpu cgroup rw,cpu,cpuacct 0 0\n"
    found = cgroups.find_hierarchies(f"tmpfs /c tmpfs rw 0 0\n{version1}cgroup2 /nowhere cgroup2 rw 0 0\n")
    assert found == {"memory": Hierarchy(Path("/c/memory"), 1), "cpu": Hierarchy(Path("/c/cpu"), 1)}
    with pytest.raises(SandboxError, match="not every controller"):
        cgroups.make_groups(found, SandboxLimits())


def test_groups_of_version_2(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu\n")
    ours = tmp_path / cgroups.PARENT
    ours.mkdir()
    (ours / "cgroup.subtree_control").write_text("")
    hierarchies = cgroups.find_hierarchies(f"cgroup2 {tmp_path} cgroup2 rw 0 0\n")
    limits = SandboxLimits(memory_bytes=1000, processes=7, cpus=1.5)
    bounds = cgroups.make_bounds(Means(hierarchies), limits)
    assert bounds.shown_at == "/sys/fs/cgroup"
    (folder,) = {Path(each) for each in bounds.folders}
    assert folder.parent == ours and f"-{os.getpid()}-" in folder.name
    assert {path.name: path.read_text() for path in folder.iterdir()} == {
        "memory.max": "1000",
        "pids.max": "8",
        "cpu.max": "150000 100000",
    }
    for each in (tmp_path, ours):
        assert (each / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"


def test_without_groups_processes_are_bounded_each(bubblewrap_backend: BubblewrapBackend) -> None:
    backend = BubblewrapBackend()
    backend.site = replace(backend.site, means=Means())
    with backend.sandbox(backend.base(SpecifierSet(), print), SMALL) as sandbox:
        assert "per process" in backend.description
        result = script(sandbox, "x = bytearray(2**30)")
        assert result.exit_code == 1 and b"MemoryError" in result.stderr
        bomb = "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass"
        assert script(sandbox, bomb, timeout=1.5).timed_out
        assert shell(sandbox, "echo well").stdout == b"well\n"


def test_processors_are_bounded(bubblewrap_backend: BubblewrapBackend) -> None:
    if "processors are not" in bubblewrap_backend.description:
        pytest.skip(bubblewrap_backend.description)
    image = bubblewrap_backend.base(SpecifierSet(), print)
    with bubblewrap_backend.sandbox(image, SandboxLimits(cpus=0.2)) as sandbox:
        busy = (
            "from time import *\nend = monotonic() + 1\nwhile monotonic() < end: pass\nprint(process_time())"
        )
        assert float(script(sandbox, busy).stdout) < 0.6, "seconds of a processor, in one second"
