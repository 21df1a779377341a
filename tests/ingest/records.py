"""
Builders of spool records for tests.
"""

from __future__ import annotations

from typing import Any

from ingest.event import Event

DAY = 20_779
"""2026-11-22."""
MIDNIGHT = DAY * 86_400


def event(at: int = 0, *, visitor: int = 1, seed: int | None = None, path: str = "/", **fields: Any) -> Event:
    """
    Make an event `at` seconds after midnight UTC.
    """
    values: dict[str, Any] = {
        "site_id": 1,
        "day": DAY,
        "ts": MIDNIGHT + at,
        "visitor_id": visitor,
        "visit_seed": seed if seed is not None else visitor * 1_000_000 + at + 1,
        "name": "pageview",
        "hostname": "site1.test",
        "pathname": path,
        "received_day": DAY,
    }
    return Event(**{**values, **fields})
