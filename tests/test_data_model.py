"""
`docs/data-model.md` has a row for every column there is, and none for a column there is not.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.event import DropCount, Event
from ingest.vault.row import VaultRow
from tests.conftest import MADE_TABLES
from warehouse.client import Warehouse
from warehouse.registry.schema import METADATA

PAGE = Path(__file__).parents[1] / "docs" / "data-model.md"
HEADER = ["column", "meaning and unit", "source", "class", "kept", "readers"]
CLASSES = {"site", "count", "visit", "address", "account", "secret", "internal"}


def documented() -> dict[str, list[list[str]]]:
    """
    Read the tables of columns: heading in backticks -> rows of cells, the header left out.
    """
    found: dict[str, list[list[str]]] = {}
    for section in re.split(r"^##+ ", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]:
        title = re.match(r"`(\w+)`", section)
        lines = [line for line in section.splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        if title and rows and rows[0] == HEADER:
            found[title[1]] = rows[2:]
    return found


def columns_of(table: str) -> list[str]:
    return [name for row in documented()[table] for name in re.findall(r"`(\w+)`", row[0])]


def test_warehouse_columns(warehouse: Warehouse) -> None:
    """
    Every column of the migrated warehouse has its row, in the order of the table.
    """
    stored: dict[str, list[str]] = {}
    for table, name in warehouse.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() ORDER BY table, position"
    ):
        stored.setdefault(table, []).append(name)

    assert {*MADE_TABLES, "schema_history"} == set(stored)
    assert stored == {table: columns_of(table) for table in stored}


@pytest.mark.parametrize("table", list(METADATA.tables))
def test_registry_columns(table: str) -> None:
    """
    Every column of the registry has its row, in the order of the table.
    """
    assert [column.name for column in METADATA.tables[table].columns] == columns_of(table)


def test_spool_fields() -> None:
    """
    Every field of a spool record has its row, in the order of the file format.
    """
    assert list(Event.__struct_fields__) == columns_of("event_record")
    assert list(DropCount.__struct_fields__) == columns_of("drop_record")
    assert list(VaultRow.__struct_fields__) == columns_of("vault_record")


def test_no_other_tables(warehouse: Warehouse) -> None:
    """
    No table is documented that does not exist.
    """
    stored = {row[0] for row in warehouse.query("SELECT name FROM system.tables WHERE database = currentDatabase()")}

    assert set() == set(documented()) - stored - set(METADATA.tables) - {"event_record", "drop_record", "vault_record"}


def test_every_cell_is_filled() -> None:
    """
    Each row says meaning, source, class, how long and who; the class is one of the list.
    """
    rows = [(table, row) for table, found in documented().items() for row in found]

    assert [] == [(table, row[0]) for table, row in rows if len(row) != len(HEADER) or not all(row)]
    assert set() == {row[3] for _, row in rows} - CLASSES
