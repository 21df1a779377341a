"""
At most so many names of a kind per site and day, whoever writes, and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest

from ingest import big_cells
from ingest.big_cells import OVERFLOW, BigCells
from ingest.event import Event
from ingest.flush import insert_batch
from ingest.visits import Sessionized, Sessionizer
from tests.ingest.records import event
from warehouse.client import Warehouse
from warehouse.native import Words

SITE = 900_001
MOST = 5


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse) -> None:
    monkeypatch.setattr(big_cells, "NAMES_MAX", MOST)
    monkeypatch.setattr(big_cells, "KEYS_MAX", 2)


def batch(number: int, pages: Iterable[str], **changes: Any) -> Sessionized:
    events: list[Event] = [
        event(visitor=number * 1000 + place, seed=number * 1000 + place, path=page, site_id=SITE, **changes)
        for place, page in enumerate(pages, 1)
    ]
    return Sessionizer().process(events, number)


def write(warehouse: Warehouse, cells: BigCells, number: int, pages: Sequence[str], **changes: Any) -> list[object]:
    rows = cells.capped(batch(number, pages, **changes))
    insert_batch(warehouse, number, rows)
    return list(rows.event_columns["pathname"])


def paths(count: int, start: int = 0) -> list[str]:
    return [f"/{number}" for number in range(start, start + count)]


def test_the_rest_overflows_and_nobody_is_lost(warehouse: Warehouse) -> None:
    """
    Named are the first ones, of events and of visits' entry and exit alike; every row stays.
    """
    cells = BigCells(warehouse)
    assert paths(3) == write(warehouse, cells, 1, paths(3))
    assert ["/1", "/3", "/4", OVERFLOW, OVERFLOW] == write(warehouse, cells, 2, ["/1", *paths(4, 3)])
    rows = warehouse.query("SELECT count(), uniqExact(pathname), countIf(pathname = '(overflow)') FROM events")
    edges = warehouse.query("SELECT DISTINCT entry.3, exit.3 FROM visits ORDER BY 1")

    assert [(8, MOST + 1, 2)] == rows
    assert {(OVERFLOW, OVERFLOW), *((path, path) for path in paths(5))} == {tuple(row) for row in edges}


def test_a_restart_goes_on_where_it_stopped(warehouse: Warehouse) -> None:
    """
    Another writer, and one that writes the same batch again, give the same names.
    """
    write(warehouse, BigCells(warehouse), 1, paths(4))
    second = batch(2, ["/0", *paths(5, 4)])
    cells = BigCells(warehouse)
    once = cells.capped(second)
    again = cells.capped(second)
    insert_batch(warehouse, 2, once)
    after_a_crash = BigCells(warehouse).capped(second)

    assert ["/0", "/4", *[OVERFLOW] * 4] == once.event_columns["pathname"]
    assert once.event_columns == again.event_columns == after_a_crash.event_columns
    assert once.visit_columns == after_a_crash.visit_columns


def test_a_small_day_is_left_alone(warehouse: Warehouse) -> None:
    """
    A day with no more rows than names is written as it came, and others do not use up its names.
    """
    cells = BigCells(warehouse)
    rows = batch(1, paths(MOST))
    other = batch(2, paths(MOST + 2), day=event().day + 1)

    assert rows is cells.capped(rows)
    assert 2 == cells.capped(other).event_columns["pathname"].count(OVERFLOW)


def test_every_kind_has_names_of_its_own(warehouse: Warehouse) -> None:
    """
    Pageviews keep their name; properties are counted by key, and keys are counted, too.
    """
    names = [*(f"e{n}" for n in range(1, 8)), "pageview", "pageview"]
    events = [
        event(
            visitor=n,
            site_id=SITE,
            referrer=f"r{n}.test/",
            name=name,
            props={"plan": f"p{n}", "one": "x", "two": "y"},
        )
        for n, name in enumerate(names, 1)
    ]
    rows = BigCells(warehouse).capped(Sessionizer().process(events, 1)).event_columns

    assert 4 == rows["referrer"].count(OVERFLOW)
    assert [*(f"e{n}" for n in range(1, 6)), OVERFLOW, OVERFLOW, "pageview", "pageview"] == rows["name"]
    props = cast("list[dict[str, str]]", rows["props"])
    assert [*(f"p{n}" for n in range(1, 6)), *[OVERFLOW] * 4] == [one["plan"] for one in props]
    assert [{"x"}, {OVERFLOW}] == [{one[key] for one in props} for key in ("one", "two")]


def test_what_overflows_takes_no_room(warehouse: Warehouse) -> None:
    """
    Of ten times too many names none but the named ones is held or written.
    """
    cells = BigCells(warehouse)
    rows = cells.capped(batch(1, paths(MOST * 10)))
    column = rows.events["pathname"]

    assert isinstance(column, Words)
    assert MOST + 1 == len(column.words) and MOST <= cells.held < 2 * MOST
