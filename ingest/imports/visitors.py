"""
Who is who within one import: labels, or addresses with user agents, become visitor ids of one local day.

The key is random, in memory only, and gone when the file is read: afterwards nobody can compute an id again.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

PERSON = b"daysalt/imported"
"""Separates these hashes from any other use of a key."""


class ImportedVisitors:
    """
    The visitors of one import.
    """

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._keyed = blake2b(digest_size=8, key=random_bytes(32), person=PERSON)

    def of_label(self, day: int, label: bytes | None) -> int:
        """
        Give the id of a label on a local day.

        Args:
            day: days since 1970-01-01; the same label is somebody else on another day.
            label: None is a visitor of its own, seen once.
        """
        if label is None:
            return int.from_bytes(self._random_bytes(8), "little") or 1
        keyed = self._keyed.copy()
        keyed.update(b"%d|" % day)
        keyed.update(label)
        return int.from_bytes(keyed.digest(), "little") or 1
