"""
The vault lane's drain in a thread of the store process, beside the one of events and in nobody's way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from daysalt.pace import stand_back
from ingest.manifest import ManifestError
from ingest.vault.drain import VaultDrain
from warehouse.client import QueryTimeout, WarehouseRefused, WarehouseUnavailable
from warehouse.log import logger

PACE_SECONDS = 1.0
"""Between two looks at the lane: a row is found within this and the collector's two seconds."""
BACKOFF_SECONDS = (1, 2, 5, 10)


class VaultDrainThread:
    """
    Carries the vault lane over until told to stop.
    """

    def __init__(self, drain: VaultDrain, giving_way: Callable[[], bool] = lambda: False) -> None:
        """
        Args:
            giving_way: whether the drain of events rests because collectors want the machine.
        """
        self.drain = drain
        self._giving_way = giving_way
        self.trouble = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vault-drain", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """
        Bring what is in the lane into the store, then stop.
        """
        self._stop.set()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        failures = 0
        while True:
            stand_back(self._giving_way, self._stop.wait)
            last = self._stop.is_set()
            try:
                carried = self.drain.step()
                failures, self.trouble = 0, ""
            except (WarehouseUnavailable, WarehouseRefused, QueryTimeout, ManifestError) as error:
                self._tell(f"{type(error).__name__}: {error}")
                carried = -1
            except Exception as error:  # one strange batch must not end the lane
                self._tell(type(error).__name__)
                carried = -1
            if last and carried <= 0:
                return
            if carried < 0:
                self._stop.wait(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1
            elif not last:
                self._stop.wait(PACE_SECONDS)

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            logger().warning("rows of the vault were not stored yet", reason=trouble)
        self.trouble = trouble
