"""
What was read of closed days is remembered exactly as long as it is true.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from dashboard.context import Context
from dashboard.stats.answer import answer
from dashboard.stats.memory import ANSWER_ROWS_MAX, ROWS_MAX, SHARED_MS_MAX, Memory, Rows
from dashboard.stats.query import StatsQuery
from tests.clocks import FakeClock
from tests.stats.rolled import build_all
from tests.stats.rows import Happening, insert, moment
from tests.stats.test_plans import prepared, some_events
from warehouse.client import Warehouse


def counting(rows: Rows) -> tuple[Callable[[], Rows], list[int]]:
    asked: list[int] = []

    def ask() -> Rows:
        asked.append(1)
        return rows

    return ask, asked


def test_a_fact_is_read_again_after_a_write(warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Inserts and commands of this process make what was read of that table old, and of no other.
    """
    memory = Memory()
    ask, asked = counting([])

    def fact() -> None:
        memory.fact(warehouse, clock, ("drops",), "key", ask)

    fact()
    fact()
    warehouse.insert("imports", {"site_id": [1], "number": [1]})
    fact()
    assert 1 == len(asked)

    warehouse.insert("drops", {"site_id": [1], "hits": [1]})
    fact()
    warehouse.command("TRUNCATE TABLE drops")
    fact()
    warehouse.command("INSERT INTO drops (site_id, hits) SELECT 1, 1")
    fact()
    assert 4 == len(asked)


def test_a_store_that_others_write_to_is_asked_every_two_seconds(clock: FakeClock) -> None:
    """
    Of a server this process does not see every write, so what was read soon counts for nothing.
    """
    warehouse = Warehouse("clickhouse://default@127.0.0.1:1/default")
    memory = Memory()
    ask, asked = counting([])
    for wait_ms in (0, SHARED_MS_MAX - 1, 1, 0):
        clock.advance(ms=wait_ms)
        memory.fact(warehouse, clock, ("drops",), "key", ask)

    assert 2 == len(asked)


def test_answers_end_with_what_was_deleted(warehouse: Warehouse) -> None:
    """
    An answer is given again for the same statement and values, until something is taken out of the rollups.
    """
    memory = Memory()
    ask, asked = counting([(1,)])
    for value in (1, 1, 2, 1):
        assert [(1,)] == memory.answer(warehouse, "SELECT {p0:UInt8}", {"p0": value}, ask)
    assert 2 == len(asked)

    warehouse.command("INSERT INTO rollups (site_id, report, day) SELECT 1, '', '2026-05-01'")
    memory.answer(warehouse, "SELECT {p0:UInt8}", {"p0": 1}, ask)
    assert 2 == len(asked)

    warehouse.command("DELETE FROM rollups WHERE site_id = 1")
    memory.answer(warehouse, "SELECT {p0:UInt8}", {"p0": 1}, ask)
    assert 3 == len(asked)


def test_memory_has_an_end(warehouse: Warehouse) -> None:
    """
    The answers that were not asked for longest go; those too long are not kept at all.
    """
    memory = Memory()
    full, _ = counting([(1,)] * ANSWER_ROWS_MAX)
    for number in range(ROWS_MAX // ANSWER_ROWS_MAX + 1):
        memory.answer(warehouse, "SELECT", {"p0": number}, full)
    again, asked = counting([])
    memory.answer(warehouse, "SELECT", {"p0": ROWS_MAX // ANSWER_ROWS_MAX}, again)
    assert [] == asked
    memory.answer(warehouse, "SELECT", {"p0": 0}, again)
    assert 1 == len(asked)

    long, asked = counting([(1,)] * (ANSWER_ROWS_MAX + 1))
    for _ in range(2):
        memory.answer(warehouse, "SELECT long", {}, long)
    assert 2 == len(asked)


def test_an_answer_about_closed_days_needs_no_store_the_second_time(context: Context) -> None:
    """
    A question that rollups alone answer is asked once; one about an open day whenever something was written.
    """
    site = prepared(context, some_events())
    build_all(context, site)
    asked: list[str] = []
    whole = context.warehouse.query

    class Listening(Warehouse):
        def __init__(self) -> None:
            super().__init__(f"chdb://{context.warehouse.path}")

        def query(self, sql: str, *arguments: object, **named: object) -> list[tuple[object, ...]]:
            asked.append(sql)
            return whole(sql, *arguments, **named)  # type: ignore[arg-type]  # handed on as it came

    here = Context(Listening(), context.registry, context.clock, context.settings)
    closed = StatsQuery(("visitors", "bounce_rate"), ("2026-05-04", "2026-05-05"), dimensions=("visit:source",))
    first = answer(here, site, closed)
    assert asked
    asked.clear()

    assert first == answer(here, site, closed)
    assert [] == asked

    still_open = StatsQuery(("visitors",), ("2026-05-03", "2026-11-22"))
    answer(here, site, still_open)
    asked.clear()
    answer(here, site, still_open)
    assert [] == asked
    insert(context.warehouse, site.id, [Happening(moment("2026-11-20T10:00:00"), who="new")])
    before = answer(replace(here, memory=Memory()), site, still_open)
    asked.clear()
    assert before == answer(here, site, still_open)
    assert asked
