"""
Events that name themselves count once in 24 hours, whatever restarts in between.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ingest import event_ids as event_ids_module
from ingest.event import DropCount, Event
from ingest.event_id_hashes import CARRIED
from ingest.event_ids import EventIds, drop_old_event_ids, insert_event_ids
from tests.clocks import FakeClock
from tests.ingest.records import MIDNIGHT, event
from tests.ingest.test_drain import Died, make, put, run_dry
from warehouse.client import Warehouse, WarehouseRefused

HOUR = 3600
DAY = 24 * HOUR


def named(hash_: int, at: int = 0, *, before: int = 0, site: int = 1, ts: int | None = None) -> Event:
    """
    Make an event that names itself, received `at` seconds after midnight.
    """
    return event(
        at if ts is None else ts, site_id=site, event_id=CARRIED.pack(hash_, before, MIDNIGHT + at), path=f"/{hash_}"
    )


def settle(ids: EventIds, *events: Event) -> list[str]:
    """
    Give the pages of the events that count.
    """
    ids.begin()
    counted = [record.pathname for record in ids.settle(list(events)) if isinstance(record, Event)]
    ids.keep()
    return counted


def test_first_counts_and_repeats_do_not() -> None:
    """
    In one batch and over batches: the one received first counts, the others are `duplicate` in their hour.
    """
    ids = EventIds()
    ids.begin()
    first = ids.settle([named(7, 10, ts=5), named(7, 9, ts=6), DropCount(1, MIDNIGHT, "bot", 2), named(8, 12)])
    rows = ids.rows
    later = ids.settle([named(7, 4000), event(11)])

    assert [DropCount(1, MIDNIGHT, "duplicate", 1), named(7, 9, ts=6), DropCount(1, MIDNIGHT, "bot", 2)] == first[:3]
    assert [(1, 7, MIDNIGHT + 9), (1, 8, MIDNIGHT + 12)] == rows
    assert [DropCount(1, MIDNIGHT + HOUR, "duplicate", 1), event(11)] == later


def test_a_batch_that_is_begun_again() -> None:
    """
    What was settled and never kept is forgotten when the next batch begins.
    """
    ids = EventIds()
    ids.begin()
    ids.settle([named(7, 0)])

    assert (["/7"], []) == (settle(ids, named(7, 1)), settle(ids, named(7, 2)))


def test_a_window_of_24_hours() -> None:
    """
    Within 24 hours of the counted one it is a repeat, then it counts again; a repeat does not lengthen the time.
    """
    ids = EventIds()

    assert ["/7"] == settle(ids, named(7, 0))
    assert [] == settle(ids, named(7, DAY - 1))
    assert ["/7"] == settle(ids, named(7, DAY))
    assert [] == settle(ids, named(7, DAY + 1))


def test_across_midnight() -> None:
    """
    On the next day the hash under the day before's key finds it.
    """
    ids = EventIds()

    assert ["/7"] == settle(ids, named(7, 0))
    assert [] == settle(ids, named(99, DAY - 10, before=7))
    assert ["/99"] == settle(ids, named(99, DAY + 10, before=7))


def test_sorted_away_and_still_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What was sorted into its half hour is found as before, over many of them.
    """
    monkeypatch.setattr(event_ids_module, "FRESH_MAX", 10)
    ids = EventIds()
    first = [named(number, number * 60) for number in range(1, 300)]
    for at in range(0, len(first), 7):
        settle(ids, *first[at : at + 7])

    assert 299 == len(ids)
    assert [] == settle(ids, *(named(number, 20_000) for number in range(1, 300)))
    assert ["/300"] == settle(ids, named(300, 20_000), named(5, 20_000))


def test_forgetting() -> None:
    """
    After a day and its half hour an id is gone from memory; before, it is not.
    """
    ids = EventIds()
    settle(ids, named(7, 0), named(8, 1800))
    ids.expire(MIDNIGHT + 1800 + DAY - 1)
    kept = len(ids)
    ids.expire(MIDNIGHT + 1800 + DAY)

    assert (2, 1) == (kept, len(ids))


def test_a_bound_on_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Beyond the bound the oldest are forgotten, never the newest.
    """
    monkeypatch.setattr(event_ids_module, "IDS_MAX", 100)
    ids = EventIds()
    for slot in range(4):
        settle(ids, *(named(slot * 1000 + number, slot * 1800 + number) for number in range(1, 51)))
        ids.expire(MIDNIGHT)

    assert 100 == len(ids)
    assert (["/1"], []) == (settle(ids, named(1, 7200)), settle(ids, named(3001, 7200)))


def test_rows_are_read_back(warehouse: Warehouse) -> None:
    """
    After a restart what earlier batches counted is known; what the replayed batch counted is not yet.
    """
    insert_event_ids(warehouse, 4, [(1, 7, MIDNIGHT), (2, 2**64 - 1, MIDNIGHT + 5)], salvage=False)
    insert_event_ids(warehouse, 4, [(1, 7, MIDNIGHT), (2, 2**64 - 1, MIDNIGHT + 5)], salvage=True)
    insert_event_ids(warehouse, 5, [(1, 9, MIDNIGHT)], salvage=False)
    ids = EventIds()
    ids.restore(warehouse, below_batch=5)

    assert 2 == len(ids)
    assert ["/9"] == settle(ids, named(7, 10), named(2**64 - 1, 10, site=2), named(9, 10))


def test_old_rows_are_deleted(warehouse: Warehouse) -> None:
    """
    Half hours that ended a day ago go from the store, others stay.
    """
    insert_event_ids(warehouse, 4, [(1, 7, MIDNIGHT), (1, 8, MIDNIGHT + 1800)], salvage=False)

    assert 0 == drop_old_event_ids(warehouse, MIDNIGHT + 1800 + DAY - 1)
    assert 1 == drop_old_event_ids(warehouse, MIDNIGHT + 1800 + DAY)
    assert [(8,)] == warehouse.query("SELECT hash FROM event_ids")


def counts(warehouse: Warehouse) -> tuple[int, int]:
    events = warehouse.query("SELECT count() FROM events")[0][0]
    return events, warehouse.query("SELECT sum(hits) FROM drops WHERE reason = 'duplicate'")[0][0]


def test_through_the_drain_and_restarts(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    A repeat is found in the same batch, in a later one and after a restart of the drain.
    """
    spool = tmp_path / "events"
    put(spool, 1, named(7, 0), named(8, 1), named(7, 2))
    drain = make(tmp_path, warehouse, clock)
    run_dry(drain)
    put(spool, 2, named(7, 60), event(61))
    run_dry(drain)
    put(spool, 3, named(8, 120), named(9, 121))
    run_dry(make(tmp_path, warehouse, clock))

    assert (4, 3) == counts(warehouse)
    assert [(7,), (8,), (9,)] == warehouse.query("SELECT hash FROM event_ids ORDER BY hash")


@pytest.mark.parametrize("table", ["events", "visits", "drops", "event_ids"])
def test_a_death_while_writing_counts_once(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """
    Killed after any of the inserts, the replay finds the same repeats.
    """
    spool = tmp_path / "events"
    put(spool, 1, named(7, 0))
    run_dry(make(tmp_path, warehouse, clock))
    put(spool, 2, named(7, 60), named(8, 61), named(8, 62), named(9, 63))
    inserts = {name: getattr(warehouse, name) for name in ("insert", "insert_block")}

    def dying(name: str) -> object:
        def call(into: str, *args: object, **options: object) -> None:
            inserts[name](into, *args, **options)
            if into == table:
                raise Died

        return call

    with monkeypatch.context() as patch:
        for name in inserts:
            patch.setattr(warehouse, name, dying(name))
        with pytest.raises(Died):
            run_dry(make(tmp_path, warehouse, clock))
    run_dry(make(tmp_path, warehouse, clock))

    assert (3, 2) == counts(warehouse)


def test_a_batch_set_aside_leaves_its_ids_free(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What the store refused for good was not counted: the same ids count when they come again.
    """
    spool = tmp_path / "events"
    put(spool, 1, named(7, 0))
    drain = make(tmp_path, warehouse, clock)

    def refuse(*_args: object, **_options: object) -> None:
        raise WarehouseRefused("no")

    with monkeypatch.context() as patch:
        for name in ("insert", "insert_block"):
            patch.setattr(warehouse, name, refuse)
        for _ in range(4):
            with pytest.raises(WarehouseRefused):
                drain.step()
        drain.step()
    put(spool, 2, named(7, 60))
    run_dry(drain)

    assert (1, 0) == counts(warehouse)


def test_the_drain_deletes_what_is_old(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Caught up, the drain forgets ids of the day before, in memory and in the store.
    """
    at = clock.now_ms() // 1000 - MIDNIGHT
    put(tmp_path / "events", 1, named(7, at))
    drain = make(tmp_path, warehouse, clock)
    run_dry(drain)
    clock.advance(seconds=DAY)
    run_dry(drain)
    before = warehouse.query("SELECT count() FROM event_ids")[0][0]
    clock.advance(seconds=1800)
    run_dry(drain)

    assert (1, 0) == (before, warehouse.query("SELECT count() FROM event_ids")[0][0])


def test_memory_is_twelve_bytes_an_id() -> None:
    """
    A day of many ids stays small: eight bytes of hash and four of time.
    """
    ids = EventIds()
    settle(ids, *(named(number, number % 1800) for number in range(1, 1001)))
    ids.expire(MIDNIGHT)
    ((hashes, seconds),) = ids._slots.values()  # pyright: ignore[reportPrivateUsage]  # what it costs is not to be seen outside

    assert (np.dtype("u8"), np.dtype("u4"), 1000) == (hashes.dtype, seconds.dtype, len(hashes))
