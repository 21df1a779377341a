"""
The heads of checks that were read before: whoever asks sends the same one again and again.

A head is kept as its hash, since it holds a key, with that key's entry and the length of the body it announces. It
comes here only after the parser has read it and the key was found good. All are forgotten when keys are read anew.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from ingest.remembered import Remembered
from warehouse.registry.api_keys import ApiKey

HEADS_MAX = 2_000
"""Each of the two generations, some 300 bytes each. One caller has one for each length of its bodies."""
HEAD_BYTES_MAX = 4096
END = b"\r\n\r\n"


class CheckHead(NamedTuple):
    """
    What a head says.
    """

    key: ApiKey
    length: int
    """Of the body, in bytes."""


class CheckHeads:
    """
    The heads one collector knows.
    """

    def __init__(self) -> None:
        self._known: Remembered[bytes, CheckHead] = Remembered(HEADS_MAX)

    def __len__(self) -> int:
        return len(self._known)

    def find(self, head: bytes) -> CheckHead | None:
        """
        Give what a head says, if it is known.

        Args:
            head: with the empty line.
        """
        return self._known.find(sha256(head).digest())

    def learn(self, head: bytes, key: ApiKey, length: int) -> None:
        """
        Keep what the parser and the door made of a head.
        """
        # A line that ends otherwise could end the head for the parser before it ends for us.
        if len(head) <= HEAD_BYTES_MAX and head.count(b"\n") == head.count(b"\r") == head.count(b"\r\n"):
            self._known.keep(sha256(head).digest(), CheckHead(key, length))

    def forget(self) -> None:
        """
        Forget every head.
        """
        self._known.forget()
