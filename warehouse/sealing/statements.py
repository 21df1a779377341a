"""
The statements of sealing: how a row of a closed day becomes a sealed one. Table and column names here are all ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from warehouse.client import Warehouse

TABLES = ("events", "visits")
STAGED = {table: f"{table}_sealing" for table in TABLES}
IDS = {"visitor_id": "sealing_visitors", "visit_id": "sealing_visits"}
"""Old id -> fresh one, in memory for as long as one day is sealed. Never on disk."""

STEP_SECONDS = 300
"""Times of sealed rows are whole five minutes."""
FOLDED = "(other)"
CITY_FOLDED = 2**32 - 1
"""In place of a rare city; no place has this number."""
NO_ENTRY_PLACE = 2**32 - 1
"""Place of the entry of a visit without a pageview (`ingest/visits.py`)."""

IMPORTED_FROM = 2**63
"""Numbers of imports begin here (`warehouse/imports.py`)."""

_DAY = "site_id = {site:UInt32} AND day = {day:Date}"
OPEN_ROWS = f"{_DAY} AND sealed = 0"


def columns_of(warehouse: Warehouse, table: str) -> list[str]:
    """
    List a table's columns in order.
    """
    rows = warehouse.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} "
        "ORDER BY position",
        {"table": table},
    )
    return [str(row[0]) for row in rows]


def sealing_statement(table: str, columns: Sequence[str], *, fold: bool) -> str:
    """
    Write the statement that puts a day's rows, sealed, into the staging table.

    Args:
        columns: all of the table's; those that sealing does not know of are copied as they are.
        fold: whether rare cities and versions are folded below `k`.
    """
    changed = dict(_EVENTS if table == "events" else _VISITS)
    if fold:
        changed |= _FOLDS
    chosen = ", ".join(f"{changed.get(name, f'r.{name}')} AS `{name}`" for name in columns)
    names = ", ".join(f"`{name}`" for name in columns)
    final = " FINAL" if table == "visits" else ""
    source = f"(SELECT * FROM {table}{final} WHERE {OPEN_ROWS})"  # noqa: S608 - names of ours
    if table == "events":
        # Rows without a visit (GPC, DNT) have no order among each other.
        order = "row_number() OVER (PARTITION BY visit_id ORDER BY ts, seq)"
        source = f"(SELECT *, if(visit_id = 0, 0, {order}) AS place FROM {source})"  # noqa: S608 - names of ours
    return (
        f"INSERT INTO {STAGED[table]} ({names}) SELECT {chosen} FROM {source} AS r "  # noqa: S608 - names of ours
        f"LEFT JOIN {IDS['visitor_id']} AS visitors ON r.visitor_id = visitors.old "
        f"LEFT JOIN {IDS['visit_id']} AS visits_of ON r.visit_id = visits_of.old"
    )


def sums_statement(table: str, source: str, where: str) -> str:
    """
    Write the question whose answer sealing must not change.
    """
    parts = _SUMS[table]
    final = " FINAL" if table == "visits" else ""
    return f"SELECT {parts} FROM {source}{final} WHERE {where}"  # noqa: S608 - names of ours


_IDS: Mapping[str, str] = {
    # Ids of rows without a visitor are 0 and stay so.
    "visitor_id": "if(r.visitor_id = 0, 0, visitors.fresh)",
    "visit_id": "if(r.visit_id = 0, 0, visits_of.fresh)",
    "sealed": "1",
}
_EVENTS: Mapping[str, str] = {
    **_IDS,
    "ts": f"toDateTime(intDiv(toUnixTimestamp(r.ts), {STEP_SECONDS}) * {STEP_SECONDS}, 'UTC')",
    "seq": "toUInt32(r.place)",
    # A batch is a fraction of a second; all rows of the day get that of the last one. An import's number is how its
    # rows are found again.
    "batch": f"if(r.batch >= {IMPORTED_FROM}, r.batch, {{batch:UInt64}})",
}
_START = f"toDateTime(intDiv(toUnixTimestamp(r.start), {STEP_SECONDS}) * {STEP_SECONDS}, 'UTC')"
_VISITS: Mapping[str, str] = {
    **_IDS,
    "start": _START,
    # The length of a visit stays what it was, to the second.
    "end": f"{_START} + (toUnixTimestamp(r.end) - toUnixTimestamp(r.start))",
    "entry": f"(toUInt32(if(r.entry.1 = {NO_ENTRY_PLACE}, {NO_ENTRY_PLACE}, 0)), r.entry.2, r.entry.3)",
    "exit": "(toUInt32(0), r.exit.2, r.exit.3)",
}


def _rare(*columns: str) -> str:
    names = ", ".join(columns)
    of_row = ", ".join(f"r.{column}" for column in columns)
    return (
        f"({of_row}) IN (SELECT {names} FROM events WHERE {_DAY} AND visitor_id != 0 "  # noqa: S608 - names of ours
        f"GROUP BY {names} HAVING uniqExact(visitor_id) < {{k:UInt32}})"
    )


def _version(column: str) -> str:
    version = f"r.{column}_version"
    return f"if({version} != '' AND {_rare(column, f'{column}_version')}, '{FOLDED}', {version})"


_FOLDS: Mapping[str, str] = {
    "city": f"if(r.city != 0 AND {_rare('city')}, {CITY_FOLDED}, r.city)",
    "browser_version": _version("browser"),
    "os_version": _version("os"),
}
_SUMS: Mapping[str, str] = {
    "events": (
        "count(), uniqExact(visitor_id), uniqExact(visit_id), uniqExact(visitor_id, visit_id), sum(engagement_ms), "
        "sum(scroll_depth), sum(revenue_amount), sum(interactive), countIf(name = 'pageview')"
    ),
    "visits": (
        "count(), uniqExact(visitor_id), uniqExact(visit_id), sum(toUnixTimestamp(end) - toUnixTimestamp(start)), "
        "sum(pageviews), sum(events), sum(interactions)"
    ),
}
