"""
Hop 4: from a personal hit to a safe event. Here the address and the user agent end.

The visitor id is a keyed BLAKE2b of site, address, user agent and registrable domain under the day's salt, every
field preceded by its length so that two different inputs never read the same. Without a salt nothing is hashed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address
from itertools import chain
from typing import NamedTuple, Protocol

from ingest.event import VISIT_IDLE_SECONDS
from ingest.keys.salts import Salt
from ingest.midnight import OpenVisitTable

PERSON = b"daysalt/visitor"
"""Separates these hashes from any other use of a key."""
USER_AGENT_BYTES_MAX = 512
NEAR_MIDNIGHT_MS = VISIT_IDLE_SECONDS * 1000

_SITE = struct.Struct("<I")
_LENGTH = struct.Struct("<H")


class NoSalt(Exception):
    """
    There is no salt for this time zone and moment. Refuse the hit with 503; never hash without one.
    """


@dataclass(frozen=True, slots=True)
class Visitor:
    """
    A visitor of one site on one day. `day` in days since 1970-01-01.
    """

    id: int
    day: int


class QuietSalt(NamedTuple):
    """
    A salt at a time of day at which no midnight is near: every hit is hashed under it, and nothing else is asked.
    """

    keyed: Keyed
    """Prepared for one visitor: copy it, give the copy the message, take the digest."""
    day: int
    number: int
    """Of the salts of this process; another salt never has it."""
    from_ms: int
    until_ms: int
    """Epoch milliseconds UTC, from and until when this holds."""

    def __repr__(self) -> str:
        return f"<QuietSalt of day {self.day}>"


class Keyed(Protocol):
    """
    A keyed hash that can be copied.
    """

    def copy(self) -> Keyed: ...
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Live:
    """
    A salt in use, with the hash prepared.
    """

    __slots__ = ("day", "end_ms", "expires_ms", "keyed", "number", "start_ms", "told_by")

    def __init__(self, salt: Salt) -> None:
        self.day, self.start_ms, self.end_ms, self.expires_ms = salt.day, salt.start_ms, salt.end_ms, salt.expires_ms
        self.keyed = blake2b(digest_size=8, key=salt.key, person=PERSON)
        self.told_by = self.keyed.copy().digest()
        """What tells this salt from others: the keeper gives the same ones again and again."""
        self.number = 0


class Pseudonymizer:
    """
    The salts one collector holds, and what it does with them.
    """

    def __init__(self, open_visits: OpenVisitTable) -> None:
        self._open_visits = open_visits
        self._zones: dict[str, tuple[_Live, ...]] = {}
        self._quiet: dict[str, QuietSalt] = {}
        self.revision = 0
        """Counts up whenever the salts change: what was prepared with them before no longer holds."""
        self._numbers: dict[bytes, int] = {}
        self._next_number = 0
        self._gone = 0

    def install(self, salts: Iterable[Salt]) -> None:
        """
        Take the salts the keeper gives, in place of all held before.
        """
        zones: dict[str, list[_Live]] = {}
        for salt in sorted(salts, key=lambda salt: salt.start_ms):
            zones.setdefault(salt.timezone, []).append(_Live(salt))
        self._take({zone: tuple(live) for zone, live in zones.items()})

    def forget_expired(self, now_ms: int) -> int:
        """
        Drop salts whose overlap is over. Called on time even when the keeper is silent.

        Returns:
            How many went since the last call, those that the keeper gave no more among them.
        """
        self._take(
            {zone: tuple(live for live in found if live.expires_ms > now_ms) for zone, found in self._zones.items()}
        )
        gone, self._gone = self._gone, 0
        return gone

    def _take(self, zones: dict[str, tuple[_Live, ...]]) -> None:
        before, self._numbers = self._numbers, {}
        for live in chain.from_iterable(zones.values()):
            number = before.get(live.told_by)
            if number is None:
                number = self._next_number
                self._next_number += 1
            live.number = self._numbers[live.told_by] = number
        self._gone += len(before.keys() - self._numbers.keys())
        self._zones, self._quiet = zones, {}
        self.revision += 1

    def quiet(self, timezone: str, at_ms: int) -> QuietSalt | None:
        """
        Give the salt of a moment that is not within half an hour of midnight; None near it, and without a salt.
        """
        found = self._quiet.get(timezone)
        if found is not None and found.from_ms <= at_ms < found.until_ms:
            return found
        previous_end_ms = 0
        for live in self._zones.get(timezone, ()):
            from_ms, until_ms = max(live.start_ms, previous_end_ms), live.end_ms - NEAR_MIDNIGHT_MS
            if from_ms <= at_ms < until_ms:
                found = self._quiet[timezone] = QuietSalt(live.keyed, live.day, live.number, from_ms, until_ms)
                return found
            previous_end_ms = live.expires_ms
        return None

    def ready(self, timezone: str, now_ms: int) -> bool:
        """
        Tell whether hits of a time zone can be counted now.
        """
        return any(now_ms < live.end_ms for live in self._zones.get(timezone, ()))

    def day_of(self, timezone: str, at_ms: int) -> int:
        """
        Tell the current local day of a time zone, in days since 1970-01-01, for a hit that gets no visitor id.

        Raises:
            NoSalt: the keeper gave none for now.
        """
        return self._current(timezone, at_ms)[0].day

    def day_start_ms(self, timezone: str, now_ms: int) -> int:
        """
        Tell when the current local day of a time zone began, in epoch milliseconds UTC.

        Raises:
            NoSalt: the keeper gave none for now.
        """
        return self._current(timezone, now_ms)[0].start_ms

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
        Compute who this is, for this site and day.

        Args:
            at_ms: when the hit was received, epoch milliseconds UTC.
            domain: registrable domain of the page's host.

        Raises:
            NoSalt: the keeper gave none for now.
        """
        return self.visitor_of(timezone, at_ms, visitor_message(site_id, address, user_agent, domain))

    def visitor_of(self, timezone: str, at_ms: int, message: bytes) -> Visitor:
        """
        Compute who a message is of, as `visitor` does.

        Args:
            message: as `visitor_message` puts it together.
        """
        current, previous = self._current(timezone, at_ms)
        at = at_ms // 1000
        if previous is not None:
            old = _digest(previous, message)
            if self._open_visits.seen_since(old, at - VISIT_IDLE_SECONDS):
                self._open_visits.note(old, at)
                return Visitor(old, previous.day)
        visitor_id = _digest(current, message)
        if current.end_ms - at_ms <= NEAR_MIDNIGHT_MS:
            self._open_visits.note(visitor_id, at)
        return Visitor(visitor_id, current.day)

    def _current(self, timezone: str, at_ms: int) -> tuple[_Live, _Live | None]:
        previous: _Live | None = None
        for live in self._zones.get(timezone, ()):
            # A moment before the first salt is a clock that went backwards: the day that has begun goes on.
            if at_ms < live.end_ms:
                return live, previous
            if at_ms < live.expires_ms:
                previous = live
        raise NoSalt(f"no salt for {timezone} at this moment")


def canonical_address(address: IPv4Address | IPv6Address) -> bytes:
    """
    Give the part of an address that counts as one visitor: all of IPv4, the /64 of IPv6 (privacy addresses rotate
    within it), with a byte that tells the families apart.
    """
    return b"\x04" + address.packed if address.version == 4 else b"\x06" + address.packed[:8]


def visitor_message(site_id: int, address: IPv4Address | IPv6Address, user_agent: str, domain: str) -> bytes:
    """
    Put together what a visitor id is a hash of.
    """
    return site_part(site_id) + address_part(address) + agent_part(user_agent) + domain_part(domain)


def site_part(site_id: int) -> bytes:
    """
    Write the site as a part of the message.
    """
    return _SITE.pack(site_id)


def address_part(address: IPv4Address | IPv6Address) -> bytes:
    """
    Write the address as a part of the message.
    """
    place = canonical_address(address)
    return bytes((len(place),)) + place


def agent_part(user_agent: str) -> bytes:
    """
    Write the user agent as a part of the message.
    """
    agent = user_agent.encode("utf-8", "surrogatepass")[:USER_AGENT_BYTES_MAX]
    return _LENGTH.pack(len(agent)) + agent


def domain_part(domain: str) -> bytes:
    """
    Write the registrable domain as a part of the message.
    """
    host = domain.encode("utf-8", "surrogatepass")[:1024]
    return _LENGTH.pack(len(host)) + host


def _digest(live: _Live, message: bytes) -> int:
    keyed = live.keyed.copy()
    keyed.update(message)
    # 0 means "no visitor"; the one hash in 2^64 that is 0 becomes 1.
    return int.from_bytes(keyed.digest(), "little") or 1
