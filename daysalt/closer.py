"""
The closer: builds the rollups of days that are over, adds what comes late, and fills in goals made later.

A day closes when its salt is dead and everything that was received by then is stored. Runs in the store process, with a
thread of its own; crash at any moment: what was not finished is found missing and done again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.rollups.build import RollupSite, add_batch, add_goals, build_days, changed_days
from dashboard.rollups.builds import built_days, newest_day, sweep_builds
from dashboard.rollups.months import add_months
from ingest.visits import Sessionized
from warehouse.client import QueryTimeout, Warehouse, WarehouseRefused, WarehouseUnavailable
from warehouse.clock import Clock
from warehouse.log import logger
from warehouse.native import Numbers
from warehouse.registry.database import Registry
from warehouse.registry.sites import Site
from warehouse.site_rows import forget_site

CLOSING_SECONDS = 30 * 60
"""A salt lives this much longer than its day: visits that were open at midnight go on for so long."""
TICK_SECONDS = 10
EPOCH = date(1970, 1, 1)


class Closer:
    """
    Keeps the rollups of every site up to date.
    """

    def __init__(
        self,
        warehouse: Warehouse,
        registry: Registry,
        clock: Clock,
        *,
        resting: threading.Lock,
        caught_up_ms: Callable[[], int],
        closed: Callable[[Site, Sequence[date]], bool] | None = None,
    ) -> None:
        """
        Args:
            resting: held by whoever writes to the store.
            caught_up_ms: tells up to when (epoch milliseconds) everything that was received is stored.
            closed: told the days of a site whose rollups are whole, after a day closed or something late was added;
                until it returns True it is told again in every round.
        """
        self._warehouse = warehouse
        self._registry = registry
        self._clock = clock
        self._resting = resting
        self._caught_up_ms = caught_up_ms
        self._closed = closed
        self._through: dict[int, date] = {}
        self._revision = -1
        self._newest_built: date | None = None
        self._stale: set[int] = set()
        self._seen: set[int] = set()
        """Sites whose built days were held against their rows once, for what changed while this was not running."""
        self._months_in: dict[int, tuple[str, int]] = {}
        """In which state of the list of builds a site's months were all that they should be."""
        self._known: set[int] = set()
        """Sites that were there in this round or the one before."""
        self._removed: set[int] = set()
        """Sites that were gone in the last round for the first time."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="closer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """
        Stop after the day that is being counted.
        """
        self._stop.set()
        self._thread.join(timeout_s)

    def look(self) -> None:
        """
        Do whatever is due now.

        Raises:
            WarehouseUnavailable, WarehouseRefused, QueryTimeout: look again later.
        """
        for site_id in list(self._stale):
            # A round later nobody reads the builds that were replaced.
            sweep_builds(self._warehouse, site_id)
            self._stale.discard(site_id)
        revision = self._registry.revision()
        sites = self._registry.sites.all()
        self._known |= {site.id for site in sites}
        for site in sites:
            if self._stop.is_set():
                return
            through = self.closing_day(site)
            if self._through.get(site.id) != through:
                # What comes late while it closes has it close once more.
                self._through[site.id] = through
                done = False
                try:
                    done = self._close(site, through)
                finally:
                    if not done:
                        self._through.pop(site.id, None)
            if revision != self._revision:
                add_goals(self._warehouse, self._clock, self.rollup_site(site))
            self._add_months(site.id)
        self._forget_removed()
        self._revision = revision

    def flushed(self, batch: int, rows: Sessionized) -> None:
        """
        Add what a batch of the drain brought for closed days. Called before the batch counts as done, so a crash in
        between has it called again.
        """
        if not rows.event_count:
            return
        days, sites = _numbers(rows, "day"), _numbers(rows, "site_id")
        if self._newest_built is None:
            self._newest_built = newest_day(self._warehouse)
        newest = (self._newest_built - EPOCH).days
        if days.min() > newest:
            return
        late: dict[int, list[date]] = {}
        for site_id, day in {(int(sites[at]), int(days[at])) for at in np.flatnonzero(days <= newest)}:
            late.setdefault(site_id, []).append(EPOCH + timedelta(days=day))
        for site_id, brought in late.items():
            site = self._registry.sites.by_id(site_id)
            if site is not None:
                self._add(site, batch, brought)

    def changed(self, site_id: int, days: Sequence[date]) -> None:
        """
        Make the rollups of days right whose rows an import changed.
        """
        site = self._registry.sites.by_id(site_id)
        if site is None or not days:
            return
        self._through.pop(site_id, None)
        built = built_days(self._warehouse, site_id)
        for first, last in _stretches([day for day in days if day in built]):
            self.rebuild(site, first, last)

    def rebuild(self, site: Site, first: date, last: date) -> int:
        """
        Count days anew.

        Returns:
            How many.
        """
        done = build_days(self._warehouse, self._clock, self.rollup_site(site), first, last, self._resting)
        self._stale.add(site.id)
        return done

    def rollup_site(self, site: Site) -> RollupSite:
        """
        Take from the registry what counting needs.
        """
        return RollupSite(site.id, site.days, tuple(self._registry.goals.all(site.id)))

    def closing_day(self, site: Site) -> date:
        """
        Tell the last day that is over, its salt dead and its records stored.
        """
        moment = min(self._clock.now_ms(), self._caught_up_ms()) / 1000 - CLOSING_SECONDS
        return site.days.day_of(datetime.fromtimestamp(moment, UTC)) - timedelta(days=1)

    def is_sealed(self, site: Site, day: date) -> bool:
        """
        Tell whether a day's rows are no longer what they were.
        """
        return bool(
            self._warehouse.query(
                "SELECT 1 FROM events WHERE site_id = {site:UInt32} AND day = {day:Date} AND sealed = 1 LIMIT 1",
                {"site": site.id, "day": day},
            )
        )

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except (WarehouseUnavailable, WarehouseRefused, QueryTimeout) as error:
                logger().warning("a day was not closed yet", reason=str(error))
            except Exception as error:  # one strange site must not keep the days of all others open
                logger().error("the closer stumbled", error=type(error).__name__, exc_info=error)
            self._stop.wait(TICK_SECONDS)

    def _close(self, site: Site, through: date) -> bool:
        found = self._warehouse.query(
            "SELECT day FROM events WHERE site_id = {site:UInt32} AND day <= {through:Date}"
            " ORDER BY site_id, day LIMIT 1",
            {"site": site.id, "through": through},
        )
        built = built_days(self._warehouse, site.id)
        if found:
            first: date = found[0][0]
            days = [first + timedelta(days=number) for number in range((through - first).days + 1)]
            missing = [day for day in days if day not in built]
            for begin, end in _stretches(missing):
                self.rebuild(site, begin, end)
                logger().info("days were closed", site=site.id, days=(end - begin).days + 1)
            built |= set(missing)
        if site.id not in self._seen:
            self._seen.add(site.id)
            unsealed = [day for day in changed_days(self._warehouse, self.rollup_site(site)) if day in built]
            for begin, end in _stretches([day for day in unsealed if not self.is_sealed(site, day)]):
                self.rebuild(site, begin, end)
        self._newest_built = max([self._newest_built or EPOCH, *built])
        return self._closed is None or not built or self._closed(site, sorted(built))

    def _add_months(self, site_id: int) -> None:
        # Most rounds change nothing; what was written is known without asking the store.
        state = self._warehouse.state("rollup_builds")
        if self._months_in.get(site_id) != state and add_months(self._warehouse, self._clock, site_id):
            self._months_in[site_id] = state

    def _forget_removed(self) -> None:
        """
        Delete once more what there is of sites that were removed a moment ago: a round, or a batch, that was under way
        then may have written of them afterwards.
        """
        if self._registry.revision() == self._revision and not self._removed:
            return
        present = {site.id for site in self._registry.sites.all()}
        gone = self._known - present
        for site_id in gone | self._removed:
            with self._resting:
                forget_site(self._warehouse, site_id)
            for kept in (self._through, self._months_in):
                kept.pop(site_id, None)
        self._known, self._removed = present, gone

    def _add(self, site: Site, batch: int, brought: Sequence[date]) -> None:
        here = self.rollup_site(site)
        for day in add_batch(self._warehouse, self._clock, here, batch, brought):
            # A sealed day adds up to the same; only the names of what is rare in it are gone.
            build_days(self._warehouse, self._clock, here, day, day)
            self._stale.add(site.id)
        self._through.pop(site.id, None)


def _numbers(rows: Sessionized, name: str) -> NDArray[np.integer[Any]]:
    column = rows.events[name]
    assert isinstance(column, Numbers)
    return column.values


def _stretches(days: Sequence[date]) -> list[tuple[date, date]]:
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and day - found[-1][1] == timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
