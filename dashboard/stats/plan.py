"""
Plans: which table each part of a question is counted from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.stats.dimensions import Dimension, known_dimension
from dashboard.stats.filters import asks_events, asks_hostname, leaves
from dashboard.stats.metrics import ENGAGEMENT_METRICS, METRICS, REVENUE_METRICS
from dashboard.stats.period import Period
from dashboard.stats.query import FilterTree
from dashboard.stats.scope import Table


@dataclass(frozen=True, slots=True)
class Plan:
    """
    How a question is counted.

    Attributes:
        people: where visitors and visits are counted, and small cells judged.
        counts: where pageviews and events are counted.
        tables: what must be read, the people's table first.
    """

    people: Table
    counts: Table
    tables: tuple[Table, ...]


def make_plan(
    metrics: Sequence[str],
    dimensions: Sequence[Dimension],
    filters: Sequence[FilterTree],
    period: Period,
    *,
    cells: bool,
) -> Plan:
    """
    Choose the tables.

    Args:
        cells: the number of visitors of each row is needed, whatever the metrics are.
    """
    about_events = any(dimension.family == "event" for dimension in dimensions)
    about_events = about_events or any(asks_events(tree) for tree in filters)
    by_visit = any(dimension.family == "visit" for dimension in dimensions)
    # A filter on the hostname with a visit dimension asks for visits that entered there; alone, for its events.
    hostname = any(asks_hostname(tree) for tree in filters)
    people: Table = "events" if about_events or (hostname and not by_visit) else "visits"
    counts: Table = "events"
    by_clock = period.start is not None or any(dimension.by_clock for dimension in dimensions)
    if not about_events and not hostname and not by_clock and _asks_edges(dimensions, filters):
        # Entry and exit are known to visits only: their own counts save a join.
        counts = "visits"
    needed: list[Table] = [people] if cells else []
    for name in metrics:
        counted = METRICS[name].counted
        if counted == "people":
            needed.append(people)
        elif counted == "visit":
            needed.append("visits")
        else:
            needed.append("events" if name in ENGAGEMENT_METRICS | REVENUE_METRICS else counts)
    return Plan(people, counts, tuple(dict.fromkeys(sorted(needed, key=lambda table: table != people))))


def _asks_edges(dimensions: Sequence[Dimension], filters: Sequence[FilterTree]) -> bool:
    asked = [*dimensions, *(known_dimension(leaf.dimension) for tree in filters for leaf in leaves(tree))]
    return any(dimension.family == "visit" and not dimension.event_column for dimension in asked)
