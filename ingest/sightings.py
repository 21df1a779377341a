"""
What the vault and the risk windows are told of each hit, dropped or not: the one way on which an address leaves hops
1 to 4 other than as a visitor id.

A sighting is personal. It lives in the collector's memory for a quarter of a second at most, until every sink has taken
from it what it may keep; it is never printed and never written. Hits under GPC or DNT make none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from ingest.decode import Beacon
from ingest.hit import DropReason, Hit

SIGHTINGS_FULL = 128
"""When so many have come together they are handed over as soon as nobody has to wait for it: while the disk writes."""
SIGHTINGS_MAX = 2 * SIGHTINGS_FULL
"""And with so many at once: half a millisecond for all sinks. With 512 whoever came next waited for three."""
HAND_OVER_SECONDS = 0.25


class Sighting(NamedTuple):
    """
    One valid hit for a known site.
    """

    at_ms: int
    """When it was received, epoch milliseconds UTC."""
    site_id: int
    address: bytes
    """Packed: 4 bytes or 16."""
    user_agent: str
    headers: Sequence[tuple[bytes, bytes]]
    """As received, names in lower case; for an event of a batch none, as its request is the sender's."""
    beacon: Beacon | Hit
    """Event name, address of the page, referrer, properties: whichever of both was made has them."""
    reason: DropReason | None
    """Why its site does not count it; None when it does."""

    def __repr__(self) -> str:
        return "<Sighting, personal>"


SightingFields = tuple[
    int, int, bytes, str, Sequence[tuple[bytes, bytes]] | bytes, Beacon | Hit | str, DropReason | None
]
"""
A sighting without its names, as the hot path hands it on: making one takes a fifth of the time. Of a plain pageview it
may have the whole request instead of its headers, see `head_fields`, and the page's address instead of a beacon.
"""


class SightingSink(Protocol):
    """
    Someone who keeps something of sightings. Must be quick, must not block, must not raise.
    """

    def see(self, sightings: Sequence[SightingFields]) -> None: ...


class Sightings:
    """
    The sightings of one collector between two hand-overs.
    """

    def __init__(self, sinks: Sequence[SightingSink] = ()) -> None:
        self._sinks = tuple(sinks)
        self.seen: list[SightingFields] = []
        """What was not handed over yet."""

    @property
    def wanted(self) -> Sightings | None:
        """
        Itself; None while nobody wants any.
        """
        return self if self._sinks else None

    def add(self, sighting: SightingFields) -> None:
        """
        Take one sighting.
        """
        # The compiled short way does the same by itself.
        self.seen.append(sighting)
        if len(self.seen) >= SIGHTINGS_MAX:
            self.hand_over()

    def find_work(self) -> Callable[[], None] | None:
        """
        Give the handing over, when there is enough for it.
        """
        return self.hand_over if len(self.seen) >= SIGHTINGS_FULL else None

    def hand_over(self) -> None:
        """
        Give the sinks what was seen, and forget it.
        """
        seen, self.seen = self.seen, []
        if seen:
            for sink in self._sinks:
                sink.see(seen)


def head_fields(request: bytes) -> list[tuple[bytes, bytes]]:
    """
    Read the header fields of an ordinary request, names in lower case.
    """
    found: list[tuple[bytes, bytes]] = []
    for line in request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        found.append((name.lower(), value.strip(b" \t")))
    return found
