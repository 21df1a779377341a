"""
Hits added up by site, hour and address, before the vault encrypts them. Personal: in memory only.

`ingest/plain_native.pyx` has the same compiled; where that is there, it takes the place of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ingest.compiled import is_compiled
from ingest.sightings import SightingFields

HOUR_MS = 3_600_000

Counts = dict[tuple[int, int], dict[bytes, int]]
"""Hits by address, for each (site id, hour since 1970-01-01 UTC)."""


def count_hits(sightings: Sequence[SightingFields], counts: Counts, sites: frozenset[int], hour_max: int) -> None:
    """
    Add sightings of some sites up; what is later counts for the hour `hour_max`.
    """
    last_site = last_hour = -1
    here: dict[bytes, int] | None = None
    for at_ms, site_id, address, _, _, _, _ in sightings:
        hour = at_ms // HOUR_MS
        if hour != last_hour or site_id != last_site:
            last_site, last_hour = site_id, hour
            here = counts.setdefault((site_id, min(hour, hour_max)), {}) if site_id in sites else None
        if here is not None:
            here[address] = here.get(address, 0) + 1


if not TYPE_CHECKING and is_compiled():
    from ingest.plain_native import count_hits  # noqa: F401
