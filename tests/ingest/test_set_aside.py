"""
Batches the warehouse refused, given to the drain once more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daysalt.spool_retry import retry_refused
from ingest import drain as drain_module
from ingest.event import DropCount
from ingest.spool.inventory import NothingSetAside, list_lanes, list_set_aside
from tests.clocks import FakeClock
from tests.ingest.records import MIDNIGHT, event
from tests.ingest.test_drain import make, put, run_dry, stored
from warehouse.client import Warehouse, WarehouseRefused


def refuse_first_batch(tmp_path: Path, warehouse: Warehouse, clock: FakeClock, refused: str) -> Any:
    """
    Have a table refuse a batch of three events and a drop count until it is set aside.
    """
    put(tmp_path / "events", 1, event(0), event(5, path="/b"), event(9, visitor=2), DropCount(1, MIDNIGHT, "bot", 3))
    drain = make(tmp_path, warehouse, clock)
    real = warehouse.insert_block

    def refuse(table: str, *arguments: Any, **named: Any) -> None:
        if table == refused:
            raise WarehouseRefused("no")
        real(table, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "insert_block", refuse)
        for _ in range(drain_module.REFUSALS_MAX - 1):
            with pytest.raises(WarehouseRefused):
                drain.step()
        drain.step()
    run_dry(drain)
    return drain


def test_every_event_of_a_retried_batch_counts_once(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    With what came between the refusal and the retry.
    """
    drain = refuse_first_batch(tmp_path, warehouse, clock, "events")
    put(tmp_path / "events", 2, event(7, path="/c"))
    run_dry(drain)

    assert ["batch-1.refused"] == retry_refused(warehouse, tmp_path, clock, "")
    assert [] == list_set_aside(tmp_path)
    run_dry(drain)

    assert (4, 2, 4) == stored(warehouse)
    assert [(3,)] == warehouse.query("SELECT sum(hits) FROM drops")
    assert [0, 0] == [lane.segments for lane in list_lanes(tmp_path)]


@pytest.mark.parametrize("refused", ["visits", "drops"])
def test_events_that_are_stored_do_not_come_again(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, refused: str
) -> None:
    """
    Where another table refused the batch, a retry says so and leaves it alone.
    """
    refuse_first_batch(tmp_path, warehouse, clock, refused)

    assert [] == retry_refused(warehouse, tmp_path, clock, "")
    with pytest.raises(NothingSetAside, match="stored already"):
        retry_refused(warehouse, tmp_path, clock, "batch-1.refused")
    assert 3 == stored(warehouse)[0]


def test_half_stored_events_are_taken_back(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    A store that took some events of a batch and then refused the rest is rid of them when the batch is set aside.
    """
    put(tmp_path / "events", 1, event(0), event(5, path="/b"))
    drain = make(tmp_path, warehouse, clock)
    real = warehouse.insert_block

    def take_one(table: str, columns: Any, **named: Any) -> None:
        if table == "events" and not stored(warehouse)[0]:
            warehouse.command("INSERT INTO events (site_id, day, visitor_id, batch) VALUES (1, '2026-11-23', 7, 1)")
        if table == "events":
            raise WarehouseRefused("no")
        real(table, columns, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "insert_block", take_one)
        for _ in range(drain_module.REFUSALS_MAX - 1):
            with pytest.raises(WarehouseRefused):
                drain.step()
        assert 1 == stored(warehouse)[0]
        drain.step()

    assert 0 == stored(warehouse)[0]
    assert ["batch-1.refused"] == retry_refused(warehouse, tmp_path, clock, "")
    run_dry(drain)
    assert (2, 1, 2) == stored(warehouse)


def test_a_number_that_was_set_aside_is_not_given_again(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Even when the manifest is gone: a retry deletes what its number left, which must be nobody else's.
    """
    refuse_first_batch(tmp_path, warehouse, clock, "events")
    (tmp_path / "drain" / "manifest.json").unlink()
    drain = make(tmp_path, warehouse, clock)
    put(tmp_path / "events", 2, event(7, path="/c"))
    run_dry(drain)

    assert [(2,)] == warehouse.query("SELECT DISTINCT batch FROM events")


def test_only_refused_batches_come_back(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Damaged bytes are no batch, and an unknown name is a sentence.
    """
    (tmp_path / "quarantine").mkdir()
    (tmp_path / "quarantine" / "0000000000001-aa-000001-16.bad").write_bytes(b"x")

    assert [] == retry_refused(warehouse, tmp_path, clock, "")
    with pytest.raises(NothingSetAside, match="cannot be read"):
        retry_refused(warehouse, tmp_path, clock, "0000000000001-aa-000001-16.bad")
    with pytest.raises(NothingSetAside, match="spool status"):
        retry_refused(warehouse, tmp_path, clock, "batch-7.refused")
