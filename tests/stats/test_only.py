"""
A question that looks labels up gets the rows it would find among all of them.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from dashboard.context import Context
from dashboard.rollups.build import build_days
from dashboard.stats.answer import answer
from dashboard.stats.query import Filter, StatsQuery
from tests.stats.rolled import rollup_site
from tests.stats.rows import Happening, insert, moment

PAGES = StatsQuery(("pageviews",), ("2026-05-04", "2026-05-04"), dimensions=("event:page",), only=("/b", "/none"))


@pytest.mark.parametrize("built", [False, True])
def test_only_what_is_looked_up(context: Context, built: bool) -> None:
    """
    From rows and from rollups; with a filter, where all rows judge who fits, there may be more.
    """
    site = context.registry.sites.change(context.registry.sites.add("only.test").domain, k=1)
    came = [("a", "/a"), ("a", "/b"), ("b", "/b"), ("c", "/c")]
    insert(
        context.warehouse,
        site.id,
        [Happening(moment(f"2026-05-04T0{at}:00:00"), who=who, page=page) for at, (who, page) in enumerate(came)],
    )
    if built:
        build_days(context.warehouse, context.clock, rollup_site(context, site), date(2026, 5, 4), date(2026, 5, 4))

    assert [("/b", 2)] == [(row.dimensions[0], row.metrics[0]) for row in answer(context, site, PAGES).rows]
    filtered = replace(PAGES, filters=(Filter("is", "event:page", ("/b", "/c")),))
    assert ("/b", 2) in [(row.dimensions[0], row.metrics[0]) for row in answer(context, site, filtered).rows]
