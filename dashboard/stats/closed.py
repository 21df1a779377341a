"""
Closed days: which days of a period rollups answer, and which are read row by row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from dashboard.stats.goals import goal_key
from dashboard.stats.memory import Memory
from dashboard.stats.months import Sum, known_sums, longest, made_of, month_stretch, whole_months
from dashboard.stats.period import Period
from dashboard.stats.reports import REPORTS, TOTAL, Report
from dashboard.stats.scope import Span
from warehouse.client import Warehouse
from warehouse.clock import Clock
from warehouse.registry.goals import Goal

NATIVE = "native"
"""Origin of what was counted here; totals from elsewhere are `dashboard.stats.imported`."""
SPANS_MAX = 24
"""More stretches without rollups than this make a statement too long: then all days are read row by row."""


class _Build(NamedTuple):
    day: date
    build: int
    base: int
    goals: Sequence[str]


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """
    The days of one period in two parts.

    Attributes:
        first, last: the earliest and the latest day with a whole rollup.
        builds: what counts of the rollups.
        pairs: the same as day and build, where a build counts for some of its days only; else empty.
        open_spans: the days that have no whole rollup.
        goal_names: for questions about goals: display names by the key a goal is kept under.
        months: the whole months among the days that are added up, each by its first day, and the builds they are under.
        stretch: the longest stretch of the days that is added up, and the build it is under.
    """

    first: date
    last: date
    builds: tuple[int, ...]
    pairs: tuple[tuple[date, int], ...]
    open_spans: tuple[Span, ...]
    goal_names: Mapping[str, str] | None = None
    months: tuple[tuple[date, int], ...] = ()
    stretch: tuple[Span, int] | None = None

    def added_up(self, *, by_month: bool) -> tuple[list[tuple[date, int]], list[Span]]:
        """
        Choose what to read of what is added up.

        Args:
            by_month: months must be told apart.

        Returns:
            Each by its first day, with the build it is under; and the days beside them, up to the last one.
        """
        sums = [(month_stretch(month), build) for month, build in self.months]
        if self.stretch is not None and not by_month:
            (first, last), _ = self.stretch
            sums = [self.stretch, *(one for one in sums if one[0][1] < first or one[0][0] > last)]
        inside: list[date] = []
        # A month that the stretch cuts through is read by its days.
        for (first, last), _ in sums:
            inside += [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return [(first, build) for (first, _), build in sums], _between(sorted(inside), self.first, self.last)

    @property
    def is_one_sum(self) -> bool:
        """
        Whether all of them are added up in one: then each label has one row.
        """
        sums, beside = self.added_up(by_month=False)
        return len(sums) == 1 and not beside


def closed_days(
    memory: Memory,
    warehouse: Warehouse,
    clock: Clock,
    site_id: int,
    period: Period,
    goals: Sequence[Goal] | None = None,
) -> ClosedDays | None:
    """
    Tell which days of a period have rollups; None when there are none, and for a period that is bounded by seconds.

    Args:
        goals: with these, a day counts only if every one of them is in its rollups.
    """
    if period.start is not None:
        return None
    names = None if goals is None else {goal_key(goal): goal.display_name for goal in goals}
    first, last = period.first, period.last
    tables = ("rollup_builds", "rollup_month_builds")

    def read() -> ClosedDays | None:
        rows = memory.fact(
            *(warehouse, clock, tables, ("builds", site_id, first, last)),
            lambda: _builds(warehouse, site_id, first, last),
        )
        known = memory.fact(warehouse, clock, tables, ("sums", site_id), lambda: known_sums(warehouse, site_id))
        return _closed(rows, known, first, last, names)

    key = (site_id, first, last, None if names is None else tuple(names.items()))
    return memory.fact(warehouse, clock, tables, key, read)


def _builds(warehouse: Warehouse, site_id: int, first: date, last: date) -> Sequence[_Build]:
    rows = warehouse.query(
        "SELECT day, build, base, goals FROM rollup_builds WHERE site_id = {site:UInt32}"
        " AND day BETWEEN {first:Date} AND {last:Date} AND origin = {origin:String} ORDER BY day, build",
        {"site": site_id, "first": first, "last": last, "origin": NATIVE},
    )
    return [_Build(*row) for row in rows]


def _closed(
    rows: Sequence[_Build], known: Mapping[Span, Sum], first: date, last: date, names: Mapping[str, str] | None
) -> ClosedDays | None:
    days: dict[date, list[tuple[int, Sequence[str]]]] = {}
    replaced: set[int] = set()
    for day, build, base, kept in rows:
        if base:
            # The newest whole build of a day replaces all before it; what comes after was added to it.
            replaced.update(one for one, _ in days.pop(day, []))
        if base or day in days:
            days.setdefault(day, []).append((build, kept))
    whole = [
        day for day, found in days.items() if not names or names.keys() <= {key for _, kept in found for key in kept}
    ]
    open_spans = tuple(_between(whole, first, last))
    if not whole or len(open_spans) > SPANS_MAX:
        return None
    builds = {build for day in whole for build, _ in days[day]}
    # Rows of an addition whose whole build is missing, or of a day that lacks a goal, share no build with what counts
    # unless they were built together: then days must be told apart, too.
    others = {build for day, build, *_ in rows if day not in days or day not in set(whole)}
    exact = bool(builds & (replaced | others))
    pairs = tuple((day, build) for day in whole for build, _ in days[day]) if exact else ()
    counting = {day: [build for build, _ in days[day]] for day in whole}
    months = tuple(
        (month, known[month_stretch(month)].build)
        for month, made in whole_months(counting).items()
        if month_stretch(month) in known and known[month_stretch(month)].made_of == made_of(made)
    )
    stretch = longest(known, counting)
    return ClosedDays(whole[0], whole[-1], tuple(sorted(builds)), pairs, open_spans, names, months, stretch)


def has_overlaps(memory: Memory, warehouse: Warehouse, site_id: int, report: Report, closed: ClosedDays) -> bool:
    """
    Tell whether somebody was in two rows of a report on one of the days.
    """
    # Of all reports at once: a dashboard asks about each of them.
    sql = (
        "SELECT DISTINCT report FROM rollup_overlaps WHERE site_id = {site:UInt32}"
        " AND report IN {reports:Array(String)} AND day BETWEEN {first:Date} AND {last:Date}"
        " AND build IN {builds:Array(UInt64)}"
    )
    parameters = {
        "site": site_id,
        "reports": [one.name for one in REPORTS if one.overlaps],
        "first": closed.first,
        "last": closed.last,
        "builds": list(closed.builds),
    }
    found = memory.answer(warehouse, sql, parameters, lambda: warehouse.query(sql, parameters))
    return any(name == report.name for (name,) in found)


def first_counted_day(memory: Memory, warehouse: Warehouse, clock: Clock, site_id: int) -> date | None:
    """
    Tell the first local day that has events of a site, or a rollup made of events.
    """

    def read() -> date | None:
        parameters = {"site": site_id, "origin": NATIVE, "report": TOTAL.name}
        where = "site_id = {site:UInt32} AND origin = {origin:String}"
        builds = f"SELECT day, max(build) FROM rollup_builds WHERE {where} AND base = 1 GROUP BY day"  # noqa: S608 - a text of ours
        whole = dict(warehouse.query(builds, parameters))
        rows = f"SELECT DISTINCT day, build FROM rollups WHERE {where} AND report = {{report:String}}"  # noqa: S608 - a text of ours
        # A day may have come to nothing since: then its newest build has no rows.
        found = [day for day, build in warehouse.query(rows, parameters) if day in whole and build >= whole[day]]
        return min(found, default=None)

    closed = memory.fact(warehouse, clock, ("rollup_builds",), ("first", site_id), read)
    # What lies before the first rollup is found by the key alone, and mostly is nothing: to look for the first of all
    # rows means to open every month.
    sql = "SELECT day FROM events WHERE site_id = {site:UInt32} AND day < {closed:Date} ORDER BY site_id, day LIMIT 1"
    rows = warehouse.query(sql, {"site": site_id, "closed": closed or date(2149, 6, 6)})
    return rows[0][0] if rows else closed


def _between(days: Sequence[date], first: date, last: date) -> list[Span]:
    found: list[Span] = []
    for day in days:
        if first < day:
            found.append((first, day - timedelta(days=1)))
        first = day + timedelta(days=1)
    return [*found, (first, last)] if first <= last else found
