"""
The pause after a sync, in which a group waits for company: one timer for all groups, however many come and go.

A timer for each group would be set for one and, when that had its company sooner, end the pause of another.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


class Timers(Protocol):
    """
    What is asked of an event loop here.
    """

    def call_later(self, delay: float, callback: Callable[[], object], /) -> object: ...


class Pause:
    """
    One pause at a time.
    """

    def __init__(self, loop: Timers, over: Callable[[], None]) -> None:
        """
        Args:
            over: called when a pause came to its end.
        """
        self._loop = loop
        self._over = over
        self._until: float | None = None
        """Reading of `time.perf_counter`; None when there is no pause."""
        self._is_set = False

    def begin(self, seconds: float) -> None:
        """
        Begin a pause.
        """
        self._until = time.perf_counter() + seconds
        self._set(seconds)

    def end(self) -> None:
        """
        End it, and tell nobody.
        """
        self._until = None

    def _set(self, seconds: float) -> None:
        if not self._is_set:
            self._is_set = True
            self._loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._is_set = False
        if self._until is None:
            return
        left = self._until - time.perf_counter()
        if left > 0:
            self._set(left)
        else:
            self._until = None
            self._over()
