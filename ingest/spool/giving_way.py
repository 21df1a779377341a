"""
A collector that is asked to slow down refuses beacons, and also leaves the processor to the drain for most of the time:
senders that try again at once would else keep it busy with refusals, and on one core the drain, which steps back for
collectors, would never catch up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from ingest.spool.segment import SLOW_DOWN, SLOW_DOWN_FRESH_MS
from warehouse.clock import Clock

LOOK_SECONDS = 0.25
"""Between two looks while nobody asks: at fifty a second they took a hundredth of the core."""
WORK_SECONDS, REST_SECONDS = 0.02, 0.06
"""What a refusal may have to wait, and what share of a core is left for them."""


def asked_to_slow_down(directory: Path, clock: Clock) -> bool:
    """
    Tell whether the drain asks for less. One that died, or lost its store, no longer does.
    """
    try:
        touched_ms = (directory / SLOW_DOWN).stat().st_mtime_ns // 1_000_000
    except OSError:
        return False
    return clock.now_ms() - touched_ms < SLOW_DOWN_FRESH_MS


async def give_way_forever(directory: Path, clock: Clock, rest: Callable[[float], None] = time.sleep) -> None:
    """
    Stand still, with everything in this process, for a part of the time while the drain asks for less.
    """
    while True:
        asked = asked_to_slow_down(directory, clock)
        if asked:
            rest(REST_SECONDS)
        await asyncio.sleep(WORK_SECONDS if asked else LOOK_SECONDS)
