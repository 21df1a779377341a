"""
Both kinds of store for the tests of the client: embedded, and behind the real ClickHouse HTTP client.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clocks import FakeClock
from warehouse.client import Warehouse
from warehouse.migrate import migrate

PASSWORD = "p@ss word/1"  # with characters that an address must escape


@dataclass(slots=True)
class HttpStore:
    """
    A running test server.
    """

    process: subprocess.Popen[str]
    port: int

    @property
    def url(self) -> str:
        return f"clickhouse://default:p%40ss%20word%2F1@127.0.0.1:{self.port}/default"

    def stop(self) -> None:
        """
        Stop it and wait until it is gone.
        """
        self.process.terminate()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


def start_http_store(directory: Path) -> HttpStore:
    """
    Start the test server on a free port and wait until it listens.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.http_chdb_server", str(directory), "--password", PASSWORD],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    words = process.stdout.readline().split()
    assert words[0] == "listening"
    return HttpStore(process, int(words[1]))


@pytest.fixture(scope="session")
def http_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpStore]:
    """
    One server for all tests of this process.
    """
    store = start_http_store(tmp_path_factory.mktemp("http-store"))
    yield store
    store.stop()


@pytest.fixture(params=["chdb", "clickhouse"])
def store(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """
    An empty store with the schema in place, of each kind.
    """
    warehouse = _open(request)
    migrate(warehouse, FakeClock())
    for table in ("events", "visits", "drops"):
        warehouse.command(f"TRUNCATE TABLE {table}")
    yield warehouse
    _close(request, warehouse)


@pytest.fixture(params=["chdb", "clickhouse"])
def bare_store(request: pytest.FixtureRequest) -> Iterator[Warehouse]:
    """
    A store without our tables, of each kind; the tables are back afterwards.
    """
    warehouse = _open(request)
    _drop_tables(warehouse)
    yield warehouse
    _drop_tables(warehouse)
    migrate(warehouse, FakeClock())
    _close(request, warehouse)


def _open(request: pytest.FixtureRequest) -> Warehouse:
    if request.param == "chdb":
        embedded: Warehouse = request.getfixturevalue("migrated_warehouse")
        return embedded
    http: HttpStore = request.getfixturevalue("http_store")
    return Warehouse(http.url)


def _close(request: pytest.FixtureRequest, warehouse: Warehouse) -> None:
    # The embedded one belongs to the whole test process.
    if request.param == "clickhouse":
        warehouse.close()


def _drop_tables(warehouse: Warehouse) -> None:
    for (table,) in warehouse.query("SELECT name FROM system.tables WHERE database = currentDatabase()"):
        warehouse.command(f"DROP TABLE IF EXISTS {table} SYNC")
