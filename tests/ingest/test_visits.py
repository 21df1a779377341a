"""
Hop 6: the rules of a visit, on hand-countable events.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ingest.event import DropCount, Event, Record
from ingest.flush import insert_batch, newest_batch, read_open_visits
from ingest.open_visits import PLACE_SEQ_MAX, VISIT_IDLE_SECONDS, OpenVisits, page_place
from ingest.visits import Sessionized, Sessionizer
from tests.ingest.records import DAY, MIDNIGHT, event
from tests.ingest.slow_visits import SlowSessionizer
from warehouse.client import Warehouse


def visits_of(*records: Record) -> list[dict[str, Any]]:
    return rows_of(Sessionizer().process(records, 1))


def rows_of(batch: Sessionized) -> list[dict[str, Any]]:
    columns = batch.visit_columns
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def looked_at(rows: Sessionized) -> tuple[dict[str, Sequence[object]], ...]:
    return rows.event_columns, rows.visit_columns, rows.drop_columns


def test_first_pageview_opens_a_visit() -> None:
    """
    One pageview is a visit of no length with the same entry and exit.
    """
    (visit,) = visits_of(event(10, path="/a", seed=77, source="Google"))

    assert 77 == visit["visit_id"]
    assert (MIDNIGHT + 10, MIDNIGHT + 10, 1, 1, 0) == tuple(
        visit[name] for name in ("start", "end", "pageviews", "events", "interactions")
    )
    assert (page_place(0, 1), "site1.test", "/a") == visit["entry"] == visit["exit"]
    assert "Google" == visit["source"]


def test_thirty_minutes_stay_and_one_second_more_begins_anew() -> None:
    """
    A visit survives 30 minutes of silence, not more.
    """
    assert 1 == len(visits_of(event(0), event(1800)))
    assert 2 == len(visits_of(event(0), event(1801)))


def test_attributes_come_from_the_first_event() -> None:
    """
    A later referrer changes neither the visit nor the event's attributes.
    """
    result = Sessionizer().process([event(0, source="Google"), event(5, source="Bing", path="/b")], 1)

    assert ("Google", "Google") == tuple(result.event_columns["source"])
    assert ("Google",) == tuple(result.visit_columns["source"])


def test_custom_event_sets_no_page() -> None:
    """
    Entry and exit are pages; an event with a name of its own is none.
    """
    opened, both = visits_of(event(0, name="Signup", visitor=1)), visits_of(
        event(0, name="Signup"), event(1, path="/b"), event(2, name="Signup", path="/c")
    )  # fmt: skip

    assert ("", "") == opened[0]["entry"][1:] == opened[0]["exit"][1:]
    assert "/b" == both[0]["entry"][2] == both[0]["exit"][2]
    assert (1, 3, 2) == (both[0]["pageviews"], both[0]["events"], both[0]["interactions"])


def test_engagement_extends_but_does_not_count() -> None:
    """
    Engagement keeps the visit open, and leaves its length and its counters alone.
    """
    (visit,) = visits_of(event(0), event(1500, name="engagement"), event(3000, path="/b"))

    assert (2, 2, MIDNIGHT + 3000) == (visit["pageviews"], visit["events"], visit["end"])


def test_engagement_without_a_visit_is_a_counted_drop() -> None:
    """
    Nobody's engagement is dropped with the reason `no_visit`.
    """
    result = Sessionizer().process([event(3700, name="engagement")], 4)

    assert 0 == result.event_count
    assert [(1,), (MIDNIGHT + 3600,), ("no_visit",), (1,), (4,)] == [tuple(c) for c in result.drop_columns.values()]


def test_signal_hits_join_no_visit() -> None:
    """
    A hit with GPC or DNT is an event without visitor and visit.
    """
    result = Sessionizer().process([event(0, visitor=0), event(1, visitor=0)], 1)

    assert (0, 0) == tuple(result.event_columns["visit_id"])
    assert () == tuple(result.visit_columns["visit_id"])


def test_late_event_joins_and_moves_the_start() -> None:
    """
    An event that comes late joins the visit it belongs to, by event time.
    """
    (visit,) = visits_of(event(10), event(0))

    assert 10 == visit["end"] - visit["start"]


def test_late_event_leaves_the_open_visit_alone() -> None:
    """
    What is more than 30 minutes older than the open visit makes a visit of its own, and the open one goes on.
    """
    visits = visits_of(event(7200, seed=2, path="/now"), event(0, seed=1, path="/then"), event(7260, path="/next"))

    assert [(2, 2, MIDNIGHT + 7200, "/next"), (1, 1, MIDNIGHT, "/then")] == [
        (visit["visit_id"], visit["pageviews"], visit["start"], visit["exit"][2]) for visit in visits
    ]


def test_late_event_joins_the_visit_before_the_open_one() -> None:
    """
    A visit that is over is not closed to what happened while it lasted, engagement included.
    """
    visits = visits_of(
        event(0, seed=1),
        event(3600, seed=2),
        event(600, path="/b"),
        event(900, name="engagement"),
        event(2400, path="/c"),
    )

    # The last one is within half an hour of both: the newer one is preferred, whatever came in between.
    assert [(1, 2, MIDNIGHT, MIDNIGHT + 600), (2, 2, MIDNIGHT + 2400, MIDNIGHT + 3600)] == [
        (visit["visit_id"], visit["pageviews"], visit["start"], visit["end"]) for visit in visits
    ]


def test_late_engagement_without_a_visit_is_dropped() -> None:
    """
    An engagement older than any visit has none to belong to, and takes nothing from the open one.
    """
    result = Sessionizer().process([event(7200), event(0, name="engagement"), event(7260)], 1)

    assert (1, ("no_visit",)) == (result.visit_count, tuple(result.drop_columns["reason"]))


def test_late_page_is_entry_by_its_time() -> None:
    """
    Entry and exit are the first and last page by event time, also when the records come in another order; within a
    second the order of the records decides.
    """
    (visit,) = visits_of(event(20, path="/middle"), event(5, path="/first"), event(20, path="/last"))

    assert ("/first", "/last") == (visit["entry"][2], visit["exit"][2])


def test_endless_visit_keeps_first_entry_and_last_exit() -> None:
    """
    Beyond the sequence numbers a place has room for, of pages in one second the first stays entry and the last is exit.
    """
    pages = [event(0, path=f"/{number}") for number in range(PLACE_SEQ_MAX + 5)]
    late = [event(0, path="/more"), event(0, path="/most")]
    sessionizer = Sessionizer()
    sessionizer.process(pages, 1)
    (visit,) = rows_of(sessionizer.process(late, 2))

    assert ("/0", "/most") == (visit["entry"][2], visit["exit"][2])


def test_drop_counts_are_summed() -> None:
    """
    Drop counts of one hour and reason become one row.
    """
    result = Sessionizer().process([DropCount(1, MIDNIGHT, "bot", 2), DropCount(1, MIDNIGHT, "bot", 3)], 1)

    assert (5,) == tuple(result.drop_columns["hits"])


def test_restart_goes_on_where_the_store_stands(warehouse: Warehouse) -> None:
    """
    Visits rebuilt from the store continue with the same id, counters and sequence numbers.
    """
    first = [event(9, seed=5, path="/b", source="Google"), event(12, name="Signup"), event(3, path="/a")]
    second = [event(60, path="/z"), event(1, path="/0")]
    straight = Sessionizer()
    straight.process(first, 1)
    expected = straight.process(second, 2)
    insert_batch(warehouse, 1, Sessionizer().process(first, 1))
    insert_batch(warehouse, 2, expected)

    resumed = Sessionizer()
    resumed.visits.restore(read_open_visits(warehouse, since=MIDNIGHT - 1800, below_batch=2))

    assert looked_at(expected) == looked_at(resumed.process(second, 2))
    assert 2 == newest_batch(warehouse)


records_of_a_day = st.lists(
    st.builds(
        event,
        st.integers(0, 6 * VISIT_IDLE_SECONDS),
        visitor=st.integers(0, 3),
        seed=st.integers(1, 2**64 - 1),
        path=st.sampled_from(("/", "/a", "/b")),
        name=st.sampled_from(("pageview", "pageview", "engagement", "Signup")),
        site_id=st.integers(1, 2),
        interactive=st.booleans(),
        source=st.sampled_from(("", "Google", "Bing")),
        city=st.integers(0, 2),
        props=st.dictionaries(st.sampled_from(("a", "ü")), st.text(max_size=3), max_size=2),
        revenue_amount=st.sampled_from(("", "10.125", "-3.5", "7")),
        received_day=st.integers(DAY, DAY + 1),
    )
    | st.builds(DropCount, st.integers(1, 2), st.just(MIDNIGHT), st.just("bot"), st.integers(1, 9)),
    max_size=30,
)


@given(st.lists(records_of_a_day, max_size=4), st.booleans())
def test_same_as_the_slow_and_obvious_way(batches: list[list[Record]], in_order: bool) -> None:
    """
    For any records in any order, over several batches, columns hold what one step per event and rule gives.
    """
    fast, slow = Sessionizer(OpenVisits(10 * VISIT_IDLE_SECONDS)), SlowSessionizer()
    for number, records in enumerate(batches, start=1):
        if in_order:
            records.sort(key=lambda record: record.ts if isinstance(record, Event) else 0)

        assert slow.process(records, number) == tuple(
            list(zip(*columns.values(), strict=True)) for columns in looked_at(fast.process(records, number))
        )


def test_a_batch_written_twice_counts_once(warehouse: Warehouse) -> None:
    """
    Salvaging a batch that is already there, or half there, leaves exact counts.
    """
    rows = Sessionizer().process([event(0), event(5, path="/b"), DropCount(1, MIDNIGHT, "bot", 2)], 7)
    insert_batch(warehouse, 7, rows)
    insert_batch(warehouse, 7, rows, salvage=True)
    warehouse.command("TRUNCATE TABLE events")  # the store keeps the token and loses the rows
    insert_batch(warehouse, 7, rows, salvage=True)

    assert [(2,)] == warehouse.query("SELECT count() FROM events")
    assert [(2, 1)] == warehouse.query("SELECT max(pageviews), uniqExact(visit_id) FROM visits")
    assert [(2,)] == warehouse.query("SELECT sum(hits) FROM drops")


def test_days_and_times_arrive_as_written(warehouse: Warehouse) -> None:
    """
    Day numbers and epoch seconds become the dates they mean.
    """
    insert_batch(warehouse, 1, Sessionizer().process([event(61, props={"a": "b"}, revenue_amount="10.125")], 1))

    rows = warehouse.query(
        "SELECT toString(day), toString(ts), props['a'], toString(revenue_amount), toUInt16(day) FROM events"
    )
    assert [("2026-11-22", "2026-11-22 00:01:01", "b", "10.125", DAY)] == rows
