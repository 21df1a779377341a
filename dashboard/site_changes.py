"""
Changes of a site that need to know what was measured: its settings, a fresh start, its end.
"""

from __future__ import annotations

from typing import Unpack

from dashboard.context import Context
from warehouse.registry.sites import Site, SiteSettings


def change_site(context: Context, site: Site, **settings: Unpack[SiteSettings]) -> Site:
    """
    Change settings of a site. Another time zone waits for midnight once there are days with boundaries to keep.

    Raises:
        RegistryError: a value is not allowed; nothing is changed then.
        WarehouseUnavailable: whether the site has events cannot be told now.
    """
    is_empty = "timezone" in settings and not _has_events(context, site)
    return context.registry.sites.change(site.domain, is_empty=is_empty, **settings)


def _has_events(context: Context, site: Site) -> bool:
    sql = "SELECT 1 FROM events WHERE site_id = {site:UInt32} LIMIT 1"
    return bool(context.warehouse.query(sql, {"site": site.id}))
