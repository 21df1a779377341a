"""
What arrived for a site: the first day with events, and what was dropped and why.

Counts of whole sites only: nothing here is about a part of the visitors, so nothing needs the gate for small cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dashboard.context import Context
from dashboard.stats.closed import first_counted_day
from dashboard.stats.imported import imported_days
from warehouse.imports import IMPORT_BATCHES_FROM
from warehouse.registry.sites import Site

DROPS_DAYS = 7


@dataclass(frozen=True, slots=True)
class DropLine:
    """
    How often a reason dropped hits in the last `DROPS_DAYS` days, and when last (epoch seconds UTC, to the hour).
    """

    reason: str
    hits: int
    last_hour: int


@dataclass(frozen=True, slots=True)
class Arrivals:
    """
    All hits of a site in a period: how many came, and of those not counted how many for which reason.
    """

    hits: int
    dropped: int
    lines: tuple[DropLine, ...]


def arrivals(context: Context, site: Site, first: date, last: date) -> Arrivals:
    """
    Count what came for a site from one local day to another, both inside; imports did not come, they were brought.
    """
    start = site.days.start_of(first).replace(minute=0)
    end = site.days.start_of(last + timedelta(days=1))
    rows = context.warehouse.query(
        "SELECT toString(reason), sum(hits), toUnixTimestamp(max(hour)) FROM drops WHERE site_id = {site:UInt32} "
        "AND hour >= toDateTime({start:UInt32}, 'UTC') AND hour < toDateTime({end:UInt32}, 'UTC') "
        "GROUP BY reason ORDER BY 2 DESC, 1",
        {"site": site.id, "start": int(start.timestamp()), "end": int(end.timestamp())},
    )
    lines = tuple(DropLine(str(reason), int(hits), int(hour)) for reason, hits, hour in rows)
    days = {"site": site.id, "first": first, "last": last}
    # Bounds of the key alone are counted from the index: a year of a hundred million rows in a few milliseconds.
    where = "site_id = {site:UInt32} AND day BETWEEN {first:Date} AND {last:Date}"
    counted = context.warehouse.query(f"SELECT count() FROM events WHERE {where}", days)[0][0]  # noqa: S608 - a text of ours
    if context.warehouse.query("SELECT 1 FROM imports WHERE site_id = {site:UInt32} LIMIT 1", days):
        brought = {**days, "brought": IMPORT_BATCHES_FROM}
        imported = f"SELECT count() FROM events WHERE {where} AND batch >= {{brought:UInt64}}"  # noqa: S608 - a text of ours
        counted -= context.warehouse.query(imported, brought)[0][0]
    dropped = sum(line.hits for line in lines)
    return Arrivals(int(counted) + dropped, dropped, lines)


def first_day(context: Context, site: Site) -> date | None:
    """
    Tell the first day with an event, or with imported totals; None before the first visit.
    """
    counted = first_counted_day(context.memory, context.warehouse, context.clock, site.id)
    brought = imported_days(context.memory, context.warehouse, context.clock, site.id)
    days = ([counted] if counted is not None else []) + [day for day, _ in brought[:1]]
    return min(days, default=None)


def drop_lines(context: Context, site: Site) -> list[DropLine]:
    """
    List the reasons of the last days, most frequent first.
    """
    now = datetime.fromtimestamp(context.clock.now_ms() / 1000, UTC)
    sql = (
        "SELECT toString(reason), sum(hits), toUnixTimestamp(max(hour)) FROM drops "
        "WHERE site_id = {site:UInt32} AND hour >= {since:DateTime('UTC')} GROUP BY reason ORDER BY 2 DESC, 1"
    )
    since = (now - timedelta(days=DROPS_DAYS)).replace(tzinfo=None, microsecond=0)
    rows = context.warehouse.query(sql, {"site": site.id, "since": since})
    return [DropLine(str(reason), int(hits), int(hour)) for reason, hits, hour in rows]
