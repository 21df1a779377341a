"""
The short way of a plain pageview against the long one: the same record, or none.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.answers import Answer
from ingest.enrich import SiteRules
from ingest.event import Event
from ingest.shields import compile_shields
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, BATCH_KEY, BEACON, CHROME, make_batch, make_collector, send
from tests.ingest.plain_cases import AGENTS, NAMES, REFERRERS, SITES, URLS, Sent, beacons, long_way, without_seed
from warehouse.days import local_day


@given(st.lists(beacons, min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_the_short_way_makes_the_record_of_the_long_way(tmp_path: Path, all_sent: list[Sent]) -> None:
    """
    Whatever comes, and however often: a record of the short way is that of the long way, apart from the random number.
    """
    # Auckland's midnight, thirteen hours before that of UTC.
    clock = FakeClock(1_795_345_200_000)
    collector = make_collector(tmp_path, clock, *SITES)
    for sent in all_sent:
        clock.advance(seconds=sent.later_seconds)
        body, headers = json.dumps(sent.body).encode(), sent.headers()
        short = collector.plain_record(body, headers, sent.peer)
        long = long_way(collector, body, headers, sent.peer)
        assert short is None or (3, [without_seed(short)]) == long


def test_pages_that_share_an_arrival(tmp_path: Path, clock: FakeClock) -> None:
    """
    Every page after every other of its site, host, query and referrer: what is remembered of one is true of the next.
    """
    collector = make_collector(tmp_path, clock, *SITES)
    headers = [(b"user-agent", CHROME.encode())]
    shorts = 0
    for url in (*URLS, *reversed(URLS)):
        for name in NAMES:
            for referrer in REFERRERS:
                body = json.dumps({"n": "pageview", "u": url, "d": name, "r": referrer}).encode()
                short = collector.plain_record(body, headers, ADDRESS)
                if short is not None:
                    shorts += 1
                    _, events = long_way(collector, body, headers, ADDRESS)
                    assert [without_seed(short)] == events

    assert shorts > 500, shorts


def test_a_plain_pageview_goes_the_short_way(tmp_path: Path, clock: FakeClock) -> None:
    """
    An ordinary pageview has a record at once, the first time and again.
    """
    collector = make_collector(tmp_path, clock)
    headers = [(b"user-agent", CHROME.encode())]
    body = json.dumps(BEACON).encode()

    records = [collector.plain_record(body, headers, ADDRESS) for _ in range(2)]

    assert all(record is not None for record in records)
    assert 2 == len(set(records))


def test_midnight_goes_the_short_way(tmp_path: Path) -> None:
    """
    Around midnight, too, a plain pageview is short; a visit that goes on keeps id and day, whoever comes later
    has new ones.
    """
    # Ten minutes to Auckland's midnight.
    clock = FakeClock(1_795_345_200_000)
    clock.advance(seconds=-600)
    collector = make_collector(tmp_path, clock, SITES[1])
    headers = [(b"user-agent", CHROME.encode())]
    body = json.dumps({"n": "pageview", "u": "https://zone.test/a", "d": "zone.test"}).encode()

    def seen(peer: str) -> tuple[int, int]:
        record = collector.plain_record(body, headers, peer)
        assert record is not None
        event = without_seed(record)
        return event.visitor_id, event.day

    before = seen(ADDRESS)
    clock.advance(seconds=1200)

    assert before == seen(ADDRESS)
    assert before[1] + 1 == seen("192.0.2.9")[1]
    clock.advance(seconds=1200)
    assert before[1] + 1 == seen(ADDRESS)[1]


def test_a_changed_site_is_believed_at_once(tmp_path: Path, clock: FakeClock) -> None:
    """
    What was remembered of a page does not outlive the rules it was read by.
    """
    collector = make_collector(tmp_path, clock)
    send(collector)
    blocked = SiteRules(id=1, domain="site1.test", shields=compile_shields(page=["/a"]))
    collector.install_sites({"site1.test": blocked})

    assert () == tuple(send(collector).records)


def test_a_dead_salt_is_not_used_again(tmp_path: Path, clock: FakeClock) -> None:
    """
    With its salts gone a collector refuses, however well it knows the page.
    """
    collector = make_collector(tmp_path, clock)
    send(collector)
    clock.advance(seconds=3 * 24 * 3600)
    collector.forget_expired()

    assert 503 == send(collector).answer.status


def test_a_day_that_is_over_takes_its_addresses_along(tmp_path: Path, clock: FakeClock) -> None:
    """
    When a salt dies no address or user agent of its day stays remembered.
    """
    collector = make_collector(tmp_path, clock)
    send(collector)
    assert collector.plain.remembered_people > 0
    clock.advance(seconds=3 * 24 * 3600)
    collector.forget_expired()

    assert 0 == collector.plain.remembered_people


def test_a_salt_that_is_not_given_again_takes_its_addresses_along(tmp_path: Path, clock: FakeClock) -> None:
    """
    The keeper's answer may come between a salt's end and the look at the time: nobody stays remembered all the same.
    """
    collector = make_collector(tmp_path, clock)
    send(collector)
    collector.plain.pseudonymizer.install([])
    collector.forget_expired()

    assert 0 == collector.plain.remembered_people


in_batches = st.fixed_dictionaries(
    {
        "n": st.sampled_from(["pageview", "pageview", "pageview", "Signup"]),
        "u": st.sampled_from(URLS),
        "d": st.sampled_from(NAMES),
        "ip": st.sampled_from(["198.51.100.7", "2001:db8::1", "203.0.113.5", "127.0.0.1", "[2001:db8::2]:80", "junk"]),
        "user_agent": st.sampled_from([*AGENTS, " padded "]),
    },
    optional={
        "r": st.sampled_from(REFERRERS),
        "p": st.just({"a": "b"}),
        "gpc": st.booleans(),
        "event_id": st.just("x1"),
        # Minutes ago; at noon thirteen hours are yesterday in both zones.
        "timestamp": st.sampled_from([0, 1, 45, 700, 800, 1300, 2000, -0.5, -5]),
    },
)


@given(st.lists(in_batches, min_size=1, max_size=8), st.sampled_from([0, 1500, 3600 * 2, 3600 * 8, 3600 * 13 + 300]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
def test_a_batch_goes_both_ways_alike(tmp_path: Path, events: list[dict[str, object]], later_seconds: int) -> None:
    """
    Whatever a batch brings: with the short way or without, the same answer and the same records but for random numbers.
    """
    found: list[tuple[bytes, list[Event]]] = []
    for short in (True, False):
        clock = FakeClock(1_795_345_200_000)
        collector = make_collector(tmp_path, clock, *SITES)
        batch = make_batch(tmp_path, clock, collector)
        clock.advance(seconds=later_seconds)
        if not short:
            collector.plain.install_sites({})
        timed = [
            {**event, "timestamp": clock.now_ms() - round(float(str(event["timestamp"])) * 60_000)}
            if "timestamp" in event
            else event
            for event in events
        ]
        headers = [(b"authorization", f"Bearer {BATCH_KEY}".encode())]
        key = batch.admit(headers)
        assert not isinstance(key, Answer)
        collected = asyncio.run(batch.collect(key, json.dumps(timed).encode(), headers, ADDRESS))
        found.append((collected.answer.body, [_comparable(record, clock.now_ms()) for record in collected.records]))

    assert found[0] == found[1]


def _comparable(record: bytes, now_ms: int) -> Event:
    event = without_seed(record)
    zone = ZoneInfo(next(site.timezone for site in SITES if site.id == event.site_id))
    today = (local_day(datetime.fromtimestamp(now_ms / 1000, UTC), zone) - date(1970, 1, 1)).days
    # Ids of days that are over come of a random key and never agree; an event's own id is hashed under one, too.
    return msgspec.structs.replace(event, visitor_id=0 if event.day < today else event.visitor_id, event_id=b"")
