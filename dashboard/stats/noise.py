"""
Stable noise for small filtered cells on public views: the same people are always shown as the same number.

The noise of a cell follows from who is in it and from the site's noise key (cell-key method, SDC handbook, 5.4), so
asking the same in other words, or ever again, brings nothing new, and two cells that differ by one person differ in a
way nobody can take apart. It never makes something of nothing, nor nothing of something.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from dashboard.stats.metrics import METRICS
from dashboard.stats.query import Value

NOISE_BELOW = 50
"""Cells of fewer visitors get noise (contract, "Small cells")."""
NOISE_MAX = 2
"""Most visitors that a number is off, either way."""

CELL_HASH = f"sum(cell_hash) % {2**63}"
"""Adds up the hashes of everybody in a cell; people are in one part of it only."""

_SHARES = frozenset({"percentage", "conversion_rate", "group_conversion_rate"})
"""Shares of visitors: off as the visitors of their row are."""


def cell_hash(is_person: str) -> str:
    """
    The expression that adds up the hashes of the people among some rows of events or visits.

    Args:
        is_person: the condition that a row is somebody's and counts.
    """
    # Of a cell that is large enough no noise is asked, so no more people than that are kept apart.
    people = f"groupUniqArrayIf({NOISE_BELOW})((visitor_id, noise_hash), {is_person})"
    return f"arraySum(one -> sipHash64(one.2) % 4294967296, {people})"


@dataclass(frozen=True, slots=True)
class Noise:
    """
    The noise of one site.
    """

    key: bytes

    def blurred(self, metric: str, value: Value, visitors: int, hashed: int, least: int) -> Value:
        """
        Give a metric of a cell its noise.

        Args:
            visitors: how many are in the cell.
            hashed: what their hashes add up to.
            least: a smaller number of visitors is never shown.
        """
        if not value or not 0 < visitors < NOISE_BELOW:
            return value
        form = METRICS[metric].form if metric in METRICS else "count"
        counts = form == "count" or metric in _SHARES
        # Every count of a cell is off by the same people; a mean has its own draw, or the parts would be told by it.
        off = max(self._draw("visitors" if counts else metric, hashed), min(visitors, least) - visitors)
        if metric == "visitors":
            return visitors + off
        if counts and form == "count":
            return max(1, round(value * (visitors + off) / visitors))
        blurred = value * (visitors + off) / visitors
        if form == "percent":
            blurred = min(100.0, blurred)
        if isinstance(value, int):
            return round(blurred)
        return round(blurred, 3 if form == "money" else 2)

    def _draw(self, what: str, hashed: int) -> int:
        text = f"{what} {hashed}".encode()
        drawn = int.from_bytes(hashlib.blake2b(text, digest_size=8, key=self.key).digest(), "big")
        return drawn % (2 * NOISE_MAX + 1) - NOISE_MAX
