"""
An importer of its own beside the process's one store, and lines written for it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard.context import Context
from ingest.imports.importer import Importer
from tests.clocks import FakeClock
from warehouse.client import Warehouse
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site
from warehouse.settings import load_settings

ZONE = "Etc/UTC"


def make_context(warehouse: Warehouse, registry: Registry, clock: FakeClock, tmp_path: Path) -> Context:
    """
    Put together a read side that can import.
    """
    importer = Importer(tmp_path, warehouse, clock, resting=threading.Lock())
    return Context(warehouse, registry, clock, load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}), importing=importer)


def line(timestamp: str, visitor: str | None = "u1", page: str = "/", **fields: Any) -> dict[str, Any]:
    """
    Write one event down, by default a pageview on site1.test.
    """
    return {"timestamp": timestamp, "visitor": visitor, "url": f"https://site1.test{page}", **fields}


def ndjson(lines: Sequence[object]) -> bytes:
    """
    Write lines as a file.
    """
    return b"".join(json.dumps(one).encode() + b"\n" for one in lines)


def take_in(importer: Importer, site: Site, content: bytes, *, piece: int = 64 * 1024) -> dict[str, Any]:
    """
    Import a stream.
    """
    receiving = importer.begin(site)
    assert receiving is not None, "another import is under way"
    for start in range(0, len(content), piece):
        receiving.feed(content[start : start + piece])
    return receiving.finish()
