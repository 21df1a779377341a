"""
Repeats: readings (engagement events) that are equal to an earlier one of the same address, to the millisecond.

Two people do not read the same page for the same 48,127 ms; who sends the same event again was not there. Each row
remembers 16 bits of its last eight readings: one in 8,000 is taken for a repeat by chance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.risk.apart import changes
from ingest.risk.rows import READINGS_KEPT


def count_repeats(
    rows: NDArray[np.void], of: NDArray[np.int64], reading: NDArray[np.uint32], which: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """
    Find the repeats among events, and remember the new readings in their rows.

    Returns:
        For each event whether it is a repeat.
    """
    repeated = np.zeros(len(of), dtype=bool)
    chosen = np.flatnonzero(which)
    if not len(chosen):
        return repeated
    short = (reading[chosen] & 0xFFFF) | 1
    known = (rows["kept_readings"][of[chosen]] == short[:, None]).any(axis=1)
    _, firsts = np.unique(of[chosen].astype(np.uint64) << np.uint64(16) | short, return_index=True)
    again = np.ones(len(chosen), dtype=bool)
    again[firsts] = False
    repeated[chosen[known | again]] = True
    new = chosen[~(known | again)]
    new = new[np.argsort(of[new], kind="stable")]
    row = of[new]
    first = changes(row)
    rank = np.arange(len(row)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    rows["kept_readings"][row, (rows["kept"][row].astype(np.int64) + rank) % READINGS_KEPT] = (
        reading[new] & 0xFFFF
    ) | 1
    rows["kept"] = (rows["kept"] + np.bincount(row, minlength=len(rows))) % READINGS_KEPT
    return repeated
