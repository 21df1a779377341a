"""
Looks for given bytes in every column of every table, the engine's own logs included: what files hold compressed, a
search of the files does not see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warehouse.client import Warehouse

SEARCH_SECONDS_MAX = 600
NEEDLES_MAX = 250
"""The engine's own limit of one search is 255."""
_LOGS = ("query_log", "query_thread_log", "text_log", "asynchronous_insert_log", "crash_log", "trace_log")


@dataclass(frozen=True, slots=True)
class Hit:
    """
    A column that holds one of the needles, and in how many rows.
    """

    table: str
    column: str
    rows: int


def search_tables(warehouse: Warehouse, needles: Sequence[bytes], numbers: Sequence[str]) -> list[Hit]:
    """
    Search texts for needles, and columns of numbers for whole numbers in decimal.

    Raises:
        WarehouseUnavailable, QueryTimeout: ask again, or look at fewer at once.
    """
    found: dict[tuple[str, str], int] = {}
    for table, columns in _columns(warehouse).items():
        for start in range(0, max(len(needles), len(numbers)), NEEDLES_MAX):
            part = slice(start, start + NEEDLES_MAX)
            for column, rows in _search(warehouse, table, columns, needles[part], numbers[part]).items():
                found[table, column] = found.get((table, column), 0) + rows
    return [Hit(table, column, rows) for (table, column), rows in found.items()]


def query_logs(warehouse: Warehouse) -> list[str]:
    """
    Name the engine's own logs of statements that exist.

    Raises:
        WarehouseUnavailable: the store does not answer.
    """
    sql = "SELECT name FROM system.tables WHERE database = 'system' AND has({logs:Array(String)}, name) ORDER BY name"
    rows = warehouse.query(sql, {"logs": list(_LOGS)})
    return [str(row[0]) for row in rows]


def _columns(warehouse: Warehouse) -> dict[str, dict[str, str]]:
    """
    List table -> column -> type; of the engine's own tables the logs.
    """
    sql = (
        "SELECT if(database = currentDatabase(), table, concat(database, '.', table)) AS place, name, type "
        "FROM system.columns WHERE database = currentDatabase() "
        "OR (database = 'system' AND has({logs:Array(String)}, table)) ORDER BY place, position"
    )
    rows = warehouse.query(sql, {"logs": list(_LOGS)})
    tables: dict[str, dict[str, str]] = {}
    for table, name, kind in rows:
        tables.setdefault(str(table), {})[str(name)] = str(kind)
    return tables


def _search(
    warehouse: Warehouse, table: str, columns: Mapping[str, str], needles: Sequence[bytes], numbers: Sequence[str]
) -> dict[str, int]:
    counts: list[str] = []
    for name, kind in columns.items():
        if "String" in kind or "Tuple" in kind or "Map" in kind or "JSON" in kind:
            # A column of a type that is no text is looked through as it is written out.
            text = f"`{name}`" if kind in ("String", "LowCardinality(String)") else f"toString(`{name}`)"
            counts.append(f"countIf(multiSearchAny({text}, arrayMap(x -> unhex(x), {{needles:Array(String)}})))")
        elif "Int" in kind or "IPv" in kind:
            counts.append(f"countIf(has({{numbers:Array(String)}}, toString(`{name}`)))")
        else:
            counts.append("0")
    rows = warehouse.query(
        f"SELECT {', '.join(counts)} FROM {table}",  # noqa: S608 - names the engine gave
        {"needles": [needle.hex() for needle in needles], "numbers": list(numbers)},
        settings={"max_execution_time": SEARCH_SECONDS_MAX},
    )
    return {name: int(rows[0][number]) for number, name in enumerate(columns) if int(rows[0][number])}
