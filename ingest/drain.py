"""
Hops 6 and 7 put together: spool -> visits -> store, one batch after another, each counted exactly once.

One drain per machine, so that a visit has one owner. Holds no secret.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from ingest.big_cells import BigCells
from ingest.drain_counters import DrainCounters
from ingest.drain_order import in_order
from ingest.event import Event, Record
from ingest.event_ids import EventIds, insert_event_ids
from ingest.flush import forget_part, insert_batch, newest_batch, read_open_visits
from ingest.manifest import Manifest, read_manifest, write_manifest
from ingest.open_visits import VISIT_IDLE_SECONDS, OpenVisits
from ingest.pressure import Pressure
from ingest.spool.inventory import EVENTS, list_set_aside
from ingest.spool.reader import Range, SegmentState, SpoolReader, writer_of
from ingest.spool.segment import HEADER
from ingest.visits import Sessionized, Sessionizer
from warehouse.client import QueryTimeout, Warehouse, WarehouseUnavailable
from warehouse.clock import Clock

BATCH_BYTES_MAX = 16 * 1024 * 1024
"""Spool bytes of one batch: a whole segment, some 100,000 events. Of larger batches a visit is written in fewer."""
BATCH_REST_BYTES = 64 * 1024
"""A batch with less room than this is full; looking for a frame that fits would cost more than it brings."""
HOLD_BACK_MS = 300
"""How long events wait for earlier ones of other collectors. Times have seconds, so it comes to 0.3 to 1.3 s."""
WRITER_QUIET_MS = 10_000
"""A collector none of whose segments was seen for so long is gone, or has nothing to be waited for."""
EVENT_BYTES = 200
"""In the spool, a guess until the first batch tells."""
REFUSALS_MAX = 5
"""How often a refused batch is tried again before it is set aside: a refusal may come from a store that is ill."""


class Drain:
    """
    The one reader of a spool and the one writer of its store.
    """

    def __init__(
        self,
        spool_dir: Path,
        state_dir: Path,
        warehouse: Warehouse,
        clock: Clock,
        *,
        report: Callable[[str, str, int], None],
        site_exists: Callable[[int], bool] = lambda _: True,
        flushed: Callable[[int, Sessionized], None] = lambda _batch, _rows: None,
    ) -> None:
        """
        Args:
            report: told (kind, segment or batch, bytes or rows) of damage and refusals; never any content.
            flushed: given each batch and its rows when they are stored, before the batch counts as done; again after a
                crash in between.
            site_exists: tells whether a site id is still in the registry; what came for a removed one is let go.
        """
        self._reader = SpoolReader(spool_dir, report)
        self._quarantine_dir = spool_dir.parent / "quarantine"
        self._state_dir = state_dir
        self._warehouse = warehouse
        self._clock = clock
        self._report = report
        self._site_exists = site_exists
        self._flushed = flushed
        self.big_cells = BigCells(warehouse)
        self._sessionizer: Sessionizer | None = None
        self._event_ids: EventIds | None = None
        self._cursors: dict[str, int] = {}
        self._manifest: Manifest | None = None
        self._started = False
        self._under_way: Manifest | None = None
        self._rows: Sessionized | None = None
        self._salvage = False
        self._refusals = 0
        self._caught_up_ms = clock.now_ms()
        self._caught_up_at_ms = 0
        self._writers: dict[str, int] = {}
        self._pressure = Pressure(clock, lambda wanted: self._reader.slow_down(wanted=wanted))
        self.counters = DrainCounters()
        self._event_bytes = EVENT_BYTES

    @property
    def lag_ms(self) -> int:
        """
        Milliseconds since the store last had everything the spool had; while it catches up, the age of what it lacks.
        """
        return max(0, self._clock.now_ms() - self._caught_up_ms)

    def look(self) -> None:
        """
        Ask collectors to refuse while this falls behind. For another thread, while a batch takes its time.
        """
        self._pressure.look(self.lag_ms)

    def waiting(self) -> int:
        """
        Estimate how many events are in the spool and not in the store, from the size of those of the last batch.
        """
        unread = sum(
            max(0, segment.safe_bytes - self._cursors.get(segment.name, HEADER.size))
            for segment in self._reader.segments()
        )
        return round(unread / self._event_bytes)

    @property
    def caught_up_ms(self) -> int:
        """
        Up to when everything that was received is stored, epoch milliseconds.
        """
        return self._caught_up_ms if self._started and self._under_way is None else 0

    def step(self, *, hold_back: bool = True) -> int:
        """
        Bring one batch into the store.

        Args:
            hold_back: False brings what is there at once, for the last batches before a stop.

        Returns:
            How many rows it had, at least 1; 0 when there was nothing to do.

        Raises:
            WarehouseUnavailable: call again after a while; nothing is lost and nothing counted twice.
            WarehouseRefused: likewise, until the batch is set aside.
            ManifestError: the state directory is damaged.
        """
        if not self._started:
            self._start()
        self._pressure.begin(self.lag_ms)
        if self._under_way is None:
            self._under_way = self._cut(hold_back=hold_back)
            if self._under_way is None:
                assert self._manifest is not None
                self._ids_below(self._manifest.batch + 1).tidy(self._warehouse, self._caught_up_ms // 1000)
                return 0
        manifest = self._under_way
        try:
            if self._rows is None:
                self._rows = self._sessionize(manifest)
            rows = self.big_cells.capped(self._rows)
            insert_batch(self._warehouse, manifest.batch, rows, salvage=self._salvage)
            # After the events: an id counts as known only when its event is stored.
            event_ids = self._ids_below(manifest.batch)
            insert_event_ids(self._warehouse, manifest.batch, event_ids.rows, salvage=self._salvage)
            self._flushed(manifest.batch, rows)
            event_ids.keep()
        except (WarehouseUnavailable, QueryTimeout):
            # It may have been written all the same; the next try asks the store first.
            self._salvage, self._pressure.steady = True, False
            raise
        except Exception:
            # Refused, or a record that no row can be made of. What the visits know of it is not in the store: forget.
            self._salvage, self._pressure.steady = True, False
            self._refusals += 1
            refused, self._rows, self._sessionizer = self._rows, None, None
            if self._refusals < REFUSALS_MAX:
                raise
            self._set_aside(manifest, refused)
        return self._finish(manifest, self._rows)

    def _start(self) -> None:
        manifest = read_manifest(self._state_dir)
        # A number that was set aside is nobody else's, even when the manifest is gone.
        aside = [file.batch for file in list_set_aside(self._quarantine_dir.parent) if file.lane == EVENTS]
        newest = max(newest_batch(self._warehouse), *aside, 0)
        if manifest is None:
            self._manifest = Manifest(batch=newest, done=True)
        elif manifest.done or not all(self._reader.exists(piece.segment) for piece in manifest.ranges):
            # Segments go only after their batch is in the store, so a missing one means that it is.
            self._cursors = manifest.cursors_after()
            self._manifest = Manifest(batch=max(manifest.batch, newest), cursors=self._cursors, done=True)
        else:
            self._reader.segments()  # seals what a dead collector left, so that the ranges read the same
            self._under_way = manifest
            self._salvage = True
        self._started = True

    def _cut(self, *, hold_back: bool) -> Manifest | None:
        assert self._manifest is not None
        asked_ms = self._clock.now_ms()
        segments = self._reader.segments()
        unread = [segment for segment in segments if segment.safe_bytes > self._cursors.get(segment.name, HEADER.size)]
        # Pages of one visitor may come through two collectors, and the earlier one be the later to reach its spool.
        several = self._several_writers(segments, asked_ms)
        before = (asked_ms - HOLD_BACK_MS) // 1000 if hold_back and several else None
        ranges, behind = self._fill(unread, before)
        self._pressure.steady = self._pressure.steady or behind is None
        horizon = behind or before
        self._caught_up_at_ms = asked_ms if horizon is None else horizon * 1000
        if not ranges:
            self._caught_up_ms = max(self._caught_up_ms, self._caught_up_at_ms)
            self._give_back(segments)
            return None
        # What is cut is in the manifest, so a replay needs neither clock nor horizon.
        manifest = Manifest(self._manifest.batch + 1, tuple(ranges), dict(self._cursors))
        write_manifest(self._state_dir, manifest)
        return manifest

    def _several_writers(self, segments: Sequence[SegmentState], now_ms: int) -> bool:
        self._writers.update((segment.writer, now_ms) for segment in segments)
        self._writers = {name: seen for name, seen in self._writers.items() if now_ms - seen <= WRITER_QUIET_MS}
        return len(self._writers) > 1

    def _fill(self, unread: Sequence[SegmentState], before: int | None) -> tuple[list[Range], int | None]:
        """
        Share the room of a batch among the collectors, and end at the same second with all of them.

        Returns:
            Ranges; and the second at which a collector had more than its share, None when none had.
        """
        share = BATCH_BYTES_MAX // max(1, len({segment.writer for segment in unread}))
        ranges, full = self._ranges(unread, share, before)
        if not full:
            return ranges, None
        behind = min(self._reader.last_second(piece) for piece in full)
        if len({writer_of(piece.segment) for piece in ranges}) > 1:
            aligned, _ = self._ranges(unread, share, behind)
            # More than a share within one second: then only that second's order is left to chance.
            ranges = aligned or ranges
        return ranges, behind

    def _ranges(
        self, unread: Sequence[SegmentState], share: int, before: int | None
    ) -> tuple[list[Range], list[Range]]:
        room: dict[str, int] = {}
        ranges: list[Range] = []
        full: list[Range] = []
        whole: dict[str, Range] = {}
        for segment in unread:
            left = room.get(segment.writer, share)
            if left < min(BATCH_REST_BYTES, share):
                # A segment that just fits fills a batch, too, if there is another one after it.
                if segment.writer in whole:
                    full.append(whole.pop(segment.writer))
                continue
            start = self._cursors.get(segment.name, HEADER.size)
            taken, held = self._reader.cut(segment, start, left, before=before)
            left -= taken.end - start
            if taken.end < segment.safe_bytes:
                left = 0  # what came after it waits too
                whole.pop(segment.writer, None)
                if not held:
                    full.append(taken)
            elif taken.end > start:
                whole[segment.writer] = taken
            room[segment.writer] = left
            if taken.end > start:
                ranges.append(taken)
        return ranges, full

    def _sessionize(self, manifest: Manifest) -> Sessionized:
        event_ids = self._ids_below(manifest.batch)
        event_ids.begin()
        if self._sessionizer is None:
            self._sessionizer = Sessionizer(self._visits_before(manifest))
        visits = self._sessionizer.visits

        def remind(records: list[Record]) -> None:
            late = visits.forgotten(records)
            if late:
                since = min(late.values()) - VISIT_IDLE_SECONDS
                visits.remind(read_open_visits(self._warehouse, since=since, below_batch=manifest.batch, visitors=late))

        records = in_order(self._reader, self._site_exists, manifest.ranges, event_ids.settle, remind)
        return self._sessionizer.process(chain.from_iterable(records), manifest.batch)

    def _visits_before(self, manifest: Manifest) -> OpenVisits:
        frames = in_order(self._reader, self._site_exists, manifest.ranges, list)
        times = [record.ts for record in chain.from_iterable(frames) if isinstance(record, Event)]
        now = self._clock.now_ms() // 1000
        # One event of long ago must not bring a whole day into memory: its visitor is asked for when it comes.
        first = max(min(times, default=now), max(times, default=now) - 2 * VISIT_IDLE_SECONDS)
        since = first - 2 * VISIT_IDLE_SECONDS
        visits = OpenVisits()
        visits.restore(read_open_visits(self._warehouse, since=since, below_batch=manifest.batch), since=since)
        return visits

    def _ids_below(self, batch: int) -> EventIds:
        """
        Give the event ids counted in batches below `batch` and, as the drain goes on, in those it writes.
        """
        if self._event_ids is None:
            event_ids = EventIds()
            event_ids.restore(self._warehouse, below_batch=batch)
            self._event_ids = event_ids
        return self._event_ids

    def _finish(self, manifest: Manifest, rows: Sessionized | None) -> int:
        self._under_way = self._rows = None
        self._salvage = False
        self._refusals = 0
        self._cursors = manifest.cursors_after()
        self._manifest = manifest
        self._caught_up_ms = max(self._caught_up_ms, self._caught_up_at_ms)
        self.counters.batches += 1
        self._give_back(self._reader.segments())
        if rows is None:
            return max(1, len(manifest.ranges))
        self._event_bytes = sum(piece.end - piece.start for piece in manifest.ranges) / max(1, rows.event_count)
        self.counters.events += rows.event_count
        return max(1, rows.event_count + rows.drop_count)

    def _give_back(self, segments: list[SegmentState]) -> None:
        used_up = [
            segment.name
            for segment in segments
            if segment.sealed and self._cursors.get(segment.name, HEADER.size) >= segment.safe_bytes
        ]
        if not used_up:
            return
        assert self._manifest is not None
        known = {segment.name for segment in segments}
        # TRICKY: the cursors of what is about to go are still in this manifest. Should the removal not happen, the
        # next start must know that those segments were used up.
        cursors = {name: used for name, used in self._cursors.items() if name in known}
        write_manifest(self._state_dir, Manifest(self._manifest.batch, (), cursors, done=True))
        self._reader.remove(used_up)
        self._cursors = {name: used for name, used in cursors.items() if name not in used_up}
        self._manifest = Manifest(self._manifest.batch, (), self._cursors, done=True)

    def _set_aside(self, manifest: Manifest, rows: Sessionized | None) -> None:
        self._quarantine_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._reader.copy(manifest.ranges, self._quarantine_dir / f"batch-{manifest.batch}.refused")
        if rows is not None:
            forget_part(self._warehouse, manifest.batch, rows.event_count)
        self._report("refused", f"batch {manifest.batch}", len(manifest.ranges))
        self.counters.quarantined += 1
