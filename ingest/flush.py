"""
Hop 7, the writing: one insert per table, token = batch number and table; and what a restart asks the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ingest.columns import ATTRIBUTES, Page
from ingest.open_visits import NO_ENTRY, NO_EXIT, OpenVisit, page_place
from ingest.visits import Sessionized
from warehouse.batches import DRAIN_BATCHES_BELOW
from warehouse.client import Warehouse
from warehouse.native import Column

VISITORS_PER_QUESTION = 1_000


def insert_batch(warehouse: Warehouse, batch: int, rows: Sessionized, *, salvage: bool = False) -> None:
    """
    Write the rows of one batch. Durable when this returns.

    Args:
        salvage: this batch may have been written before. Then each table is first asked how many rows of the batch it
            has: the token alone is no proof, for a store may forget a token, or keep it and lose the rows.

    Raises:
        WarehouseUnavailable: repeat the same call with `salvage`.
        WarehouseRefused: these rows will never be taken; quarantine the batch.
    """
    _insert_counted(warehouse, "events", rows.events, rows.event_count, batch, salvage=salvage)
    if rows.visit_count:
        # What is true of a visit so far: writing it again changes nothing, so nothing needs to be asked first.
        warehouse.insert_block("visits", rows.visits, token=None if salvage else f"{batch}-visits")
    _insert_counted(warehouse, "drops", rows.drops, rows.drop_count, batch, salvage=salvage)


def _insert_counted(
    warehouse: Warehouse, table: str, columns: Mapping[str, Column], rows: int, batch: int, *, salvage: bool
) -> None:
    if rows == 0 or (salvage and count_rows(warehouse, table, batch) == rows):
        return
    warehouse.insert_block(table, columns, token=f"{batch}-{table}")
    if not salvage or count_rows(warehouse, table, batch) == rows:
        return
    # The store remembered the token and lost rows. Start the batch over under another one.
    warehouse.command(f"ALTER TABLE {table} DELETE WHERE batch = {batch:d} SETTINGS mutations_sync = 2")
    warehouse.insert_block(table, columns, token=f"{batch}-{table}-again")


def count_rows(warehouse: Warehouse, table: str, batch: int) -> int:
    """
    Tell how many rows of a batch a table holds.
    """
    assert table in ("events", "drops")
    return warehouse.query(f"SELECT count() FROM {table} WHERE batch = {{batch:UInt64}}", {"batch": batch})[0][0]  # noqa: S608  # the two names above


def forget_part(warehouse: Warehouse, batch: int, event_count: int) -> None:
    """
    Delete the events of a refused batch of which the store has only some: it is stored whole or not at all.

    Raises:
        WarehouseUnavailable: not all are gone; the same call finishes it.
    """
    if count_rows(warehouse, "events", batch) not in (0, event_count):
        warehouse.command(f"ALTER TABLE events DELETE WHERE batch = {batch:d} SETTINGS mutations_sync = 2")


def newest_batch(warehouse: Warehouse) -> int:
    """
    Tell the highest batch number of a drain that the store has seen; 0 when none.
    """
    newest = 0
    for table in ("events", "drops"):
        sql = f"SELECT max(batch) FROM {table} WHERE batch < {{below:UInt64}}"  # noqa: S608  # the two names above
        newest = max(newest, warehouse.query(sql, {"below": DRAIN_BATCHES_BELOW})[0][0])
    return newest


def read_open_visits(
    warehouse: Warehouse, *, since: int, below_batch: int, visitors: Iterable[tuple[int, int]] | None = None
) -> list[OpenVisit]:
    """
    Rebuild the visits that may still be open from the events of earlier batches.

    Args:
        since: epoch seconds UTC; visits silent before it are over.
        below_batch: only batches below this one count; later ones are replayed.
        visitors: site and visitor, by default all.
    """
    if visitors is not None:
        who = sorted(visitors)
        return [
            visit
            for at in range(0, len(who), VISITORS_PER_QUESTION)
            for visit in _read_open_visits(warehouse, since, below_batch, who[at : at + VISITORS_PER_QUESTION])
        ]
    return _read_open_visits(warehouse, since, below_batch, None)


def _read_open_visits(
    warehouse: Warehouse, since: int, below_batch: int, who: Sequence[tuple[int, int]] | None
) -> list[OpenVisit]:
    parameters: dict[str, Any] = {"since": since, "below": min(below_batch, DRAIN_BATCHES_BELOW)}
    only = ""
    if who is not None:
        only = "AND site_id IN {sites:Array(UInt32)} AND visitor_id IN {visitors:Array(UInt64)}"
        parameters["sites"] = sorted({site for site, _ in who})
        parameters["visitors"] = [visitor for _, visitor in who]
    attributes = ", ".join(f"any({name})" for name in ATTRIBUTES)
    # Two days reach across every time zone's local day; the bound lets the store skip all else.
    rows = warehouse.query(
        f"""
        WITH (toUInt32(ts), seq, hostname, pathname) AS page
        SELECT site_id, toUInt16(any(day)), visitor_id, visit_id,
            toUInt32(minIf(ts, name != 'engagement')), toUInt32(maxIf(ts, name != 'engagement')),
            toUInt32(max(ts)) AS last,
            countIf(name = 'pageview'), countIf(name != 'engagement'),
            countIf(interactive AND name NOT IN ('pageview', 'engagement')), max(seq),
            minIf(page, name = 'pageview'), maxIf(page, name = 'pageview'), toUInt32(argMin(ts, seq)),
            {attributes}, toUInt16(max(received_day))
        FROM events
        WHERE day >= toDate({{since:UInt32}}) - 2 AND batch < {{below:UInt64}} AND visit_id != 0 {only}
        GROUP BY site_id, visitor_id, visit_id
        HAVING last >= {{since:UInt32}}
        """,  # noqa: S608  # the only texts put in are the fixed list of attribute names and a fixed condition
        parameters,
    )
    return [_open_visit(row) for row in rows]


def _open_visit(row: tuple[Any, ...]) -> OpenVisit:
    pageviews, seq, entry, exit_page, base = row[7], row[10], row[11], row[12], row[13]
    return OpenVisit(
        site_id=row[0],
        day=row[1],
        visitor_id=row[2],
        visit_id=row[3],
        start=row[4],
        end=row[5],
        last=row[6],
        pageviews=pageviews,
        events=row[8],
        interactions=row[9],
        base=base,
        seq=seq + 1,
        entry=_page(entry, base) if pageviews else NO_ENTRY,
        exit=_page(exit_page, base) if pageviews else NO_EXIT,
        attributes=tuple(row[14:-1]),
        received_day=row[-1],
    )


def _page(row: tuple[int, int, str, str], base: int) -> Page:
    ts, seq, hostname, pathname = row
    return page_place(ts - base, seq), hostname, pathname
