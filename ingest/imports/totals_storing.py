"""
Staged daily totals become rows of the rollups, counted all at once when the last one is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import date

from ingest.imports.staging import Staged
from warehouse.client import QueryTimeout, Warehouse, WarehouseUnavailable
from warehouse.clock import Clock
from warehouse.imported_totals import add_totals, claim_build, count_build
from warehouse.imports import ImportPaused

BACKOFF_SECONDS = (0.2, 1.0, 5.0)


def store_totals(
    warehouse: Warehouse,
    clock: Clock,
    staged: Staged,
    days: Sequence[date],
    *,
    resting: threading.Lock,
    stopping: threading.Event,
    report: Callable[[int, int], None],
) -> int:
    """
    Bring all staged totals into the store.

    Args:
        resting: held while something is written.
        report: told (rows done, rows in all).

    Returns:
        How many lines of the export they were.

    Raises:
        ImportPaused: `stopping` was set.
        WarehouseUnavailable: the store stayed away; call again later, nothing counts yet.
        WarehouseRefused: the store will never take these rows.
    """
    site_id, number = staged.plan.site_id, staged.plan.number
    for wait in (*BACKOFF_SECONDS, None):
        try:
            with resting:
                build = claim_build(warehouse, clock, site_id, number, days)
            pieces = staged.totals_pieces
            for place in range(pieces):
                if stopping.is_set():
                    raise ImportPaused
                rows = staged.totals_of(place)
                with resting:
                    add_totals(warehouse, site_id, build, rows)
                report(place + 1, pieces)
            with resting:
                count_build(warehouse, site_id, number, build, days)
            break
        except (WarehouseUnavailable, QueryTimeout):
            if wait is None:
                raise
            stopping.wait(wait)
    return sum(staged.plan.days.values())
