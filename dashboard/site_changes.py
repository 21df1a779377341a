"""
Changes of a site that need to know what was measured: its settings, a fresh start, its end.
"""

from __future__ import annotations

from typing import Unpack

from dashboard.context import Context
from warehouse.registry.sites import Site, SiteSettings
from warehouse.site_rows import forget_site


def change_site(context: Context, site: Site, **settings: Unpack[SiteSettings]) -> Site:
    """
    Change settings of a site. Another time zone waits for midnight once there are days with boundaries to keep.

    Raises:
        RegistryError: a value is not allowed; nothing is changed then.
        WarehouseUnavailable: whether the site has events cannot be told now.
    """
    is_empty = "timezone" in settings and not _has_events(context, site)
    return context.registry.sites.change(site.domain, is_empty=is_empty, **settings)


def reset_site(context: Context, site: Site) -> int:
    """
    Delete everything that was measured of a site; its settings, goals and links stay.

    Returns:
        How many rows went.

    Raises:
        WarehouseUnavailable: not all are gone; the same call finishes it.
    """
    with context.resting:
        # Addresses in the vault are no statistics: they serve another purpose and end by their own date.
        return forget_site(context.warehouse, site.id, kept=("vault",))


def remove_site(context: Context, site: Site) -> None:
    """
    Remove a site and every row of it.

    Raises:
        RegistryError: it is gone already.
        WarehouseUnavailable: not all rows are gone; nothing shows them any more.
    """
    # The name first: from here on nothing new is collected, and the drain lets go what still lies in the spool.
    context.registry.sites.remove(site.domain)
    with context.resting:
        forget_site(context.warehouse, site.id)


def _has_events(context: Context, site: Site) -> bool:
    sql = "SELECT 1 FROM events WHERE site_id = {site:UInt32} LIMIT 1"
    return bool(context.warehouse.query(sql, {"site": site.id}))
