"""
Daily totals taken over from another service: rows of `rollups` with the origin `imported`, and the builds that make
them count.

A build of an import is claimed first (`base` 0), so that nobody sweeps its rows as left over while they are written,
and counts once its second row is there (`base` 1). A crash in between leaves numbers that no question reads; the next
try, or the removal, deletes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from warehouse.client import Warehouse
from warehouse.clock import Clock

IMPORTED = "imported"
"""Origin of totals from elsewhere; what was counted here has `native`."""
COUNTS = (
    "visitors", "visits", "pageviews", "events", "visit_pageviews", "entered", "bounced", "ended", "seconds", "depths",
    "depth_visits", "engaged_ms", "engaged_visits", "event_rows", "engagement_rows", "visit_rows",
)  # fmt: skip
"""Columns of `rollups` that hold numbers."""
DAYS_AT_ONCE = 5_000
"""Builds written by one statement."""


class TotalsRow(msgspec.Struct, frozen=True, array_like=True):
    """
    One row of a report: its name, the local day (days since 1970-01-01), three labels, and the numbers of `COUNTS`.
    """

    report: str
    day: int
    labels: tuple[str, str, str]
    counts: tuple[int, ...]


def first_counted_day(warehouse: Warehouse, site_id: int) -> date | None:
    """
    Tell the first local day that has events of the site, or rollups made of events.

    Raises:
        WarehouseUnavailable: ask again later.
    """
    rows = warehouse.query(
        "SELECT day FROM events WHERE site_id = {site:UInt32} ORDER BY site_id, day LIMIT 1 UNION ALL"
        " SELECT day FROM rollup_builds WHERE site_id = {site:UInt32} AND origin != {origin:String} AND base = 1"
        " ORDER BY site_id, day LIMIT 1",
        {"site": site_id, "origin": IMPORTED},
    )
    return min((row[0] for row in rows), default=None)


def claim_build(warehouse: Warehouse, clock: Clock, site_id: int, number: int, days: Sequence[date]) -> int:
    """
    Begin to write the totals of an import: what an earlier try left is deleted.

    Args:
        number: of the import.

    Returns:
        The number of the build for `add_totals` and `count_build`.

    Raises:
        WarehouseUnavailable, WarehouseRefused: nothing counts; begin again.
    """
    remove_totals(warehouse, site_id, number)
    newest = warehouse.query("SELECT max(build) FROM rollup_builds WHERE site_id = {site:UInt32}", {"site": site_id})
    build = max(int(newest[0][0]) + 1, clock.now_ms() << 20)
    _add_builds(warehouse, site_id, number, build, days, base=0)
    return build


def add_totals(warehouse: Warehouse, site_id: int, build: int, rows: Iterable[TotalsRow]) -> None:
    """
    Write rows of a claimed build.

    Raises:
        WarehouseUnavailable, WarehouseRefused: claim a build anew.
    """
    some = list(rows)
    if not some:
        return
    columns: dict[str, Sequence[object]] = {
        "site_id": [site_id] * len(some),
        "report": [row.report for row in some],
        "day": [date.fromordinal(_DAY_0 + row.day) for row in some],
        "origin": [IMPORTED] * len(some),
        "build": [build] * len(some),
    }
    for index in range(3):
        columns[f"label{index + 1}"] = [row.labels[index] for row in some]
    for index, name in enumerate(COUNTS):
        columns[name] = [row.counts[index] for row in some]
    warehouse.insert("rollups", columns)


def count_build(warehouse: Warehouse, site_id: int, number: int, build: int, days: Sequence[date]) -> None:
    """
    Make a build count, whose rows are all written.

    Raises:
        WarehouseUnavailable, WarehouseRefused: claim a build anew.
    """
    _add_builds(warehouse, site_id, number, build, days, base=1)


def remove_totals(warehouse: Warehouse, site_id: int, number: int) -> int:
    """
    Delete what an import brought, and wait until it is gone.

    Returns:
        How many rows of rollups there were.

    Raises:
        WarehouseUnavailable, WarehouseRefused: not all is gone; the same call finishes it.
    """
    parameters = {"site": site_id, "number": number, "origin": IMPORTED}
    ours = "site_id = {site:UInt32} AND origin = {origin:String} AND batch = {number:UInt64}"
    builds = [row[0] for row in warehouse.query(f"SELECT DISTINCT build FROM rollup_builds WHERE {ours}", parameters)]  # noqa: S608 - text of ours
    if not builds:
        return 0
    # Rows first: the builds say which ones are the import's. No question reads a day half gone: it is one statement
    # a table, and what has no build is not read.
    made = "site_id = {site:UInt32} AND origin = {origin:String} AND build IN {builds:Array(UInt64)}"
    named = {"site": site_id, "origin": IMPORTED, "builds": builds}
    rows = int(warehouse.query(f"SELECT count() FROM rollups WHERE {made}", named)[0][0])  # noqa: S608 - text of ours
    warehouse.command(f"ALTER TABLE rollups DELETE WHERE {made} SETTINGS mutations_sync = 2", named)
    warehouse.command(f"ALTER TABLE rollup_builds DELETE WHERE {ours} SETTINGS mutations_sync = 2", parameters)
    return rows


def _add_builds(
    warehouse: Warehouse, site_id: int, number: int, build: int, days: Sequence[date], *, base: int
) -> None:
    # More than this at once would be one build counting for some of its days only, between two statements.
    for start in range(0, len(days), DAYS_AT_ONCE):
        some = days[start : start + DAYS_AT_ONCE]
        warehouse.insert(
            "rollup_builds",
            {
                "site_id": [site_id] * len(some),
                "day": some,
                "origin": [IMPORTED] * len(some),
                "build": [build] * len(some),
                "base": [base] * len(some),
                "batch": [number] * len(some),
                "batches": [[] for _ in some],
                "goals": [[] for _ in some],
            },
        )


_DAY_0 = date(1970, 1, 1).toordinal()
