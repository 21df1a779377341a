"""
What the memory of a running process holds, read as root or the process's own user may: `/proc/PID/mem`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from loadtests.processes import processes_of

CHUNK_BYTES = 8 * 1024 * 1024


def family_of(keeper_pid: int) -> dict[int, str]:
    """
    Name all processes of a server by their numbers.
    """
    return {process.pid: process.role for process in processes_of(keeper_pid)}


def held_in_memory(pid: int, needles: Mapping[str, bytes]) -> set[str]:
    """
    Find needles in all memory that a process could have written.

    Returns:
        The names of those found; none when the process is gone.

    Raises:
        PermissionError: this user may not look.
    """
    found: set[str] = set()
    overlap = max(map(len, needles.values())) - 1
    try:
        descriptor = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        regions = _written(pid)
    except (FileNotFoundError, ProcessLookupError):
        return found
    try:
        for start, end in regions:
            at, tail = start, b""
            while at < end:
                try:
                    data = os.pread(descriptor, min(CHUNK_BYTES, end - at), at)
                except OSError:
                    break  # unmapped meanwhile, or memory of a device
                if not data:
                    break
                found |= {name for name, needle in needles.items() if needle in tail + data}
                tail, at = data[-overlap:], at + len(data)
    finally:
        os.close(descriptor)
    return found


def _written(pid: int) -> list[tuple[int, int]]:
    """
    List the stretches of memory that can be written and hold pages.
    """
    regions: list[tuple[int, int]] = []
    current: tuple[int, int] | None = None
    for line in Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace").splitlines():
        first = line.split(None, 1)[0] if line else ""
        if not first.endswith(":") and "-" in first:
            start, _, end = first.partition("-")
            writable = "rw" in line.split()[1]
            current = (int(start, 16), int(end, 16)) if writable else None
        elif line.startswith("Rss:") and current is not None and int(line.split()[1]):
            regions.append(current)
    return regions
