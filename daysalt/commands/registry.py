"""
The registry, opened for one command. It is safe beside a running server, so no command asks one.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from warehouse.clock import SystemClock
from warehouse.data_dir import make_data_dir
from warehouse.registry.connection import registry_path
from warehouse.registry.database import Registry
from warehouse.settings import Settings


@contextmanager
def open_registry(settings: Settings) -> Generator[Registry]:
    """
    Open the registry, with the data directory around it if that is where it lives.

    Raises:
        RegistryError, DataDirError: it cannot be opened.
    """
    path = registry_path(settings.registry_url)
    if path is not None and settings.data_dir in path.parents:
        make_data_dir(settings.data_dir)
    registry = Registry(settings.registry_url, SystemClock())
    try:
        yield registry
    finally:
        registry.close()
