"""
The table `vault` as the store process sees it: indexes and ciphertexts, never an address, never a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.vault.row import CIPHERTEXT_BYTES, INDEX_BYTES, VAULT_SITE, VaultRow
from warehouse.client import Warehouse
from warehouse.days import iso_day

if TYPE_CHECKING:
    from warehouse.native import Numbers

MARK = bytes(INDEX_BYTES)
"""Index of the row of site 0 that carries a partition's newest batch."""
LOOK_UP_MAX = 5_000
"""Indexes asked for in one question."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    One row of the vault, merged. `day` in days since 1970-01-01 UTC; bit h of `hours` is hour h, UTC.
    """

    day: int
    site_id: int
    bidx: bytes
    ct: bytes
    hours: int
    hits: int


def insert_rows(warehouse: Warehouse, day: int, rows: Sequence[VaultRow], batch: int, *, token: str) -> None:
    """
    Write the rows of one day in one part, with the day's mark: all of them or none, as a partition takes one block so.

    Raises:
        WarehouseUnavailable, WarehouseRefused: as for `Warehouse.insert_block`.
    """
    # Arrays are the store's; the keeper knows this module for the shape of a row, and need not hold them.
    import numpy as np

    from warehouse.native import Numbers

    count = len(rows) + 1
    assert all(row.day == day for row in rows)
    warehouse.insert_block(
        "vault",
        {
            "day": Numbers("Date", np.full(count, day, np.uint16)),
            "site_id": Numbers("UInt32", np.array([VAULT_SITE, *(row.site_id for row in rows)], np.uint32)),
            "bidx": _fixed((MARK, *(row.bidx for row in rows)), INDEX_BYTES),
            "ct": _fixed((bytes(CIPHERTEXT_BYTES), *(row.ct for row in rows)), CIPHERTEXT_BYTES),
            "hours": Numbers("UInt32", np.array([0, *(row.hours for row in rows)], np.uint32)),
            "hits": Numbers("UInt64", np.array([0, *(row.hits for row in rows)], np.uint64)),
            "batch": Numbers("UInt64", np.array([batch, *(0 for _ in rows)], np.uint64)),
        },
        token=token,
    )


def newest_batch(warehouse: Warehouse, day: int | None = None) -> int:
    """
    Tell the newest batch that a day's partition has; without a day, that any has. 0 when none.
    """
    parameters: dict[str, object] = {"site": VAULT_SITE, "day": day or 0, "any": day is None}
    rows = warehouse.query(
        "SELECT max(batch) FROM vault WHERE site_id = {site:UInt32} AND ({any:Bool} OR day = toDate({day:UInt16}))",
        parameters,
    )
    return int(rows[0][0])


def find_rows(warehouse: Warehouse, wanted: Sequence[tuple[int, int, bytes]]) -> list[Found]:
    """
    Find the rows of (site id, day, index), the oldest day first. Nothing is decrypted for it.

    Raises:
        WarehouseUnavailable: ask again.
    """
    found: list[Found] = []
    for start in range(0, len(wanted), LOOK_UP_MAX):
        part = wanted[start : start + LOOK_UP_MAX]
        rows = warehouse.query(
            """
            SELECT toUInt16(day), site_id, lower(hex(bidx)), lower(hex(any(ct))), groupBitOr(hours), sum(hits)
            FROM vault
            WHERE (day, site_id, bidx) IN (
                SELECT toDate(item.1), item.2, toFixedString(unhex(item.3), 16)
                FROM (SELECT arrayJoin(arrayZip(
                    {days:Array(UInt16)}, {sites:Array(UInt32)}, {indexes:Array(String)}
                )) AS item)
            )
            GROUP BY day, site_id, bidx
            """,
            {
                "days": [day for _, day, _ in part],
                "sites": [site_id for site_id, _, _ in part],
                "indexes": [index.hex() for _, _, index in part],
            },
        )
        found += [
            Found(row[0], row[1], bytes.fromhex(row[2]), bytes.fromhex(row[3]), int(row[4]), int(row[5]))
            for row in rows
        ]
    return sorted(found, key=lambda row: (row.day, row.site_id))


def erase_rows(warehouse: Warehouse, wanted: Sequence[tuple[int, int, bytes]]) -> int:
    """
    Delete the rows of (site id, day, index) for good; when this returns no part in use has them.

    Returns:
        How many rows there were, merged.
    """
    found = find_rows(warehouse, wanted)
    for day in sorted({row.day for row in found}):
        indexes = [row.bidx.hex() for row in found if row.day == day]
        sites = sorted({row.site_id for row in found if row.day == day})
        # A rewrite rather than a mark: marked rows would stay readable on disk.
        warehouse.command(
            """
            ALTER TABLE vault DELETE WHERE day = toDate({day:UInt16}) AND site_id IN {sites:Array(UInt32)}
            AND has({indexes:Array(String)}, lower(hex(bidx))) SETTINGS mutations_sync = 2
            """,
            {"day": day, "sites": sites, "indexes": indexes},
        )
    return len(found)


def day_row_counts(warehouse: Warehouse) -> dict[int, int]:
    """
    Tell how many rows each day has, the vault's own left out; days in days since 1970-01-01.
    """
    rows = warehouse.query(
        "SELECT toUInt16(day), uniqExact(site_id, bidx) FROM vault WHERE site_id != {site:UInt32} GROUP BY day",
        {"site": VAULT_SITE},
    )
    return {int(row[0]): int(row[1]) for row in rows}


def days_with_rows(warehouse: Warehouse) -> list[int]:
    """
    List the days that have a partition, the oldest first.
    """
    return [int(row[0]) for row in warehouse.query("SELECT DISTINCT toUInt16(day) AS d FROM vault ORDER BY d")]


def drop_day(warehouse: Warehouse, day: int) -> None:
    """
    Drop the partition of a day. Nothing happens when there is none.
    """
    warehouse.command(f"ALTER TABLE vault DROP PARTITION '{iso_day(day)}'")


def merge_day(warehouse: Warehouse, day: int) -> None:
    """
    Put all rows of a day that is over into one part: several parts would tell which rows were written together.
    """
    warehouse.command(f"OPTIMIZE TABLE vault PARTITION '{iso_day(day)}' FINAL")


def _fixed(values: Sequence[bytes], size: int) -> Numbers:
    import numpy as np

    from warehouse.native import Numbers

    return Numbers(f"FixedString({size})", np.frombuffer(b"".join(values), f"V{size}"))
