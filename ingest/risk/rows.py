"""
Rows of the risk windows: one packed row an address, found by its risk id in an open-addressing table of numpy arrays.

Memory is asked for at once and touched as it fills: 1 million addresses take 148 MiB, rows and index together.
"""

from __future__ import annotations

from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

ADDRESSES_MAX = 1_250_000
"""Addresses of one day kept at once; beyond, those seen longest ago give way."""
READINGS_KEPT = 8
SMALL_MAX = 60_000
"""Small counters stop here, well below their 65,535."""

SMALL = (
    "conversions", "purchases", "orphans", "repeats", "quick_views", "whole_seconds", "looked", "headers_impossible",
    "origin_wrong", "declared_bot", "library", "empty_agent", "ancient_agent", "headless", "spam_referrer",
)  # fmt: skip
"""Counters of 16 bits."""
LARGE = ("total", "views", "owed_views", "readings")
"""Counters of 32 bits."""

ROW = np.dtype(
    [
        ("rid", "<u8", (2,)),
        ("first_ms", "<u4"),  # of the UTC day, as are the next two
        ("last_ms", "<u4"),
        ("view_ms", "<u4"),
        ("hours", "<u4"),
        ("sites", "<u8"),
        ("pages", "<u8"),
        ("agents", "<u8"),
        ("engaged_s", "<f4"),
        ("gap_sum", "<f4"),
        ("gap_squares", "<f4"),
        ("gaps", "<u2"),
        ("minute", "<u2"),
        ("minute_before", "<u2"),
        ("ten", "<u2"),
        ("ten_before", "<u2"),
        ("hour", "<u2"),
        ("hour_before", "<u2"),
        ("kept", "u1"),
        ("class", "u1"),
        *((name, "<u4") for name in LARGE),
        *((name, "<u2") for name in SMALL),
        ("kept_readings", "<u2", (READINGS_KEPT,)),
    ]
)

READ = (
    "first_ms", "last_ms", "hours", "sites", "pages", "agents", "engaged_s", "gap_sum", "gap_squares", "gaps",
    "minute", "minute_before", "ten", "ten_before", "hour", "hour_before", *LARGE, *SMALL,
)  # fmt: skip
"""What is read of a row for a question, in the order of the row."""

_CODES = {"<u8": "Q", "<u4": "I", "<u2": "H", "<f4": "f"}
_READING = Struct(
    "<" + "".join(_CODES[ROW[name].str] if name in READ else f"{ROW[name].itemsize}x" for name in ROW.names or ())
)
assert _READING.size == ROW.itemsize
_MIX_NUMBER = 0x9E3779B97F4A7C15
_MIX = np.uint64(_MIX_NUMBER)
_ALL_BITS = (1 << 64) - 1
_RISK_ID_BYTES = 16


class Rows:
    """
    The rows of one day.
    """

    def __init__(self, addresses_max: int = ADDRESSES_MAX) -> None:
        self.addresses_max = addresses_max
        self.table: NDArray[np.void] = np.zeros(addresses_max, dtype=ROW)
        self._bytes = self.table.view(np.uint8).data
        self.used = 0
        slots = 1 << (addresses_max * 3 // 2).bit_length()
        self._mask = np.uint64(slots - 1)
        self._index: NDArray[np.int32] = np.zeros(slots, dtype=np.int32)  # row number + 1; 0 is free
        self._places = self._index.data

    def read(self, number: int) -> tuple[Any, ...]:
        """
        Give the `READ` fields of a row as plain numbers: from its bytes, as numpy takes ten times as long for one row.
        """
        return _READING.unpack_from(self._bytes, number * _READING.size)

    def find(self, rid: bytes) -> int:
        """
        Give the number of an address's row, or -1.
        """
        # For one id, plain numbers and bytes are ten times as fast as arrays.
        mask = len(self._places) - 1
        slot = ((int.from_bytes(rid[:8], "little") * _MIX_NUMBER & _ALL_BITS) >> 17) & mask
        while True:
            number = self._places[slot] - 1
            if number < 0:
                return -1
            start = number * _READING.size
            if self._bytes[start : start + _RISK_ID_BYTES].tobytes() == rid:
                return number
            slot = (slot + 1) & mask

    def take(self, rids: NDArray[np.uint64]) -> NDArray[np.int64]:
        """
        Give the row numbers of distinct risk ids, making rows for those that have none.

        Args:
            rids: one risk id a line, two numbers each.
        """
        if self.used + len(rids) > self.addresses_max:
            self._give_way(len(rids))
        found, slots = self._search(rids)
        waiting = np.flatnonzero(found < 0)
        if not len(waiting):
            return found
        numbers = np.arange(self.used, self.used + len(waiting))
        self.table["rid"][numbers] = rids[waiting]
        found[waiting] = numbers
        self.used += len(waiting)
        self._enter(numbers, slots[waiting])
        return found

    def _search(self, rids: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        slots = (rids[:, 0] * _MIX >> np.uint64(17)) & self._mask
        held = self.table["rid"]
        found = self._index[slots].astype(np.int64) - 1
        # Number -1 is the last row: whose id is there does not matter.
        wrong = (held[found] != rids).any(axis=1)
        left = np.flatnonzero(wrong & (found >= 0))
        while len(left):
            slots[left] = (slots[left] + np.uint64(1)) & self._mask
            number = self._index[slots[left]].astype(np.int64) - 1
            found[left] = number
            left = left[(number >= 0) & (held[number] != rids[left]).any(axis=1)]
        return found, slots

    def _enter(self, numbers: NDArray[np.int64], slots: NDArray[np.uint64]) -> None:
        """
        Put rows into the index, each at its slot or the next free one.
        """
        while len(numbers):
            free = self._index[slots] == 0
            self._index[slots[free]] = numbers[free] + 1
            # Where two wanted one slot, the later won; the others go on.
            settled = self._index[slots] == numbers + 1
            numbers, slots = numbers[~settled], (slots[~settled] + np.uint64(1)) & self._mask

    def _give_way(self, wanted: int) -> None:
        """
        Forget the fifth of all rows that was seen longest ago, and enter the rest anew.
        """
        last = self.table["last_ms"][: self.used]
        forgotten = max(wanted, self.addresses_max // 5)
        keep = np.sort(np.argpartition(last, min(forgotten, self.used - 1))[forgotten:])
        kept = self.table[keep].copy()
        self.table[: self.used] = np.zeros(1, dtype=ROW)
        self.table[: len(kept)] = kept
        self.used = len(kept)
        self._index[:] = 0
        rids = self.table["rid"][: self.used]
        self._enter(np.arange(self.used), (rids[:, 0] * _MIX >> np.uint64(17)) & self._mask)
