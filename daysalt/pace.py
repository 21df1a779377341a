"""
How long the drain rests between two batches: little, so that the dashboard is fresh; longer while collectors want the
whole machine, so that answering comes first and larger batches cost less.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from warehouse.clock import Clock

IDLE_SECONDS = 0.2
"""After a look that found nothing."""
PACE_SECONDS = 0.7
"""From one batch to the next: an insert costs the same for ten rows and for ten thousand."""
STORM_SECONDS = 6.0
STORM_EVENTS_A_SECOND = 10_000
"""Twice what must be visible within two seconds; below it freshness comes first, however busy the machine is."""
STORM_LOOK_SECONDS = 1.0
"""A rest for a storm ends as soon as so long brings no storm."""
STORM_LAG_MS_MAX = 15_000
"""Further behind than this the drain no longer gives way."""
TOOK_SECONDS_MIN = 0.1
"""What comes in while a batch is carried tells a rate only if that took so long."""
FULL_BATCH_RECORDS = 20_000
"""A batch that was cut for its size: there is more, and it is wanted now."""
STAND_BACK_SECONDS_MAX = 10.0
"""How long at most the vault's drain waits for the end of a storm; its rows come every ten seconds."""
PRESSED_SHARE = 0.75
"""
Part of its time on the run queue, waiting for a processor, above which others want the machine. On one core of which a
saturated collector wants all it was 0.88 to 0.93, on two cores with room for both up to 0.77 for a single batch and
0.72 for batches together: to rest there only made a backlog.
"""
FADING = 0.5
"""What the time before the last batch still counts: one slow batch alone is no storm."""

_SCHEDULE = Path("/proc/thread-self/schedstat")


class Pace:
    """
    The rests of one drain thread. To be asked in that thread.
    """

    def __init__(self, clock: Clock, waited: Callable[[], tuple[int, int]] | None = None) -> None:
        """
        Args:
            waited: gives nanoseconds this thread ran and waited for a processor; by default Linux is asked.
        """
        self._clock = clock
        self._waited = waited or _of_this_thread
        self._ran_ns, self._waited_ns = 0, 0
        self._ran_lately, self._waited_lately = 0.0, 0.0
        self._asked_ms = clock.monotonic_ms()

    def rest_seconds(self, carried: int, took_seconds: float, lag_ms: int, waiting: int = 0) -> float:
        """
        Tell how long to rest after a batch.

        Args:
            carried: records of the batch.
            took_seconds: how long it took.
            lag_ms: how far the drain is behind.
            waiting: about how many events came in while it was carried: the first batch of a storm is small and slow.
        """
        now = self._clock.monotonic_ms()
        seconds, self._asked_ms = max(0.001, (now - self._asked_ms) / 1000), now
        pressed = self._pressed()
        if carried == 0:
            return IDLE_SECONDS
        arriving = max(carried / seconds, waiting / max(took_seconds, TOOK_SECONDS_MIN))
        if pressed and arriving > STORM_EVENTS_A_SECOND and lag_ms < STORM_LAG_MS_MAX:
            return STORM_SECONDS
        if carried >= FULL_BATCH_RECORDS:
            return 0.0
        return max(0.0, PACE_SECONDS - took_seconds)

    def _pressed(self) -> bool:
        ran, waited = self._waited()
        self._ran_lately = self._ran_lately * FADING + ran - self._ran_ns
        self._waited_lately = self._waited_lately * FADING + waited - self._waited_ns
        self._ran_ns, self._waited_ns = ran, waited
        return self._waited_lately > PRESSED_SHARE * (self._ran_lately + self._waited_lately)


def rest(seconds: float, wait: Callable[[float], bool], waiting: Callable[[], int]) -> None:
    """
    Rest, and look now and then whether a storm that was given way to goes on.

    Args:
        wait: waits so many seconds; True when all is to stop.
        waiting: tells about how many events are not in the store yet.
    """
    if seconds > STORM_LOOK_SECONDS:
        known = waiting()
        while seconds > STORM_LOOK_SECONDS:
            if wait(STORM_LOOK_SECONDS):
                return
            seconds -= STORM_LOOK_SECONDS
            before, known = known, waiting()
            if known - before < STORM_EVENTS_A_SECOND * STORM_LOOK_SECONDS:
                return
    wait(seconds)


def stand_back(storm: Callable[[], bool], wait: Callable[[float], bool]) -> None:
    """
    Wait until a storm is over, for work beside the drain that may come later still: `STAND_BACK_SECONDS_MAX` at most.

    Args:
        storm: whether the drain gives way now.
        wait: waits so many seconds; True when all is to stop.
    """
    waited = 0.0
    while waited < STAND_BACK_SECONDS_MAX and storm() and not wait(STORM_LOOK_SECONDS):
        waited += STORM_LOOK_SECONDS


def _of_this_thread() -> tuple[int, int]:
    # Source: https://docs.kernel.org/scheduler/sched-stats.html, /proc/<pid>/schedstat.
    try:
        ran, waited, _ = _SCHEDULE.read_text().split()
    except (OSError, ValueError):
        return 0, 0  # another system: nobody is ever pressed
    return int(ran), int(waited)
