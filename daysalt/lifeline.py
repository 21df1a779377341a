"""
The child's side of being supervised: signals, the life line to the keeper, lower priority where asked.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

from daysalt.children import LIFE_LINE


def watch_life_line(stop: Callable[[], None]) -> None:
    """
    Call `stop` on SIGTERM, SIGINT, and when the keeper is gone. Call it inside a running event loop.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    descriptor = os.environ.get(LIFE_LINE)
    if descriptor is None:
        return

    def gone() -> None:
        loop.remove_reader(int(descriptor))
        stop()

    # Nothing is ever written into the pipe: readable means that its other end is closed.
    loop.add_reader(int(descriptor), gone)
