"""
Table `imports`: which files were imported into a site, so that each counts once and can be taken out again.

The events of an import carry batch numbers of its own, which nothing else uses: its number says which rows are its.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from warehouse.client import Warehouse
from warehouse.imported_totals import remove_totals

IMPORT_BATCHES_FROM = 2**63
"""Batch numbers of imports begin here, far above those of the drain and of made-up traffic."""
BATCH_BITS = 20
ID_BITS = 40
LABEL_LENGTH_MAX = 200


class ImportRefused(Exception):
    """
    An import cannot be done as asked. The text is one sentence that says what to do.
    """


class ImportPaused(Exception):
    """
    The process is to stop; the import is finished by the next one.
    """


@dataclass(frozen=True, slots=True)
class ImportRow:
    """
    One file that was imported.
    """

    site_id: int
    number: int
    """Random; the batches of its rows follow from it."""
    stored: datetime
    format: str
    label: str
    """Name of the file without its directory; empty for a stream."""
    content_bytes: int
    digest: str
    """SHA-256 of the first `content_bytes` of the content, unpacked, as hexadecimal digits."""
    follows: int
    """Number of the import that this file began with; 0 for none."""
    events: int
    """Of daily totals (format `csv`): lines of the export."""
    rejected: int
    first_day: date
    last_day: date

    @property
    def id(self) -> str:
        """The number as people write it."""
        return id_text(self.number)


_COLUMNS = (
    "site_id", "number", "stored", "format", "label", "content_bytes", "digest", "follows", "events", "rejected",
    "first_day", "last_day",
)  # fmt: skip


def id_text(number: int) -> str:
    """
    Write the number of an import as people see it.
    """
    return f"{number:010x}"


def batches_of(number: int) -> tuple[int, int]:
    """
    Give the first batch number of an import, and the one after its last.
    """
    first = IMPORT_BATCHES_FROM + (number << BATCH_BITS)
    return first, first + (1 << BATCH_BITS)


def list_imports(warehouse: Warehouse, site_id: int) -> list[ImportRow]:
    """
    List what was imported into a site, the oldest first.

    Raises:
        WarehouseUnavailable: ask again later.
    """
    rows = warehouse.query(
        f"SELECT {', '.join(_COLUMNS)} FROM imports WHERE site_id = {{site:UInt32}} ORDER BY stored, number",  # noqa: S608 - names of ours
        {"site": site_id},
    )
    found = (ImportRow(*row) for row in rows)
    return [replace(row, stored=_utc(row.stored)) for row in found]


def add_import(warehouse: Warehouse, row: ImportRow) -> None:
    """
    Note that a file is in the store; the same one noted again changes nothing.

    Raises:
        WarehouseUnavailable: repeat the same call.
    """
    if any(known.number == row.number for known in list_imports(warehouse, row.site_id)):
        return
    values: Sequence[object] = [getattr(row, name) for name in _COLUMNS]
    warehouse.insert(
        "imports", {name: [value] for name, value in zip(_COLUMNS, values, strict=True)}, token=f"import-{row.number}"
    )


def find_import(warehouse: Warehouse, site_id: int, text: str) -> ImportRow:
    """
    Find an import of a site by its id.

    Raises:
        ImportRefused: there is none.
    """
    for row in list_imports(warehouse, site_id):
        if row.id == text.strip().lower():
            return row
    raise ImportRefused(f"there is no import {text[:40]!r} of this site: see `daysalt import DOMAIN --list`")


def remove_rows(warehouse: Warehouse, site_id: int, number: int) -> int:
    """
    Delete the events and visits of an import, or its daily totals, and wait until they are gone from the parts in use.

    Returns:
        How many events there were.

    Raises:
        WarehouseUnavailable: not all are gone; the same call finishes it.
    """
    remove_totals(warehouse, site_id, number)
    first, end = batches_of(number)
    parameters = {"site": site_id, "first": first, "end": end}
    where = "site_id = {site:UInt32} AND batch >= {first:UInt64} AND batch < {end:UInt64}"
    events = int(warehouse.query(f"SELECT count() FROM events WHERE {where}", parameters)[0][0])  # noqa: S608 - text of ours
    if events:
        # Visits first: the events say which ones are the import's. Visits of an import have no other events.
        warehouse.command(
            "ALTER TABLE visits DELETE WHERE site_id = {site:UInt32} AND visit_id IN"  # noqa: S608 - text of ours
            f" (SELECT visit_id FROM events WHERE {where}) SETTINGS mutations_sync = 2",
            parameters,
        )
        warehouse.command(f"ALTER TABLE events DELETE WHERE {where} SETTINGS mutations_sync = 2", parameters)
    return events


def forget_import(warehouse: Warehouse, row: ImportRow) -> int:
    """
    Take an import out: its rows, and that it ever was; the file may then be imported anew.

    Returns:
        How many events it had.

    Raises:
        ImportRefused: another import continues after it.
        WarehouseUnavailable: not all is gone; the same call finishes it.
    """
    for later in list_imports(warehouse, row.site_id):
        if later.follows == row.number:
            raise ImportRefused(f"import {later.id} continues after {row.id}: remove {later.id} first")
    removed = remove_rows(warehouse, row.site_id, row.number)
    # Of daily totals there are lines, which are no events.
    events = removed or row.events
    warehouse.command(
        "ALTER TABLE imports DELETE WHERE site_id = {site:UInt32} AND number = {number:UInt64}"
        " SETTINGS mutations_sync = 2",
        {"site": row.site_id, "number": row.number},
    )
    return events


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
