"""
No table of the warehouse is forgotten by a backup or by the removal of a site.
"""

from __future__ import annotations

from warehouse.backup import BACKUP_TABLES, LEFT_OUT_TABLES, known_name
from warehouse.client import Warehouse
from warehouse.site_rows import SITE_TABLES


def test_every_table_is_copied_or_left_out_with_a_reason(warehouse: Warehouse) -> None:
    """Who adds a table decides whether backups hold it."""
    made = {str(row[0]) for row in warehouse.query("SHOW TABLES")}

    assert made == {*BACKUP_TABLES, *LEFT_OUT_TABLES}


def test_every_table_with_a_site_is_emptied_with_it(warehouse: Warehouse) -> None:
    """Who adds a table with rows of a site lets them go with the site."""
    found = warehouse.query(
        "SELECT DISTINCT table FROM system.columns WHERE database = currentDatabase() AND name = 'site_id'"
    )

    assert set(SITE_TABLES) == {str(row[0]) for row in found}


def test_names_in_a_backup_are_a_closed_set() -> None:
    """A name never becomes a path, so what is strange is refused."""
    names = [
        "manifest.json",
        "registry.sqlite",
        "warehouse/events/202610.tsv",
        "warehouse/keys/1.tsv",
        "../x",
        "/etc/x",
    ]

    assert names[:3] == [name for name in names if known_name(name)]
