"""
The risk windows: what they count, how they slide, and that they forget.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ingest.risk.rows import LARGE, SMALL
from ingest.risk.windows import Windows
from tests.ingest.risk.sights import ADDRESS, CHROME, NOON, engaging_windows, evidence_of, packed, seen, sight


def test_events_are_counted_in_each_window() -> None:
    """
    A minute, ten minutes and an hour each count what lies in them.
    """
    windows = Windows(NOON - 3_600_000, 1000)
    for ago_ms in (3_000_000, 500_000, 400_000, 1000):
        windows.add(packed(sight(NOON - ago_ms)))

    evidence = evidence_of(windows, now_ms=NOON - 1)
    assert (1, 3, 4) == (evidence.events_1m, evidence.events_10m, evidence.events_1h)
    assert 4 == evidence.total


def test_each_counter_of_a_row_is_told_under_its_name() -> None:
    """
    Evidence is made of a row's counters in their order: none is taken for its neighbour.
    """
    windows = Windows(NOON - 1, 10)
    windows.add(packed(sight()))
    counters = {name: number for number, name in enumerate((*LARGE, *SMALL), 1)}
    for name, value in counters.items():
        windows.rows.table[name][0] = value

    evidence = evidence_of(windows)
    assert counters == {name: getattr(evidence, name) for name in counters}


def test_windows_slide() -> None:
    """
    What is over a window's length ago no longer counts in it, and counts in part in between.
    """
    windows = Windows(NOON - 3_600_000, 1000)
    windows.add(packed(*[sight(NOON + number) for number in range(40)]))

    counts = [evidence_of(windows, now_ms=NOON + ms).events_1m for ms in (50, 59_999, 90_000, 120_000)]
    assert [40, 40, 20, 0] == counts


def test_counting_in_pieces_is_counting_at_once() -> None:
    """
    However the hits are handed over, the counts are the same.
    """
    hits = [
        sight(NOON + 700 * number, page=f"/{number % 7}", name="engagement" if number % 3 == 2 else "pageview",
              engaged_ms=501 + 3 * number)
        for number in range(60)
    ]  # fmt: skip
    at_once, in_pieces = Windows(NOON - 1, 1000), Windows(NOON - 1, 1000)
    at_once.add(packed(*hits))
    for hit in hits:
        in_pieces.add(packed(hit))

    now_ms = NOON + 42_000
    one, other = evidence_of(at_once, now_ms=now_ms), evidence_of(in_pieces, now_ms=now_ms)
    assert one.gap_variation == pytest.approx(other.gap_variation, abs=1e-4)
    assert replace(one, gap_variation=0) == replace(other, gap_variation=0)


def test_a_day_that_is_over_is_forgotten() -> None:
    """
    With the day every count is gone, and late observations of it are not taken.
    """
    windows = Windows(NOON, 1000)
    windows.add(packed(sight()))
    tomorrow = NOON + 86_400_000
    windows.turn(tomorrow)
    windows.add(packed(sight()))

    assert 0 == windows.rows.used
    assert 0 == evidence_of(windows, now_ms=tomorrow).total


def test_an_unknown_address_has_empty_evidence() -> None:
    """
    Nothing is known of an address that was not seen, and that is no error.
    """
    evidence = evidence_of(Windows(NOON - 60_000, 1000))

    assert (0, 60_000) == (evidence.total, evidence.watched_ms)


def test_different_things_are_told_apart() -> None:
    """
    Pages, user agents and sites are counted once each.
    """
    hits = [sight(NOON + number, page=f"/{number % 5}", user_agent=f"{CHROME} {number % 3}") for number in range(30)]

    evidence = seen(*hits, sight(site=2), now_ms=NOON + 50)
    assert (5, 2) == (evidence.pages - 1, evidence.sites)  # "/" is the sixth page
    assert evidence.agents in (3, 4)


@pytest.mark.parametrize(("gap_ms", "quick"), [(500, 9), (1500, 0)])
def test_quick_pageviews_are_counted(gap_ms: int, quick: int) -> None:
    """
    Pageviews less than a second apart are counted as quick.
    """
    evidence = seen(*[sight(NOON + gap_ms * number) for number in range(10)], now_ms=NOON + 20_000)

    assert (9, quick) == (evidence.gaps, evidence.quick_views)


def test_an_even_beat_has_no_variation() -> None:
    """
    Equal gaps vary by nothing; uneven ones do.
    """
    even = seen(*[sight(NOON + 2000 * number) for number in range(12)], now_ms=NOON + 30_000)
    uneven = seen(*[sight(NOON + 100 * number**2) for number in range(12)], now_ms=NOON + 30_000)

    assert even.gap_variation == pytest.approx(0, abs=0.01)
    assert even.whole_seconds == 11
    assert uneven.gap_variation > 0.4


def test_equal_readings_are_repeats() -> None:
    """
    The same reading time of the same page, to the millisecond, is a repeat, in one hand-over or over several.
    """
    windows = engaging_windows()
    twice = [sight(name="engagement", engaged_ms=4321), sight(NOON + 5, name="engagement", engaged_ms=4321)]
    windows.add(packed(*twice, sight(name="engagement", engaged_ms=777)))
    windows.add(packed(twice[0]))

    assert 2 == evidence_of(windows, now_ms=NOON + 10).repeats


def test_conversions_before_any_pageview_are_orphans() -> None:
    """
    A conversion counts as orphan only while its address has seen no page, on a site that counts pages.
    """
    windows = engaging_windows()
    windows.add(packed(sight(name="Signup"), sight(NOON + 1, name="Signup")))
    windows.add(packed(sight(NOON + 2)))
    windows.add(packed(sight(NOON + 3, name="Signup")))

    evidence = evidence_of(windows, now_ms=NOON + 10)
    assert (3, 2) == (evidence.conversions, evidence.orphans)
    assert 0 == seen(sight(name="Signup")).orphans


def test_readings_are_owed_only_where_readers_send_them() -> None:
    """
    Pixels, batches, and sites without readers owe no reading time.
    """
    windows = engaging_windows()
    pixel = tuple(pair for pair in sight().headers if pair[0] != b"content-length")
    windows.add(packed(sight(), sight(NOON + 1, headers=pixel), sight(NOON + 2, headers=()), sight(NOON + 3, site=2)))

    evidence = evidence_of(windows, now_ms=NOON + 10)
    assert (4, 1) == (evidence.views, evidence.owed_views)


def test_neighbours_are_counted_by_network() -> None:
    """
    Addresses of one /48 are neighbours, those of another are not.
    """
    windows = engaging_windows()
    network = bytes.fromhex("20010db80001")
    for number in range(20):
        windows.add(packed(sight(NOON + number, address=network + bytes([0, number]) + bytes(8))))
    windows.add(packed(sight(NOON + 50, address=bytes.fromhex("20010db80002") + bytes(10))))

    neighbours = evidence_of(windows, network + bytes([0, 1]) + bytes(8), NOON + 60).neighbours
    assert (20, 20, 0) == (neighbours.events_10m, neighbours.views, neighbours.readings)
    assert 16 <= neighbours.addresses_10m <= 24


def test_ipv6_counts_by_its_64_bits() -> None:
    """
    Whoever has a /64 has all of it: two addresses in it are one.
    """
    windows = Windows(NOON - 1, 1000)
    first = bytes.fromhex("20010db8000100020000000000000001")
    windows.add(packed(sight(address=first), sight(NOON + 1, address=first[:8] + b"\x09" * 8)))

    assert 2 == evidence_of(windows, first, NOON + 5).total


def test_full_windows_forget_who_was_seen_longest_ago() -> None:
    """
    Memory is bounded: beyond the limit the oldest fifth gives way, and the rest is still found.
    """
    windows = Windows(NOON - 1, 100)
    for number in range(150):
        windows.add(packed(sight(NOON + number, address=bytes([10, 0, 0, number]))))

    assert windows.rows.used <= 100
    assert 1 == evidence_of(windows, bytes([10, 0, 0, 149]), NOON + 200).total
    assert 1 == evidence_of(windows, bytes([10, 0, 0, 120]), NOON + 200).total
    assert 0 == evidence_of(windows, bytes([10, 0, 0, 0]), NOON + 200).total
    assert ADDRESS not in bytes(windows.rows.table.tobytes())
