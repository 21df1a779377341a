"""
Time, passed in. Nothing else in the product asks the operating system what time it is.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """
    Wall time and monotonic time.
    """

    def now_ms(self) -> int:
        """
        Tell the wall time in epoch milliseconds UTC.
        """
        ...

    def monotonic_ms(self) -> int:
        """
        Tell milliseconds of a clock that never jumps; only differences mean anything.
        """
        ...


class SystemClock:
    """
    The machine's clock.
    """

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000
