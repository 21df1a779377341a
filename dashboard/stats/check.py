"""
Which metrics, dimensions and filters go together. Texts as the stats API's, so that its clients understand them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dashboard.stats.dimensions import Dimension, find_dimension
from dashboard.stats.filters import leaves
from dashboard.stats.goals import goals_named
from dashboard.stats.metrics import METRICS
from dashboard.stats.period import INTERVALS, Period
from dashboard.stats.query import ROWS_MAX, FilterGroup, FilterTree, QueryError, StatsQuery, VisitFilter
from warehouse.registry.goals import Goal

DOCS = "https://plausible.io/docs/stats-api"
"""Where clients of the stats API find it described; their texts name it."""
DIMENSIONS_MAX = 4
"""Most dimensions of one question: rows multiply with each."""


def checked(query: StatsQuery, period: Period, goals: Sequence[Goal]) -> tuple[StatsQuery, tuple[Dimension, ...]]:
    """
    Check a question and name the interval of `time`.

    Raises:
        QueryError: it cannot be answered.
    """
    if not query.metrics:
        raise QueryError("#/metrics: Expected a minimum of 1 items but got 0.")
    for index, name in enumerate(query.metrics):
        if name not in METRICS:
            raise QueryError(f'#/metrics/{index}: Invalid metric "{name}"')
    if len(query.dimensions) > DIMENSIONS_MAX:
        raise QueryError(f"#/dimensions: Expected a maximum of {DIMENSIONS_MAX} items but got {len(query.dimensions)}.")
    if not 1 <= query.limit <= ROWS_MAX or query.offset < 0:
        raise QueryError(f"#/pagination: Expected a limit of 1 to {ROWS_MAX} and an offset of 0 or more.")
    named = tuple(f"time:{period.interval()}" if name == "time" else name for name in query.dimensions)
    orders = tuple(
        replace(order, by=f"time:{period.interval()}") if order.by == "time" else order for order in query.order
    )
    dimensions: list[Dimension] = []
    for index, name in enumerate(named):
        dimension = find_dimension(name)
        if dimension is None:
            raise QueryError(f'#/dimensions/{index}: Invalid dimension "{name}"')
        dimensions.append(dimension)
    for order in orders:
        if order.by not in named and order.by not in query.metrics:
            # The two forms are theirs: a metric is a word, a dimension a text.
            by = f":{order.by}" if order.by in METRICS else f'"{order.by}"'
            entry = f"{{{by}, :{'desc' if order.descending else 'asc'}}}"
            raise QueryError(f"Invalid order_by entry '{entry}'. Entry is not a queried metric or dimension.")
    asked = {leaf.dimension for tree in query.filters for leaf in leaves(tree)}
    _check_goals(query.filters, goals)
    _check_metrics(query.metrics, dimensions, asked)
    return replace(query, dimensions=named, order=orders), tuple(dimensions)


def _check_metrics(metrics: Sequence[str], dimensions: Sequence[Dimension], asked: set[str]) -> None:
    names = {dimension.name for dimension in dimensions}
    of_events = [
        dimension.name
        for dimension in dimensions
        if dimension.family == "event" and dimension.name not in ("event:page", "event:hostname")
    ]
    of_visits = [name for name in metrics if METRICS[name].counted == "visit"]
    if of_events and of_visits:
        listed = ", ".join(f"`{name}`" for name in of_visits)
        shown = ", ".join(f"`{name}`" for name in of_events)
        raise QueryError(f"Session metric(s) {listed} cannot be queried along with event dimension(s) {shown}")
    for name in metrics:
        if METRICS[name].needs_page and "event:page" not in names | asked:
            raise QueryError(f"Metric `{name}` can only be queried with event:page filters or dimensions.")
    if "views_per_visit" in metrics:
        if "event:page" in asked:
            raise QueryError("Metric `views_per_visit` cannot be queried with a filter on `event:page`.")
        if any(dimension.family != "time" for dimension in dimensions):
            raise QueryError("Metric `views_per_visit` cannot be queried with `dimensions`.")
    if "percentage" in metrics and not dimensions:
        raise QueryError("Metric `percentage` can only be queried with dimensions.")
    for name in ("conversion_rate", "group_conversion_rate"):
        if name in metrics and "event:goal" not in names | asked:
            raise QueryError(f"Metric `{name}` can only be queried with event:goal filters or dimensions.")


def _check_goals(filters: Sequence[FilterTree], goals: Sequence[Goal]) -> None:
    for tree in filters:
        if isinstance(tree, VisitFilter):
            _check_goals((tree.filter,), goals)
        elif isinstance(tree, FilterGroup):
            _check_goals(tree.filters, goals)
        elif tree.dimension == "event:goal":
            if tree.operator not in ("is", "contains"):
                raise QueryError(f"Operator `{tree.operator}` is not supported for filters on `event:goal`.")
            for value in tree.values if tree.operator == "is" else ():
                if not goals_named(goals, "is", (value,), tree.case_sensitive):
                    raise QueryError(
                        f"Invalid filters. The goal `{value}` is not configured for this site. Find out how to"
                        f" configure goals here: {DOCS}#filtering-by-goals"
                    )
        else:
            dimension = find_dimension(tree.dimension)
            if dimension is None or dimension.family == "time":
                raise QueryError(f'Invalid filter dimension "{tree.dimension}"')


assert all(find_dimension(f"time:{interval}") for interval in INTERVALS)
