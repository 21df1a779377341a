"""
How much lies in a lane of the spool, and whether its drain asks for a pause: what decides if a record is taken.
"""

from __future__ import annotations

import os
from pathlib import Path

from ingest.spool.segment import OPEN, SLOW_DOWN, SLOW_DOWN_FRESH_MS, read_mark


def spool_usage(directory: Path, now_ms: int) -> tuple[int, bool]:
    """
    Look through a lane.

    Returns:
        Bytes in its files, without the room at the end of open ones, and whether the drain lately asked to slow down.
    """
    used, slow_down = 0, False
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue  # the drain was done with it
            used += _size(directory / entry.name, status.st_size)
            if entry.name == SLOW_DOWN:
                slow_down = now_ms - status.st_mtime_ns // 1_000_000 < SLOW_DOWN_FRESH_MS
    return used, slow_down


def _size(path: Path, length: int) -> int:
    """
    Tell how much of a file is used: room goes back when a segment is sealed, and counted, it would let beacons in again
    each time.
    """
    if path.suffix != OPEN:
        return length
    try:
        safe = read_mark(path)
    except FileNotFoundError:
        return length
    return length if safe is None else min(length, safe)
