"""
People in several folded rows are counted once, and the store is asked about them only where that can be seen.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from dashboard.context import Context
from dashboard.rollups.build import build_days
from dashboard.stats.answer import answer
from dashboard.stats.memory import Memory
from dashboard.stats.query import StatsQuery
from dashboard.stats.together import remember_together
from tests.stats.rolled import rollup_site
from tests.stats.rows import Happening, insert, moment
from tests.stats.test_together import Listening
from warehouse.registry.sites import Site

DAY = date(2026, 5, 4)
RANGE = ("2026-05-04", "2026-05-04")
OTHER = "(other)"


@pytest.fixture
def site(context: Context) -> Site:
    """
    A closed day: four people with a term of many, and one who came by three rare ones.
    """
    site = context.registry.sites.change(context.registry.sites.add("meeting.test").domain, k=3)
    came = [("a", 9, "often"), ("b", 9, "often"), ("c", 9, "often"), ("d", 9, "often")]
    came += [("e", 9, "rare"), ("e", 11, "seldom"), ("e", 13, "once"), ("f", 9, "once")]
    insert(
        context.warehouse,
        site.id,
        [
            Happening(moment(f"2026-05-04T{at:02d}:00:00"), who=who, attributes={"utm_term": term})
            for who, at, term in came
        ],
    )
    build_days(context.warehouse, context.clock, rollup_site(context, site), DAY, DAY)
    return site


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize(("limit", "asked_of_meetings"), [(8, 1), (1, 0)])
def test_people_in_folded_rows_are_counted_once(
    context: Context, site: Site, limit: int, asked_of_meetings: int, together: bool
) -> None:
    """
    Two people share the folded row, though its labels have four; where it is cut off nobody asks.
    """
    store = Listening(context)
    here = replace(context, warehouse=store, memory=Memory())
    terms = StatsQuery(("visitors",), RANGE, dimensions=("visit:utm_term",), limit=limit, total_rows=True)
    if together:
        remember_together(here, site, [terms, replace(terms, dimensions=("visit:source",))])

    found = answer(here, site, terms)

    expected = [("often", 4), (OTHER, 2)][:limit]
    assert expected == [(row.dimensions[0], row.metrics[0]) for row in found.rows]
    assert 2 == found.total_rows
    assert asked_of_meetings == sum("rollup_overlaps" in sql for sql in store.asked)
