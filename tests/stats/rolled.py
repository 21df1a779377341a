"""
Close every day of a site for a test, so that questions are answered from rollups.
"""

from __future__ import annotations

from datetime import date

from dashboard.context import Context
from dashboard.rollups.build import RollupSite, build_days
from warehouse.registry.sites import Site


def rollup_site(context: Context, site: Site) -> RollupSite:
    """
    Take from the registry what building needs.
    """
    return RollupSite(site.id, site.days, tuple(context.registry.goals.all(site.id)))


def build_all(context: Context, site: Site) -> None:
    """
    Build every day that has an event.
    """
    first, last, count = context.warehouse.query(
        "SELECT min(day), max(day), count() FROM events WHERE site_id = {site:UInt32}", {"site": site.id}
    )[0]
    if count:
        assert isinstance(first, date)
        build_days(context.warehouse, context.clock, rollup_site(context, site), first, last)
