"""
Count some days of a site by every report, inside the engine: one INSERT ... SELECT, nothing passes through here.
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
"""Days with fewer events than this together are counted by one statement for all reports, else by one for each."""

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
    wanted = [report for report in reports if site.goals or not report.by_goal]
    together = len(wanted) if rows <= ROWS_AT_ONCE else 1
    for start in range(0, len(wanted), together):
        parameters = Parameters()
        selects = [
            _select(site, period, report, build, parameters, batch) for report in wanted[start : start + together]
        ]
        warehouse.command(
            f"INSERT INTO rollups ({', '.join(_COLUMNS)}) {' UNION ALL '.join(selects)}", parameters.values
        )
    folding = [report for report in wanted if report.overlaps]
    for start in range(0, len(folding), together):
        parameters = Parameters()
        some = folding[start : start + together]
        selects = [_overlaps(site, period, report, build, parameters, batch) for report in some]
        into = "rollup_overlaps (site_id, report, day, build, labels, visitors)"
        warehouse.command(f"INSERT INTO {into} {' UNION ALL '.join(selects)}", parameters.values)


def _select(
    site: RollupSite, period: Period, report: Report, build: int, parameters: Parameters, batch: int | None
) -> str:
    parts = _row_parts(site, period, report, parameters, batch, amounts=True)
    plan = make_plan(report.metrics, parts.dimensions, (), period, cells=True)
    names = [f"f{index}" for index in range(len(parts.dimensions))]
    labels = names[1:]
    day = names[0]
    if any(dimension.by_clock for dimension in report.dimensions):
        # The label of an hour names its day; the day is kept once.
        labels = [f"substring({name}, 12)" for name in labels]
    labels += ["''"] * (LABELS_MAX - len(labels))
    sums = [f"toUInt64(sum({name}))" for name in STORED_PARTS]
    tables = " UNION ALL ".join(parts.select(table, plan) for table in plan.tables)
    values = [
        parameters.add(site.site_id, "UInt32"),
        parameters.add(report.name, "String"),
        day,
        parameters.add(NATIVE, "String"),
        parameters.add(build, "UInt64"),
        *labels,
        *sums,
        "sumMap(amounts)",
        "sumMap(sales)",
    ]
    return f"SELECT {', '.join(values)} FROM ({tables}) GROUP BY {', '.join(names)}"


def _overlaps(
    site: RollupSite, period: Period, report: Report, build: int, parameters: Parameters, batch: int | None
) -> str:
    parts = _row_parts(site, period, report, parameters, batch)
    labels = [f"CAST(d{index + 1}, 'String')" for index in range(len(report.dimensions))]
    labels += ["''"] * (LABELS_MAX - len(labels))
    sets = (
        f"SELECT d0, arraySort(groupUniqArray(({', '.join(labels)}))) AS labels FROM ({parts.rows('visits')})"
        " WHERE visitor_id != 0 GROUP BY d0, visitor_id HAVING length(labels) > 1"
    )
    values = [
        parameters.add(site.site_id, "UInt32"),
        parameters.add(report.name, "String"),
        "d0",
        parameters.add(build, "UInt64"),
        "labels",
        "count()",
    ]
    return f"SELECT {', '.join(values)} FROM ({sets}) GROUP BY d0, labels"


def _row_parts(
    site: RollupSite,
    period: Period,
    report: Report,
    parameters: Parameters,
    batch: int | None,
    *,
    amounts: bool = False,
) -> RowParts:
    dimensions = (DATE, *report.dimensions)
    return RowParts(
        *(site.site_id, period, report.metrics, dimensions, (), site.goals, parameters),
        batch=batch,
        goal_name=goal_key,
        amounts=amounts,
        wanted=STORED_PARTS,
    )
