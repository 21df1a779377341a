"""
Clocks that tests pass in.
"""

from __future__ import annotations


class FakeClock:
    """
    A clock that stands still until told to move.
    """

    def __init__(self, now_ms: int = 1_795_347_000_000) -> None:
        self.wall_ms = now_ms
        self.steady_ms = 0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic_ms(self) -> int:
        return self.steady_ms

    def advance(self, *, seconds: float = 0, ms: int = 0) -> None:
        """
        Move both times forward.
        """
        step = ms + round(seconds * 1000)
        self.wall_ms += step
        self.steady_ms += step
