"""
Journeys: what people did right before and right after they saw a page, within a visit.
"""

# ruff: noqa: S608 - texts come from `Scope`; every value is a parameter.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.context import Context
from dashboard.stats.answer import answer
from dashboard.stats.dimensions import OTHER
from dashboard.stats.filters import row_conditions, visits_of
from dashboard.stats.gate import Cell, Gate
from dashboard.stats.noise import cell_hash
from dashboard.stats.period import Period
from dashboard.stats.prepare import site_gate
from dashboard.stats.query import Filter, FilterTree, StatsQuery, Value, Viewer, VisitFilter
from dashboard.stats.scope import Parameters, Scope
from warehouse.registry.sites import Site

STEPS_MAX = 1_000
"""Most different steps of one direction; they are sorted, so what is cut off is the rarest."""
EDGE = ""
"""Instead of a step: the visit began or ended here."""


@dataclass(frozen=True, slots=True)
class Step:
    """
    What was done next to a page.

    Attributes:
        kind: `page`, `event`, `edge` (the visit's beginning or end) or `other` (steps of too few visitors together).
        name: the path or the event's name; empty for the other two.
        visitors: None when withheld.
    """

    kind: str
    name: str
    visitors: Value


@dataclass(frozen=True, slots=True)
class Journey:
    """
    The steps around one page, most visitors first. Everything is withheld where the page has too few visitors.
    """

    page: str
    visitors: Value
    before: tuple[Step, ...]
    after: tuple[Step, ...]


def journey(
    context: Context,
    site: Site,
    period: Period,
    page: str,
    filters: tuple[FilterTree, ...],
    viewer: Viewer = Viewer.MEMBER,
) -> Journey:
    """
    Count the visitors by what they did right before and right after a page; a reload is no step.

    It is a question about the visitors of one page, so rows are folded and judged like those of any filtered question.

    Raises:
        QueryError, QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    seen = Filter("is", "event:page", (page,))
    chosen = (*visits_of(filters), VisitFilter("has_done", seen))
    visitors = answer(context, site, StatsQuery(("visitors",), period, filters=chosen), viewer).totals()["visitors"]
    if visitors is None:
        return Journey(page, None, (), ())
    gate = site_gate(context, site, chosen, viewer)
    before = _steps(context, site, period, page, chosen, gate, -1)
    return Journey(page, visitors, before, _steps(context, site, period, page, chosen, gate, 1))


def _steps(
    context: Context, site: Site, period: Period, page: str, chosen: Sequence[FilterTree], gate: Gate, way: int
) -> tuple[Step, ...]:
    parameters = Parameters()
    scope = Scope("events", site.id, period, parameters, context.registry.goals.all(site.id))
    conditions = row_conditions(chosen, scope)
    middle = parameters.add(page, "String")
    # A kind in front tells an event from a page of the same name.
    done = "if(name = 'pageview', concat('p', pathname), concat('e', CAST(name, 'String')))"
    paths = (
        "SELECT any(visitor_id) AS who, any(noise_hash) AS bits,"
        f" arrayCompact(arrayMap(one -> one.3, arraySort(groupArray((ts, seq, {done})))))"
        f" AS path {scope.source(conditions)} GROUP BY events.visit_id"
    )
    beside = (
        f"arrayDistinct(arrayMap(at -> if(at + {way} BETWEEN 1 AND length(path), path[at + {way}], '{EDGE}'),"
        f" arrayFilter(at -> path[at] = concat('p', {middle}), arrayEnumerate(path))))"
    )
    rows = f"SELECT who AS visitor_id, bits AS noise_hash, arrayJoin({beside}) AS step FROM ({paths})"
    label = "step"
    if gate.strict:
        least = parameters.add(site.k, "UInt32")
        big = f"SELECT step FROM ({rows}) GROUP BY step HAVING uniqExact(visitor_id) >= {least}"
        label = f"if(step IN ({big}), step, 'o')"
    found = context.warehouse.query(
        f"SELECT {label} AS shown, uniqExact(visitor_id) AS people, {cell_hash('1')} AS hashed FROM ({rows})"
        " GROUP BY shown"
        f" ORDER BY shown = 'o', people DESC, shown LIMIT {parameters.add(STEPS_MAX, 'UInt32')}",
        parameters.values,
    )
    cells = [
        Cell((OTHER if shown == "o" else str(shown),), (int(people),), int(people), int(hashed))
        for shown, people, hashed in found
    ]
    return tuple(_step(row.dimensions[0], row.metrics[0]) for row in gate.shown(("visitors",), cells)[0])


def _step(label: str, visitors: Value) -> Step:
    if label == OTHER:
        return Step("other", "", visitors)
    if label == EDGE:
        return Step("edge", "", visitors)
    return Step("page" if label[0] == "p" else "event", label[1:], visitors)
