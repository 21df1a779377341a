"""
Gaps: the times between an address's pageviews, as running sums in its row.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ingest.risk.apart import changes

GAPS_MAX = 64
"""When so many are summed up, all sums are halved: what is new counts for more."""
VISIT_MS = 1_800_000
"""A longer silence is no gap between pages but another visit."""
QUICK_MS = 1000
WHOLE_SECOND_MS = 15
"""How near to a whole second a gap must be; 3 of 100 are by chance."""


def count_gaps(
    rows: NDArray[np.void], of: NDArray[np.int64], at_ms: NDArray[np.int64], view: NDArray[np.bool_]
) -> None:
    """
    Count the gaps before pageviews into their rows.

    Args:
        of: for each event the number of its row in `rows`.
        view: which events are pageviews whose time is the visitor's own.
    """
    chosen = np.flatnonzero(view)
    if not len(chosen):
        return
    # By row and time; a time of the day fits into 27 bits.
    chosen = chosen[np.argsort(of[chosen] << 27 | at_ms[chosen], kind="stable")]
    row, at = of[chosen], at_ms[chosen]
    first = changes(row)
    before = np.empty_like(at)
    before[1:] = at[:-1]
    before[first] = rows["view_ms"][row[first]]
    gap = at - before
    real = (before > 0) & (gap >= 0) & (gap < VISIT_MS)
    last = np.empty_like(first)
    last[:-1], last[-1] = first[1:], True
    rows["view_ms"][row[last]] = at[last]
    if not real.any():
        return
    row_r, gap_r = row[real], gap[real]
    seconds = gap_r / 1000
    off = gap_r % 1000
    whole = (gap_r >= QUICK_MS - WHOLE_SECOND_MS) & ((off <= WHOLE_SECOND_MS) | (off >= 1000 - WHOLE_SECOND_MS))
    length = len(rows)
    rows["gap_sum"] += np.bincount(row_r, weights=seconds, minlength=length)
    rows["gap_squares"] += np.bincount(row_r, weights=seconds**2, minlength=length)
    gaps = rows["gaps"] + np.bincount(row_r, minlength=length)
    wholes = rows["whole_seconds"] + np.bincount(row_r[whole], minlength=length)
    quick = rows["quick_views"] + np.bincount(row_r[gap_r < QUICK_MS], minlength=length)
    rows["quick_views"] = np.minimum(quick, 60_000)
    if gaps.max() > GAPS_MAX:
        scale = 0.5 ** np.ceil(np.log2(np.maximum(gaps / GAPS_MAX, 1)))
        gaps, wholes = gaps * scale, wholes * scale
        rows["gap_sum"] *= scale.astype("f4")
        rows["gap_squares"] *= scale.astype("f4")
    rows["gaps"] = gaps
    rows["whole_seconds"] = wholes


def gap_variation(gaps: int, total: float, squares: float) -> float:
    """
    Give the standard deviation of gaps over their mean; 1 when there are too few to say.
    """
    if gaps < 2 or total <= 0:
        return 1.0
    mean = total / gaps
    return math.sqrt(max(0.0, squares / gaps - mean**2)) / mean
