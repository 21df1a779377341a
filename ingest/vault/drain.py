"""
The vault lane from spool to store: the same promises as for events, with less to do. Holds no secret.

A batch is cut from synced bytes, named in a manifest of its own before it is inserted, and inserted by day. After a
crash the manifest is replayed to the letter, and each day's mark in the store tells whether its part was written: the
part holds rows and mark together, so a hit counts once. Rows of a day that is due, or of a removed site, are let go.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ingest.manifest import Manifest, read_manifest, write_manifest
from ingest.spool.reader import Range, SegmentState, SpoolReader
from ingest.spool.segment import HEADER, Piece
from ingest.vault.erased import Erased
from ingest.vault.row import LANE, VAULT_SITE, VaultRow, decode_rows, encode_row
from ingest.vault.rows import days_with_rows, insert_rows, merge_day, newest_batch
from warehouse.client import QueryTimeout, Warehouse, WarehouseRefused, WarehouseUnavailable
from warehouse.clock import Clock
from warehouse.days import DAY_MS

BATCH_BYTES_MAX = 8 * 1024 * 1024
"""Spool bytes of one batch: some 80,000 rows."""
REFUSALS_MAX = 5
"""As for events: how often a refused batch is tried again before it is set aside."""

_decode = partial(Piece.decoded, decode=decode_rows)


class VaultDrain:
    """
    The one reader of the vault lane and the one writer of its table.
    """

    def __init__(
        self,
        spool_dir: Path,
        state_dir: Path,
        warehouse: Warehouse,
        clock: Clock,
        *,
        retention_days: int,
        report: Callable[[str, str, int], None],
        site_exists: Callable[[int], bool] = lambda _: True,
    ) -> None:
        """
        Args:
            spool_dir: the whole spool; the lane is a directory in it.
            state_dir: where the manifest is kept.
            retention_days: rows of a day that is that many days ago or more are not written.
            report: as for the drain of events.
        """
        self._reader = SpoolReader(spool_dir / LANE, report)
        self._quarantine_dir = spool_dir / "quarantine"
        self._state_dir = state_dir
        self._warehouse = warehouse
        self._clock = clock
        self._retention_days = retention_days
        self._report = report
        self._site_exists = site_exists
        self._erased = Erased()
        self._done: Manifest | None = None
        self._under_way: Manifest | None = None
        self._salvage = False
        self._refusals = 0
        self._merged_day = 0
        self.rows = 0
        """Rows written to the store since the start, before it puts them together."""

    def step(self) -> int:
        """
        Bring one batch into the store.

        Returns:
            How many rows it had, at least 1; 0 when there was nothing to do.

        Raises:
            WarehouseUnavailable, QueryTimeout: call again after a while; nothing is lost and nothing counted twice.
            WarehouseRefused: likewise, until the batch is set aside.
            ManifestError: the state directory is damaged.
        """
        done = self._done or self._start()
        manifest = self._under_way or self._cut(done)
        if manifest is None:
            self._erased.settle(self._clock.monotonic_ms())
            self._merge_yesterday()
            return 0
        self._under_way = manifest
        rows = self._rows(manifest.ranges)
        try:
            self._insert(manifest.batch, rows)
        except (WarehouseUnavailable, QueryTimeout):
            # It may have been written all the same; the next try asks the store first.
            self._salvage = True
            raise
        except WarehouseRefused:
            self._salvage = True
            self._refusals += 1
            if self._refusals < REFUSALS_MAX:
                raise
            self._set_aside(manifest, rows)
            rows = []
        self.rows += len(rows)
        self._finish(manifest)
        return max(1, len(rows))

    def let_go(self, wanted: Sequence[tuple[int, int, bytes]]) -> None:
        """
        Leave out rows that somebody has erased while more of them may be on their way. Called from another thread.

        Args:
            wanted: site id, day and index; those of days before yesterday arrived long ago.
        """
        yesterday = self._clock.now_ms() // DAY_MS - 1
        keys = [(day, site_id, index) for site_id, day, index in wanted if day >= yesterday]
        self._erased.note(keys, self._clock.monotonic_ms())

    def _start(self) -> Manifest:
        known = read_manifest(self._state_dir) or Manifest(0, done=True)
        # A state directory that was lost must not lead to numbers that were given before.
        batch = max(newest_batch(self._warehouse), known.batch)
        if known.done or not all(self._reader.exists(piece.segment) for piece in known.ranges):
            # Segments go only after their batch is in the store, so a missing one means that it is.
            self._done = Manifest(batch, (), known.cursors_after(), done=True)
        else:
            self._reader.segments()  # seals what a dead collector left, so that the ranges read the same
            self._under_way, self._salvage = known, True
            self._done = Manifest(batch, (), known.cursors, done=True)
        return self._done

    def _cut(self, done: Manifest) -> Manifest | None:
        ranges: list[Range] = []
        room = BATCH_BYTES_MAX
        segments = self._reader.segments()
        for segment in segments:
            start = done.cursors.get(segment.name, HEADER.size)
            if start >= segment.safe_bytes or room <= 0:
                continue
            taken, _ = self._reader.cut(segment, start, room)
            room -= taken.end - taken.start
            ranges.append(taken)
        if not ranges:
            self._give_back(done, segments)
            return None
        known = {segment.name for segment in segments}
        cursors = {name: used for name, used in done.cursors.items() if name in known}
        manifest = Manifest(done.batch + 1, tuple(ranges), cursors)
        write_manifest(self._state_dir, manifest)
        return manifest

    def _rows(self, ranges: Sequence[Range]) -> list[VaultRow]:
        """
        Read a batch and put together what is about the same address. A replay reads the same.
        """
        seen: dict[tuple[int, int, bytes], VaultRow] = {}
        today = self._clock.now_ms() // DAY_MS
        exists: dict[int, bool] = {}
        for piece in ranges:
            for rows in self._reader.decoded(piece, _decode):
                for row in rows:
                    if row.site_id not in exists:
                        exists[row.site_id] = row.site_id == VAULT_SITE or self._site_exists(row.site_id)
                    if not exists[row.site_id] or today - row.day >= self._retention_days:
                        continue
                    key = (row.day, row.site_id, row.bidx)
                    if key in self._erased:
                        continue
                    before = seen.get(key)
                    if before is None:
                        seen[key] = row
                    else:
                        hours, hits = before.hours | row.hours, before.hits + row.hits
                        seen[key] = VaultRow(row.site_id, row.day, row.bidx, before.ct, hours, hits)
        # By index, not by arrival: the order of a batch tells nothing.
        return [seen[key] for key in sorted(seen)]

    def _insert(self, batch: int, rows: Sequence[VaultRow]) -> None:
        by_day: dict[int, list[VaultRow]] = {}
        for row in rows:
            by_day.setdefault(row.day, []).append(row)
        for day, rows_of_day in by_day.items():
            token = f"{batch}-vault-{day}"
            if self._salvage:
                if newest_batch(self._warehouse, day) >= batch:
                    continue
                # The store may have kept a token and lost the part: this one it has never seen.
                token += f"-{self._clock.now_ms()}"
            insert_rows(self._warehouse, day, rows_of_day, batch, token=token)

    def _finish(self, manifest: Manifest) -> None:
        self._under_way, self._salvage, self._refusals = None, False, 0
        batch = max(manifest.batch, 0 if self._done is None else self._done.batch)
        self._done = Manifest(batch, (), manifest.cursors_after(), done=True)
        self._give_back(self._done, self._reader.segments())

    def _give_back(self, done: Manifest, segments: Sequence[SegmentState]) -> None:
        used_up = [
            segment.name
            for segment in segments
            if segment.sealed and done.cursors.get(segment.name, HEADER.size) >= segment.safe_bytes
        ]
        if not used_up:
            return
        # TRICKY: written with the cursors of what is about to go, as in the drain of events: should the removal not
        # happen, the next start must know that those segments were used up.
        write_manifest(self._state_dir, done)
        self._reader.remove(used_up)
        cursors = {name: used for name, used in done.cursors.items() if name not in used_up}
        self._done = Manifest(done.batch, (), cursors, done=True)

    def _set_aside(self, manifest: Manifest, rows: Sequence[VaultRow]) -> None:
        """
        Keep what the store refused. Of a batch over midnight one day may be stored: its rows would count twice later.
        """
        stored = {day for day in {row.day for row in rows} if newest_batch(self._warehouse, day) >= manifest.batch}
        left = [encode_row(row) for row in rows if row.day not in stored]
        self._quarantine_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self._quarantine_dir / f"{LANE}-batch-{manifest.batch}.refused"
        self._reader.set_aside(manifest.ranges, left, target)
        self._report("refused", f"{LANE} batch {manifest.batch}", len(manifest.ranges))

    def _merge_yesterday(self) -> None:
        """
        Once after each midnight, an hour late for what was under way: leave no trace of which rows came together.
        """
        yesterday = (self._clock.now_ms() - 3_600_000) // DAY_MS - 1
        if self._merged_day >= yesterday:
            return
        for day in days_with_rows(self._warehouse):
            if self._merged_day < day <= yesterday:
                merge_day(self._warehouse, day)
        self._merged_day = yesterday
