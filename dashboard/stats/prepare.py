"""
A question made ready: checked, bounded by its period, and what of the rollups answers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from dashboard.context import Context
from dashboard.stats.check import checked
from dashboard.stats.closed import closed_days, first_counted_day, has_overlaps
from dashboard.stats.dimensions import Dimension
from dashboard.stats.gate import Gate
from dashboard.stats.imported import imported_days, imported_totals
from dashboard.stats.meeting import folds_afterwards
from dashboard.stats.metrics import REVENUE_METRICS
from dashboard.stats.noise import Noise
from dashboard.stats.period import Period, PeriodError, resolve
from dashboard.stats.query import FilterTree, ImportsMeta, QueryError, StatsQuery, Viewer
from dashboard.stats.reports import Report, find_report
from dashboard.stats.sql import Question
from warehouse.registry.goals import Goal
from warehouse.registry.sites import Site


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    Everything that is known before the store counts.

    Attributes:
        question: what its rows are asked by.
        judging: what who fits its filters is judged by.
    """

    gate: Gate
    asked: StatsQuery
    dimensions: tuple[Dimension, ...]
    period: Period
    goals: Sequence[Goal]
    imports: ImportsMeta
    question: Question
    judging: Question


def prepare(context: Context, site: Site, query: StatsQuery, viewer: Viewer) -> Prepared:
    """
    Make a question ready.

    Raises:
        QueryError: the question is wrong; show the text.
        QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    gate = site_gate(context, site, query.filters, viewer)
    period = _period(context, site, query)
    if gate.judges():
        period = period.by_hours()
    goals = context.registry.goals.all(site.id)
    asked, dimensions = checked(query, period, goals)
    folded = gate.folds(dimensions)
    report = _report(asked, dimensions, folded, goals)
    by_goal = goals if report is not None and report.by_goal else None
    closed = closed_days(context.memory, context.warehouse, context.clock, site.id, period, by_goal)
    imported, imports = imported_totals(
        *(context.memory, context.warehouse, context.clock, site.id, asked, period, dimensions, goals)
    )
    question = Question(
        *(site.id, period, asked, dimensions, goals, folded, site.k, report, closed, False, imported),
        blurs=gate.blurs,
    )
    if any(folded) and closed is not None and report is not None and not folds_afterwards(question):
        question.overlapping = has_overlaps(context.memory, context.warehouse, site.id, report, closed)
    judging = Question(site.id, period, asked, dimensions, goals, folded, site.k, None, closed, imported=imported)
    return Prepared(gate, asked, dimensions, period, goals, imports, question, judging)


def site_gate(context: Context, site: Site, filters: Sequence[FilterTree], viewer: Viewer) -> Gate:
    """
    Make the gate for questions with these filters.
    """
    gate = Gate(site.k, viewer, filtered=bool(filters))
    return replace(gate, noise=Noise(context.registry.noise_keys.of(site.id))) if gate.blurs else gate


def _period(context: Context, site: Site, query: StatsQuery) -> Period:
    try:
        now_ms = context.clock.now_ms()
        period = resolve(
            *(query.date_range, site.timezone, now_ms),
            today=query.date,
            changes=site.zone_changes,
            whole_calendar=query.whole_calendar,
        )
    except PeriodError as error:
        raise QueryError(f"#/date_range: {error}") from None
    if query.date_range != "all":
        return period
    counted = first_counted_day(context.memory, context.warehouse, context.clock, site.id)
    days = [counted] if counted is not None else []
    if query.imports:
        days += [day for day, _ in imported_days(context.memory, context.warehouse, context.clock, site.id)[:1]]
    return replace(period, first=min([period.first, *days]))


def _report(
    query: StatsQuery, dimensions: Sequence[Dimension], folded: Sequence[bool], goals: Sequence[Goal]
) -> Report | None:
    """
    Find what of the rollups answers a question; None when only rows can.
    """
    if query.filters:
        return None
    report = find_report(dimensions)
    if report is None or (report.by_goal and len({goal.display_name for goal in goals}) < len(goals)):
        return None
    if REVENUE_METRICS & set(query.metrics) and any(
        not one.event_column and not one.by_clock for one in report.dimensions if one.family == "visit"
    ):
        # Entry and exit are counted from visits, which know no amounts.
        return None
    # Of rows that are folded, people in several of them must be known.
    return report if not any(folded) or report.overlaps else None
