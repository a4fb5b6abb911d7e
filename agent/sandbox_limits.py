"""Limits of a sandbox that a person asks for: which make no sense anywhere, and which not on this machine."""

from __future__ import annotations

from agent.errors import UsageError
from agent.units import show_size
from sandboxes.backend import Machine
from sandboxes.interface import SandboxLimits

LEAST_MEMORY, LEAST_DISK = 256 * 2**20, 32 * 2**20
LEAST_PROCESSES, MOST_PROCESSES = 16, 2**22 - 1
"""The runner, a test process and what watches it need some; a control group takes no bound above the most."""

LEAST_CPUS = 0.01
"""What engines and control groups take at least."""

USUAL = SandboxLimits()
_SETTINGS = {
    "memory_bytes": "sandbox_memory",
    "disk_bytes": "sandbox_disk",
    "processes": "sandbox_processes",
    "cpus": "sandbox_cpus",
}


def check_limits(limits: SandboxLimits) -> None:
    """Raises UsageError for limits within which nothing runs on any machine."""
    if limits.disk_bytes < LEAST_DISK or limits.memory_bytes < LEAST_MEMORY:
        raise UsageError("a sandbox needs at least 256m of sandbox-memory and 32m of sandbox-disk")
    if limits.disk_bytes > limits.memory_bytes:
        raise UsageError("sandbox-disk lies in memory: it cannot be more than sandbox-memory")


def check_machine(limits: SandboxLimits, machine: Machine) -> None:
    """Raises UsageError for limits beyond what the machine has. The usual ones may be: they bound it just the
    same, and nobody asked for them."""
    where = "more than the machine that runs sandboxes has"
    if limits.memory_bytes > max(machine.memory_bytes, USUAL.memory_bytes):
        asked, there = show_size(limits.memory_bytes), show_size(machine.memory_bytes)
        raise UsageError(f"sandbox-memory: {asked} is {where} ({there})")
    if limits.cpus > max(machine.cpus, USUAL.cpus):
        raise UsageError(f"sandbox-cpus: {limits.cpus:g} is {where} ({machine.cpus})")


def changed(limits: SandboxLimits) -> tuple[str, ...]:
    """Names of the settings by which these limits differ from the usual ones."""
    return tuple(
        setting for name, setting in _SETTINGS.items() if getattr(limits, name) != getattr(USUAL, name)
    )


def show_limits(limits: SandboxLimits) -> str:
    """In words."""
    return (
        f"{show_size(limits.memory_bytes)} of memory, {show_size(limits.disk_bytes)} of disk, "
        f"{limits.processes} processes, {limits.cpus:g} processors"
    )
