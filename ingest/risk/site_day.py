"""
What is known of one site today, beside its addresses: what its readers do, and how its traffic divides by class.
"""

from __future__ import annotations

from dataclasses import dataclass

READERS_MIN = 5
"""So many addresses must have sent a reading before a missing one means anything on this site."""
VIEWS_MIN = 5
"""Likewise for conversions without a pageview: a site may count nothing but goals."""


@dataclass(slots=True)
class SiteDay:
    """
    Counts of one site for one UTC day.
    """

    views: int = 0
    readers: int = 0
    """Addresses that sent a reading."""

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
