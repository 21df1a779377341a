"""
One real server for the attacks, with one site; an attack that hurts it fails its own test and those after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.processes.load import DOMAIN
from tests.server import Server, run_server
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
