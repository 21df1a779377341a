"""
`Event`: the safe record that is written to the spool. It has no field for an address or a user agent.

Encoded as a msgpack array, one after another; the field order is the file format, so fields are only ever appended.
"""

from __future__ import annotations

from operator import attrgetter

import msgspec

UNKNOWN_SCROLL_DEPTH = 255
PAGEVIEW = "pageview"
ENGAGEMENT = "engagement"
VISIT_IDLE_SECONDS = 30 * 60
"""A visit ends when its visitor was silent for longer."""


class Event(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="e"):
    """
    One event of one site, as the drain reads it.

    Units: `ts` epoch seconds UTC; `day` days since 1970-01-01 of the salt's local day; `engagement_ms` milliseconds.
    """

    site_id: int
    day: int
    ts: int
    visitor_id: int
    """Keyed hash, one site, one day; 0 for a hit that came with GPC or DNT."""
    visit_seed: int
    """64 random bits; the visit id, should this event open a visit. In the record, so that a replay gives the same."""
    name: str
    hostname: str
    pathname: str
    interactive: bool = True
    scroll_depth: int = UNKNOWN_SCROLL_DEPTH
    engagement_ms: int = 0
    props: dict[str, str] = {}
    revenue_amount: str = ""
    """Decimal with at most three places, or empty."""
    revenue_currency: str = ""
    referrer: str = ""
    source: str = ""
    channel: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_content: str = ""
    utm_term: str = ""
    click_id: str = ""
    country: str = ""
    region: str = ""
    city: int = 0
    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = ""
    received_day: int = 0
    """Days since 1970-01-01 UTC when it was received; retention counts from here."""
    event_id: bytes = b""
    """For an event that names itself: keyed hashes of the name, see `ingest/event_id_hashes.py`. Else empty."""


class DropCount(msgspec.Struct, array_like=True, frozen=True, gc=False, tag="d"):
    """
    How many hits of a site were dropped for a reason in an hour (epoch seconds UTC of its start). Names nobody.
    """

    site_id: int
    hour: int
    reason: str
    hits: int


Record = Event | DropCount

_ts = attrgetter("ts")


def sort_by_time(records: list[Record]) -> None:
    """
    Put records in the order they happened; drop counts, which have no time, come first.
    """
    try:
        records.sort(key=_ts)
    except AttributeError:
        # A frame with drop counts: one in thousands, so the others need not ask.
        records.sort(key=lambda record: record.ts if isinstance(record, Event) else 0)
