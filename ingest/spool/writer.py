"""
The collector's end of the spool: group commit into segments.

Everything that arrived in one turn of the event loop is written and synced once, then its callers are told. The
writer answers for durability: when `done` is called without an error, the records survive what the setting promises.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ingest.spool.disk import WAIT_IN_PLACE_US, Disk, FindWork
from ingest.spool.full import SpoolFull
from ingest.spool.group import Done, SpoolGroup, tell
from ingest.spool.open_segment import OpenSegment
from ingest.spool.pause import Pause, Timers
from ingest.spool.segment import frame, make_private
from ingest.spool.usage import spool_usage
from warehouse.clock import Clock

SEGMENT_BYTES_MAX = 16 * 1024 * 1024
SEGMENT_AGE_MS_MAX = 10_000
"""A segment is sealed at this size or age, so that the drain can give its bytes back to the disk."""
GROUP_RECORDS_MAX = 20_000
GROUP_BYTES_MAX = 8 * 1024 * 1024
"""A group is one frame, and a frame far below `FRAME_BYTES_MAX`: one request adds at most 16 MiB to it."""
GATHER_RECORDS_MAX = 256
GATHER_SECONDS_MAX = 0.002
"""A group waits for others that long at most; a turn of the loop that brings nobody ends it at once."""
SYNC_PAUSE_SECONDS = 0.001
"""After a sync a group waits that long for company: a sync takes as much of a processor as four to eight beacons."""
CROWD_MIN = 8
"""Records that end the pause at once; more, when more shared the last sync."""
GIVEN_WAY_PAUSE_SECONDS, GIVEN_WAY_CROWD_MIN = 0.004, 32
"""The pause meanwhile: a sync in a thread takes as much of a processor again, which those who wait need."""
USED_REFRESH_MS = 1_000
REFUSAL_MS = 5_000
"""How long after a write that the disk refused the spool calls itself full: as long as senders are told to wait."""


class Loop(Timers, Protocol):
    """
    What is asked of an event loop.
    """

    def call_soon(self, callback: Callable[[], object]) -> object: ...

    def call_soon_threadsafe(self, callback: Callable[[], object]) -> object: ...


@dataclass(slots=True)
class _Group:
    """
    What one turn of the loop wrote, until it is safe.
    """

    segment: OpenSegment
    end: int
    waiting: list[Done]


class SpoolWriter(SpoolGroup):
    """
    One collector's segments, one open at a time.

    A fast disk is waited for in place (`ingest/spool/disk.py`). A slow one is waited for in a thread, and the groups
    that come together meanwhile share the next sync.
    """

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        loop: Loop,
        *,
        sync: bool,
        bytes_max: int,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        segment_age_ms_max: int = SEGMENT_AGE_MS_MAX,
        wait_in_place_us: float = WAIT_IN_PLACE_US,
        find_work: FindWork = lambda: None,
    ) -> None:
        """
        Args:
            sync: True waits for the disk before `done`; False for the kernel only.
            bytes_max: size of the whole spool, all writers together, at which `append` refuses.
            wait_in_place_us, find_work: see `Disk`.
        """
        super().__init__()
        make_private(directory)
        self._directory = directory
        self._clock = clock
        self._loop = loop
        self._sync = sync
        self._bytes_max = bytes_max
        self._segment_bytes_max = segment_bytes_max
        self._segment_age_ms_max = segment_age_ms_max
        # Collectors come and go; a random name keeps two of them from ever meeting in one file.
        self._writer = secrets.token_hex(4)
        self._sequence = 0
        self._segment: OpenSegment | None = None
        self._record_bytes = 0
        self._looked_at_records = 0
        self._gathering_since = 0.0
        self._crowd = CROWD_MIN
        self._enough = GROUP_RECORDS_MAX
        self._pause = Pause(loop, self._pause_over)
        self._written: list[_Group] = []
        self._in_flight: list[_Group] = []
        self._outcome: Future[OSError | None] | None = None
        self._disk = Disk(sync=sync, wait_in_place_us=wait_in_place_us, find_work=find_work)
        self.give_way = self._disk.give_way
        self._used_bytes = 0
        self._slow_down = False
        self._used_at_ms = -USED_REFRESH_MS
        self._refused = (0, "")
        self._refresh_used()

    @property
    def used_bytes(self) -> int:
        """
        Size of the whole spool in bytes, at most a second old.
        """
        return self._used_bytes

    @property
    def trouble(self) -> str:
        """
        Why beacons are refused, in a sentence; empty while they are taken.
        """
        at_ms, refusal = self._refused
        if refusal and self._clock.monotonic_ms() - at_ms < REFUSAL_MS:
            return refusal
        if not os.access(self._directory, os.W_OK):
            return f"{self._directory} cannot be written: make it writable for the user Daysalt runs as"
        return self._limit

    def append(self, records: Sequence[bytes], done: Done) -> None:
        """
        Take encoded records in; `done` is called once they are safe, or with the error that kept them from it.

        Raises:
            SpoolFull: the spool is at its limit, or the drain asked to slow down.
        """
        if not self._records:
            self._begin_group()
        self._records.extend(records)
        self._waiting.append(done)
        self._record_bytes += sum(map(len, records))
        if len(self._records) >= GROUP_RECORDS_MAX or self._record_bytes >= GROUP_BYTES_MAX:
            self.commit()

    def _begin_group(self) -> None:
        self._refresh_used()
        # A disk that refused is asked again each time: it recovers by itself, and so do we.
        if self._limit:
            raise SpoolFull(self._limit)
        self._looked_at_records = 0
        now = self._gathering_since = time.perf_counter()
        giving_way = self._disk.gives_way
        between = GIVEN_WAY_PAUSE_SECONDS if giving_way else SYNC_PAUSE_SECONDS
        pause = self._disk.synced_at + between - now  # none where nothing is ever synced
        if pause > 0:
            # All who waited last time are likely all there is: the pause ends once they are here again.
            self._enough = max(self._crowd, GIVEN_WAY_CROWD_MIN) if giving_way else self._crowd
            self._pause.begin(pause)
        else:
            self._enough = GROUP_RECORDS_MAX
            self._loop.call_soon(self._gather)

    def _pause_over(self) -> None:
        self._enough = GROUP_RECORDS_MAX
        self._gather()

    def _end_pause(self) -> None:
        if len(self._records) >= GROUP_RECORDS_MAX:
            self.commit()
        else:
            self._pause.end()
            self._enough = GROUP_RECORDS_MAX
            # All who were expected are here: one turn that brings nobody else is enough.
            self._looked_at_records = len(self._records)
            self._loop.call_soon(self._gather)

    def _gather(self) -> None:
        """
        Commit once a turn of the loop brought nothing more: whoever is about to send shares the sync.
        """
        gathered = len(self._records)
        if (
            self._looked_at_records < gathered < GATHER_RECORDS_MAX
            and time.perf_counter() - self._gathering_since < GATHER_SECONDS_MAX
        ):
            self._looked_at_records = gathered
            self._loop.call_soon(self._gather)
        else:
            self.commit()

    def commit(self) -> None:
        """
        Write what has come together, and tell those who wait as soon as it is safe.
        """
        if not self._records:
            return
        self._pause.end()
        records, self._records, self._record_bytes = self._records, [], 0
        waiting, self._waiting = self._waiting, []
        self._crowd = max(len(waiting), CROWD_MIN, self._crowd - self._crowd // 8 - 1)
        try:
            self._written.append(self._write(frame(records), waiting))
        except OSError as error:
            tell(waiting, self._refuse(error))
            self._retire_segment()
        if not self._in_flight:
            self._sync_written()

    def seal_if_due(self) -> None:
        """
        Seal the open segment if it is old enough; call it now and then, for a site that fell silent.
        """
        segment = self._segment
        if segment is not None and self._clock.monotonic_ms() - segment.opened_ms >= self._segment_age_ms_max:
            self._retire_segment()

    def close(self) -> None:
        """
        Commit what is left and seal, waiting for the disk. Nothing may be appended afterwards.
        """
        self.commit()
        self._disk.close()
        if self._in_flight and self._outcome is not None:
            # Its word counts: after a failed sync the disk may say yes to a second one and have lost the bytes.
            groups, self._in_flight = self._in_flight, []
            self._finish(groups, self._outcome.result())
        groups, self._written = self._written, []
        self._finish(groups, self._disk.sync([group.segment for group in groups]))
        self._retire_segment()

    def _write(self, data: bytes, waiting: list[Done]) -> _Group:
        segment = self._segment
        if segment is not None and segment.size + len(data) > self._segment_bytes_max:
            self._retire_segment()
            segment = None
        if segment is None:
            segment = self._segment = self._open_segment()
        segment.append(data)
        self._used_bytes += len(data)
        return _Group(segment, segment.size, waiting)

    def _sync_written(self) -> None:
        groups, self._written = self._written, []
        if not groups:
            return
        if self._disk.is_fast():
            self._finish(groups, self._disk.sync([group.segment for group in groups]))
            return
        self._in_flight = groups
        self._outcome = self._disk.sync_in_thread([group.segment for group in groups])
        self._outcome.add_done_callback(
            lambda outcome: self._loop.call_soon_threadsafe(lambda: self._synced(outcome.result()))
        )

    def _synced(self, error: OSError | None) -> None:
        groups, self._in_flight = self._in_flight, []
        if groups:  # else `close` has dealt with them
            self._finish(groups, error)
            self._sync_written()

    def _finish(self, groups: list[_Group], error: OSError | None) -> None:
        failure = None if error is None else self._refuse(error)
        if failure is None:
            self._refused = (0, "")
        else:
            # After a failed sync nobody knows what the page cache holds: back to what is known to be safe.
            groups, self._written = [*groups, *self._written], []
            for group in groups:
                with suppress(OSError):
                    group.segment.cut_back()
            self._retire_segment()
        for group in groups:
            if failure is None:
                group.segment.mark(group.end)
            tell(group.waiting, failure)
        for segment in {id(group.segment): group.segment for group in groups}.values():
            if segment is not self._segment:
                self._seal(segment)

    def _retire_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            self._seal(segment)

    def _seal(self, segment: OpenSegment) -> None:
        # Sealed once all of it is safe; until then its last group does it.
        if not any(group.segment is segment for group in (*self._in_flight, *self._written)):
            # Should even this be refused, the file stays as a dead writer's would: the drain takes its whole frames.
            with suppress(OSError):
                segment.seal()

    @property
    def _limit(self) -> str:
        if self._slow_down:
            return "the drain is far behind; the spool takes no more until it has caught up"
        return "the spool is at its limit (DAYSALT_SPOOL_MAX_BYTES)" if self._used_bytes >= self._bytes_max else ""

    def _refuse(self, error: OSError) -> SpoolFull:
        why = f"the disk of the spool refuses writes ({errno.errorcode.get(error.errno or 0, 'no reason given')})"
        self._refused = (self._clock.monotonic_ms(), why)
        return SpoolFull(why)

    def _open_segment(self) -> OpenSegment:
        self._sequence += 1
        name = f"{self._clock.now_ms():013d}-{self._writer}-{self._sequence:06d}"
        return OpenSegment(self._directory, name, self._clock, sync=self._sync)

    def _refresh_used(self) -> None:
        now = self._clock.monotonic_ms()
        if now - self._used_at_ms < USED_REFRESH_MS:
            return
        self._used_at_ms = now
        self._used_bytes, self._slow_down = spool_usage(self._directory, self._clock.now_ms())
