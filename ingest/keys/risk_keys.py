"""
The keys under which addresses become risk ids: one for each UTC day, random, for all sites together.

A risk id is not a visitor id and the two never stand side by side: this key is drawn on its own, not derived from a
salt, and shares nothing with one. It lives its day and one more, as long as a window may look back.
"""

from __future__ import annotations

from ingest.keys.day_keys import DAY_MS, DayKeys

PURPOSE = "risk"
AFTER_MS = DAY_MS
"""How long after its day a key lives, so that a window of 24 hours can be read to its end."""


class RiskKeys(DayKeys):
    """
    The keys of risk ids.
    """

    purpose = PURPOSE
    after_ms = AFTER_MS
