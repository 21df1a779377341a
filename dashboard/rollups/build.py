"""
Count days that are over and write down what they came to, under a build of their own.

A build counts when its row in `rollup_builds` is there: rows are written first, and rows of a build that a crash cut
short are never read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date, timedelta

from dashboard.rollups.builds import DAY_MAX, DAY_MIN, DayBuild, counting_builds, next_build, write_builds
from dashboard.rollups.count import RollupSite, count_reports
from dashboard.stats.goals import goal_key
from dashboard.stats.period import Period
from dashboard.stats.reports import GOAL, REPORTS
from warehouse.batches import DRAIN_BATCHES_BELOW
from warehouse.client import Warehouse
from warehouse.clock import Clock

STRETCH_ROWS_MAX = 20_000_000
STRETCH_DAYS_MAX = 31
"""Most events and days that one round counts; a round's rows are in memory by label."""
TRIES = 3
"""The last time of counting a day that things keep coming for, nobody else writes."""
Resting = AbstractContextManager[object]
Held = tuple[int, int, tuple[int, ...]]
"""Of a day: its events, the newest batch of the drain, and the other batches."""


def build_days(
    warehouse: Warehouse, clock: Clock, site: RollupSite, first: date, last: date, resting: Resting | None = None
) -> int:
    """
    Count whole days from events and visits, and put the result in the place of what was there, whose rows stay until
    `sweep_builds`: a question that is being answered may still read them.

    Args:
        resting: held by whoever writes rows. It is not held while days are counted: what came meanwhile is noticed,
            and the days are counted again.

    Returns:
        How many days were built; days without an event too, so that nobody looks for rows of theirs again.

    Raises:
        WarehouseUnavailable, WarehouseRefused: days done before it stay; the same call goes on.
    """
    resting = nullcontext() if resting is None else resting
    with resting:
        sizes = {day: int(rows) for day, (rows, _, _) in _held(warehouse, site, first, last).items()}
    day = first
    while day <= last:
        begin, rows = day, 0
        zone = site.days.zone_of(begin)  # hours are labelled by the zone of their day
        while (
            day <= last
            and (day - begin).days < STRETCH_DAYS_MAX
            and rows <= STRETCH_ROWS_MAX
            and site.days.zone_of(day) == zone
        ):
            rows += sizes.get(day, 0)
            day += timedelta(days=1)
        end = day - timedelta(days=1)
        for attempt in range(1, TRIES + 1):
            with resting:
                held = _held(warehouse, site, begin, end)
                if attempt == TRIES:
                    write_builds(warehouse, site.site_id, _counted(warehouse, clock, site, begin, end, held))
                    break
            builds = _counted(warehouse, clock, site, begin, end, held)
            with resting:
                if held == _held(warehouse, site, begin, end):
                    write_builds(warehouse, site.site_id, builds)
                    break
    return (last - first).days + 1


def add_batch(warehouse: Warehouse, clock: Clock, site: RollupSite, batch: int, brought: Sequence[date]) -> list[date]:
    """
    Add what one batch brought for days that are built already. Calling it again adds nothing.

    Args:
        brought: the days of the batch's rows.

    Returns:
        Days that could not be added to, for somebody in the batch was there before: build those anew.

    Raises:
        WarehouseUnavailable, WarehouseRefused: call it again.
    """
    found = warehouse.query(
        "SELECT DISTINCT day FROM rollup_builds WHERE site_id = {site:UInt32} AND base = 1"
        " AND has({days:Array(Date)}, day) ORDER BY day",
        {"site": site.site_id, "days": list(brought)},
    )
    days: list[date] = [row[0] for row in found]
    if not days:
        return []
    refused: list[date] = []
    builds: dict[date, list[DayBuild]] = {}
    for one in counting_builds(warehouse, site.site_id, days[0], days[-1]):
        builds.setdefault(one.day, []).append(one)
    build = next_build(warehouse, clock, site.site_id)
    added: list[DayBuild] = []
    for day in days:
        if any(one.holds(batch) for one in builds[day]):
            continue
        if _known_visitors(warehouse, site, day, batch):
            refused.append(day)
            continue
        kept = {key for one in builds[day] for key in one.goals}
        goals = tuple(goal for goal in site.goals if goal_key(goal) in kept)
        here = RollupSite(site.site_id, site.days, goals)
        count_reports(warehouse, here, _period(site, day, day), REPORTS, build, batch=batch)
        added.append(DayBuild(day, build, base=False, batch=batch, goals=here.goal_keys))
    write_builds(warehouse, site.site_id, added)
    return refused


def changed_days(warehouse: Warehouse, site: RollupSite) -> list[date]:
    """
    List built days that hold batches that were not counted: imported while nobody was there to be told.
    """
    counted: dict[date, tuple[int, set[int]]] = {}
    for one in counting_builds(warehouse, site.site_id, DAY_MIN, DAY_MAX):
        newest, others = counted.get(one.day, (0, set()))
        drained = one.batch if one.batch < DRAIN_BATCHES_BELOW else 0
        counted[one.day] = (max(newest, drained), others | set(one.batches) | {one.batch} - {drained})
    if not counted:
        return []
    held = _held(warehouse, site, min(counted), max(counted))
    found: list[date] = []
    for day, (newest, others) in counted.items():
        _, drained, others_now = held.get(day, (0, 0, ()))
        # Rows that were deleted because they are old leave their numbers behind: only what is new counts here.
        if drained > newest or set(others_now) - others:
            found.append(day)
    return found


def add_goals(warehouse: Warehouse, clock: Clock, site: RollupSite) -> int:
    """
    Fill goals that are new into days that are built already.

    Returns:
        How many days were filled.

    Raises:
        WarehouseUnavailable, WarehouseRefused: call it again; nothing is filled twice.
    """
    report = next(one for one in REPORTS if one.name == GOAL)
    lacking: dict[frozenset[str], list[date]] = {}
    kept: dict[date, set[str]] = {}
    for one in counting_builds(warehouse, site.site_id, DAY_MIN, DAY_MAX):
        kept.setdefault(one.day, set()).update(one.goals)
    for day, keys in kept.items():
        missing = frozenset(site.goal_keys) - keys
        if missing:
            lacking.setdefault(missing, []).append(day)
    for missing, days in lacking.items():
        goals = tuple(goal for goal in site.goals if goal_key(goal) in missing)
        here = RollupSite(site.site_id, site.days, goals)
        for first, last in _stretches(days):
            build = next_build(warehouse, clock, site.site_id)
            count_reports(warehouse, here, _period(site, first, last), (report,), build)
            whole = [first + timedelta(days=number) for number in range((last - first).days + 1)]
            write_builds(
                warehouse, site.site_id, [DayBuild(one, build, base=False, goals=here.goal_keys) for one in whole]
            )
    return sum(map(len, lacking.values()))


def _counted(
    warehouse: Warehouse, clock: Clock, site: RollupSite, first: date, last: date, held: Mapping[date, Held]
) -> list[DayBuild]:
    build = next_build(warehouse, clock, site.site_id)
    rows = sum(int(rows) for rows, _, _ in held.values())
    if rows:
        count_reports(warehouse, site, _period(site, first, last), REPORTS, build, rows=rows)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = [(day, *held.get(day, (0, 0, ()))) for day in days]
    return [
        DayBuild(day, build, base=True, batch=newest, batches=others, goals=site.goal_keys)
        for day, _, newest, others in found
    ]


def _held(warehouse: Warehouse, site: RollupSite, first: date, last: date) -> dict[date, Held]:
    rows = warehouse.query(
        "SELECT day, count(), maxIf(batch, batch < {below:UInt64}),"
        " arraySort(groupUniqArrayIf(batch, batch >= {below:UInt64})) FROM events"
        " WHERE site_id = {site:UInt32} AND day BETWEEN {first:Date} AND {last:Date} GROUP BY day",
        {"site": site.site_id, "first": first, "last": last, "below": DRAIN_BATCHES_BELOW},
    )
    return {day: (int(count), int(newest), tuple(others)) for day, count, newest, others in rows}


def _known_visitors(warehouse: Warehouse, site: RollupSite, day: date, batch: int) -> bool:
    """
    Tell whether somebody of a batch was there that day in another one.
    """
    return bool(
        warehouse.query(
            "SELECT 1 FROM events WHERE site_id = {site:UInt32} AND day = {day:Date} AND batch != {batch:UInt64}"
            " AND visitor_id != 0 AND visitor_id IN (SELECT visitor_id FROM events"
            "  WHERE site_id = {site:UInt32} AND day = {day:Date} AND batch = {batch:UInt64}) LIMIT 1",
            {"site": site.site_id, "day": day, "batch": batch},
        )
    )


def _period(site: RollupSite, first: date, last: date) -> Period:
    return Period("custom", site.days.zone_of(first), first, last)


def _stretches(days: Sequence[date]) -> list[tuple[date, date]]:
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and day - found[-1][1] == timedelta(days=1) and (day - found[-1][0]).days < STRETCH_DAYS_MAX:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
