"""
Blocks in the engine's own format, against both kinds of store.
"""

from __future__ import annotations

import numpy as np
import pytest

from warehouse.client import Warehouse, WarehouseRefused
from warehouse.native import Column, Maps, Numbers, Tuples, Words

DAY = 20_779


def drops(*hits: int, words: int = 1) -> dict[str, Column]:
    count = len(hits)
    return {
        "site_id": Numbers("UInt32", np.arange(count, dtype=np.uint32)),
        "hour": Numbers("DateTime('UTC')", np.full(count, DAY * 86_400, np.uint32)),
        "reason": Words(np.arange(count, dtype=np.uint32) % words, [f"reason {n}" for n in range(words)]),
        "hits": Numbers("UInt64", np.array(hits, np.uint64)),
        "batch": Numbers("UInt64", np.full(count, 7, np.uint64)),
    }


@pytest.mark.parametrize("words", [1, 256, 257, 65_537])
def test_dictionaries_of_every_width_arrive_whole(store: Warehouse, words: int) -> None:
    """
    However many different texts a column has, each row has its own.
    """
    store.insert_block("drops", drops(*range(words), words=words))

    assert [(words, words, words)] == store.query(
        "SELECT count(), uniqExact(reason), countIf(reason = concat('reason ', toString(hits))) FROM drops"
    )


def test_every_kind_of_column_arrives_as_it_is(store: Warehouse) -> None:
    """
    Numbers, dates, money, texts of any length and script, maps and tuples come back as they went in.
    """
    long = "ü" * 200
    columns: dict[str, Column] = {
        "site_id": Numbers("UInt32", np.array([1, 2], np.uint32)),
        "day": Numbers("Date", np.array([DAY, DAY], np.uint16)),
        "ts": Numbers("DateTime('UTC')", np.array([DAY * 86_400 + 1, DAY * 86_400 + 2], np.uint32)),
        "visit_id": Numbers("UInt64", np.array([2**64 - 1, 1], np.uint64)),
        "pathname": Words(np.array([1, 0], np.uint32), ["", long]),
        "props": Maps(2, {1: {"": "b", long: ""}}),
        "revenue_amount": Numbers("Decimal(18, 3)", np.array([10_125, -1], np.int64)),
    }
    store.insert_block("events", columns)
    rows = store.query(
        "SELECT toString(day), toString(ts), visit_id, pathname, props, toString(revenue_amount) FROM events "
        "ORDER BY site_id"
    )

    assert [
        ("2026-11-22", "2026-11-22 00:00:01", 2**64 - 1, long, {}, "10.125"),
        ("2026-11-22", "2026-11-22 00:00:02", 1, "", {"": "b", long: ""}, "-0.001"),
    ] == rows
    assert [[1, 2], [long, ""], [{}, {"": "b", long: ""}]] == [
        columns[name].rows() for name in ("site_id", "pathname", "props")
    ]


def test_tuples_arrive_element_by_element(store: Warehouse) -> None:
    """
    Entry and exit pages are tuples of a number and two texts.
    """
    page = Tuples((Numbers("UInt32", np.array([3], np.uint32)), *(Words(np.array([0], np.uint32), [t]) for t in "ab")))
    store.insert_block("visits", {"site_id": Numbers("UInt32", np.array([1], np.uint32)), "entry": page, "exit": page})

    assert [((3, "a", "b"), 3, "b")] == store.query("SELECT entry, exit.1, exit.3 FROM visits")
    assert [(3, "a", "b")] == page.rows()


def test_a_token_counts_a_block_once(store: Warehouse) -> None:
    """
    A block repeated with its token counts once; blocks without one always count.
    """
    for token in ("block-1", "block-1", None, None):
        store.insert_block("drops", drops(5), token=token)

    assert [(15,)] == store.query("SELECT sum(hits) FROM drops")


def test_a_block_for_another_table_is_refused(store: Warehouse) -> None:
    """
    Columns the table has not are refused, and say so for good.
    """
    with pytest.raises(WarehouseRefused):
        store.insert_block("visits", drops(1))
