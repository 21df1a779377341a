"""
What the memory of a running process holds, read as root or the process's own user may: `/proc/PID/mem`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from loadtests.processes import processes_of

CHUNK_BYTES = 8 * 1024 * 1024
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
THERE = np.uint64(3 << 62)
"""Bits of a page's entry: in memory, or in swap. A page with neither was never written: it reads as zeros."""


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
        regions = list(_filled(pid, _written(pid)))
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


def _filled(pid: int, regions: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """
    Cut the stretches to the pages that were ever written: an engine reserves far more than it uses.

    Source: https://docs.kernel.org/admin-guide/mm/pagemap.html
    """
    with Path(f"/proc/{pid}/pagemap").open("rb", buffering=0) as pagemap:
        for start, end in regions:
            entries = np.frombuffer(
                os.pread(pagemap.fileno(), (end - start) // PAGE_BYTES * 8, start // PAGE_BYTES * 8), np.uint64
            )
            there = np.concatenate(([False], (entries & THERE) != 0, [False]))
            edges = np.flatnonzero(there[1:] != there[:-1]) * PAGE_BYTES + start
            yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
