"""
What is known of one site today, beside its addresses: what its readers do, and how its traffic divides by class.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest.risk.assess import TRAFFIC

READERS_MIN = 5
"""So many addresses must have sent a reading before a missing one means anything on this site."""
VIEWS_MIN = 5
"""Likewise for conversions without a pageview: a site may count nothing but goals."""
SKETCH_BITS = 1024
"""Addresses of a class and hour are estimated by linear counting, good up to some 4,000; only `k` is asked of it."""
_SKETCH_BYTES = SKETCH_BITS // 8


def _hours() -> NDArray[np.int64]:
    return np.zeros((24, len(TRAFFIC)), dtype=np.int64)


@dataclass(slots=True)
class SiteDay:
    """
    Counts of one site for one UTC day.
    """

    views: int = 0
    readers: int = 0
    """Addresses that sent a reading."""
    events: NDArray[np.int64] = field(default_factory=_hours)
    """By hour and class, as it was thought of when the event came."""
    sketches: dict[tuple[int, int], bytearray] = field(default_factory=dict[tuple[int, int], bytearray])
    why: dict[str, int] = field(default_factory=dict[str, int])
    """Reason code -> addresses that came to be called automated with it."""
    called: int = 0
    """Addresses that came to be called automated."""

    @property
    def engages(self) -> bool:
        """
        Tell whether the site's tracker sends readings.
        """
        return self.readers >= READERS_MIN

    @property
    def viewed(self) -> bool:
        """
        Tell whether the site counts pageviews.
        """
        return self.views >= VIEWS_MIN

    def count(self, hour: int, classes: NDArray[np.uint8], rids: NDArray[np.uint64]) -> None:
        """
        Count events of one hour.

        Args:
            classes: of each event's address, as a place in `TRAFFIC`.
            rids: first half of each event's risk id.
        """
        counts = np.bincount(classes, minlength=len(TRAFFIC))
        self.events[hour] += counts
        bits = rids >> np.uint64(20) & np.uint64(SKETCH_BITS - 1)
        places, within = bits >> np.uint64(3), (np.uint64(1) << (bits & np.uint64(7))).astype(np.uint8)
        for number in np.flatnonzero(counts).tolist():
            sketch = self.sketches.setdefault((hour, number), bytearray(_SKETCH_BYTES))
            here = classes == number
            np.bitwise_or.at(np.frombuffer(sketch, dtype=np.uint8), places[here], within[here])

    def blame(self, codes: Iterable[str]) -> None:
        """
        Note an address that has come to be called automated, and with which reasons.
        """
        self.called += 1
        for code in codes:
            self.why[code] = self.why.get(code, 0) + 1

    def quality(self, hours: range, k: int) -> dict[str, Any]:
        """
        Divide the traffic of some hours by class. A class of fewer than `k` addresses is not told, nor is the smallest
        other one when it would give that away.
        """
        events = self.events[list(hours)].sum(axis=0).tolist()
        addresses = [self._addresses(hours, number) for number in range(len(TRAFFIC))]
        hidden = {number for number, count in enumerate(events) if count and addresses[number] < k}
        shown = [number for number, count in enumerate(events) if count and number not in hidden]
        if len(hidden) == 1 and shown:
            hidden.add(min(shown, key=lambda number: events[number]))
        return {
            "events": sum(events),
            "classes": [
                {"class": name, "events": None if number in hidden else events[number]}
                for number, name in enumerate(TRAFFIC)
                if name != "not_assessed"
            ],
            "reasons": [
                {"code": code, "addresses": count}
                for code, count in sorted(self.why.items(), key=lambda item: (-item[1], item[0]))
                if count >= k
            ],
            "small_cell": bool(hidden),
        }

    def _addresses(self, hours: range, number: int) -> int:
        united = 0
        for hour in hours:
            united |= int.from_bytes(self.sketches.get((hour, number), b""), "little")
        free = SKETCH_BITS - united.bit_count()
        return SKETCH_BITS * 8 if free == 0 else math.floor(-SKETCH_BITS * math.log(free / SKETCH_BITS))
