"""
Put refused batches back into the spool, so that each of their events counts once.
"""

from __future__ import annotations

from pathlib import Path

from ingest.flush import count_rows
from ingest.spool.inventory import EVENTS, NothingSetAside, choose, put_back
from warehouse.client import Warehouse
from warehouse.clock import Clock


def retry_refused(warehouse: Warehouse, spool_dir: Path, clock: Clock, name: str) -> list[str]:
    """
    Give the drain refused batches once more, under new numbers. One whose events the store took, and whose visits or
    drop counts it refused, stays where it is: its events are counted.

    Args:
        name: one file in quarantine; empty for every refused batch.

    Returns:
        The files that were put back, oldest first.

    Raises:
        NothingSetAside: there is no such file, it is no batch, or its events are stored.
        WarehouseUnavailable: those not put back yet are where they were.
    """
    done: list[str] = []
    for aside in choose(spool_dir, name, refused_only=True):
        if aside.lane == EVENTS and count_rows(warehouse, "events", aside.batch):
            if name:
                raise NothingSetAside(f"the events of {name} are stored already and would count twice: discard it")
            continue
        put_back(spool_dir, aside, clock.now_ms())
        done.append(aside.name)
    return done
