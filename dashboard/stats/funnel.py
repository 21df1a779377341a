"""
Funnels: how many visitors reach one goal after the other within a visit.
"""

# ruff: noqa: S608 - texts come from `Scope`; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence

from dashboard.context import Context
from dashboard.stats.answer import answer
from dashboard.stats.filters import row_conditions, visits_of
from dashboard.stats.gate import Cell
from dashboard.stats.noise import cell_hash
from dashboard.stats.period import Period
from dashboard.stats.prepare import site_gate
from dashboard.stats.query import FilterTree, StatsQuery, Value, Viewer
from dashboard.stats.scope import Parameters, Scope
from warehouse.registry.goals import Goal
from warehouse.registry.sites import Site

VISIT_SECONDS_MAX = 2 * 24 * 60 * 60
"""Longer than a visit can be: it ends with its day."""


def funnel_visitors(
    context: Context,
    site: Site,
    period: Period,
    steps: Sequence[Goal],
    filters: tuple[FilterTree, ...],
    viewer: Viewer = Viewer.MEMBER,
) -> list[Value]:
    """
    Count the visitors who reached each step after the ones before it, in the same visit.

    Returns:
        One number per step. None: withheld, because the step, or who did not take it, is fewer than `k` visitors. The
        first step alone is a goal like any other, which signed-in people see in full unless something is filtered.

    Raises:
        QueryError, QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    gate = site_gate(context, site, filters, viewer)
    fitting = answer(context, site, StatsQuery(("visitors",), period, filters=filters), viewer).totals()["visitors"]
    everybody = answer(context, site, StatsQuery(("visitors",), period)).totals()["visitors"]
    if fitting is None or everybody is None:
        return [None] * len(steps)
    parameters = Parameters()
    scrolls = [goal for goal in steps if goal.kind == "scroll"]
    scope = Scope("events", site.id, period, parameters, context.registry.goals.all(site.id), scrolls)
    reached = ", ".join(scope.goal_condition(goal) for goal in steps)
    conditions = [*row_conditions(visits_of(filters), scope), "events.visit_id != 0"]
    visits = (
        "SELECT any(visitor_id) AS who, any(noise_hash) AS bits,"
        f" windowFunnel({VISIT_SECONDS_MAX})(ts, {reached}) AS level"
        f" {scope.source(conditions)} GROUP BY events.visit_id"
    )
    people = f"SELECT who AS visitor_id, bits AS noise_hash, level FROM ({visits})"
    levels = [f"level >= {number}" for number in range(1, len(steps) + 1)]
    columns = [*(f"uniqExactIf(visitor_id, {level})" for level in levels), *(cell_hash(level) for level in levels)]
    found = context.warehouse.query(f"SELECT {', '.join(columns)} FROM ({people})", parameters.values)[0]
    shown: list[Value] = []
    for number, (count, hashed) in enumerate(zip(found[: len(steps)], found[len(steps) :], strict=True)):
        if site.k > 1 and (gate.strict or number) and gate.withholds_total(int(count), int(everybody)):
            shown.append(None)
        else:
            cell = Cell((), (int(count),), int(count), int(hashed))
            shown.append(gate.shown(("visitors",), [cell])[0][0].metrics[0])
    return shown
