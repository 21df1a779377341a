"""
The processes of a running server and the memory they hold, read from /proc.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_ROLES = ("collector", "store", "drain", "dashboard", "risk", "lists")


@dataclass(frozen=True, slots=True)
class Process:
    """
    One process of a server.
    """

    pid: int
    role: str
    """`keeper` for the parent."""
    rss_bytes: int
    """Resident memory. Pages that processes share are counted in each."""


def processes_of(keeper_pid: int) -> list[Process]:
    """
    List the keeper and its descendants.
    """
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue  # it ended while we looked
    family = {keeper_pid}
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    # The keeper first, also where the numbers of processes began again after it.
    numbers = [keeper_pid, *sorted(family - {keeper_pid})]
    return [process for pid in numbers if (process := _read(pid, keeper_pid)) is not None]


def rss_mib(keeper_pid: int) -> float:
    """
    Sum the resident memory of all its processes, in MiB.
    """
    return sum(process.rss_bytes for process in processes_of(keeper_pid)) / (1 << 20)


def resident_bytes() -> int:
    """
    Tell the resident memory of this process.
    """
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))


def _read(pid: int, keeper_pid: int) -> Process | None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    resident = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")]
    role = "keeper" if pid == keeper_pid else next((role for role in _ROLES if role in words), "other")
    return Process(pid, role, int(resident[0]) * 1024 if resident else 0)
