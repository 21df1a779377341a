"""
Hops 6 and 7 put together: spool -> visits -> store, one batch after another, each counted exactly once.

One drain per machine, so that a visit has one owner. Holds no secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from ingest.event import DropCount, Event, Record
from ingest.flush import insert_batch, newest_batch, read_open_visits
from ingest.manifest import Manifest, read_manifest, write_manifest
from ingest.spool.reader import Range, SegmentState, SpoolReader
from ingest.spool.segment import HEADER
from ingest.visits import VISIT_IDLE_SECONDS, Sessionized, Sessionizer
from warehouse.client import Warehouse, WarehouseRefused
from warehouse.clock import Clock

BATCH_BYTES_MAX = 8 * 1024 * 1024
"""Spool bytes of one batch: some 40,000 events, the size ClickHouse likes to get in one insert."""
BATCH_REST_BYTES = 64 * 1024
"""A batch with less room than this is full; looking for a frame that fits would cost more than it brings."""

HOLD_BACK_MS = 300
"""How long events wait for earlier ones of other collectors. Times have seconds, so it comes to 0.3 to 1.3 s."""

REFUSALS_MAX = 5
"""How often a refused batch is tried again before it is set aside: a refusal may come from a store that is ill."""

_site_id, _ts = attrgetter("site_id"), attrgetter("ts")


@dataclass(slots=True)
class DrainCounters:
    """
    What the drain did since it started.
    """

    events: int = 0
    batches: int = 0
    quarantined: int = 0


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
    ) -> None:
        """
        Args:
            report: told (kind, segment or batch, bytes or rows) of damage and refusals; never any content.
            site_exists: tells whether a site id is still in the registry; what came for a removed one is let go.
        """
        self._reader = SpoolReader(spool_dir, report)
        self._quarantine_dir = spool_dir.parent / "quarantine"
        self._state_dir = state_dir
        self._warehouse = warehouse
        self._clock = clock
        self._report = report
        self._site_exists = site_exists
        self._sessionizer: Sessionizer | None = None
        self._cursors: dict[str, int] = {}
        self._manifest: Manifest | None = None
        self._started = False
        self._pending: tuple[Manifest, Sessionized] | None = None
        self._salvage = False
        self._refusals = 0
        self._caught_up_ms = clock.now_ms()
        self.counters = DrainCounters()

    @property
    def lag_ms(self) -> int:
        """
        Milliseconds since the store last had everything the spool had.
        """
        return max(0, self._clock.now_ms() - self._caught_up_ms)

    def step(self, *, hold_back: bool = True) -> int:
        """
        Bring one batch into the store.

        Args:
            hold_back: False brings what is there at once, for the last batches before a stop.

        Returns:
            How many records it had; 0 when there was nothing to do.

        Raises:
            WarehouseUnavailable: call again after a while; nothing is lost and nothing counted twice.
            WarehouseRefused: likewise, until the batch is set aside.
            ManifestError: the state directory is damaged.
        """
        if not self._started:
            self._start()
        if self._pending is None:
            asked_ms = self._clock.now_ms()
            self._pending = self._cut(hold_back=hold_back)
            if self._pending is None:
                self._caught_up_ms = asked_ms
                return 0
        manifest, rows = self._pending
        try:
            insert_batch(self._warehouse, manifest.batch, rows, salvage=self._salvage)
        except WarehouseRefused:
            self._refusals += 1
            self._salvage = True
            if self._refusals < REFUSALS_MAX:
                raise
            self._set_aside(manifest)
        except Exception:
            # It may have been written all the same; the next try asks the store first.
            self._salvage = True
            raise
        self._finish(manifest, rows)
        return rows.event_count + rows.drop_count

    def _start(self) -> None:
        manifest = read_manifest(self._state_dir)
        newest = newest_batch(self._warehouse)
        if manifest is None:
            self._manifest = Manifest(batch=newest, done=True)
        elif manifest.done or not all(self._reader.exists(piece.segment) for piece in manifest.ranges):
            # Segments go only after their batch is in the store, so a missing one means that it is.
            self._cursors = manifest.cursors_after()
            self._manifest = Manifest(batch=max(manifest.batch, newest), cursors=self._cursors, done=True)
        else:
            self._reader.segments()  # seals what a dead collector left, so that the ranges read the same
            records = [record for piece in manifest.ranges for record in self._reader.read(piece)]
            self._pending = (manifest, self._sessionize(records, manifest.batch))
            self._manifest = manifest
            self._salvage = True
        self._started = True

    def _cut(self, *, hold_back: bool) -> tuple[Manifest, Sessionized] | None:
        assert self._manifest is not None
        ranges: list[Range] = []
        records: list[Record] = []
        room = BATCH_BYTES_MAX
        segments = self._reader.segments()
        before = self._horizon(segments) if hold_back else None
        for segment in segments:
            start = self._cursors.get(segment.name, HEADER.size)
            if segment.safe_bytes <= start:
                continue
            taken, found = self._reader.take(segment, start, room, before=before)
            if taken.end == start:
                continue
            ranges.append(taken)
            records.extend(found)
            room -= taken.end - start
            if room < BATCH_REST_BYTES:
                break
        if not ranges:
            self._give_back(segments)
            return None
        manifest = Manifest(self._manifest.batch + 1, tuple(ranges), dict(self._cursors))
        write_manifest(self._state_dir, manifest)
        return manifest, self._sessionize(records, manifest.batch)

    def _horizon(self, segments: list[SegmentState]) -> int | None:
        """
        Tell the second from which on events wait, when several collectors write; None when nothing waits.

        The pages of one visitor may come through two of them, and the earlier one be the later to reach its spool.
        What is cut is in the manifest, so a replay needs neither clock nor horizon.
        """
        if len({segment.writer for segment in segments}) < 2:
            return None
        return (self._clock.now_ms() - HOLD_BACK_MS) // 1000

    def _sessionize(self, records: list[Record], batch: int) -> Sessionized:
        gone = {site for site in set(map(_site_id, records)) if not self._site_exists(site)}
        if gone:
            records = [record for record in records if record.site_id not in gone]
        # Collectors write side by side; within a batch their events are put in the order they happened.
        events = [record for record in records if isinstance(record, Event)]
        drops = [record for record in records if isinstance(record, DropCount)]
        events.sort(key=_ts)
        if self._sessionizer is None:
            since = events[0].ts if events else self._clock.now_ms() // 1000
            sessionizer = Sessionizer()
            sessionizer.restore(
                read_open_visits(self._warehouse, since=since - 2 * VISIT_IDLE_SECONDS, below_batch=batch)
            )
            self._sessionizer = sessionizer
        return self._sessionizer.process([*drops, *events], batch)

    def _finish(self, manifest: Manifest, rows: Sessionized) -> None:
        self._pending = None
        self._salvage = False
        self._refusals = 0
        self._cursors = manifest.cursors_after()
        self._manifest = manifest
        self.counters.events += rows.event_count
        self.counters.batches += 1
        self._give_back(self._reader.segments())

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

    def _set_aside(self, manifest: Manifest) -> None:
        self._quarantine_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._reader.copy(manifest.ranges, self._quarantine_dir / f"batch-{manifest.batch}.refused")
        self._report("refused", f"batch {manifest.batch}", len(manifest.ranges))
        self.counters.quarantined += 1
