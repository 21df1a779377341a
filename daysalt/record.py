"""
The record of processing (art. 30 GDPR): every table and column there is, with the purpose it is kept for.

The columns come from the live schema, their class and readers from `docs/data-model.md`, purpose, basis and period
from the register. So nothing can be stored that the record does not name: a column without an entry is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from warehouse.client import Warehouse
from warehouse.privacy.policy import periods
from warehouse.privacy.register import Register, period_text
from warehouse.registry.schema import METADATA
from warehouse.settings import Settings

DATA_MODEL = Path(__file__).parents[1] / "docs" / "data-model.md"
HEADER = ["column", "meaning and unit", "source", "class", "kept", "readers"]
PURPOSES = {
    "visit": "visitor-statistics",
    "address": "visitor-fraud",
    "account": "account",
    "site": "",
    "count": "",
    "internal": "",
    "secret": "",
}
"""Class of a column -> row of the register it is kept under; empty for what is about nobody."""


class RecordError(Exception):
    """
    The record cannot be made: a column has no entry, or its class no purpose. The text names it.
    """


@dataclass(frozen=True, slots=True)
class Processing:
    """
    The columns of one table that are of one class.
    """

    table: str
    columns: tuple[str, ...]
    data_class: str
    register_entry: str
    """Empty for what is about nobody."""
    purpose: str
    legal_basis: str
    period: str
    kept: tuple[str, ...]
    readers: tuple[str, ...]


def live_columns(warehouse: Warehouse) -> dict[str, list[str]]:
    """
    List the columns of every table of warehouse and registry.
    """
    found: dict[str, list[str]] = {}
    for table, name in warehouse.query(
        "SELECT table, name FROM system.columns WHERE database = currentDatabase() ORDER BY table, position"
    ):
        found.setdefault(str(table), []).append(str(name))
    for table in METADATA.sorted_tables:
        found[table.name] = [column.name for column in table.columns]
    return found


def processing_record(
    columns: Mapping[str, list[str]], register: Register, settings: Settings, day: date
) -> list[Processing]:
    """
    Make the record.

    Args:
        columns: by table, as `live_columns` gives them.

    Raises:
        RecordError: a column has no entry in `docs/data-model.md`, or one without a purpose in the register.
    """
    entries = {entry.id: entry for entry in register.in_force(day)}
    documented = _documented()
    rows: list[Processing] = []
    for table, names in sorted(columns.items()):
        groups: dict[str, list[str]] = {}
        for name in names:
            described = documented.get((table, name))
            if described is None:
                raise RecordError(f"column {name} of table {table} has no entry in docs/data-model.md: add one")
            if described[0] not in PURPOSES:
                raise RecordError(f"column {name} of table {table} has class {described[0]!r}, which has no purpose")
            groups.setdefault(described[0], []).append(name)
        for data_class, grouped in groups.items():
            entry = entries.get(PURPOSES[data_class])
            rows.append(
                Processing(
                    table=table,
                    columns=tuple(grouped),
                    data_class=data_class,
                    register_entry=PURPOSES[data_class],
                    purpose=entry.purpose if entry else "none: about nobody",
                    legal_basis=entry.basis if entry else "",
                    period=period_text(entry.period, periods(settings)) if entry else "",
                    kept=_each(documented[(table, name)][1] for name in grouped),
                    readers=_each(documented[(table, name)][2] for name in grouped),
                )
            )
    return rows


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _documented() -> dict[tuple[str, str], tuple[str, str, str]]:
    """
    Read the page: (table, column) -> class, kept, readers.
    """
    try:
        text = DATA_MODEL.read_text(encoding="utf-8")
    except OSError:
        raise RecordError(f"{DATA_MODEL} is not here: run the command from a clone of the repository") from None
    found: dict[tuple[str, str], tuple[str, str, str]] = {}
    for section in re.split(r"^##+ ", text, flags=re.M)[1:]:
        title = re.match(r"`(\w+)`", section)
        cells = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line[:1] == "|"
        ]
        if title is None or not cells or cells[0] != HEADER:
            continue
        for row in cells[2:]:
            for name in re.findall(r"`(\w+)`", row[0]):
                found[(title[1], name)] = (row[3], row[4], row[5])
    return found
