"""
The imports of one store: files are staged, stored once, listed and taken out again.

One import of a site at a time: what a file continues is looked up when it begins. Staging needs no store; storing is
done by the process that has it, and what it left unfinished is finished by the next one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from ingest.big_cells import BigCells
from ingest.imports.kinds import NDJSON, TOTALS
from ingest.imports.outcome import Outcome, finish_outcome
from ingest.imports.reading import Reading, new_reading
from ingest.imports.settling import Settled, settle
from ingest.imports.staging import Plan, Staged, left_over, open_staged, sites_left_over
from ingest.imports.totals_storing import store_totals
from warehouse.client import Warehouse, WarehouseRefused
from warehouse.clock import Clock
from warehouse.imported_totals import first_counted_day
from warehouse.imports import (
    ImportPaused,
    ImportRefused,
    ImportRow,
    add_import,
    find_import,
    forget_import,
    id_text,
    list_imports,
    remove_rows,
)
from warehouse.registry.sites import Site
from warehouse.site_rows import forget_site

IMPORTS_DIR = "imports"
REMOVED = "the site was removed meanwhile: nothing was imported"
MEANWHILE = "another import of this site was stored meanwhile: import the file once more"

TURN_SECONDS = 0.1
"""How often a staged file looks whether it is its turn."""

Progress = Callable[[int, int], None]
"""Told how many events are stored, of how many."""
Days = Callable[[int, Sequence[date]], None]
"""Told the site and its local days whose rows changed, before an import counts as done."""


class Importer:
    """
    Brings files into a store.
    """

    def __init__(
        self,
        data_dir: Path,
        warehouse: Warehouse,
        clock: Clock,
        *,
        resting: threading.Lock,
        changed: Days | None = None,
        big_cells: BigCells | None = None,
        site_exists: Callable[[int], bool] = lambda _: True,
    ) -> None:
        """
        Args:
            resting: held by whoever writes to the store; see `settle`.
            changed: told the days an import touched.
            big_cells: what large days have named, shared with whoever else writes.
            site_exists: tells whether a site id is still in the registry; else nothing is brought into it.
        """
        self.directory = data_dir / IMPORTS_DIR
        self._warehouse = warehouse
        self._clock = clock
        self.resting = resting
        self._changed = changed
        self._big_cells = BigCells(warehouse) if big_cells is None else big_cells
        self._site_exists = site_exists
        self._busy: set[int] = set()
        self._guard = threading.Lock()
        self.stopping = threading.Event()
        """Set it to make imports under way stop soon; they are finished after the next start."""

    def begin(self, site: Site) -> Receiving | None:
        """
        Begin to take an NDJSON stream for a site.

        Returns:
            None while another import of the site is under way: ask again in a moment.

        Raises:
            WarehouseUnavailable: ask again later.
        """
        if not self._enter(site.id):
            return None
        try:
            self._finish_left_over(site.id)
            known = list_imports(self._warehouse, site.id)
            return Receiving(self, site.id, new_reading(self.directory, site, self._clock.now_ms(), known))
        except BaseException:
            self.leave(site.id)
            raise

    def store(self, staged: Staged, report: Progress) -> tuple[int, Sequence[int]]:
        """
        Bring a staged import into the store; it is discarded then.

        Returns:
            How many events it had, and the lines of those that belong to no visit.

        Raises:
            ImportRefused: another import of the site was stored meanwhile, or the site removed; nothing was stored.
            ImportPaused, WarehouseUnavailable: it is finished later.
            WarehouseRefused: the store will not take it; nothing of it is left.
        """
        plan = staged.plan
        if not self._site_exists(plan.site_id):
            staged.discard()
            raise ImportRefused(REMOVED)
        rows = list_imports(self._warehouse, plan.site_id)
        if {row.number for row in rows} - {plan.number} != set(plan.known):
            staged.discard()
            raise ImportRefused(MEANWHILE)
        days = [date.fromordinal(_DAY_0 + day) for day in plan.days]
        settled = self._settled(staged, days, report)
        if settled.events:
            add_import(self._warehouse, _row(plan, settled.events, len(settled.without_visit), days, self._clock))
        staged.discard()
        if not self._site_exists(plan.site_id):
            with self.resting:  # it went while its rows came, and only those that were there were deleted
                forget_site(self._warehouse, plan.site_id)
            raise ImportRefused(REMOVED)
        return settled.events, settled.without_visit

    def store_staged(self, site_id: int, number: int, report: Progress) -> tuple[int, Sequence[int]]:
        """
        Bring into the store what another process staged; as `store`.

        Raises:
            ImportRefused: there is nothing staged under this number, or as for `store`.
            ImportPaused, WarehouseUnavailable, WarehouseRefused: as for `store`.
        """
        self._wait_for(site_id)
        try:
            staged = open_staged(self.directory / id_text(number))
            if staged is None:
                # Another import of the site may have finished it on its way.
                for row in list_imports(self._warehouse, site_id):
                    if row.number == number:
                        return row.events, ()
                raise ImportRefused(MEANWHILE)
            try:
                return self.store(staged, report)
            finally:
                staged.release()
        finally:
            self.leave(site_id)

    def resume(self) -> int:
        """
        Finish what an earlier process left, and remove what it had not read to the end.

        Returns:
            How many imports were finished.

        Raises:
            ImportPaused, WarehouseUnavailable, WarehouseRefused: as for `store`; the rest is finished later.
        """
        finished = 0
        for site_id in sorted(sites_left_over(self.directory)):
            # The site first, and only then its staging directories: an import that begins meanwhile waits, and does
            # not miss what is just being finished.
            self._wait_for(site_id)
            try:
                finished += self._finish_left_over(site_id)
            finally:
                self.leave(site_id)
        return finished

    def listed(self, site_id: int) -> list[ImportRow]:
        """
        List the imports of a site, the oldest first.
        """
        return list_imports(self._warehouse, site_id)

    def under_way(self, site_id: int) -> bool:
        """
        Tell whether an import of a site is being read, stored or removed.
        """
        with self._guard:
            return site_id in self._busy

    def first_counted(self, site_id: int) -> date | None:
        """
        Tell the first day of a site that has events.
        """
        return first_counted_day(self._warehouse, site_id)

    def remove(self, site_id: int, text: str) -> tuple[ImportRow, int]:
        """
        Take an import out of a site.

        Returns:
            What it was, and how many events were deleted.

        Raises:
            ImportRefused: there is none of this id, another one continues after it, or one is under way.
            WarehouseUnavailable: the same call finishes it.
        """
        if not self._enter(site_id):
            raise ImportRefused("an import of this site is under way: try again when it is done")
        try:
            row = find_import(self._warehouse, site_id, text)
            with self.resting:
                events = forget_import(self._warehouse, row)
                self._big_cells.forget()
            if self._changed is not None and row.format != TOTALS:
                self._changed(site_id, _days(row.first_day, row.last_day))
            return row, events
        finally:
            self.leave(site_id)

    def leave(self, site_id: int) -> None:
        """
        Let another import of the site begin.
        """
        with self._guard:
            self._busy.discard(site_id)

    def _settled(self, staged: Staged, days: Sequence[date], report: Progress) -> Settled:
        plan = staged.plan
        resting, stopping = self.resting, self.stopping
        try:
            if plan.format == TOTALS:
                lines = store_totals(
                    *(self._warehouse, self._clock, staged, days), resting=resting, stopping=stopping, report=report
                )
                return Settled(lines)
            settled = settle(
                *(self._warehouse, staged),
                resting=resting,
                stopping=stopping,
                report=report,
                big_cells=self._big_cells,
            )
        except WarehouseRefused:
            remove_rows(self._warehouse, plan.site_id, plan.number)
            staged.discard()
            raise
        if self._changed is not None:
            self._changed(plan.site_id, days)
        return settled

    def _enter(self, site_id: int) -> bool:
        with self._guard:
            if site_id in self._busy:
                return False
            self._busy.add(site_id)
            return True

    def _wait_for(self, site_id: int) -> None:
        while not self._enter(site_id):
            if self.stopping.wait(TURN_SECONDS):
                raise ImportPaused

    def _finish_left_over(self, site_id: int) -> int:
        finished = 0
        for staged in left_over(self.directory, site_id):
            try:
                self.store(staged, lambda _done, _total: None)
                finished += 1
            except ImportRefused:
                pass  # nobody waits for the answer any more, and nothing of it was stored
            finally:
                staged.release()
        return finished


class Receiving:
    """
    An NDJSON stream for one site. Exactly one of `finish` and `abandon` ends it.
    """

    def __init__(self, importer: Importer, site_id: int, reading: Reading) -> None:
        self._importer = importer
        self._site_id = site_id
        self._reading = reading

    def feed(self, chunk: bytes) -> None:
        """
        Take the next piece.

        Raises:
            ImportRefused: it cannot be read.
        """
        self._reading.intake.feed(chunk)

    def finish(self) -> dict[str, object]:
        """
        Store what came, and tell what became of it.

        Raises:
            ImportRefused, ImportPaused, WarehouseUnavailable, WarehouseRefused: as for `Importer.store`.
        """
        try:
            staged = self._reading.seal(NDJSON)
            intake = self._reading.intake
            outcome = Outcome(repeated=intake.repeated, rejections=intake.rejections)
            if staged is not None:
                try:
                    finish_outcome(outcome, staged.plan, *self._importer.store(staged, lambda _done, _total: None))
                finally:
                    staged.release()
            return outcome.facts()
        finally:
            self._importer.leave(self._site_id)

    def abandon(self) -> None:
        """
        Forget what came: the stream broke off.
        """
        self._reading.stage.discard()
        self._importer.leave(self._site_id)


_DAY_0 = date(1970, 1, 1).toordinal()


def _row(plan: Plan, events: int, without_visit: int, days: Sequence[date], clock: Clock) -> ImportRow:
    return ImportRow(
        site_id=plan.site_id,
        number=plan.number,
        stored=datetime.fromtimestamp(clock.now_ms() // 1000, UTC),
        format=plan.format,
        label=plan.label,
        content_bytes=plan.content_bytes,
        digest=plan.digest,
        follows=plan.follows,
        events=events,
        rejected=plan.rejected + without_visit,
        first_day=days[0],
        last_day=days[-1],
    )


def _days(first: date, last: date) -> list[date]:
    return [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]
