"""
Seals the days that the closer has counted: their rows lose ids, seconds and what is rare.

Runs in the closer's thread, with the drain at rest, so that nothing is counted or stored while rows change places.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ingest.manifest import read_manifest
from warehouse.client import Warehouse
from warehouse.log import logger
from warehouse.registry.sites import Site
from warehouse.sealing.seal import SealError, seal_day
from warehouse.sealing.statements import IMPORTED_FROM

DAYS_A_ROUND = 3
"""Days of one site sealed in one round, so that the other sites' days and a stop need not wait for years of them."""


class DaySealer:
    """
    Seals what of a site's closed days is not sealed yet.
    """

    def __init__(self, warehouse: Warehouse, state_dir: Path, *, resting: threading.Lock) -> None:
        """
        Args:
            state_dir: the drain's, with its manifest; the state of a day under way lies beside it.
            resting: held by whoever writes to the store.
        """
        self._warehouse = warehouse
        self._state_dir = state_dir
        self._resting = resting

    def seal(self, site: Site, closed: Sequence[date]) -> bool:
        """
        Seal up to `DAYS_A_ROUND` of the days whose sums are made.

        Returns:
            Whether all of them are sealed; otherwise call again in a while.

        Raises:
            WarehouseUnavailable, WarehouseRefused, QueryTimeout: call again later.
        """
        days = self._open_days(site, closed)
        done = True
        for day in days[:DAYS_A_ROUND]:
            try:
                with self._resting:
                    sealed = seal_day(
                        self._warehouse,
                        self._state_dir,
                        site_id=site.id,
                        day=day,
                        k=site.k,
                        settled_batch=self._settled_batch(),
                    )
            except SealError as error:
                logger().info("a day is not sealed yet", site=site.id, day=str(day), reason=str(error))
                done = False
            else:
                logger().info("a day was sealed", site=site.id, day=str(day), events=sealed.events)
        return done and len(days) <= DAYS_A_ROUND

    def _open_days(self, site: Site, closed: Sequence[date]) -> list[date]:
        # Imported rows alone do not have a day sealed: no salt of ours made their ids, and the file has their times.
        rows = self._warehouse.query(
            "SELECT DISTINCT day FROM events WHERE site_id = {site:UInt32} AND day <= {last:Date} AND sealed = 0"
            " AND batch < {imported:UInt64} ORDER BY day",
            {"site": site.id, "last": max(closed), "imported": IMPORTED_FROM},
        )
        counted = set(closed)
        return [row[0] for row in rows if row[0] in counted]

    def _settled_batch(self) -> int | None:
        manifest = read_manifest(self._state_dir)
        if manifest is None:
            return None
        # A batch whose manifest stands may be written again after a crash.
        return manifest.batch if manifest.done else manifest.batch - 1
