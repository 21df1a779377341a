"""
When a drain that falls behind asks collectors to refuse for a while. It is looked at before each batch and once a
second beside them: on a core that collectors fill, one batch may take half a minute.
"""

from __future__ import annotations

from collections.abc import Callable

from warehouse.clock import Clock

SLOW_DOWN_LAG_MS, TAKE_AGAIN_LAG_MS = 45_000, 30_000
"""Where the drain, with its store well, falls this far behind, collectors answer 503 until it is as near as the second
number. Figures on the pages are then never a minute old, however long the storm lasts."""
BATCH_MS_MAX = 60_000
"""A batch that takes longer waits for its store, not for a processor: the spool is for that, and nobody is refused."""


class Pressure:
    """
    Whether collectors are asked to refuse.
    """

    def __init__(self, clock: Clock, ask: Callable[[bool], None]) -> None:
        """
        Args:
            ask: told True, again and again, while collectors are to refuse, and False when it is over.
        """
        self._clock = clock
        self._ask = ask
        self.steady = False
        """After a start, or with the store away, a backlog is no storm: until the drain has caught up with it once,
        nobody is refused for its sake."""
        self._pressed = True
        self._began_ms = clock.monotonic_ms()

    def begin(self, lag_ms: int) -> None:
        """
        Look, and note that a batch begins.
        """
        self._began_ms = self._clock.monotonic_ms()
        self.look(lag_ms)

    def look(self, lag_ms: int) -> None:
        """
        Ask collectors to refuse, or to take again, whichever is due.

        Args:
            lag_ms: how far the drain is behind.
        """
        stuck = self._clock.monotonic_ms() - self._began_ms > BATCH_MS_MAX
        wanted = self.steady and not stuck and lag_ms > (TAKE_AGAIN_LAG_MS if self._pressed else SLOW_DOWN_LAG_MS)
        if wanted or self._pressed:
            self._ask(wanted)
        self._pressed = wanted
