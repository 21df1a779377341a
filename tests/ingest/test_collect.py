"""
Hops 1 to 4: what a beacon is answered, and what of it becomes a record.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.answers import ACCEPTED, BODY_BYTES_MAX
from ingest.shields import compile_shields
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, BEACON, CHROME, SITE, drops_of, events_of, make_collector, send


def test_a_pageview_becomes_one_safe_event(tmp_path: Path, clock: FakeClock) -> None:
    """
    The answer is 202 ok, and the record holds the page but neither address nor user agent.
    """
    collected = send(make_collector(tmp_path, clock), {**BEACON, "r": "https://www.google.com/search?q=secret"})
    (event,) = events_of(collected)

    assert ACCEPTED == collected.answer
    assert ("pageview", "site1.test", "/a", "Google") == (event.name, event.hostname, event.pathname, event.source)
    assert ("Chrome", "Mac") == (event.browser, event.os)
    assert 0 != event.visitor_id
    for needle in (ADDRESS.encode(), bytes([203, 0, 113, 77]), CHROME.encode(), b"AppleWebKit", b"secret"):
        assert needle not in b"".join(collected.records)


def test_same_visitor_same_id_other_visit_seed(tmp_path: Path, clock: FakeClock) -> None:
    """
    Two pageviews of one browser have one visitor id and random numbers of their own.
    """
    collector = make_collector(tmp_path, clock)
    first, second = (events_of(send(collector))[0] for _ in range(2))

    assert first.visitor_id == second.visitor_id
    assert first.visit_seed != second.visit_seed


def test_unknown_site_is_a_drop_in_the_header_only(tmp_path: Path, clock: FakeClock) -> None:
    """
    A site nobody added is answered 202 with the reason, keeps nothing and counts for no site.
    """
    collector = make_collector(tmp_path, clock)
    collected = send(collector, {**BEACON, "d": "nobody.test"})

    assert 202 == collected.answer.status
    assert (b"x-plausible-dropped", b"1") in collected.answer.headers
    assert (b"x-daysalt-dropped", b"unknown_site") in collected.answer.headers
    assert ([], []) == ([*collected.records], drops_of(collector))
    assert {"unknown_site": 1} == collector.counters.dropped


def test_two_sites_one_dropped(tmp_path: Path, clock: FakeClock) -> None:
    """
    A beacon for a known and an unknown site is stored once and says that one was dropped.
    """
    collected = send(make_collector(tmp_path, clock), {**BEACON, "d": "site1.test,nobody.test"})

    assert 1 == len(events_of(collected))
    assert (b"x-plausible-dropped", b"1") in collected.answer.headers


def test_bot_is_counted_for_the_owner(tmp_path: Path, clock: FakeClock) -> None:
    """
    A declared bot is dropped, and the owner sees how many, by hour and reason.
    """
    collector = make_collector(tmp_path, clock)
    bot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    answers = [send(collector, user_agent=bot).answer for _ in range(3)]
    (drop,) = drops_of(collector)

    assert (b"x-daysalt-dropped", b"bot") in answers[-1].headers
    assert (1, "bot", 3, 0) == (drop.site_id, drop.reason, drop.hits, drop.hour % 3600)
    assert [] == drops_of(collector)


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (b"", "request", "Unable to parse request body as json"),
        (b"[1]", "request", "Unable to parse request body as json"),
        (b'{"n":', "request", "Unable to parse request body as json"),
        ({"n": "pageview", "d": "site1.test"}, "url", "is required"),
        ({**BEACON, "u": "data:text/html,x"}, "url", "scheme is not allowed"),
        ({**BEACON, "u": 7}, "url", "must be a valid url"),
        ({**BEACON, "d": " "}, "domain", "can't be blank"),
        ({**BEACON, "n": ["x"]}, "event_name", "is invalid"),
        ({**BEACON, "n": "x" * 121}, "event_name", "should be at most 120 character(s)"),
    ],
)
def test_bad_beacons_get_a_clear_answer(
    tmp_path: Path, clock: FakeClock, body: object, field: str, reason: str
) -> None:
    """
    What is wrong is named by field and reason, with 400, and nothing is kept.
    """
    collector = make_collector(tmp_path, clock)
    collected = send(collector, body)

    assert 400 == collected.answer.status
    assert {"errors": {field: [reason]}} == json.loads(collected.answer.body)
    assert ([], {}) == ([*collected.records], collector.counters.dropped)


def test_too_large_and_encoded_bodies_are_refused(tmp_path: Path, clock: FakeClock) -> None:
    """
    More than 64 KiB is 413, a Content-Encoding is 415, and at the limit it is fine.
    """
    collector = make_collector(tmp_path, clock)
    beacon = json.dumps(BEACON).encode()

    assert 413 == send(collector, beacon + b" " * (BODY_BYTES_MAX + 1 - len(beacon))).answer.status
    assert 202 == send(collector, beacon + b" " * (BODY_BYTES_MAX - len(beacon))).answer.status
    assert 415 == send(collector, beacon, content_encoding="gzip").answer.status


def test_without_a_salt_nothing_is_hashed(tmp_path: Path, clock: FakeClock) -> None:
    """
    No salt: 503 with Retry-After, and no record.
    """
    collected = send(make_collector(tmp_path, clock, salts=False))

    assert (503, ()) == (collected.answer.status, tuple(collected.records))
    assert b"retry-after" in dict(collected.answer.headers)


@pytest.mark.parametrize("signal", [{"sec_gpc": "1"}, {"dnt": "1"}])
def test_a_signal_counts_the_page_and_nobody(tmp_path: Path, clock: FakeClock, signal: dict[str, str]) -> None:
    """
    GPC or DNT: one pageview of that page and hour, without visitor, visit, source, place or device.
    """
    collector = make_collector(tmp_path, clock)
    beacon = {**BEACON, "r": "https://google.com/", "p": {"plan": "pro"}, "u": "https://site1.test/a?utm_source=x"}
    (event,) = events_of(send(collector, beacon, **signal))
    other = send(collector, {**BEACON, "n": "Signup"}, **signal)
    rest = {
        name: getattr(event, name)
        for name in event.__struct_fields__
        if name not in ("site_id", "day", "ts", "name", "hostname", "pathname", "received_day")
    }

    assert ("/a", 0) == (event.pathname, event.ts % 3600)
    assert {0, "", b"", True, 255} == {value for value in rest.values() if not isinstance(value, dict)}
    assert (b"x-daysalt-dropped", b"signal") in other.answer.headers


def test_a_site_may_drop_signals(tmp_path: Path, clock: FakeClock) -> None:
    """
    With `signals` set to drop even the pageview is not counted.
    """
    collected = send(make_collector(tmp_path, clock, replace(SITE, signals="drop")), sec_gpc="1")

    assert () == tuple(collected.records)


def test_address_header_is_believed_from_a_proxy_only(tmp_path: Path, clock: FakeClock) -> None:
    """
    The same forwarded address is one visitor behind the proxy, and nothing from a stranger.
    """
    collector = make_collector(tmp_path, clock, replace(SITE, shields=compile_shields(ip=["198.51.100.0/24"])))
    forwarded = {"x_forwarded_for": "198.51.100.9"}

    assert (b"x-daysalt-dropped", b"ip_blocked") in send(collector, peer="127.0.0.1", **forwarded).answer.headers
    assert 1 == len(events_of(send(collector, peer=ADDRESS, **forwarded)))


def test_edge_verdicts_drop(tmp_path: Path, clock: FakeClock) -> None:
    """
    The verdict of a trusted edge header is a drop with its reason.
    """
    collected = send(make_collector(tmp_path, clock), x_edge_verdict="threat_ip")

    assert (b"x-daysalt-dropped", b"threat") in collected.answer.headers


def test_revenue_and_props_travel(tmp_path: Path, clock: FakeClock) -> None:
    """
    Money stays exact and properties are texts.
    """
    beacon = {**BEACON, "n": "Purchase", "p": {"plan": "pro", "seats": 3}, "$": {"amount": "10.29", "currency": "EUR"}}
    (event,) = events_of(send(make_collector(tmp_path, clock), beacon))

    assert ({"plan": "pro", "seats": "3"}, "10.29", "EUR") == (
        event.props,
        event.revenue_amount,
        event.revenue_currency,
    )
