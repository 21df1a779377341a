"""
How much lies in a lane of the spool, and whether its drain asks for a pause: what decides if a record is taken.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

from ingest.spool.segment import MARK, OPEN, SLOW_DOWN, SLOW_DOWN_FRESH_MS


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
            used += status.st_size
            if entry.name.endswith(OPEN):
                # Room goes back when the segment is sealed. Counted, it would let beacons in again each time.
                used -= max(0, status.st_size - _safe_bytes(directory / entry.name, status.st_size))
            if entry.name == SLOW_DOWN:
                slow_down = now_ms - status.st_mtime_ns // 1_000_000 < SLOW_DOWN_FRESH_MS
    return used, slow_down


def _safe_bytes(path: Path, otherwise: int) -> int:
    try:
        mark = path.with_suffix(MARK).read_bytes()
    except FileNotFoundError:
        return otherwise  # sealed meanwhile, or its writer is dead
    return struct.unpack("<Q", mark)[0] if len(mark) == struct.calcsize("<Q") else otherwise
