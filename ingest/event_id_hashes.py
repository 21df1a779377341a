"""
What a collector makes of an `event_id`: two keyed hashes and the moment, for the drain to settle. The id ends here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import blake2b

from ingest.keys.day_keys import DAY_MS, DayKey
from ingest.pseudonymize import NoSalt

PERSON = b"daysalt/event_id"
CARRIED = struct.Struct("<QQI")
"""What a record carries: hash under the key of the day received, the same under the key of the day before (0 when
there is none), epoch second received."""

_SITE = struct.Struct("<I")


class EventIdHasher:
    """
    The keys one collector holds for ids, and what it does with them.
    """

    def __init__(self) -> None:
        self._keys: dict[int, DayKey] = {}

    def install(self, keys: Iterable[DayKey]) -> None:
        """
        Take the keys the keeper gives, in place of all held before.
        """
        self._keys = {key.day: key for key in keys}

    def forget_expired(self, now_ms: int) -> None:
        """
        Drop keys whose time is over. Called on time even when the keeper is silent.
        """
        self._keys = {day: key for day, key in self._keys.items() if key.expires_ms > now_ms}

    def carried(self, site_id: int, event_id: str, received_ms: int) -> bytes:
        """
        Hash an id for one site.

        Raises:
            NoSalt: the keeper gave no key for now.
        """
        day = received_ms // DAY_MS
        if day not in self._keys:
            raise NoSalt("no key for event ids at this moment")
        message = _SITE.pack(site_id) + event_id.encode("utf-8", "surrogatepass")
        return CARRIED.pack(self._hash(day, message), self._hash(day - 1, message), received_ms // 1000)

    def _hash(self, day: int, message: bytes) -> int:
        key = self._keys.get(day)
        if key is None:
            return 0
        digest = blake2b(message, digest_size=8, key=key.key, person=PERSON).digest()
        # 0 means "none"; the one hash in 2^64 that is 0 becomes 1.
        return int.from_bytes(digest, "little") or 1
