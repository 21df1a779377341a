"""
An event loop for tests that takes its turns when told to.
"""

from __future__ import annotations

from collections.abc import Callable


class Turn:
    """
    An event loop that goes on when told to, until nothing is left to do.
    """

    def __init__(self) -> None:
        self.callbacks: list[Callable[[], object]] = []

    def call_soon(self, callback: Callable[[], object]) -> object:
        self.callbacks.append(callback)
        return None

    call_soon_threadsafe = call_soon

    def call_later(self, _delay: float, callback: Callable[[], object]) -> object:
        return self.call_soon(callback)

    def take(self) -> None:
        # A group is gathered over several turns, until one brings nobody more.
        while self.callbacks:
            callbacks, self.callbacks = self.callbacks, []
            for callback in callbacks:
                callback()
