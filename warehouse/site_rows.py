"""
The rows of one site in every table, for when the site goes.
"""

from __future__ import annotations

from warehouse.client import Warehouse

SITE_TABLES = (
    *("events", "visits", "drops", "event_ids", "imports", "vault"),
    *("rollups", "rollup_overlaps", "rollup_builds", "rollup_months", "rollup_month_builds"),
)
"""Every table with rows of a site; a test holds it against the migrations."""


def forget_site(warehouse: Warehouse, site_id: int, *, kept: tuple[str, ...] = ()) -> int:
    """
    Delete every row of a site for good, and wait until they are gone from the parts in use.

    Args:
        kept: tables to leave as they are, where the site stays.

    Returns:
        How many rows there were.

    Raises:
        WarehouseUnavailable: not all are gone; the same call finishes it.
    """
    total = 0
    for table in (table for table in SITE_TABLES if table not in kept):
        parameters = {"site": site_id}
        rows = warehouse.query(f"SELECT count() FROM {table} WHERE site_id = {{site:UInt32}}", parameters)  # noqa: S608 - a table name of ours
        if rows[0][0]:
            total += int(rows[0][0])
            # A rewrite rather than a mark: marked rows would stay readable on disk.
            warehouse.command(
                f"ALTER TABLE {table} DELETE WHERE site_id = {{site:UInt32}} SETTINGS mutations_sync = 2", parameters
            )
    return total
