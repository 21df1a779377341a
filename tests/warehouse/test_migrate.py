"""
Promises of the migrations, each kept on both kinds of store.
"""

from __future__ import annotations

import pytest

from tests.clocks import FakeClock
from warehouse.client import Warehouse, WarehouseRefused
from warehouse.migrate import Migration, MigrationError, known_migrations, migrate, migration_status


def test_an_empty_store_is_brought_up_to_date_once(bare_store: Warehouse, clock: FakeClock) -> None:
    """
    All migrations are applied in order; a second call has nothing to do.
    """
    assert known_migrations() == tuple(migrate(bare_store, clock))
    assert migrate(bare_store, clock) == []
    assert {"done"} == {status.state for status in migration_status(bare_store)}


def test_the_status_of_an_empty_store_is_pending(bare_store: Warehouse) -> None:
    """
    Asking for the status applies nothing.
    """
    assert {"pending"} == {status.state for status in migration_status(bare_store)}
    with pytest.raises(WarehouseRefused):
        bare_store.query("SELECT 1 FROM events")


def test_a_half_applied_migration_is_noticed(bare_store: Warehouse, clock: FakeClock) -> None:
    """
    A migration that broke in the middle is named as half applied, and nothing is tried on top of it.
    """
    broken = (Migration(1, "half", ("CREATE TABLE half (a UInt8) ENGINE = MergeTree ORDER BY a", "SELECT nope")),)
    with pytest.raises(WarehouseRefused):
        migrate(bare_store, clock, broken)

    assert [status.state for status in migration_status(bare_store, broken)] == ["half applied"]
    with pytest.raises(MigrationError, match=r"migration 1 \(half\) was started and did not finish: restore a backup"):
        migrate(bare_store, clock, broken)


def test_a_crash_in_a_repeatable_migration_heals(bare_store: Warehouse, clock: FakeClock) -> None:
    """
    What was begun and can be run again is finished by the next start; all of ours can.
    """
    statement = "CREATE TABLE IF NOT EXISTS whole (a UInt8) ENGINE = MergeTree ORDER BY a"
    with pytest.raises(WarehouseRefused):
        migrate(bare_store, clock, (Migration(1, "whole", (statement, "SELECT nope")),))

    assert ["whole"] == [done.name for done in migrate(bare_store, clock, (Migration(1, "whole", (statement,)),))]
    assert all(migration.repeatable for migration in known_migrations())


def test_a_newer_store_is_refused(bare_store: Warehouse, clock: FakeClock) -> None:
    """
    A store that a newer version made is left alone.
    """
    migrate(bare_store, clock)

    with pytest.raises(MigrationError, match="this version of Daysalt knows 1: run the newer version"):
        migrate(bare_store, clock, known_migrations()[:1])
