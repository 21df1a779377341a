"""
The observer: a sink of the collector that turns sightings into observations and sends them on, keyed by risk id.

An address stays here only as long as its risk id of today is remembered, and is never sent on. Cost per hit is kept
near a microsecond: every hit is counted, headers are looked at in a sample of bounded size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from zlib import crc32

from ingest.event import ENGAGEMENT, PAGEVIEW
from ingest.hit import DropReason
from ingest.risk.client import look, read_client
from ingest.risk.observation import (
    CONVERSION_KIND,
    ENGAGEMENT_KIND,
    OTHER_KIND,
    PAGEVIEW_KIND,
    PURCHASE_KIND,
    RECORD,
    Mark,
)
from ingest.sightings import SIGHTINGS_FULL, SightingFields, head_fields

IDS_MAX = 50_000
"""Addresses whose ids are remembered, about 200 bytes each; then all are forgotten and worked out anew."""
LOOK_EVERY = 4
"""Of a full hand-over the headers of every fourth hit are looked at; of those that time filled in part, of each."""
HITS_A_SECOND_MAX = 6_000
"""Hits looked at in a second of one collector, spread over it: whoever floods is known long before."""
STORM_HITS_A_SECOND = 10_000
HITS_OF_A_STORM_MAX = 2_500
"""
After a second with more hits than that, so many are looked at in the next one: beacons come first. Looking at 6,000
took an eighth of a core that was wanted for beacons.
"""
CLOCK_SET_MS = 10_000
"""No request takes that long: an earlier moment is another clock's."""
ROUND_MS = 100
IPV4_NETWORK_BITS, IPV6_NETWORK_BITS = 24, 48

_EXEMPT = frozenset({DropReason.VERIFICATION})
_OF_A_BODY = frozenset({b"content-length", b"transfer-encoding"})


class RiskIdentities(Protocol):
    """
    Gives today's ids of an address: 16 bytes each, or None while there is no key of the day.
    """

    def risk_id(self, address: bytes, at_ms: int) -> bytes | None: ...

    def network_id(self, address: bytes, bits: int, at_ms: int) -> bytes | None: ...


class Observer:
    """
    The risk windows' eye in one collector.
    """

    def __init__(self, identities: RiskIdentities, send: Callable[[bytes], None]) -> None:
        """
        Args:
            send: takes packed observations; must not block, and may lose them.
        """
        self._identities = identities
        self._send = send
        self._off: frozenset[int] = frozenset()
        self._ids: dict[bytes, tuple[bytes, int]] = {}
        self._day = -1
        self._a_second = HITS_A_SECOND_MAX
        self._second = 0
        self._hits = 0
        """Of this second, looked at or not."""
        self._allowed = float(HITS_A_SECOND_MAX)
        self._allowed_at_ms = 0
        self.unseen = 0
        """Hits that were not looked at, because too many came in one second."""

    def switch_off(self, site_ids: frozenset[int]) -> None:
        """
        Take the sites whose hits are not to be seen, in place of those before.
        """
        self._off = site_ids

    def see(self, sightings: Sequence[SightingFields]) -> None:
        """
        Pack what was seen and send it.
        """
        if sightings and self._is_flood(sightings[-1][0], len(sightings)):
            self.unseen += len(sightings)
            return
        step = 1 if len(sightings) < SIGHTINGS_FULL else LOOK_EVERY
        packed: list[bytes] = []
        ids, off, pack = self._ids, self._off, RECORD.pack
        for number, sighting in enumerate(sightings):
            at_ms, site, address, user_agent, headers, beacon, reason = sighting
            if site in off or reason in _EXEMPT:
                continue
            if at_ms // 86_400_000 != self._day or len(ids) > IDS_MAX:
                ids.clear()
                self._day = at_ms // 86_400_000
            known = ids.get(address)
            if known is None:
                known = self._identify(address, at_ms)
                if known is None:
                    continue
                ids[address] = known
            client = read_client(user_agent)
            url = beacon if isinstance(beacon, str) else beacon.url
            marks = client.marks
            if not headers:
                # An event of a batch: the request is the site's server's, and so are its headers.
                marks |= Mark.BATCH
            elif isinstance(headers, bytes):
                if number % step == 0:
                    marks |= look(client, head_fields(headers), url, pixel=False)
            elif number % step == 0:
                pixel = is_pixel(headers)
                marks |= look(client, headers, url, pixel=pixel) | (Mark.PIXEL if pixel else 0)
            elif is_pixel(headers):
                marks |= Mark.PIXEL
            if reason is DropReason.SPAM_REFERRER:
                marks |= Mark.SPAM_REFERRER
            reading = engaged = 0
            page = crc32(url.encode("utf-8", "surrogatepass"))
            if isinstance(beacon, str) or beacon.name == PAGEVIEW:
                kind = PAGEVIEW_KIND
            elif beacon.name == ENGAGEMENT:
                kind, engaged = ENGAGEMENT_KIND, min(beacon.engagement_ms, 0xFFFFFFFF)
                # A round time is not measured: told of several pages, it is one made-up value sent again.
                measured = page if engaged % ROUND_MS else 0
                reading = crc32(b"%d %d" % (engaged, beacon.scroll_depth), measured)
            elif beacon.revenue is not None:
                kind = PURCHASE_KIND
            else:
                kind = CONVERSION_KIND if beacon.interactive else OTHER_KIND
            packed.append(pack(known[0], known[1], at_ms, site, kind, marks, page, client.checksum, reading, engaged))
        if packed:
            self._send(b"".join(packed))

    def _is_flood(self, at_ms: int, hits: int) -> bool:
        # A whole hand-over is looked at or none of it, so what is seen of a flood is spread over its time; what was not
        # used is saved up for a second at most. Batches side by side bring moments to and fro: time only goes on, but
        # for a clock that was set.
        if 0 < self._allowed_at_ms - at_ms < CLOCK_SET_MS:
            at_ms = self._allowed_at_ms
        if at_ms // 1000 != self._second:
            self._a_second = HITS_OF_A_STORM_MAX if self._hits > STORM_HITS_A_SECOND else HITS_A_SECOND_MAX
            self._second, self._hits = at_ms // 1000, 0
        self._hits += hits
        elapsed_ms = min(max(at_ms - self._allowed_at_ms, 0), 1000)
        self._allowed_at_ms = at_ms
        self._allowed = min(self._allowed + elapsed_ms * self._a_second / 1000, self._a_second)
        if self._allowed < hits:
            return True
        self._allowed -= hits
        return False

    def _identify(self, address: bytes, at_ms: int) -> tuple[bytes, int] | None:
        found = identify(self._identities, address, at_ms)
        return None if found is None else (found[0], found[1])


def identify(identities: RiskIdentities, address: bytes, at_ms: int) -> tuple[bytes, int] | None:
    """
    Work out the risk id of an address and the id of its network (/24 or /48), which is cut to 64 bits.

    Of an IPv6 address only the /64 counts: whoever has one has all of it, and privacy addresses change inside it.

    Returns:
        None while there is no key of the day.
    """
    if len(address) == 16:
        address = address[:8] + bytes(8)
    rid = identities.risk_id(address, at_ms)
    bits = IPV4_NETWORK_BITS if len(address) == 4 else IPV6_NETWORK_BITS
    network = identities.network_id(address, bits, at_ms)
    if rid is None or network is None:
        return None
    return rid, int.from_bytes(network[:8], "little")


def is_pixel(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """
    Tell whether a hit came by GET: what has no body has no length.
    """
    for name, _ in headers:  # noqa: SIM110  # any() makes a generator for every hit
        if name in _OF_A_BODY:
            return False
    return True
