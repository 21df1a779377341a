"""
The drain of events in a thread of the store process, with what must go on beside it: the vault's drain, and the closer
of days.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from daysalt.closer import Closer
from daysalt.day_sealer import DaySealer
from daysalt.pace import PACE_SECONDS, Pace, rest
from daysalt.patience import BACKOFF_SECONDS
from daysalt.vault.drain_thread import VaultDrainThread
from ingest.drain import Drain
from ingest.manifest import ManifestError
from ingest.vault.drain import VaultDrain
from ingest.visits import Sessionized
from warehouse.client import QueryTimeout, Warehouse, WarehouseRefused, WarehouseUnavailable
from warehouse.clock import Clock
from warehouse.log import logger
from warehouse.registry.database import Registry
from warehouse.settings import Settings


class DrainThread:
    """
    The drain in a thread of its own: the engine does its work outside Python's lock.
    """

    def __init__(self, settings: Settings, warehouse: Warehouse, registry: Registry, clock: Clock) -> None:
        self._registry = registry
        self._clock = clock
        self._site_ids: frozenset[int] = frozenset()
        self._revision = -1
        self.drain = Drain(
            settings.spool_dir / "events",
            settings.data_dir / "drain",
            warehouse,
            clock,
            report=self._damage,
            site_exists=self._site_exists,
            flushed=self._add_late,
        )
        self.resting = threading.Lock()
        """Held while a batch is carried over; whoever takes it finds events and visits of the same batches."""
        sealer = DaySealer(warehouse, settings.data_dir / "drain", resting=self.resting)
        self.closer = Closer(
            warehouse,
            registry,
            clock,
            resting=self.resting,
            caught_up_ms=lambda: self.drain.caught_up_ms,
            closed=sealer.seal,
        )
        self.vault = VaultDrainThread(
            VaultDrain(
                settings.spool_dir,
                settings.data_dir / "drain" / "vault",
                warehouse,
                clock,
                retention_days=settings.ip_retention_days,
                report=self._damage,
                site_exists=self._site_exists,
            ),
            giving_way=lambda: self.giving_way,
        )
        self.giving_way = False
        """Whether this drain rests because collectors want the whole machine."""
        self.damage = 0
        self.caught_up: Callable[[], None] = lambda: None
        """Called, in this thread, when nothing is left to carry."""
        self.fatal = False
        self.trouble = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.vault.start()

    def stop(self, timeout_s: float) -> None:
        """
        Bring what is in the spool into the store, then stop.
        """
        self._stop.set()
        self._thread.join(timeout_s)
        self.vault.stop(timeout_s)

    def _run(self) -> None:
        failures, pace, busy = 0, Pace(self._clock), False
        while True:
            last = self._stop.is_set()
            try:
                began = time.monotonic()
                with self.resting:
                    carried = self.drain.step(hold_back=not last)
                failures, self.trouble = 0, ""
            except (WarehouseUnavailable, WarehouseRefused, QueryTimeout) as error:
                wait = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
                failures += 1
                self.trouble = f"{type(error).__name__}: {error}"
                logger().warning("a batch was not stored yet", reason=str(error), again_after_seconds=wait)
                if last:
                    return
                self._stop.wait(wait)
                continue
            except ManifestError as error:
                print(f"daysalt: {error}", file=sys.stderr)
                self.fatal, self.trouble = True, str(error)
                return
            except Exception as error:  # the drain must not die of one strange batch
                failures += 1
                self.trouble = type(error).__name__
                logger().error("the drain stumbled", error=type(error).__name__, exc_info=error)
                if last:
                    return
                self._stop.wait(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                continue
            if busy and not carried:
                self.caught_up()
            busy = carried > 0
            if last:
                if carried == 0:
                    return
                continue
            took = time.monotonic() - began
            waiting = self.drain.waiting() if carried else 0
            seconds = pace.rest_seconds(carried, took, self.drain.lag_ms, waiting)
            self.giving_way = seconds > PACE_SECONDS
            rest(seconds, self._stop.wait, self.drain.waiting)

    def _site_exists(self, site_id: int) -> bool:
        revision = self._registry.revision()
        if revision != self._revision:
            self._site_ids, self._revision = frozenset(site.id for site in self._registry.sites.all()), revision
        return site_id in self._site_ids

    def _add_late(self, batch: int, rows: Sessionized) -> None:
        self.closer.flushed(batch, rows)

    def _damage(self, kind: str, name: str, size: int) -> None:
        self.damage += 1
        logger().error("damage in the spool", kind=kind, where=name, size=size)
