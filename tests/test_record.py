"""
The record of processing names every column there is, with a purpose, a basis and a period.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from daysalt.record import RecordError, live_columns, processing_record
from warehouse.client import Warehouse
from warehouse.privacy.register import load_register
from warehouse.settings import load_settings

TODAY = date(2026, 11, 23)


def test_every_live_column_is_in_the_record(warehouse: Warehouse, tmp_path: Path) -> None:
    """
    All columns of warehouse and registry are there, and what is about people has a row of the register.
    """
    columns = live_columns(warehouse)
    record = processing_record(columns, load_register(), load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}), TODAY)

    assert {(table, name) for table, names in columns.items() for name in names} == {
        (row.table, name) for row in record for name in row.columns
    }
    about_people = [row for row in record if row.data_class in ("visit", "address", "account")]
    assert [] == [row for row in about_people if not (row.legal_basis and row.period)]
    assert {"P45D"} == {row.period for row in record if row.data_class == "address"}
    assert {"events", "visits", "users"} <= {row.table for row in about_people}


def test_a_column_without_an_entry_is_an_error(warehouse: Warehouse, tmp_path: Path) -> None:
    """
    Positive control: a column that nobody described stops the record, by its name.
    """
    columns = live_columns(warehouse)
    columns["events"].append("shoe_size")

    with pytest.raises(RecordError, match="shoe_size"):
        processing_record(columns, load_register(), load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}), TODAY)
