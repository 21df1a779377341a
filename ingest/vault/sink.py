"""
The collector's end of the vault lane: sightings in, encrypted rows out, every few seconds.

Addresses stand here in memory only, counted by site, UTC hour and address; what is written is ciphertext. A crash
loses what came together since the last writing, `WRITE_SECONDS` at most. Must never write an address, and never tell
more of a moment than its hour: rows of one writing leave in the order of their blind indexes, which is as good as
random.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ingest.remembered import Remembered
from ingest.sightings import SightingFields
from ingest.spool.writer import SpoolFull, SpoolWriter
from ingest.vault.cipher import VaultCipher, mapped_address
from ingest.vault.counts import HOUR_MS, Counts, count_hits
from ingest.vault.row import VAULT_SITE, VaultRow, encode_row
from warehouse.clock import Clock
from warehouse.days import DAY_MS

WRITE_SECONDS = 10.0
COUNTS_MAX = 200_000
"""Addresses held between two writings, some 30 MB; beyond it new ones are counted as lost."""
ROWS_A_TURN = 64
"""Rows encrypted at once: about half a millisecond, so that nobody waits long."""
ADDRESSES_A_TURN = 512
"""Likewise for adding hits up, which is cheaper."""
REST_SECONDS = 0.002
"""Between two such pieces: one of them in every turn of the loop would double each turn for a third of a second."""
ROWS_TOGETHER_MIN = 1024
"""Rows given to the spool at once, and a little more: each time is a write and a sync."""
SEALED_MAX = 50_000
"""Each of the two generations of addresses whose ciphertext is remembered: sealing is the dear part of a hit."""
LATE_DAYS = 1
"""Keys held: today's and yesterday's, for what was seen just before midnight."""

Row = tuple[bytes, bytes, int]
"""Blind index, encoded row, and its hits (none where it is the canary's)."""

FetchKeys = Callable[[list[tuple[int, int]]], Awaitable[list[bytes | None]]]
"""Asks the keeper for the keys of (site id, day); None for a day that takes no rows."""


class VaultSink:
    """
    What one collector saw and has not written yet.
    """

    def __init__(self, clock: Clock, spool: SpoolWriter, fetch_keys: FetchKeys, *, whole_ipv6: bool) -> None:
        self._clock = clock
        self._spool = spool
        self._fetch_keys = fetch_keys
        self._whole_ipv6 = whole_ipv6
        self._sites: frozenset[int] = frozenset()
        self._counts: Counts = {}
        self._ciphers: dict[tuple[int, int], VaultCipher] = {}
        self._sealed: Remembered[tuple[int, int, bytes], tuple[bytes, bytes]] = Remembered(SEALED_MAX)
        self._today = 0
        self._stopped = ""
        self.lost = 0
        """Hits that the vault did not take, because it was full, stopped or without a key."""
        self.written = 0
        """Hits that are safe in the lane."""

    @property
    def stopped(self) -> str:
        """
        Why nothing is taken now; empty when all is well.
        """
        return self._stopped

    @property
    def waiting(self) -> bool:
        """
        Whether something was seen that is not written yet.
        """
        return bool(self._counts)

    def install_sites(self, sites: Iterable[int]) -> None:
        """
        Take the ids of the sites whose vault is switched on.
        """
        self._sites = frozenset(sites)

    def stop(self, why: str) -> None:
        """
        Take nothing more until told otherwise; with an empty text, go on.
        """
        if why and not self._stopped:
            self._forget(self._counts)
            self._ciphers.clear()
            self._sealed.forget()
        self._stopped = why

    def see(self, sightings: Sequence[SightingFields]) -> None:
        """
        Count sightings. Two dictionary look-ups each; nothing is hashed or encrypted here.
        """
        if self._stopped:
            return
        counts, sites = self._counts, self._sites
        if _addresses(counts) >= COUNTS_MAX:
            self.lost += len(sightings)
            return
        # No row for an hour that has not begun, whatever a batch says of its events.
        count_hits(sightings, counts, sites, self._clock.now_ms() // HOUR_MS)

    async def write(self) -> None:
        """
        Encrypt what came together and give it to the spool. What finds no key waits for the next time.

        Raises:
            Exception: what the keeper or the connection to it said; nothing is lost by it.
        """
        counts = self._counts
        if self._stopped or not counts:
            return
        self._counts = {}
        try:
            await self._fetch_missing({(site_id, hour // 24) for site_id, hour in counts})
        except BaseException:
            self._put_back(counts)
            raise
        if self._stopped:
            self._forget(counts)
            return
        together: list[Row] = []
        buckets = await self._rows(counts)
        for first_byte, bucket in enumerate(buckets, start=1):
            # By the index, a bucket at a time: twenty thousand rows sorted at once would stand in the way of beacons.
            together += sorted(bucket, key=_order)
            if len(together) >= ROWS_TOGETHER_MIN or (together and first_byte == len(buckets)):
                self._append(together)
                together = []
                await asyncio.sleep(REST_SECONDS)

    def _append(self, rows: list[Row]) -> None:
        hits = sum(hits for _, _, hits in rows)
        if self._stopped:
            self.lost += hits
            return
        try:
            self._spool.append([encoded for _, encoded, _ in rows], lambda failure: self._told(hits, failure))
        except SpoolFull:
            self.lost += hits

    def _told(self, hits: int, failure: Exception | None) -> None:
        if failure is None:
            self.written += hits
        else:
            self.lost += hits

    async def _fetch_missing(self, wanted: set[tuple[int, int]]) -> None:
        today = self._clock.now_ms() // DAY_MS
        # What is over is let go: a collector holds the keys of the days it writes, no others.
        if today != self._today:
            self._today = today
            self._sealed.forget()
        self._ciphers = {key: cipher for key, cipher in self._ciphers.items() if key[1] >= today - LATE_DAYS}
        missing = sorted(wanted - self._ciphers.keys())
        if not missing:
            return
        for (site_id, day), key in zip(missing, await self._fetch_keys(missing), strict=True):
            if key is not None:
                self._ciphers[site_id, day] = VaultCipher(key, site_id, day)

    async def _rows(self, counts: Counts) -> list[list[Row]]:
        """
        Encrypt and encode, into a bucket for each first byte of the blind index.
        """
        seen: dict[tuple[int, int, bytes], list[int]] = {}
        for (site_id, hour), here in counts.items():
            for number, (address, hits) in enumerate(here.items(), start=1):
                if number % ADDRESSES_A_TURN == 0:
                    await asyncio.sleep(REST_SECONDS)
                kept = mapped_address(address, whole_ipv6=self._whole_ipv6)
                state = seen.setdefault((site_id, hour // 24, kept), [0, 0])
                state[0] |= 1 << hour % 24
                state[1] += hits
        buckets: list[list[Row]] = [[] for _ in range(256)]
        for number, ((site_id, day, address), (hours, hits)) in enumerate(seen.items(), start=1):
            if number % ROWS_A_TURN == 0:
                await asyncio.sleep(REST_SECONDS)
            cipher = self._ciphers.get((site_id, day))
            if cipher is None:
                self.lost += hits
                continue
            sealed = self._sealed.find((site_id, day, address))
            if sealed is None:
                index = cipher.index(address)
                sealed = index, cipher.seal(index, address)
                self._sealed.keep((site_id, day, address), sealed)
            encoded = encode_row(VaultRow(site_id, day, *sealed, hours, hits))
            row = sealed[0], encoded, 0 if site_id == VAULT_SITE else hits
            buckets[_order(row)[0]].append(row)
        return buckets

    def _put_back(self, counts: Counts) -> None:
        room = COUNTS_MAX - _addresses(self._counts)
        for key, there in counts.items():
            here = self._counts.setdefault(key, {})
            for address, hits in there.items():
                if address not in here:
                    if room <= 0:
                        self.lost += hits
                        continue
                    room -= 1
                here[address] = here.get(address, 0) + hits

    def _forget(self, counts: Counts) -> None:
        self.lost += sum(hits for here in counts.values() for hits in here.values())
        counts.clear()


def _addresses(counts: Counts) -> int:
    return sum(map(len, counts.values()))


def _order(row: Row) -> bytes:
    return row[0]
