"""
The list of builds: which of them count for a day, and what each of them holds.
"""

# ruff: noqa: S608 - the texts put in are names of our tables and a subquery of ours; every value is a parameter.

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dashboard.stats.closed import NATIVE
from warehouse.batches import DRAIN_BATCHES_BELOW
from warehouse.client import Warehouse
from warehouse.clock import Clock

DAY_MIN, DAY_MAX = date(1970, 1, 1), date(2149, 6, 6)
"""The days that the engine's dates reach."""
BUILD_CHANCE_BITS = 20
"""A build's number is the time it began, in epoch milliseconds, with so many bits of chance below."""
ROLLUP_TABLES = ("rollups", "rollup_overlaps", "rollup_builds")

_COUNTING = """
SELECT day, arrayJoin(arrayFilter(one -> one >= whole, builds)) FROM (
    SELECT day, origin, groupUniqArray(build) AS builds, maxIf(build, base = 1) AS whole FROM rollup_builds
    WHERE site_id = {site:UInt32} GROUP BY day, origin)
"""
"""Of each day the newest whole build, and what was added after it. Numbers are a site's own, whatever the origin."""


@dataclass(frozen=True, slots=True)
class DayBuild:
    """
    One build of one day.

    Attributes:
        base: it holds the whole day, and replaces what was there; else it is added.
        batch: the newest batch of the drain in a whole build; of an addition, the batch it holds.
        batches: the other batches in a whole build (imports), each by number.
        goals: the keys of the goals it holds numbers of.
    """

    day: date
    build: int
    base: bool
    batch: int = 0
    batches: tuple[int, ...] = ()
    goals: tuple[str, ...] = ()
    origin: str = NATIVE

    def holds(self, batch: int) -> bool:
        """
        Tell whether the numbers of a batch are in it.
        """
        if not self.base:
            return self.batch == batch
        return batch in self.batches if batch >= DRAIN_BATCHES_BELOW else batch <= self.batch


def counting_builds(warehouse: Warehouse, site_id: int, first: date, last: date) -> list[DayBuild]:
    """
    List the builds that count, by day and number: of each day the newest whole one and what came after it.
    """
    rows = warehouse.query(
        "SELECT day, build, base, batch, batches, goals, origin FROM rollup_builds"
        " WHERE site_id = {site:UInt32} AND day BETWEEN {first:Date} AND {last:Date} AND origin = {origin:String}"
        f" AND (day, build) IN ({_COUNTING})"
        " ORDER BY day, build",
        {"site": site_id, "first": first, "last": last, "origin": NATIVE},
    )
    return [
        DayBuild(day, int(build), bool(base), int(batch), tuple(batches), tuple(goals), str(origin))
        for day, build, base, batch, batches, goals, origin in rows
    ]


def next_build(warehouse: Warehouse, clock: Clock, site_id: int) -> int:
    """
    Give a number that is higher than every one that counts, and that no unfinished build has: by the time in
    milliseconds, with bits of chance below it.
    """
    newest = warehouse.query("SELECT max(build) FROM rollup_builds WHERE site_id = {site:UInt32}", {"site": site_id})[
        0
    ][0]
    return max(int(newest) + 1, (clock.now_ms() << BUILD_CHANCE_BITS) + secrets.randbelow(1 << BUILD_CHANCE_BITS))


def write_builds(warehouse: Warehouse, site_id: int, builds: Sequence[DayBuild]) -> None:
    """
    Make finished builds count.
    """
    if not builds:
        return
    warehouse.insert(
        "rollup_builds",
        {
            "site_id": [site_id] * len(builds),
            "day": [build.day for build in builds],
            "origin": [build.origin for build in builds],
            "build": [build.build for build in builds],
            "base": [int(build.base) for build in builds],
            "batch": [build.batch for build in builds],
            "batches": [list(build.batches) for build in builds],
            "goals": [list(build.goals) for build in builds],
        },
    )


def sweep_builds(warehouse: Warehouse, site_id: int) -> None:
    """
    Delete what no longer counts, or never did: replaced builds, and rows of builds that were cut short.
    """
    parameters = {"site": site_id}
    for table in ROLLUP_TABLES:
        stale = f"site_id = {{site:UInt32}} AND (day, build) NOT IN ({_COUNTING})"
        if warehouse.query(f"SELECT 1 FROM {table} WHERE {stale} LIMIT 1", parameters):
            warehouse.command(f"DELETE FROM {table} WHERE {stale}", parameters)


def built_days(warehouse: Warehouse, site_id: int) -> set[date]:
    """
    List the days that have a whole build.
    """
    rows = warehouse.query(
        "SELECT DISTINCT day FROM rollup_builds"
        " WHERE site_id = {site:UInt32} AND origin = {origin:String} AND base = 1",
        {"site": site_id, "origin": NATIVE},
    )
    return {row[0] for row in rows}


def newest_day(warehouse: Warehouse) -> date:
    """
    Tell the latest day that any site has a whole build of; 1970-01-01 when there is none.
    """
    found: date = warehouse.query("SELECT max(day) FROM rollup_builds WHERE base = 1")[0][0]
    return found
