"""
How the spool waits for its disk: in place while it is fast, in a thread while it is slow.

A thread must have Python's lock before and after, which a busy loop gives away every few milliseconds: it is worth that
only where the disk takes longer. Figures in docs/decisions.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from ingest.spool.open_segment import OpenSegment
from warehouse.log import logger

WAIT_IN_PLACE_US = 5_000.0
"""What a busy thread keeps another from Python's lock for: a faster disk is not worth one. docs/decisions.md."""
TRY_IN_PLACE_EACH = 64
"""While a slow disk is waited for in a thread, every so many syncs one is waited for in place, to see how slow it is:
in a thread the wait for Python's lock is measured, too."""
GIVE_WAY_SECONDS = 0.5
"""How long after the last word of somebody else who waits for the loop the disk is waited for in a thread."""
NEVER_SYNCED = float("-inf")

FindWork = Callable[[], Callable[[], None] | None]


class Disk:
    """
    The disk under one writer's segments.
    """

    def __init__(self, *, sync: bool, wait_in_place_us: float, find_work: FindWork = lambda: None) -> None:
        """
        Args:
            sync: False leaves everything to the kernel.
            wait_in_place_us: microseconds; a disk that takes longer is waited for in a thread.
            find_work: gives what else there is to do, some hundred microseconds of it, to be done while the disk writes
                and nobody could be answered.
        """
        self._find_work = find_work
        self.synced_at = NEVER_SYNCED
        """Reading of `time.perf_counter` at the end of the last sync."""
        self._sync = sync
        self._wait_in_place_us = wait_in_place_us
        self._took_us = 0.0
        self._in_thread = 0
        self._give_way_until = 0.0
        self._thread = ThreadPoolExecutor(1, "spool-sync")

    @property
    def gives_way(self) -> bool:
        """
        Whether others wait for the loop just now.
        """
        return time.perf_counter() < self._give_way_until

    def give_way(self) -> None:
        """
        Have syncs waited for in a thread for the next half second, however fast they are: somebody waits for the loop
        who has nothing to do with the disk.
        """
        self._give_way_until = time.perf_counter() + GIVE_WAY_SECONDS

    def is_fast(self) -> bool:
        """
        Tell whether to wait for the next sync in place.
        """
        if self._sync and self.gives_way:
            return False
        if not self._sync or self._took_us <= self._wait_in_place_us or self._in_thread >= TRY_IN_PLACE_EACH:
            self._in_thread = 0
            return True
        return False

    def sync(self, segments: Iterable[OpenSegment]) -> OSError | None:
        """
        Have the disk take what was written to some segments, and wait for it.
        """
        if not self._sync:
            return None
        began = time.perf_counter()
        error = self._take(segments, self._find_work())
        took_us = (time.perf_counter() - began) * 1e6
        # The mean of the last ten or so: one slow sync does not decide.
        self._took_us += (took_us - self._took_us) / 10
        return error

    def sync_in_thread(self, segments: Iterable[OpenSegment]) -> Future[OSError | None]:
        """
        Do likewise without waiting. One at a time: the next one only after the last is done.
        """
        self._in_thread += 1
        return self._thread.submit(self._take, segments)

    def close(self) -> None:
        """
        Wait for what is under way; nothing may be synced in a thread afterwards.
        """
        self._thread.shutdown(wait=True)

    def _take(self, segments: Iterable[OpenSegment], work: Callable[[], None] | None = None) -> OSError | None:
        try:
            for segment in {id(segment): segment for segment in segments}.values():
                if work is not None:
                    segment.begin_sync()
                    self._do(work)
                    work = None
                segment.sync()
        except OSError as error:
            return error
        self.synced_at = time.perf_counter()
        return None

    @staticmethod
    def _do(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # whoever waits for the disk has nothing to do with it
            logger().error("what was to be done beside a sync failed", error=type(error).__name__)
