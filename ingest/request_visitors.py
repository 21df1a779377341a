"""
Hop 4 for events that say themselves when they happened: a batch may bring some whose local day is over.

Their day's salt is dead or about to be, and nobody's id of that day is made again. They are hashed under random keys
that live as long as this object, which is one request: events of it that belong together make one visit, and none
joins a visit that was counted already.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address
from zoneinfo import ZoneInfo

from ingest.pseudonymize import Pseudonymizer, Visitor, visitor_message
from warehouse.days import local_day

PERSON = b"daysalt/late"
KEY_BYTES = 32
EPOCH = date(1970, 1, 1)


class RequestVisitors:
    """
    Visitors of one request.
    """

    def __init__(self, pseudonymizer: Pseudonymizer, received_ms: int, random_bytes: Callable[[int], bytes]) -> None:
        """
        Args:
            received_ms: when the request came, epoch milliseconds UTC.
        """
        self._pseudonymizer = pseudonymizer
        self._received_ms = received_ms
        self._random_bytes = random_bytes
        self._keys: dict[tuple[str, int], bytes] = {}
        self._starts: dict[str, int] = {}

    def day_of(self, timezone: str, at_ms: int) -> int:
        """
        Tell the local day of an event that gets no visitor id, in days since 1970-01-01.

        Raises:
            NoSalt: the keeper gave none for now.
        """
        if self._is_over(timezone, at_ms):
            return _local_day(timezone, at_ms)
        return self._pseudonymizer.day_of(timezone, at_ms)

    def visitor(
        self,
        *,
        timezone: str,
        at_ms: int,
        site_id: int,
        address: IPv4Address | IPv6Address,
        user_agent: str,
        domain: str,
    ) -> Visitor:
        """
        Compute who this is: as for a beacon while the event's local day lasts, else for this request only.

        Args:
            at_ms: when it happened, epoch milliseconds UTC.
            domain: registrable domain of the page's host.

        Raises:
            NoSalt: the keeper gave none for now.
        """
        if not self._is_over(timezone, at_ms):
            return self._pseudonymizer.visitor(
                timezone=timezone,
                at_ms=at_ms,
                site_id=site_id,
                address=address,
                user_agent=user_agent,
                domain=domain,
            )
        day = _local_day(timezone, at_ms)
        # A key of its own for each day: no id holds for two.
        key = self._keys.get((timezone, day))
        if key is None:
            key = self._keys[timezone, day] = self._random_bytes(KEY_BYTES)
        message = visitor_message(site_id, address, user_agent, domain)
        digest = blake2b(message, digest_size=8, key=key, person=PERSON).digest()
        return Visitor(int.from_bytes(digest, "little") or 1, day)

    def _is_over(self, timezone: str, at_ms: int) -> bool:
        start_ms = self._starts.get(timezone)
        if start_ms is None:
            start_ms = self._starts[timezone] = self._pseudonymizer.day_start_ms(timezone, self._received_ms)
        return at_ms < start_ms


def _local_day(timezone: str, at_ms: int) -> int:
    return (local_day(datetime.fromtimestamp(at_ms / 1000, UTC), ZoneInfo(timezone)) - EPOCH).days
