"""
Promises of filling a site of the store with made-up traffic.
"""

from __future__ import annotations

import pytest

from daysalt.traffic.fill import SeedError, SeedTarget, seed_site
from ingest.flush import DRAIN_BATCHES_BELOW, newest_batch
from tests.clocks import FakeClock
from warehouse.client import Warehouse

MUSEUM = SeedTarget(7, "stadsmuseet.example", "Europe/Stockholm")


def test_a_site_is_filled_day_by_day(warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Progress is told after each day, and the last one tells how many events the store has.
    """
    progress = list(seed_site(warehouse, clock, MUSEUM, days=9, events_per_day=150, seed=1))
    stored = warehouse.query("SELECT count(), uniq(day) FROM events WHERE site_id = 7")[0]

    assert list(range(1, 10)) == [step.days_done for step in progress]
    assert (progress[-1].events - lost(warehouse), 9) == stored


def lost(warehouse: Warehouse) -> int:
    return warehouse.query("SELECT sum(hits) FROM drops WHERE reason = 'no_visit'")[0][0]


def test_visits_are_whole(warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Every visit of the made-up events has its row, with as many page views, and no visit is without its events.
    """
    list(seed_site(warehouse, clock, MUSEUM, days=3, events_per_day=150, seed=1))
    from_events = warehouse.query(
        "SELECT visit_id, countIf(name = 'pageview') AS views FROM events WHERE visit_id != 0 "
        "GROUP BY visit_id ORDER BY visit_id"
    )
    from_visits = warehouse.query("SELECT visit_id, max(pageviews) FROM visits GROUP BY visit_id ORDER BY visit_id")

    assert from_events
    assert from_events == from_visits


def test_a_site_with_events_is_refused(warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Made-up numbers never end up among others.
    """
    list(seed_site(warehouse, clock, MUSEUM, days=1, events_per_day=50, seed=1))
    before = warehouse.query("SELECT count() FROM events")

    with pytest.raises(SeedError, match=r"stadsmuseet\.example already has events"):
        list(seed_site(warehouse, clock, MUSEUM, days=1, events_per_day=50, seed=2))
    assert before == warehouse.query("SELECT count() FROM events")


def test_seeded_batches_never_meet_those_of_the_drain(warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Batch numbers of seeds lie above the drain's, so its next number is what it would have been.
    """
    list(seed_site(warehouse, clock, MUSEUM, days=8, events_per_day=50, seed=1))

    assert warehouse.query("SELECT min(batch) FROM events")[0][0] >= DRAIN_BATCHES_BELOW
    assert newest_batch(warehouse) == 0


def test_two_sites_of_one_moment_are_both_kept(warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Sites filled in the same millisecond have insert tokens of their own.
    """
    other = SeedTarget(8, "stadsmuseet.example", "Europe/Stockholm")
    for target in (MUSEUM, other):
        list(seed_site(warehouse, clock, target, days=1, events_per_day=100, seed=1))
    rows = warehouse.query("SELECT site_id, count() FROM events GROUP BY site_id ORDER BY site_id")

    assert [row[0] for row in rows] == [7, 8]
    assert rows[0][1] == rows[1][1]


def test_a_site_emptied_can_be_filled_again(warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Filling, emptying and filling again a moment later keeps the rows: the store does not take them for a repeat.
    """
    list(seed_site(warehouse, clock, MUSEUM, days=1, events_per_day=50, seed=1))
    warehouse.command("TRUNCATE TABLE events")
    clock.advance(ms=1)
    progress = list(seed_site(warehouse, clock, MUSEUM, days=1, events_per_day=50, seed=1))

    assert progress[-1].events - lost(warehouse) // 2 <= warehouse.query("SELECT count() FROM events")[0][0]
