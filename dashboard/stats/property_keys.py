"""
Which properties the events of a site carry, for sites that have declared none.
"""

from __future__ import annotations

from dashboard.context import Context
from dashboard.stats.period import Period
from warehouse.registry.sites import Site

KEYS_MAX = 50
"""Most keys found; a site with more declares those that matter."""


def property_keys(context: Context, site: Site, period: Period) -> list[str]:
    """
    List the keys that at least `k` visitors' events carry, the commonest first.

    Raises:
        QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    rows = context.warehouse.query(
        "SELECT arrayJoin(mapKeys(props)) AS key, uniqExactIf(visitor_id, visitor_id != 0) AS visitors FROM events"
        " WHERE site_id = {site:UInt32} AND day BETWEEN {first:Date} AND {last:Date} AND notEmpty(props)"
        " GROUP BY key HAVING visitors >= {k:UInt32} ORDER BY visitors DESC, key LIMIT {most:UInt32}",
        {"site": site.id, "first": period.first, "last": period.last, "k": max(1, site.k), "most": KEYS_MAX},
    )
    return [str(key) for key, _ in rows]
