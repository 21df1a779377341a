"""
Daily totals taken over from another service: whether a question can have them, and what of them answers it.

They are kept by day and by one report each, so an hour of the day, a property, or a filter on something the report does
not tell finds nothing in them; then the answer has what was counted here alone, and says why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from dashboard.stats.closed import ClosedDays
from dashboard.stats.dimensions import DIMENSIONS, Dimension, known_dimension
from dashboard.stats.filters import leaves
from dashboard.stats.memory import Memory
from dashboard.stats.period import Period
from dashboard.stats.query import FilterGroup, FilterTree, ImportsMeta, StatsQuery, VisitFilter
from dashboard.stats.reports import GOAL, TOTAL, Report, find_report
from warehouse.client import Warehouse
from warehouse.clock import Clock
from warehouse.imported_totals import IMPORTED
from warehouse.registry.goals import Goal

NO_DATA = ImportsMeta(skipped="no_imported_data")
OUT_OF_RANGE = ImportsMeta(skipped="out_of_range")
UNSUPPORTED_INTERVAL = ImportsMeta(
    skipped="unsupported_interval",
    warning="Imported stats are not included because the time dimension (i.e. the interval) is too short.",
)
UNSUPPORTED_QUERY = ImportsMeta(
    skipped="unsupported_query",
    warning="Imported stats are not included in the results because query parameters are not supported."
    " They are daily totals by one dimension, or by few that belong together.",
)
"""Names of the reasons: the stats API's documentation, `meta.imports_skip_reason`."""

_NOT_IN_EXPORTS = frozenset({"visit:entry_page_hostname", "visit:exit_page_hostname"})


@dataclass(frozen=True, slots=True)
class ImportedTotals:
    """
    Rows of rollups to add to an answer.

    Attributes:
        report: what they are kept by; for a question about goals the names of events, or the pages.
        days: the builds that count; with names of goals where the question is about goals.
    """

    report: Report
    days: ClosedDays


def imported_totals(
    memory: Memory,
    warehouse: Warehouse,
    clock: Clock,
    site_id: int,
    query: StatsQuery,
    period: Period,
    dimensions: Sequence[Dimension],
    goals: Sequence[Goal],
) -> tuple[tuple[ImportedTotals, ...], ImportsMeta]:
    """
    Find what of the imported totals belongs into an answer, and what the answer says about them.

    Raises:
        WarehouseUnavailable: ask again later.
    """
    if not query.imports:
        return (), ImportsMeta()
    known = imported_days(memory, warehouse, clock, site_id)
    inside = [(day, build) for day, build in known if period.first <= day <= period.last]
    if not inside:
        return (), OUT_OF_RANGE if known else NO_DATA
    if period.start is not None or any(dimension.by_clock for dimension in dimensions):
        return (), UNSUPPORTED_INTERVAL
    days = _closed(inside)
    reports = _filtered_report(dimensions, query.filters) if query.filters else _reports(dimensions, goals)
    if not reports:
        return (), UNSUPPORTED_QUERY
    return tuple(
        ImportedTotals(report, ClosedDays(days.first, days.last, days.builds, days.pairs, (), names))
        for report, names in reports
    ), ImportsMeta(included=True)


def imported_days(memory: Memory, warehouse: Warehouse, clock: Clock, site_id: int) -> tuple[tuple[date, int], ...]:
    """
    List the days that totals were taken over for, oldest first, each with the build that counts.
    """

    def read() -> tuple[tuple[date, int], ...]:
        rows = warehouse.query(
            "SELECT day, max(build) FROM rollup_builds WHERE site_id = {site:UInt32} AND origin = {origin:String}"
            " AND base = 1 GROUP BY day ORDER BY day",
            {"site": site_id, "origin": IMPORTED},
        )
        return tuple((day, int(build)) for day, build in rows)

    return memory.fact(warehouse, clock, ("rollup_builds",), ("imported", site_id), read)


def total_of(totals: Sequence[ImportedTotals]) -> ImportedTotals | None:
    """
    The same days without any dimension: what shares and rates are measured against.
    """
    if not totals:
        return None
    days = totals[0].days
    return ImportedTotals(TOTAL, ClosedDays(days.first, days.last, days.builds, days.pairs, ()))


def _closed(days: Sequence[tuple[date, int]]) -> ClosedDays:
    # A build may count for some of its days only, after a crash between two imports: days are named one by one.
    return ClosedDays(days[0][0], days[-1][0], tuple(sorted({build for _, build in days})), tuple(days), ())


def _filtered_report(
    dimensions: Sequence[Dimension], filters: Sequence[FilterTree]
) -> list[tuple[Report, Mapping[str, str] | None]]:
    asked: dict[str, Dimension] = {dimension.name: dimension for dimension in dimensions}
    for tree in filters:
        if _asks_visits_apart(tree):
            return []
        for leaf in leaves(tree):
            found = known_dimension(leaf.dimension)
            if found.prop or found.name == GOAL:
                return []
            asked[found.name] = found
    return [] if GOAL in asked else _reports(tuple(asked.values()), ())


def _asks_visits_apart(tree: FilterTree) -> bool:
    if isinstance(tree, FilterGroup):
        return any(_asks_visits_apart(inner) for inner in tree.filters)
    return isinstance(tree, VisitFilter)


def _reports(dimensions: Sequence[Dimension], goals: Sequence[Goal]) -> list[tuple[Report, Mapping[str, str] | None]]:
    names = {dimension.name for dimension in dimensions}
    if names & _NOT_IN_EXPORTS or any(dimension.prop for dimension in dimensions):
        return []
    if GOAL not in names:
        report = find_report(dimensions)
        return [] if report is None else [(report, None)]
    if any(dimension.family != "time" and dimension.name != GOAL for dimension in dimensions):
        return []
    plain = [goal for goal in goals if not goal.custom_props]
    events = {goal.event_name or "": goal.display_name for goal in plain if goal.kind == "event"}
    pages = {
        goal.page_path or "": goal.display_name
        for goal in plain
        if goal.kind == "page" and "*" not in (goal.page_path or "")
    }
    found: list[tuple[Report, Mapping[str, str] | None]] = []
    if events:
        found.append((Report("event:name", (DIMENSIONS[GOAL],)), events))
    if pages:
        found.append((Report("event:page", (DIMENSIONS[GOAL],)), pages))
    return found
