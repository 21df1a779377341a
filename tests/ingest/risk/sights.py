"""
Builders: sightings, and windows fed with them.
"""

from __future__ import annotations

from decimal import Decimal

from daysalt.trial.play import FixedIds
from ingest.decode import Beacon
from ingest.hit import DropReason
from ingest.risk.evidence import Evidence, NetworkFacts
from ingest.risk.observer import Observer, identify
from ingest.risk.windows import Windows
from ingest.sightings import Sighting

NOON = 20_779 * 86_400_000 + 43_200_000
"""A noon UTC."""
ADDRESS = bytes([192, 0, 2, 1])
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
HEADERS = (
    (b"accept-language", b"sv"),
    (b"sec-fetch-mode", b"cors"),
    (b"sec-ch-ua", b'"Chromium";v="131", "Not_A Brand";v="24"'),
    (b"origin", b"https://site.test"),
    (b"content-length", b"80"),
)


def sight(
    at_ms: int = NOON,
    *,
    name: str = "pageview",
    page: str = "/",
    address: bytes = ADDRESS,
    user_agent: str = CHROME,
    headers: tuple[tuple[bytes, bytes], ...] = HEADERS,
    site: int = 1,
    engaged_ms: int = 0,
    revenue: str | None = None,
    reason: DropReason | None = None,
) -> Sighting:
    """
    Build a sighting, by default a Chrome's pageview at noon.
    """
    beacon = Beacon(
        name,
        "https://site.test" + page,
        ("site.test",),
        engagement_ms=engaged_ms,
        revenue=None if revenue is None else (Decimal(revenue), "SEK"),
    )
    return Sighting(at_ms, site, address, user_agent, headers, beacon, reason)


def packed(*sightings: Sighting) -> bytes:
    """
    Pack sightings as a collector would.
    """
    blocks: list[bytes] = []
    Observer(FixedIds(), blocks.append).see(list(sightings))
    return b"".join(blocks)


def evidence_of(
    windows: Windows, address: bytes = ADDRESS, now_ms: int = NOON, facts: NetworkFacts | None = None
) -> Evidence:
    """
    Read what is known of an address.
    """
    known = identify(FixedIds(), address, now_ms)
    assert known is not None
    return windows.read(known[0], known[1], now_ms, facts or NetworkFacts())


def seen(*sightings: Sighting, now_ms: int = NOON) -> Evidence:
    """
    Feed new windows, all at once, and read the one address.
    """
    windows = Windows(NOON - 3_600_000, 1000)
    windows.add(packed(*sightings))
    return evidence_of(windows, now_ms=now_ms)


def engaging_windows() -> Windows:
    """
    Windows in which site 1 has pageviews and readers, so that a missing reading means something.
    """
    windows = Windows(NOON - 3_600_000, 1000)
    for number in range(6):
        reader = bytes([198, 51, 100, number])
        windows.add(packed(sight(NOON - 60_000, address=reader)))
        windows.add(packed(sight(NOON - 50_000, name="engagement", address=reader, engaged_ms=9000 + number)))
    return windows
