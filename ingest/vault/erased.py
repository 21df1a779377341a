"""
Rows of the vault that somebody had erased while more of them were on their way: in a collector's memory, in the lane.

What is on its way was seen before the request, so it is let go when it comes. In memory only: a store that dies within
these seconds lets them in, and they can be erased once more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

ON_THE_WAY_MS = 30_000
"""How long a collector may hold what it saw: it writes every ten seconds, and tries again when that fails."""
RowKey = tuple[int, int, bytes]
"""Day, site id and blind index."""


class Erased:
    """
    What the drain lets go. One thread notes, another one looks.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[RowKey, int] = {}

    def __contains__(self, key: RowKey) -> bool:
        return bool(self._rows) and key in self._rows

    def note(self, keys: Iterable[RowKey], now_ms: int) -> None:
        """
        Let these rows go from now on.

        Args:
            now_ms: monotonic.
        """
        with self._lock:
            self._rows = {**self._rows, **dict.fromkeys(keys, now_ms)}

    def settle(self, now_ms: int) -> None:
        """
        Forget what can no longer be on its way: called when the lane is empty.
        """
        with self._lock:
            if self._rows:
                self._rows = {key: at_ms for key, at_ms in self._rows.items() if now_ms - at_ms < ON_THE_WAY_MS}
