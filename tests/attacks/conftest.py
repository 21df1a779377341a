"""
One real server for the attacks, with one site; an attack that hurts it fails its own test and those after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.processes.load import DOMAIN
from tests.server import Server, run_server
from warehouse.client import Warehouse
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """
    The real server, logging at debug level.
    """
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "data").mkdir(mode=0o700)
    registry = Registry(f"sqlite:///{folder / 'data' / 'registry.sqlite'}", SystemClock())
    registry.sites.add(DOMAIN)
    registry.close()
    with run_server(folder, log_level="debug") as running:
        yield running


QUICK = """
CREATE TABLE vault_quick AS vault ENGINE = AggregatingMergeTree PARTITION BY day ORDER BY (day, site_id, bidx)
SETTINGS old_parts_lifetime = 0, cleanup_delay_period = 0, max_cleanup_delay_period = 1,
  cleanup_delay_period_random_add = 0
"""


@pytest.fixture
def quick_store(warehouse: Warehouse) -> Iterator[Warehouse]:
    """
    The real store, whose vault lets go of old parts within a second instead of some ninety.
    """
    warehouse.command(QUICK)
    warehouse.command("EXCHANGE TABLES vault AND vault_quick")
    yield warehouse
    warehouse.command("EXCHANGE TABLES vault AND vault_quick")
    warehouse.command("DROP TABLE vault_quick SYNC")
