"""
Risk ids: what an address is called in the windows of risk, for one UTC day.

A keyed BLAKE2b of the whole address with 128 bits of output: two addresses that met would merge two people. The same
for all sites, so it must never stand beside a visitor id, a visit or a path. For IPv6, networks have ids of their own
kind, as a sender may have a whole /64 or more to choose from.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from ingest.keys.day_keys import DAY_MS, DayKey

RISK_ID_BYTES = 16
PERSON = b"daysalt/risk"
"""Separates these hashes from any other use of a key; a network's has its length in bits behind it."""


class RiskIds:
    """
    The risk keys one process holds, and what it does with them.
    """

    def __init__(self) -> None:
        self._days: dict[int, DayKey] = {}

    def install(self, keys: Iterable[DayKey]) -> None:
        """
        Take the keys the keeper gives, in place of all held before.
        """
        self._days = {key.day: key for key in keys}

    def forget_expired(self, now_ms: int) -> None:
        """
        Drop keys whose time is over. Called on time even when the keeper is silent.
        """
        if any(key.expires_ms <= now_ms for key in self._days.values()):
            self._days = {day: key for day, key in self._days.items() if key.expires_ms > now_ms}

    def risk_id(self, address: bytes, at_ms: int) -> bytes | None:
        """
        Compute the id of an address on the UTC day of a moment.

        Args:
            address: packed, 4 or 16 bytes.
            at_ms: epoch milliseconds UTC.

        Returns:
            16 bytes; None when the day's key is not there: then nothing is assessed, never hashed without one.
        """
        return self._digest(address, 8 * len(address), PERSON, at_ms)

    def network_id(self, address: bytes, bits: int, at_ms: int) -> bytes | None:
        """
        Compute the id of the network that an address is in, for example the /56 of an IPv6 address.

        Args:
            bits: length of the network, a multiple of eight.
        """
        assert bits % 8 == 0 and 0 < bits <= 8 * len(address)
        return self._digest(address, bits, PERSON + b"/%d" % bits, at_ms)

    def _digest(self, address: bytes, bits: int, person: bytes, at_ms: int) -> bytes | None:
        found = self._days.get(at_ms // DAY_MS)
        if found is None:
            return None
        family = b"\x04" if len(address) == 4 else b"\x06"
        message = family + address[: bits // 8]
        return blake2b(message, digest_size=RISK_ID_BYTES, key=found.key, person=person).digest()
