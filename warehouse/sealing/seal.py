"""
Sealing one day of one site: ids become fresh random ones, times five minutes, rare cities and versions one row.

A day may be sealed when its salt is dead and every record of it is stored, after its sums of the day were made. Rows
that come later for a sealed day are sealed by the next call, as rows of other visitors. The mapping of old ids to new
ones is in memory only, in this process and in the store's, and gone when the day is done.

Crash-safe: the sealed rows are staged and compared first; then the state file says so; then the open rows are deleted
and the staged ones put in their place. `resume_sealing` finishes that after a crash, before anything is added.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from warehouse.batches import DRAIN_BATCHES_BELOW
from warehouse.client import Warehouse
from warehouse.data_dir import sync_directory, write_private
from warehouse.sealing.statements import (
    IDS,
    IMPORTED_FROM,
    OPEN_ROWS,
    STAGED,
    TABLES,
    columns_of,
    sealing_statement,
    sums_statement,
)

STATE_FILE = "sealing.json"
UNLIMITED = {"max_execution_time": 0, "max_memory_usage": 0}
"""A large day takes longer than a page may."""
IDS_AT_ONCE = 500_000
"""Ids of one insert into the mapping: 8 MB."""


class SealError(Exception):
    """
    A day was not sealed; its rows are as they were. The text says why.
    """


@dataclass(frozen=True, slots=True)
class Sealed:
    """
    What sealing a day did: rows sealed now.
    """

    events: int
    visits: int


def seal_day(
    warehouse: Warehouse, state_dir: Path, *, site_id: int, day: date, k: int, settled_batch: int | None = None
) -> Sealed:
    """
    Seal what is not sealed yet of a day. Nothing may be flushed meanwhile; a second call does nothing.

    Args:
        state_dir: where the state file lies while rows change places.
        k: the site's; above 1, cities and versions with fewer visitors that day are folded.
        settled_batch: the last batch that is stored for certain; None when no batch is under way. Rows of a later
            one could be written again after a crash, so their day waits.

    Raises:
        SealError: a row of a later batch is among them, or the sealed rows do not add up to the same.
        WarehouseUnavailable, WarehouseRefused: call again, after `resume_sealing`.
    """
    resume_sealing(warehouse, state_dir)
    parameters = {"site": site_id, "day": day.isoformat()}
    newest = warehouse.query(
        f"SELECT count(), maxIf(batch, batch < {IMPORTED_FROM}), maxIf(batch, batch < {DRAIN_BATCHES_BELOW}) "  # noqa: S608 - names of ours
        f"FROM events WHERE {OPEN_ROWS}",
        parameters,
    )[0]
    visits = warehouse.query(f"SELECT count() FROM visits WHERE {OPEN_ROWS}", parameters)[0][0]  # noqa: S608 - names of ours
    if not newest[0] and not visits:
        return Sealed(0, 0)
    # What was seeded has numbers above all of the drain's and is never written again.
    if settled_batch is not None and newest[2] > settled_batch:
        raise SealError(f"batch {newest[2]} of {day} is still under way")
    try:
        counts = _stage(warehouse, parameters, k=k, batch=int(newest[1]))
    except BaseException:
        _clear(warehouse)
        raise
    before = _sealed_rows(warehouse, parameters)
    state = {"site": site_id, "day": day.isoformat(), "rows": counts, "before": before}
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(state_dir / STATE_FILE, json.dumps(state))
    _swap(warehouse, state_dir, parameters, counts, before)
    return Sealed(counts["events"], counts["visits"])


def resume_sealing(warehouse: Warehouse, state_dir: Path) -> bool:
    """
    Finish a day whose rows were changing places when the process ended. Call it before anything is flushed.

    Returns:
        Whether there was one.
    """
    path = state_dir / STATE_FILE
    if not path.exists():
        _clear(warehouse)
        return False
    state = json.loads(path.read_text(encoding="utf-8"))
    parameters = {"site": int(state["site"]), "day": str(state["day"])}
    _swap(warehouse, state_dir, parameters, dict(state["rows"]), dict(state["before"]))
    return True


def _stage(warehouse: Warehouse, parameters: Mapping[str, object], *, k: int, batch: int) -> dict[str, int]:
    _clear(warehouse)
    for table in TABLES:
        warehouse.command(f"CREATE TABLE {STAGED[table]} AS {table}")
    for mapping in IDS.values():
        warehouse.command(f"CREATE TABLE {mapping} (old UInt64, fresh UInt64) ENGINE = Memory")
    _map_ids(warehouse, parameters)
    counts: dict[str, int] = {}
    for table in TABLES:
        statement = sealing_statement(table, columns_of(warehouse, table), fold=k > 1)
        warehouse.command(statement, {**parameters, "k": k, "batch": batch})
        before = warehouse.query(sums_statement(table, table, OPEN_ROWS), parameters, settings=UNLIMITED)
        after = warehouse.query(sums_statement(table, STAGED[table], "1"), settings=UNLIMITED)
        if before != after:
            raise SealError(f"the sealed rows of {table} on {parameters['day']} do not add up to what they were")
        counts[table] = int(after[0][0])
    for mapping in IDS.values():
        warehouse.command(f"DROP TABLE {mapping} SYNC")
    return counts


def _map_ids(warehouse: Warehouse, parameters: Mapping[str, object]) -> None:
    """
    Draw the fresh ids of a day's visitors and visits, and put both mappings into the store's memory.

    The visits of a visitor get numbers beside each other, in an order of chance, as their rows lie beside each other:
    neighbours that differ by one take almost no room on the disk, where random ones take eight bytes each.
    """
    rows = warehouse.query(
        f"SELECT DISTINCT visitor_id, visit_id FROM (SELECT visitor_id, visit_id FROM events WHERE {OPEN_ROWS} "  # noqa: S608 - names of ours
        f"UNION ALL SELECT visitor_id, visit_id FROM visits WHERE {OPEN_ROWS}) ORDER BY visitor_id, visit_id",
        parameters,
        settings=UNLIMITED,
    )
    pairs = np.array(rows, dtype=np.uint64).reshape(-1, 2)
    visitors, places = np.unique(pairs[:, 0], return_inverse=True)
    fresh_visitors = _fresh_ids(len(visitors))
    visits, first = np.unique(pairs[:, 1], return_index=True)
    # Where a visit lies is decided by its visitor's fresh id, then by chance.
    chance = _fresh_ids(len(visits))
    order = np.lexsort((chance, fresh_visitors[places[first]]))
    fresh_visits = np.empty_like(chance)
    fresh_visits[order] = np.sort(chance)
    for column, old, fresh in (("visitor_id", visitors, fresh_visitors), ("visit_id", visits, fresh_visits)):
        for start in range(0, len(old), IDS_AT_ONCE):
            piece = slice(start, start + IDS_AT_ONCE)
            warehouse.insert(IDS[column], {"old": old[piece].tolist(), "fresh": fresh[piece].tolist()})


def _fresh_ids(count: int) -> NDArray[np.uint64]:
    """
    Draw `count` different numbers, none of them 0: a stretch that begins somewhere in 64 bits, in an order of chance.

    Who gets which says nothing: both the beginning and the order are drawn from the system's randomness. Two stretches
    of a million meet once in 10^13 times.
    """
    first = 1 + secrets.randbelow(2**64 - 1 - count)
    keys = np.frombuffer(secrets.token_bytes(16 * count), dtype=[("high", np.uint64), ("low", np.uint64)])
    fresh = np.empty(count, np.uint64)
    fresh[np.lexsort((keys["low"], keys["high"]))] = np.arange(count, dtype=np.uint64) + np.uint64(first)
    return fresh


def _swap(
    warehouse: Warehouse,
    state_dir: Path,
    parameters: Mapping[str, object],
    counts: Mapping[str, int],
    before: Mapping[str, int],
) -> None:
    for table in TABLES:
        # A rewrite, not a mark: rows only marked as deleted would stay readable on disk.
        warehouse.command(f"ALTER TABLE {table} DELETE WHERE {OPEN_ROWS} SETTINGS mutations_sync = 2", parameters)
        if _sealed_rows(warehouse, parameters)[table] == before[table] and counts[table]:
            _attach(warehouse, table, str(parameters["day"]))
    (state_dir / STATE_FILE).unlink()
    sync_directory(state_dir)
    _clear(warehouse)


def _attach(warehouse: Warehouse, table: str, day: str) -> None:
    # All of a day lies in one month's partition, and a partition is attached as a whole or not at all.
    partition = day[:4] + day[5:7]
    assert partition.isdigit()
    warehouse.command(f"ALTER TABLE {table} ATTACH PARTITION ID '{partition}' FROM {STAGED[table]}")


def _sealed_rows(warehouse: Warehouse, parameters: Mapping[str, object]) -> dict[str, int]:
    where = "site_id = {site:UInt32} AND day = {day:Date} AND sealed = 1"
    return {
        table: int(warehouse.query(f"SELECT count() FROM {table} WHERE {where}", parameters)[0][0])  # noqa: S608 - names of ours
        for table in TABLES
    }


def _clear(warehouse: Warehouse) -> None:
    for name in (*STAGED.values(), *IDS.values()):
        warehouse.command(f"DROP TABLE IF EXISTS {name} SYNC")
