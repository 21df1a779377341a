"""
Waiting for a store that is away.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from warehouse.client import QueryTimeout, WarehouseUnavailable
from warehouse.log import logger
from warehouse.migrate import MigrationError

BACKOFF_SECONDS = (0.2, 0.5, 1, 2, 5, 10)


def patiently(work: Callable[[], int]) -> int:
    """
    Do something with the store, again and again while it is away.

    Raises:
        MigrationError: it stayed away.
    """
    stop = threading.Event()
    for attempt in range(10_000):
        try:
            return work()
        except (WarehouseUnavailable, QueryTimeout) as error:
            wait = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
            logger().warning("the warehouse is away", reason=str(error), again_after_seconds=wait)
            stop.wait(wait)
    raise MigrationError("the warehouse stayed away; check DAYSALT_WAREHOUSE_URL")
