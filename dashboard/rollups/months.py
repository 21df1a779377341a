"""
Months and the stretches that dashboards show, added up from the rollups of their days: what a question about a year, or
about the last 28 days of a site with many pages, reads.

Each says of which builds of its days it was made. When a day is built anew or added to, what holds it is no longer
read, until it is added up again; in between its days are read.
"""

# ruff: noqa: S608 - the texts put in are names of our columns; every value is a parameter.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dashboard.rollups.builds import BUILD_CHANCE_BITS, DAY_MAX, DAY_MIN, counting_builds, next_build
from dashboard.stats.months import (
    Pair,
    Stretch,
    Sum,
    days_of,
    is_month,
    known_sums,
    made_of,
    month_stretch,
    pairs_of,
    whole_months,
)
from dashboard.stats.parts import STORED_PARTS
from dashboard.stats.period import months_before
from dashboard.stats.reports import HOUR, LABELS_MAX
from warehouse.client import Warehouse
from warehouse.clock import Clock

QUIET_MS = 60_000
"""A month is added up again when nothing was added to its days for so long: late events come in many small batches."""
STRETCH_LENGTHS = (7, 28, 30, 91)
"""Of the stretches up to yesterday, in days."""
STRETCH_ROWS_MIN = 200_000
"""Fewer rows of days are read in a few milliseconds."""
_LABELS = tuple(f"label{number}" for number in range(1, LABELS_MAX + 1))
_PARTS = (*STORED_PARTS, "amounts", "sales")


@dataclass(frozen=True, slots=True)
class _Site:
    """
    What is there of a site: the builds that count, by day, and what is added up.
    """

    warehouse: Warehouse
    clock: Clock
    site_id: int
    days: Mapping[date, Sequence[int]]
    known: dict[Stretch, Sum]

    def is_old(self, stretch: Stretch) -> bool:
        """
        Tell whether a stretch, all days of which are there, is not added up or is no longer what they are.
        """
        return stretch not in self.known or self.known[stretch].made_of != made_of(self.pairs(stretch))

    def pairs(self, stretch: Stretch) -> list[Pair]:
        pairs = pairs_of(stretch, self.days)
        assert pairs is not None
        return pairs

    def age_ms(self, stretch: Stretch) -> int:
        """
        Tell how long ago the last of its days was built or added to.
        """
        return self.clock.now_ms() - (max(build for _, build in self.pairs(stretch)) >> BUILD_CHANCE_BITS)


def add_months(
    warehouse: Warehouse, clock: Clock, site_id: int, *, quiet_ms: int = QUIET_MS, rows_min: int = STRETCH_ROWS_MIN
) -> bool:
    """
    Add up the months that are whole and not added up yet, or no longer what their days are; of big sites the stretches
    of `shown_stretches` too.

    Args:
        quiet_ms: how long ago the last change of a month must be.
        rows_min: a stretch of so many rows is worth adding up.

    Returns:
        Whether all is added up now; else some was changed a moment ago and waits for the next call.

    Raises:
        WarehouseUnavailable, WarehouseRefused: what was done before it stays; the same call goes on.
    """
    days: dict[date, list[int]] = {}
    for one in counting_builds(warehouse, site_id, DAY_MIN, DAY_MAX):
        days.setdefault(one.day, []).append(one.build)
    site = _Site(warehouse, clock, site_id, days, known_sums(warehouse, site_id))
    months = [month_stretch(month) for month in whole_months(days)]
    shown: list[Stretch] = []
    if days:
        newest = max(days)
        shown = [one for one in shown_stretches(newest) if one not in months and pairs_of(one, days) is not None]
        # Yesterday's stay a day longer: a question that is being answered may still read them.
        kept = {*months, *shown, *shown_stretches(newest - timedelta(days=1))}
        _drop(site, [stretch for stretch in site.known if stretch not in kept and not is_month(stretch)])
    done, waiting = 0, 0
    old = [stretch for stretch in shown if site.is_old(stretch)]
    sizes = _sizes(site, old)
    worth = [one for one in old if sum(rows for day, rows in sizes.items() if one[0] <= day <= one[1]) >= rows_min]
    for stretch in [*(month for month in months if site.is_old(month)), *worth]:
        if 0 <= site.age_ms(stretch) < quiet_ms:
            waiting += 1
        else:
            _add(site, stretch)
            done += 1
    if done:
        sweep_months(warehouse, site_id)
    return not waiting


def shown_stretches(newest: date) -> list[Stretch]:
    """
    List the stretches that dashboards and their comparisons begin with, when this day is the last that is over.
    """
    today = newest + timedelta(days=1)
    found = [(newest - timedelta(days=length - 1), newest) for length in STRETCH_LENGTHS]
    found.append((months_before(today, 12), today.replace(day=1) - timedelta(days=1)))
    return [*found, (newest.replace(day=1), newest)]


def sweep_months(warehouse: Warehouse, site_id: int) -> None:
    """
    Delete sums that were replaced, and rows of sums that were not finished.
    """
    parameters = {"site": site_id}
    newest = "SELECT max(build) FROM rollup_month_builds WHERE site_id = {site:UInt32} GROUP BY month, last"
    for table in ("rollup_months", "rollup_month_builds"):
        stale = f"site_id = {{site:UInt32}} AND build NOT IN ({newest})"
        if warehouse.query(f"SELECT 1 FROM {table} WHERE {stale} LIMIT 1", parameters):
            warehouse.command(f"DELETE FROM {table} WHERE {stale}", parameters)


def _drop(site: _Site, stretches: Sequence[Stretch]) -> None:
    if not stretches:
        return
    parameters = {"site": site.site_id, "builds": [site.known.pop(stretch).build for stretch in stretches]}
    # The list first: what is not in it is not read.
    for table in ("rollup_month_builds", "rollup_months"):
        where = "site_id = {site:UInt32} AND build IN {builds:Array(UInt64)}"
        site.warehouse.command(f"DELETE FROM {table} WHERE {where}", parameters)


def _sizes(site: _Site, stretches: Sequence[Stretch]) -> dict[date, int]:
    if not stretches:
        return {}
    first, last = min(stretch[0] for stretch in stretches), max(stretch[1] for stretch in stretches)
    rows = site.warehouse.query(
        "SELECT day, count() FROM rollups WHERE site_id = {site:UInt32} AND day BETWEEN {first:Date} AND {last:Date}"
        " GROUP BY day",
        {"site": site.site_id, "first": first, "last": last},
    )
    return {day: int(count) for day, count in rows}


def _add(site: _Site, stretch: Stretch) -> None:
    first, last = stretch
    months = [
        month_stretch(month)
        for month in whole_months({day: site.days[day] for day, _ in site.pairs(stretch)})
        if month_stretch(month) != stretch and not site.is_old(month_stretch(month))
    ]
    inside = {day for month, _ in months for day in days_of(month)}
    build = max([next_build(site.warehouse, site.clock, site.site_id), *(one.build + 1 for one in site.known.values())])
    parameters = {
        "site": site.site_id,
        "build": build,
        "first": first,
        "last": last,
        "pairs": [pair for pair in site.pairs(stretch) if pair[0] not in inside],
        "months": [site.known[month].build for month in months],
        "hour": HOUR,
    }
    labels = ", ".join(f"CAST({name}, 'String') AS {name}" for name in _LABELS)
    parts = ", ".join(_PARTS)
    selects = [
        f"SELECT report, {labels}, {parts} FROM rollups WHERE site_id = {{site:UInt32}} AND report != {{hour:String}}"
        " AND day BETWEEN {first:Date} AND {last:Date} AND (day, build) IN {pairs:Array(Tuple(Date, UInt64))}"
    ]
    if months:
        selects.append(
            f"SELECT report, {', '.join(_LABELS)}, {parts} FROM rollup_months WHERE site_id = {{site:UInt32}}"
            " AND day BETWEEN {first:Date} AND {last:Date} AND build IN {months:Array(UInt64)}"
        )
    sums = ", ".join([*(f"sum({name})" for name in STORED_PARTS), "sumMap(amounts)", "sumMap(sales)"])
    site.warehouse.command(
        f"INSERT INTO rollup_months (site_id, report, day, build, {', '.join(_LABELS)}, {parts})"
        f" SELECT {{site:UInt32}}, report, {{first:Date}}, {{build:UInt64}}, {', '.join(_LABELS)}, {sums}"
        f" FROM ({' UNION ALL '.join(selects)}) GROUP BY report, {', '.join(_LABELS)}",
        parameters,
    )
    digest = made_of(site.pairs(stretch))
    site.warehouse.insert(
        "rollup_month_builds",
        {
            "site_id": [site.site_id],
            "month": [first],
            "last": [last],
            "build": [build],
            "made_of": [digest.encode()],
        },
    )
    site.known[stretch] = Sum(build, digest)
