"""
A context with a registry of its own beside the process's one store.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboard.context import Context
from tests.clocks import FakeClock
from warehouse.client import Warehouse
from warehouse.registry.database import Registry
from warehouse.settings import load_settings


@pytest.fixture
def context(warehouse: Warehouse, clock: FakeClock, tmp_path: Path) -> Iterator[Context]:
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    yield Context(warehouse, registry, clock, load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}))
    registry.close()
