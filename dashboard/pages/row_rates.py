"""
Columns that are one row's number measured against another report's: the share of a row's visitors who reached a goal,
and of a page's views after which the visit ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from dashboard.context import Context
from dashboard.pages.panels import Tab
from dashboard.pages.row_lines import EXIT_RATE, GROUP_RATE, rate
from dashboard.stats.answer import answer
from dashboard.stats.dimensions import OTHER
from dashboard.stats.filters import unconverted
from dashboard.stats.query import ROWS_MAX, Row, StatsQuery, Value, Viewer
from warehouse.registry.sites import Site

LOOKED_UP_MAX = 300
"""Of more rows than this the other report is read as it is."""
DERIVED = frozenset({GROUP_RATE, EXIT_RATE})
"""Columns that are no metric of the store."""


def asked_metrics(tab: Tab) -> tuple[str, ...]:
    """
    List what the store is asked for.
    """
    return tuple(name for name in tab.metrics if name not in DERIVED)


def with_rates(
    context: Context, site: Site, query: StatsQuery, viewer: Viewer, tab: Tab, rows: tuple[Row, ...], rows_max: int
) -> tuple[Row, ...]:
    """
    Add a tab's derived column to the rows that its other columns were answered with.

    Args:
        rows_max: how many rows of the other report are looked at, in steps of `ROWS_MAX`.
    """
    name = next((name for name in tab.metrics if name in DERIVED), None)
    if name is None or not rows:
        return rows
    if name == GROUP_RATE:
        part, whole = 0, _counted(context, site, replace(query, filters=unconverted(query.filters)), viewer, "visitors")
    else:
        # A visit ends once, and its last page is one of the page's views.
        part = asked_metrics(tab).index("visits")
        labels = tuple(row.dimensions[0] for row in rows) if len(rows) <= LOOKED_UP_MAX else ()
        pages = replace(query, dimensions=("event:page",), only=labels)
        whole = _counted(context, site, pages, viewer, "pageviews", rows_max)
    position = tab.metrics.index(name)
    found: list[Row] = []
    for row in rows:
        label = row.dimensions[0]
        # Rows folded into (other) are not the same ones on both sides, so it has no rate.
        share = None if label == OTHER else _share(name, row.metrics[part], whole.get(label))
        found.append(Row(row.dimensions, (*row.metrics[:position], share, *row.metrics[position:])))
    return tuple(found)


def _share(name: str, part: Value, whole: Value) -> Value:
    share = rate(part, whole)
    # One digit, as users of such reports know it; noise on public views may bring it above the whole.
    return share if share is None or name == GROUP_RATE else min(100, round(share, 1))


def _counted(
    context: Context, site: Site, query: StatsQuery, viewer: Viewer, metric: str, rows_max: int = ROWS_MAX
) -> Mapping[str, Value]:
    query = StatsQuery(
        (metric,),
        query.date_range,
        dimensions=query.dimensions,
        filters=query.filters,
        imports=query.imports,
        only=query.only,
    )
    found: dict[str, Value] = {}
    while True:
        rows = answer(context, site, query, viewer).rows
        found.update((row.dimensions[0], row.metrics[0]) for row in rows)
        if len(rows) < ROWS_MAX or query.offset + ROWS_MAX >= rows_max:
            return found
        query = replace(query, offset=query.offset + ROWS_MAX)
