"""
Taking out of the store what has reached the end of its period: days of the vault, and old event rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.client import Warehouse

VAULT = "vault"
EVENT_TABLES = ("events", "visits")
"""Tables whose rows are about single visits. Counts of drops and sums of days name nobody and stay."""


@dataclass(frozen=True, slots=True)
class RetiredDay:
    """
    A day of the vault, dropped: rows there were, rows there still are, parts of it still on disk.
    """

    rows: int
    rows_left: int
    parts_left: int


def count_vault_day(warehouse: Warehouse, day: str) -> int:
    """
    Count the rows of a day of the vault, given as ISO date.

    Raises:
        WarehouseUnavailable: the store does not answer.
    """
    if not _has_table(warehouse, VAULT):
        return 0
    # Site 0 is the vault itself, for its marks.
    sql = "SELECT count() FROM vault WHERE day = {day:Date} AND site_id != 0"
    return int(warehouse.query(sql, {"day": day})[0][0])


def find_canary(warehouse: Warehouse, day: str, index: bytes) -> bytes | None:
    """
    Read the ciphertext of the vault's canary of a day, given as ISO date; None when the table has none.

    Raises:
        WarehouseUnavailable: the store does not answer.
    """
    if not _has_table(warehouse, VAULT):
        return None
    rows = warehouse.query(
        "SELECT lower(hex(ct)) FROM vault WHERE day = {day:Date} AND site_id = 0 "
        "AND bidx = toFixedString(unhex({index:String}), 16) LIMIT 1",
        {"day": day, "index": index.hex()},
    )
    return bytes.fromhex(rows[0][0]) if rows else None


def drop_vault_day(warehouse: Warehouse, day: str) -> RetiredDay:
    """
    Drop the partition of a day and look for what is left. A day without rows is fine; so is a second call.

    Raises:
        WarehouseUnavailable: the store does not answer; call again.
    """
    if not _has_table(warehouse, VAULT):
        return RetiredDay(0, 0, 0)
    rows = count_vault_day(warehouse, day)
    # By the partition's id, which is digits only: a partition's value cannot be a parameter.
    partition = day.replace("-", "")
    assert partition.isdigit()
    warehouse.command(f"ALTER TABLE vault DROP PARTITION ID '{partition}'")
    warehouse.command(f"ALTER TABLE vault DROP DETACHED PARTITION ID '{partition}' SETTINGS allow_drop_detached = 1")
    parts = warehouse.query(
        "SELECT (SELECT sum(rows) FROM system.parts WHERE database = currentDatabase() AND table = 'vault' "
        "AND partition_id = {partition:String}) + (SELECT count() FROM system.detached_parts "
        "WHERE database = currentDatabase() AND table = 'vault' AND partition_id = {partition:String})",
        {"partition": partition},
    )
    left = warehouse.query("SELECT count() FROM vault WHERE day = {day:Date}", {"day": day})
    return RetiredDay(rows, int(left[0][0]), int(parts[0][0] or 0))


def drop_old_events(warehouse: Warehouse, before: str) -> int:
    """
    Delete event and visit rows received before a day, given as ISO date, and wait until they are gone from disk.

    Returns:
        How many rows there were.

    Raises:
        WarehouseUnavailable: not all are gone; the same call finishes it.
    """
    total = 0
    for table in EVENT_TABLES:
        if not _has_table(warehouse, table):
            continue
        parameters = {"before": before}
        rows = warehouse.query(f"SELECT count() FROM {table} WHERE received_day < {{before:Date}}", parameters)  # noqa: S608 - a table name of ours
        if rows[0][0]:
            total += int(rows[0][0])
            warehouse.command(
                f"ALTER TABLE {table} DELETE WHERE received_day < {{before:Date}} SETTINGS mutations_sync = 2",
                parameters,
            )
    return total


def _has_table(warehouse: Warehouse, table: str) -> bool:
    sql = "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
    return bool(warehouse.query(sql, {"table": table})[0][0])
