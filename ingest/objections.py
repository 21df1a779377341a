"""
Addresses whose people objected, or asked for restriction: their hits are treated as those with GPC or DNT.

What lasts is a keyed hash of the address, of IPv6 the /64; the key is random, the keeper's, in no backup and used for
nothing else. An objection cannot be respected without recognising the address again (art. 21 GDPR).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

HASH_BYTES = 16


def objection_hash(key: bytes, address: IPv4Address | IPv6Address) -> bytes:
    """
    Hash an address under the objections' key.
    """
    packed = address.packed if address.version == 4 else address.packed[:8]
    return hashlib.blake2b(packed, key=key, person=b"daysalt/objects", digest_size=HASH_BYTES).digest()


class Objections:
    """
    The list as a collector holds it. Personal: never printed.
    """

    __slots__ = ("_hashes", "_key")

    def __init__(self, key: bytes = b"", hashes: Iterable[bytes] = ()) -> None:
        self._key = key
        self._hashes = frozenset(hashes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Objections) and (self._key, self._hashes) == (other._key, other._hashes)

    __hash__ = None  # type: ignore[assignment]  # compared, never looked up

    def holds(self, address: IPv4Address | IPv6Address) -> bool:
        """
        Tell whether somebody at this address objected. Costs nothing while nobody did.
        """
        return bool(self._hashes) and objection_hash(self._key, address) in self._hashes
