"""
Panels that are asked together get what each would get alone.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.context import Context
from dashboard.pages.panels import PANELS
from dashboard.pages.row_rates import asked_metrics
from dashboard.rollups.build import build_days
from dashboard.stats.answer import answer
from dashboard.stats.memory import Memory
from dashboard.stats.query import StatsQuery, Viewer
from dashboard.stats.together import remember_together
from tests.stats.rolled import rollup_site
from tests.stats.rows import Happening
from tests.stats.test_plans import happenings, prepared, some_events
from warehouse.client import Warehouse

RANGE = ("2026-05-04", "2026-05-06")
"""As many days as may be open, or none of them."""
FIRST = date(2026, 5, 3)


def panels(limit: int) -> list[StatsQuery]:
    """
    Every tab of every panel, as a dashboard asks it.
    """
    return [
        StatsQuery(asked_metrics(tab), RANGE, dimensions=(tab.dimension,), limit=limit, total_rows=True)
        for panel in PANELS.values()
        for tab in panel.tabs.values()
        if tab.dimension
    ]


class Listening(Warehouse):
    """
    The store of a context, and how often it was asked.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(f"chdb://{context.warehouse.path}")
        self._whole = context.warehouse.query
        self.asked: list[str] = []

    def query(self, sql: str, *arguments: object, **named: object) -> list[tuple[object, ...]]:
        self.asked.append(sql)
        return self._whole(sql, *arguments, **named)  # type: ignore[arg-type]  # handed on as it came


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=happenings(),
    k=st.integers(1, 4),
    built=st.sampled_from([0, 2, 4]),
    limit=st.sampled_from([2, 8]),
    viewer=st.sampled_from([Viewer.MEMBER, Viewer.PUBLIC]),
)
def test_together_is_as_alone(
    context: Context, events: list[Happening], k: int, built: int, limit: int, viewer: Viewer
) -> None:
    """
    Rows, order, folded rows and number of rows are the same from days that are open, closed, and both.
    """
    site = prepared(context, events, k)
    if built:
        build_days(
            context.warehouse, context.clock, rollup_site(context, site), FIRST, FIRST + timedelta(days=built - 1)
        )
    alone = [answer(replace(context, memory=Memory()), site, query, viewer) for query in panels(limit)]

    here = replace(context, memory=Memory())
    remember_together(here, site, panels(limit), viewer)

    for query, expected in zip(panels(limit), alone, strict=True):
        assert expected == answer(here, site, query, viewer), query.dimensions


@pytest.mark.parametrize("built", [0, 4])
def test_one_statement_for_the_small_panels(context: Context, built: int) -> None:
    """
    What was asked together is not asked again: most tabs need no statement of their own then.
    """
    site = prepared(context, some_events())
    if built:
        build_days(
            context.warehouse, context.clock, rollup_site(context, site), FIRST, FIRST + timedelta(days=built - 1)
        )
    store = Listening(context)
    here = replace(context, warehouse=store, memory=Memory())
    remember_together(here, site, panels(8))
    asked_together = len(store.asked)
    store.asked.clear()

    for query in panels(8):
        answer(here, site, query)

    # Builds, sums, a statement, and one for each report whose folded rows may hold somebody twice.
    assert asked_together <= 5
    assert len(store.asked) <= 5
