"""
The vault's part of a collector process: the sink, its files in the spool, and the asking for keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from ingest.decode import Beacon
from ingest.retention.canary import ADDRESS
from ingest.sightings import Sighting
from ingest.spool.writer import Loop, SpoolWriter
from ingest.vault.row import LANE, VAULT_SITE
from ingest.vault.sink import WRITE_SECONDS, VaultSink
from warehouse.clock import Clock
from warehouse.days import DAY_MS
from warehouse.local_socket import SocketAbsent, SocketRefused, call
from warehouse.log import logger
from warehouse.settings import Settings

CALL_SECONDS = 5.0
SPOOL_SHARE = 8
"""The lane may take this part of `DAYSALT_SPOOL_MAX_BYTES`: with the store away for days, events come first."""


class VaultLane:
    """
    One collector's end of the vault lane.
    """

    def __init__(self, settings: Settings, clock: Clock, loop: Loop, keeper: Path) -> None:
        """
        Args:
            keeper: the socket to ask for keys.
        """
        self._keeper = keeper
        self._clock = clock
        self._canary_day = 0
        self._spool = SpoolWriter(
            settings.spool_dir / LANE,
            clock,
            loop,
            sync=settings.durability == "fsync",
            bytes_max=settings.spool_max_bytes // SPOOL_SHARE,
            wait_in_place_us=0,  # nobody waits for an answer, and many for the loop
        )
        self.sink = VaultSink(clock, self._spool, self._keys, whole_ipv6=settings.vault_ipv6 == "whole")
        self._trouble = ""

    def counters(self) -> dict[str, int]:
        """
        Tell the lane's figures.
        """
        return {"daysalt_vault_hits": self.sink.written, "daysalt_vault_hits_lost": self.sink.lost}

    def install_sites(self, sites: Collection[int]) -> None:
        """
        Take the ids of the sites whose vault is switched on.
        """
        self.sink.install_sites((VAULT_SITE, *sites) if sites else ())

    async def run_forever(self) -> None:
        """
        Write every few seconds what was seen.
        """
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self._write()
            self._spool.seal_if_due()

    async def close(self) -> None:
        """
        Write what is left and seal, waiting for the disk.
        """
        await self._write()
        self._spool.close()

    def _see_canary(self) -> None:
        """
        On each day that sees somebody, see the canary, too: it goes the way of a visitor's address.
        """
        today = self._clock.now_ms() // DAY_MS
        if today != self._canary_day and self.sink.waiting:
            self._canary_day = today
            beacon = Beacon("", "", ())
            self.sink.see([Sighting(self._clock.now_ms(), VAULT_SITE, ADDRESS, "", (), beacon, None)])

    async def _write(self) -> None:
        trouble = ""
        self._see_canary()
        try:
            await self.sink.write()
        except (SocketAbsent, SocketRefused) as error:
            trouble = str(error)
        except Exception as error:  # one bad writing must not end the lane
            trouble = type(error).__name__
        if trouble and trouble != self._trouble:
            logger().warning("the vault could not be written", reason=trouble)
        self._trouble = trouble

    async def _keys(self, wanted: list[tuple[int, int]]) -> list[bytes | None]:
        answer = await asyncio.to_thread(call, self._keeper, "vault_keys", timeout_s=CALL_SECONDS, wanted=wanted)
        self.sink.stop(answer["stopped"])
        return [None if key is None else bytes.fromhex(key) for key in answer["keys"]]
