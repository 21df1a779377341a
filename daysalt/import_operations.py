"""
What `daysalt import` asks of the process that has the store.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from daysalt.imports import imports_answer
from ingest.imports.importer import Importer
from warehouse.client import QueryTimeout, WarehouseRefused, WarehouseUnavailable
from warehouse.imports import ImportPaused, ImportRefused
from warehouse.local_socket import Fields, Operation, SocketRefused

T = TypeVar("T")
TOLD_EVERY_SECONDS = 0.5
"""How often progress is told: also so that the command knows that somebody is at work."""
PAUSED = "the server is stopping: it finishes this import after its next start"


def import_operations(importer: Importer) -> dict[str, Operation]:
    """
    Give the operations by name.
    """

    async def listed(site_id: int) -> Fields:
        return await _apart(lambda: imports_answer(importer, site_id))

    async def store(site_id: int, number: int) -> AsyncIterator[Fields]:
        progress = [0, 0]
        done = threading.Event()

        def report(stored: int, total: int) -> None:
            progress[:] = stored, total

        def work() -> Fields:
            try:
                events, lines = importer.store_staged(site_id, number, report)
            finally:
                done.set()
            return {"events": events, "without_visit": list(lines)}

        working = asyncio.create_task(_apart(work))
        while not done.is_set():
            await asyncio.wait((working,), timeout=TOLD_EVERY_SECONDS)
            yield {"what": "storing", "done": progress[0], "total": progress[1]}
        yield await working

    async def remove(site_id: int, id: str) -> Fields:  # noqa: A002 - the name on the wire
        row, events = await _apart(lambda: importer.remove(site_id, id))
        return {"id": row.id, "events": events}

    return {"import_list": listed, "import_store": store, "import_remove": remove}


async def _apart(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except ImportPaused:
        raise SocketRefused(PAUSED) from None
    except (ImportRefused, QueryTimeout, WarehouseRefused, WarehouseUnavailable) as error:
        raise SocketRefused(str(error)) from error
