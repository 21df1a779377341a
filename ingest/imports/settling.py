"""
From a sealed staging directory into the store: visits are made, batches inserted, each exactly once.

Batches are cut by the staged content alone and their numbers follow from the import's, so whoever finishes an import
after a crash cuts and numbers them alike.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.big_cells import BigCells
from ingest.event import ENGAGEMENT, Event
from ingest.flush import insert_batch
from ingest.imports.staging import Staged
from ingest.visits import VISIT_IDLE_SECONDS, Sessionized, Sessionizer
from warehouse.client import QueryTimeout, Warehouse, WarehouseUnavailable
from warehouse.imports import ImportPaused, batches_of

BATCH_EVENTS = 40_000
BATCH_DAYS = 366
"""A batch touches a month's partition each; the engine refuses more than a hundred in one insert."""
BACKOFF_SECONDS = (0.2, 0.5, 1, 2, 5, 10, 10, 10, 20, 30, 30, 30)
"""Waits while the store is away, some two and a half minutes; after them the asker is told, and the import waits."""
NO_VISIT = "an engagement belongs to a visit, and this visitor has none in the 30 minutes before it"


@dataclass(slots=True)
class Settled:
    """
    What became of the staged events.
    """

    events: int = 0
    without_visit: list[int] = field(default_factory=list[int])
    """Line numbers of engagements that belong to no visit; they are not stored."""


def settle(
    warehouse: Warehouse,
    staged: Staged,
    *,
    resting: threading.Lock,
    stopping: threading.Event,
    report: Callable[[int, int], None],
    big_cells: BigCells | None = None,
) -> Settled:
    """
    Bring all staged events into the store.

    Args:
        resting: held while a batch is written, so that whoever takes it finds events and visits of the same batches.
        report: told (events done, events in all).
        big_cells: what large days have named, shared with whoever else writes.

    Raises:
        ImportPaused: `stopping` was set.
        WarehouseUnavailable: the store stayed away; call again later.
        WarehouseRefused: the store will never take these rows.
    """
    first, _ = batches_of(staged.plan.number)
    known = staged.stored
    total = sum(staged.plan.days.values())
    settled = Settled()
    sessionizer = Sessionizer()
    big_cells = BigCells(warehouse) if big_cells is None else big_cells
    for place, events in enumerate(_batches(staged, settled)):
        rows = sessionizer.process(events, first + place)
        settled.events += rows.event_count
        if place >= known:
            # The first one may have been written before the crash that made somebody else finish this.
            salvage = place == known
            _insert(warehouse, first + place, rows, big_cells, salvage=salvage, resting=resting, stopping=stopping)
            staged.note_stored(place + 1)
        report(settled.events + len(settled.without_visit), total)
    return settled


def _insert(
    warehouse: Warehouse,
    batch: int,
    rows: Sessionized,
    big_cells: BigCells,
    *,
    salvage: bool,
    resting: threading.Lock,
    stopping: threading.Event,
) -> None:
    for wait in (*BACKOFF_SECONDS, None):
        if stopping.is_set():
            raise ImportPaused
        try:
            with resting:
                insert_batch(warehouse, batch, big_cells.capped(rows), salvage=salvage)
            return
        except (WarehouseUnavailable, QueryTimeout):
            if wait is None:
                raise
            salvage = True
            stopping.wait(wait)


def _batches(staged: Staged, settled: Settled) -> Iterator[list[Event]]:
    batch: list[Event] = []
    days = 0
    for day in staged.plan.days:
        for event in _of_visits(staged.events_of(day), settled):
            batch.append(event)
            if len(batch) == BATCH_EVENTS:
                yield batch
                batch, days = [], 0
        days += 1
        if days == BATCH_DAYS and batch:
            yield batch
            batch, days = [], 0
    if batch:
        yield batch


def _of_visits(events: Iterator[tuple[Event, int]], settled: Settled) -> Iterator[Event]:
    """
    Leave out engagements that have no visit, by the sessionizer's rule, remembering their lines.
    """
    last: dict[int, int] = {}
    for event, line in events:
        if event.name == ENGAGEMENT and event.ts - last.get(event.visitor_id, -VISIT_IDLE_SECONDS) > VISIT_IDLE_SECONDS:
            settled.without_visit.append(line)
            continue
        last[event.visitor_id] = event.ts
        yield event
