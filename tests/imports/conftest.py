"""
A registry with one site, and an importer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.context import Context
from ingest.imports.importer import Importer
from tests.clocks import FakeClock
from tests.imports.importing import make_context
from warehouse.client import Warehouse
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site


@pytest.fixture
def context(warehouse: Warehouse, clock: FakeClock, tmp_path: Path) -> Iterator[Context]:
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    yield make_context(warehouse, registry, clock, tmp_path)
    registry.close()


@pytest.fixture
def site(context: Context) -> Site:
    return context.registry.sites.add("site1.test", k=1)


@pytest.fixture
def importer(warehouse: Warehouse, clock: FakeClock, tmp_path: Path) -> Importer:
    return Importer(tmp_path, warehouse, clock, resting=threading.Lock())
