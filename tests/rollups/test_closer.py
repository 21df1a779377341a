"""
Days close when their salt is dead and everything is stored; what comes late is added, and a crash changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pytest

from dashboard.context import Context
from dashboard.rollups.builds import built_days
from dashboard.stats.answer import answer
from dashboard.stats.query import StatsQuery
from daysalt.closer import Closer
from ingest.flush import insert_batch
from ingest.visits import Sessionizer
from tests.clocks import FakeClock
from tests.ingest.records import event
from warehouse.client import Warehouse, WarehouseUnavailable
from warehouse.registry.sites import Site

TODAY = date(2026, 11, 22)
RANGE = ("2026-11-22", "2026-11-22")


class Bench:
    """
    A site whose day is 2026-11-22, with a drain's flush and a closer.
    """

    def __init__(self, context: Context, clock: FakeClock) -> None:
        self.context, self.clock = context, clock
        self.caught_up_ms = 2**62
        self.site: Site = context.registry.sites.add("close.test")
        self.sessionizer = Sessionizer()
        self.closer = self.new_closer(context.warehouse)
        self.batch = 0

    def new_closer(self, warehouse: Warehouse) -> Closer:
        return Closer(
            warehouse,
            self.context.registry,
            self.clock,
            resting=threading.Lock(),
            caught_up_ms=lambda: self.caught_up_ms,
        )

    def flush(self, *visitors: int, tell: bool = True, path: str = "/") -> None:
        """
        Store one pageview of each visitor, at noon, as a batch of the drain.
        """
        self.batch += 1
        records = [event(43_200, visitor=visitor, path=path, site_id=self.site.id) for visitor in visitors]
        rows = self.sessionizer.process(records, self.batch)
        insert_batch(self.context.warehouse, self.batch, rows)
        if tell:
            self.closer.flushed(self.batch, rows)

    def at(self, text: str) -> None:
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        self.clock.wall_ms = round(moment.timestamp() * 1000)

    @property
    def built(self) -> set[date]:
        return built_days(self.context.warehouse, self.site.id)

    def totals(self, *, only_rollups: bool = True) -> tuple[object, ...]:
        """
        Ask for visitors, visits and pageviews; rows are gone then, so only rollups can know.
        """
        if only_rollups:
            for table in ("events", "visits"):
                self.context.warehouse.command(f"TRUNCATE TABLE {table}")
        return answer(self.context, self.site, StatsQuery(("visitors", "visits", "pageviews"), RANGE)).rows[0].metrics


@pytest.fixture
def bench(context: Context, clock: FakeClock) -> Bench:
    return Bench(context, clock)


def test_a_day_closes_half_an_hour_after_its_end(bench: Bench) -> None:
    """
    Until its salt is dead a day is read from its rows.
    """
    bench.flush(1, 2)
    bench.at("2026-11-23T00:29:59")
    bench.closer.look()
    assert set() == bench.built

    bench.at("2026-11-23T00:30:00")
    bench.closer.look()

    assert {TODAY} == bench.built
    assert (2, 2, 2) == bench.totals()


def test_a_day_stays_open_while_records_wait(bench: Bench) -> None:
    """
    A day whose records are not all stored is not over, whatever the clock says.
    """
    bench.flush(1)
    bench.at("2026-11-23T05:00:00")
    bench.caught_up_ms = bench.clock.now_ms() - 5 * 3_600_000
    bench.closer.look()

    assert set() == bench.built


def test_days_follow_the_zone_of_the_site(bench: Bench) -> None:
    """
    Where it is still today, the day stays open.
    """
    bench.site = bench.context.registry.sites.add("west.test", timezone="America/Los_Angeles")
    bench.flush(1)
    bench.at("2026-11-23T05:00:00")
    bench.closer.look()

    assert set() == bench.built


def test_late_events_are_added(bench: Bench) -> None:
    """
    New people of a closed day are there at once, and once.
    """
    bench.flush(1, 2)
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    bench.flush(3, path="/late")
    bench.closer.look()

    assert (3, 3, 3) == bench.totals(only_rollups=False)
    assert (3, 3, 3) == bench.totals()


def test_late_events_of_somebody_known_count_the_day_anew(bench: Bench) -> None:
    """
    Who was there before stays one visitor.
    """
    bench.flush(1, 2)
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    bench.flush(2, path="/late")

    assert (2, 2, 3) == bench.totals()


def test_the_first_late_batch_after_a_start_is_added(bench: Bench) -> None:
    """
    A new process knows which days are closed before it has looked.
    """
    bench.flush(1)
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    bench.closer = bench.new_closer(bench.context.warehouse)
    bench.flush(2)

    assert (2, 2, 2) == bench.totals()


def test_a_late_batch_that_nobody_told_of_is_told_again(bench: Bench) -> None:
    """
    After a crash between rows and rollups the batch comes again; the second time alone counts.
    """
    bench.flush(1)
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    bench.batch += 1
    rows = bench.sessionizer.process([event(43_200, visitor=2, site_id=bench.site.id)], bench.batch)
    insert_batch(bench.context.warehouse, bench.batch, rows)
    for _ in range(2):
        bench.closer.flushed(bench.batch, rows)

    assert (2, 2, 2) == bench.totals()


class Failing(Warehouse):
    """
    A store that goes away when a build is about to count.
    """

    def __init__(self, real: Warehouse, failures: int) -> None:
        super().__init__(f"chdb://{real.path}")
        self.real, self.failures = real, failures

    def query(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, settings: Mapping[str, object] | None = None
    ) -> list[tuple[object, ...]]:
        return self.real.query(sql, parameters, settings=settings)

    def command(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        self.real.command(sql, parameters)

    def insert(self, table: str, columns: Mapping[str, Sequence[object]], *, token: str | None = None) -> None:
        if table == "rollup_builds" and self.failures:
            self.failures -= 1
            raise WarehouseUnavailable("away")
        self.real.insert(table, columns, token=token)


def test_a_crash_before_a_build_counts_changes_nothing(bench: Bench) -> None:
    """
    Rows of a build that did not finish are never counted, and the next round builds the day.
    """
    bench.flush(1, 2)
    bench.at("2026-11-23T01:00:00")
    closer = bench.new_closer(Failing(bench.context.warehouse, 1))
    with pytest.raises(WarehouseUnavailable):
        closer.look()
    assert (2, 2, 2) == bench.totals(only_rollups=False)

    closer.look()
    closer.look()  # sweeps

    rows = bench.context.warehouse.query("SELECT uniqExact(build) FROM rollups")
    assert [(1,)] == rows
    assert (2, 2, 2) == bench.totals()


def test_imported_days_are_counted_anew(bench: Bench) -> None:
    """
    A closed day that an import changed is right when the import is answered.
    """
    bench.flush(1)
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    bench.flush(2, 3, tell=False)
    bench.closer.changed(bench.site.id, [TODAY])

    assert (3, 3, 3) == bench.totals()


def test_what_changed_while_nobody_looked_is_noticed(bench: Bench) -> None:
    """
    Rows that came without a word, as by a command while the server was down, are counted after the next start.
    """
    bench.flush(1)
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    bench.flush(2, tell=False)
    bench.new_closer(bench.context.warehouse).look()

    assert (2, 2, 2) == bench.totals()


def test_a_goal_made_later_is_filled_in_by_the_next_look(bench: Bench) -> None:
    """
    A new goal has its past within a round.
    """
    bench.flush(1, 2, path="/buy")
    bench.at("2026-11-23T01:00:00")
    bench.closer.look()
    bench.context.registry.goals.add(bench.site.id, kind="page", page_path="/buy", display_name="Buy")
    bench.closer.look()
    bench.totals()

    found = answer(bench.context, bench.site, StatsQuery(("visitors",), RANGE, dimensions=("event:goal",)))
    assert [(("Buy",), (2,))] == [(row.dimensions, row.metrics) for row in found.rows]


def test_closed_days_are_told(bench: Bench) -> None:
    """
    Whoever seals days hears of them after their rollups are whole, until it says that it is done.
    """
    told: list[tuple[int, list[date]]] = []
    closer = Closer(
        bench.context.warehouse,
        bench.context.registry,
        bench.clock,
        resting=threading.Lock(),
        caught_up_ms=lambda: bench.caught_up_ms,
        closed=lambda site, days: bool(told.append((site.id, list(days))) or len(told) == 2),
    )
    bench.flush(1)
    bench.at("2026-11-23T01:00:00")
    for _ in range(3):
        closer.look()

    assert [(bench.site.id, [TODAY])] * 2 == told
