"""
A vault lane without processes: keys made here, a spool in a directory, sightings by hand.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

from ingest.decode import Beacon
from ingest.keys.day_keys import DAY_MS
from ingest.sightings import Sighting
from ingest.spool.reader import SpoolReader
from ingest.spool.segment import HEADER
from ingest.spool.writer import SpoolWriter
from ingest.vault.cipher import VaultCipher, mapped_address
from ingest.vault.row import VaultRow, decode_rows
from ingest.vault.sink import HOUR_MS, VaultSink
from tests.clocks import FakeClock
from tests.turns import Turn

DAY = 20_780
MIDNIGHT_MS = DAY * DAY_MS


def key_of(site_id: int, day: int) -> bytes:
    """
    Give the key that this lane's keeper has for a site and day.
    """
    return sha256(b"%d/%d" % (site_id, day)).digest()


def packed(text: str) -> bytes:
    return ip_address(text).packed


def index_of(text: str, site_id: int = 1, day: int = DAY) -> bytes:
    """
    Compute the blind index of an address kept whole.
    """
    return VaultCipher(key_of(site_id, day), site_id, day).index(mapped_address(packed(text), whole_ipv6=True))


def sighting(text: str, at_ms: int = MIDNIGHT_MS, site_id: int = 1) -> Sighting:
    """
    Make a sighting of an address.
    """
    beacon = Beacon("pageview", "https://site1.test/secret-path", ("site1.test",))
    return Sighting(at_ms, site_id, packed(text), "canary-agent", (), beacon, None)


class Lane:
    """
    A sink and its spool. `asked` is what the keeper was asked for; `refuses` makes it give no key, `away` no answer.
    """

    def __init__(self, directory: Path, clock: FakeClock, *, whole_ipv6: bool = True, bytes_max: int = 10**9) -> None:
        self.directory = directory
        self.turn = Turn()
        self.asked: list[tuple[int, int]] = []
        self.refuses = self.away = False
        self.spool = SpoolWriter(directory, clock, self.turn, sync=True, wait_in_place_us=10**9, bytes_max=bytes_max)
        self.sink = VaultSink(clock, self.spool, self._keys, whole_ipv6=whole_ipv6)
        self.sink.install_sites([1, 2])

    async def _keys(self, wanted: list[tuple[int, int]]) -> list[bytes | None]:
        self.asked += wanted
        if self.away:
            raise ConnectionError("the keeper is away")
        return [None if self.refuses else key_of(*pair) for pair in wanted]

    def write(self) -> None:
        """
        Write what came together, and have it on disk.
        """
        asyncio.run(self.sink.write())
        self.turn.take()

    def rows(self) -> list[VaultRow]:
        """
        Read every row of the spool, in its order.
        """
        reader = SpoolReader(self.directory, _ignore)
        found: list[VaultRow] = []
        for state in reader.segments():
            wanted, _ = reader.cut(state, HEADER.size, 10**9)
            for rows in reader.decoded(wanted, lambda piece: piece.decoded(decode_rows)):
                found += rows
        return found


def _ignore(_kind: str, _name: str, _size: int) -> None:
    """
    Hear of damage and do nothing.
    """


def hour(number: int) -> int:
    """
    Tell the beginning of an hour of `DAY` in epoch milliseconds.
    """
    return MIDNIGHT_MS + number * HOUR_MS
