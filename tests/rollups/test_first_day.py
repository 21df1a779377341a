"""
The first day of a site: of its events, or of a rollup whose events are gone.
"""

from __future__ import annotations

from datetime import date

from dashboard.context import Context
from dashboard.stats.closed import first_counted_day
from tests.stats.rolled import build_all
from tests.stats.rows import Happening, insert, moment
from tests.stats.test_plans import prepared
from warehouse.registry.sites import Site


def first(context: Context, site: Site) -> date | None:
    return first_counted_day(context.memory, context.warehouse, context.clock, site.id)


def test_the_first_day_outlives_its_events(context: Context) -> None:
    """
    A day is known from events, from its rollup without them, from events before all rollups, and not once it is empty.
    """
    site = prepared(context, [])
    assert first(context, site) is None
    insert(context.warehouse, site.id, [Happening(moment("2026-05-04T10:00:00"), who="u")])
    assert date(2026, 5, 4) == first(context, site)

    build_all(context, site)
    context.warehouse.command("TRUNCATE TABLE events")
    assert date(2026, 5, 4) == first(context, site)

    insert(context.warehouse, site.id, [Happening(moment("2026-05-02T10:00:00"), who="v")])
    assert date(2026, 5, 2) == first(context, site)

    context.warehouse.command("TRUNCATE TABLE events")
    # Built anew, and nothing was left of it: the rows of the old build count for nothing.
    newest = {"site_id": [site.id], "day": [date(2026, 5, 4)], "origin": ["native"], "build": [1 << 62], "base": [1]}
    context.warehouse.insert("rollup_builds", newest)
    assert first(context, site) is None
