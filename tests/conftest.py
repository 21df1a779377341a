"""
Fixtures every test may use: a clock, and one embedded warehouse per test process (the engine allows one).
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.clocks import FakeClock
from warehouse.client import Warehouse
from warehouse.migrate import migrate

# How long an example takes is the machine's affair: no test is a timed one.
settings.register_profile("daysalt", deadline=None)
settings.load_profile("daysalt")

MADE_TABLES = (
    *("events", "visits", "drops", "event_ids", "imports", "vault"),
    *("rollups", "rollup_overlaps", "rollup_builds", "rollup_months", "rollup_month_builds"),
)
"""Emptied before every test."""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def migrated_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """
    The process's one embedded store, with the schema in place.
    """
    warehouse = Warehouse(f"chdb://{tmp_path_factory.mktemp('warehouse')}")
    migrate(warehouse, FakeClock())
    yield warehouse
    warehouse.close()


@pytest.fixture
def warehouse(migrated_warehouse: Warehouse) -> Warehouse:
    """
    The embedded store, emptied.
    """
    for table in MADE_TABLES:
        migrated_warehouse.command(f"TRUNCATE TABLE {table}")
    return migrated_warehouse
