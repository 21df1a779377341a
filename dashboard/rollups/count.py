"""
Count some days of a site by every report, inside the engine: INSERT ... SELECT, nothing passes through here.

Most reports are about attributes of visits: those are read once and added up by each report's labels (GROUPING SETS).
"""

# ruff: noqa: S608 - texts come from the registries of dimensions and metrics; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.stats.closed import NATIVE
from dashboard.stats.goals import goal_key
from dashboard.stats.parts import STORED_PARTS, RowParts
from dashboard.stats.period import Period
from dashboard.stats.plan import make_plan
from dashboard.stats.reports import LABELS_MAX, Report
from dashboard.stats.scope import DATE, Parameters
from warehouse.client import Warehouse
from warehouse.registry.goals import Goal
from warehouse.site_days import SiteDays

ROWS_AT_ONCE = 200_000
"""Days with fewer events than this together are counted by one statement, else by one for each bundle of reports."""

_LABELS = tuple(f"label{number}" for number in range(1, LABELS_MAX + 1))
_COLUMNS = ("site_id", "report", "day", "origin", "build", *_LABELS, *STORED_PARTS, "amounts", "sales")


@dataclass(frozen=True, slots=True)
class RollupSite:
    """
    What of a site is needed to count its days.
    """

    site_id: int
    days: SiteDays
    goals: tuple[Goal, ...]

    @property
    def goal_keys(self) -> tuple[str, ...]:
        return tuple(goal_key(goal) for goal in self.goals)


def count_reports(
    warehouse: Warehouse,
    site: RollupSite,
    period: Period,
    reports: Sequence[Report],
    build: int,
    *,
    batch: int | None = None,
    rows: int = 0,
) -> None:
    """
    Write the rows of a build.

    Args:
        batch: only what came in this batch, if not everything.
        rows: how many events there are, if they are many.
    """
    bundles = _bundles([report for report in reports if site.goals or not report.by_goal])
    together = len(bundles) if rows <= ROWS_AT_ONCE else 1
    for start in range(0, len(bundles), together):
        parameters = Parameters()
        selects = [
            _select(site, period, bundle, build, parameters, batch) for bundle in bundles[start : start + together]
        ]
        warehouse.command(
            f"INSERT INTO rollups ({', '.join(_COLUMNS)}) {' UNION ALL '.join(selects)}", parameters.values
        )
    folding = [report for report in reports if report.overlaps]
    if folding:
        parameters = Parameters()
        select = _overlaps(site, period, folding, build, parameters, batch)
        warehouse.command(
            f"INSERT INTO rollup_overlaps (site_id, report, day, build, labels, visitors) {select}", parameters.values
        )


def _bundles(reports: Sequence[Report]) -> list[list[Report]]:
    """
    Put reports together whose rows can be read at once: about attributes of visits, and about their entries and exits.
    The others read other rows each.
    """
    bundles: dict[object, list[Report]] = {}
    for report in reports:
        key: object = report.name
        if report.dimensions and all(dimension.family == "visit" for dimension in report.dimensions):
            known_to_events = {bool(dimension.event_column) for dimension in report.dimensions}
            key = known_to_events.pop() if len(known_to_events) == 1 else key
        bundles.setdefault(key, []).append(report)
    return list(bundles.values())


def _select(
    site: RollupSite, period: Period, bundle: Sequence[Report], build: int, parameters: Parameters, batch: int | None
) -> str:
    parts = _row_parts(site, period, bundle, parameters, batch, amounts=True)
    plan = make_plan(parts.metrics, parts.dimensions, (), period, cells=True)
    places = [[parts.dimensions.index(dimension) for dimension in report.dimensions] for report in bundle]
    names = [f"f{index}" for index in range(len(parts.dimensions))]
    if len(bundle) == 1:
        tables = " UNION ALL ".join(parts.select(table, plan) for table in plan.tables)
        report, keys = parameters.add(bundle[0].name, "String"), names
        labels = names[1:]
        if any(dimension.by_clock for dimension in bundle[0].dimensions):
            # The label of an hour names its day; the day is kept once.
            labels = [f"substring({name}, 12)" for name in labels]
        labels += ["''"] * (LABELS_MAX - len(labels))
    else:
        sets = [[0, *places_of] for places_of in places]
        tables = " UNION ALL ".join(parts.select(table, plan, sets=sets) for table in plan.tables)
        keys = ["chosen", *names]
        report = f"{parameters.add([one.name for one in bundle], 'Array(String)')}[chosen]"
        labels = []
        for at in range(LABELS_MAX):
            # The place of each report's label among the names, 0 where it has none: the engine counts from 1.
            where = [places_of[at] if at < len(places_of) else 0 for places_of in places]
            labels.append(f"['', {', '.join(names[1:])}][1 + {where}[chosen]]")
    values = [
        parameters.add(site.site_id, "UInt32"),
        report,
        names[0],
        parameters.add(NATIVE, "String"),
        parameters.add(build, "UInt64"),
        *labels,
        *(f"toUInt64(sum({name}))" for name in STORED_PARTS),
        "sumMap(amounts)",
        "sumMap(sales)",
    ]
    return f"SELECT {', '.join(values)} FROM ({tables}) GROUP BY {', '.join(keys)}"


def _overlaps(
    site: RollupSite, period: Period, reports: Sequence[Report], build: int, parameters: Parameters, batch: int | None
) -> str:
    parts = _row_parts(site, period, reports, parameters, batch)
    sets: list[str] = []
    for report in reports:
        labels = [f"d{parts.dimensions.index(dimension)}" for dimension in report.dimensions]
        labels = [f"CAST({label}, 'String')" for label in labels] + ["''"] * (LABELS_MAX - len(labels))
        sets.append(f"({parameters.add(report.name, 'String')}, arraySort(groupUniqArray(({', '.join(labels)}))))")
    # Only who made several visits can be in several rows.
    visitors = (
        f"SELECT d0, arrayJoin(arrayFilter(one -> length(one.2) > 1, [{', '.join(sets)}])) AS found"
        f" FROM ({parts.rows('visits')}) WHERE visitor_id != 0 GROUP BY d0, visitor_id HAVING count() > 1"
    )
    values = [
        parameters.add(site.site_id, "UInt32"),
        "found.1 AS report",
        "d0",
        parameters.add(build, "UInt64"),
        "found.2 AS labels",
        "count()",
    ]
    return f"SELECT {', '.join(values)} FROM ({visitors}) GROUP BY report, d0, labels"


def _row_parts(
    site: RollupSite,
    period: Period,
    reports: Sequence[Report],
    parameters: Parameters,
    batch: int | None,
    *,
    amounts: bool = False,
) -> RowParts:
    # Reports that are read together have the same metrics.
    dimensions = (DATE, *dict.fromkeys(dimension for report in reports for dimension in report.dimensions))
    return RowParts(
        *(site.site_id, period, reports[0].metrics, dimensions, (), site.goals, parameters),
        batch=batch,
        goal_name=goal_key,
        amounts=amounts,
        wanted=STORED_PARTS,
    )
