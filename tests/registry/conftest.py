"""
An empty registry for each test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clocks import FakeClock
from warehouse.registry.database import Registry


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'registry.sqlite'}"


@pytest.fixture
def registry(url: str, clock: FakeClock) -> Iterator[Registry]:
    opened = Registry(url, clock)
    yield opened
    opened.close()
