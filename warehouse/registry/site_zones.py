"""
Changes of sites' time zones, as the registry keeps them.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection, delete, insert, select

from warehouse.registry.schema import SITE_ZONES
from warehouse.site_days import SiteDays, ZoneChange, plan_change

EPOCH = date(1970, 1, 1)


def zone_changes(transaction: Connection, site_id: int | None) -> dict[int, tuple[ZoneChange, ...]]:
    """
    Read the changes of one site, or (None) of all, the oldest first.
    """
    query = select(SITE_ZONES).order_by(SITE_ZONES.c.site_id, SITE_ZONES.c.first_day)
    if site_id is not None:
        query = query.where(SITE_ZONES.c.site_id == site_id)
    found: dict[int, tuple[ZoneChange, ...]] = {}
    for row in transaction.execute(query):
        change = ZoneChange(row.zone_before, row.zone_after, EPOCH + timedelta(days=row.first_day), row.effective_ms)
        found[row.site_id] = (*found.get(row.site_id, ()), change)
    return found


def change_zone(transaction: Connection, site_id: int, days: SiteDays, timezone: str, now_ms: int) -> None:
    """
    Let a site's days follow another zone from the next midnight that lies ahead in both. A change that still lies
    ahead is taken back.
    """
    ahead = (SITE_ZONES.c.site_id == site_id) & (SITE_ZONES.c.effective_ms > now_ms)
    transaction.execute(delete(SITE_ZONES).where(ahead))
    before = days.zone_at(now_ms)
    if before == timezone:
        return
    change = plan_change(before, timezone, now_ms)
    transaction.execute(
        insert(SITE_ZONES).values(
            site_id=site_id,
            first_day=(change.first_day - EPOCH).days,
            effective_ms=change.effective_ms,
            zone_before=change.before,
            zone_after=change.after,
        )
    )


def forget_zones(transaction: Connection, site_id: int) -> None:
    """
    Forget a site's changes: it has no days that could keep their boundaries.
    """
    transaction.execute(delete(SITE_ZONES).where(SITE_ZONES.c.site_id == site_id))
