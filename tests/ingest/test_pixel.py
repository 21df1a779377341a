"""
The pixel: always an image, the reason in a header, the record durable first.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.collect import Collected, Collector
from ingest.pixel import IMAGE, QUERY_BYTES_MAX, collect_pixel
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, CHROME, drops_of, events_of, make_collector, send
from tests.ingest.test_door import Exchange, spooled, through

QUERY = urlencode({"d": "site1.test", "u": "https://site1.test/a?utm_source=mail", "r": "https://google.com/"})


def ask(collector: Collector, query: str, *, count: bool = True, **headers: str) -> Collected:
    sent = [
        (name.replace("_", "-").encode(), value.encode()) for name, value in {"user_agent": CHROME, **headers}.items()
    ]
    return collect_pixel(collector, query.encode(), sent, ADDRESS, count=count)


def test_a_view_becomes_one_event(tmp_path: Path, clock: FakeClock) -> None:
    """
    Page, referrer and visitor are those of a beacon; the answer is the image, not to be kept by caches.
    """
    collected = ask(make_collector(tmp_path, clock), QUERY)
    (event,) = events_of(collected)
    headers = dict(collected.answer.headers)

    assert (200, IMAGE, 43) == (collected.answer.status, collected.answer.body, len(collected.answer.body))
    assert (b"image/gif", b"no-store", b"*") == (
        headers[b"content-type"], headers[b"cache-control"], headers[b"access-control-allow-origin"],
    )  # fmt: skip
    assert b"x-daysalt-dropped" not in headers
    assert ("pageview", "/a", "mail", "google.com") == (event.name, event.pathname, event.utm_source, event.referrer)
    assert 0 != event.visitor_id


def test_same_visitor_as_with_a_script(tmp_path: Path, clock: FakeClock) -> None:
    """
    Pixel and beacon of one browser are one visitor.
    """
    collector = make_collector(tmp_path, clock)
    (by_pixel,), (by_script,) = events_of(ask(collector, QUERY)), events_of(send(collector))

    assert by_script.visitor_id == by_pixel.visitor_id


def test_the_referer_is_the_page(tmp_path: Path, clock: FakeClock) -> None:
    """
    Without `u` the Referer header is the page, and without `d` its host is the site.
    """
    collected = ask(make_collector(tmp_path, clock), "n=Seen", referer="https://www.site1.test/b?x=1")
    (event,) = events_of(collected)

    assert ("Seen", "site1.test", "/b", "") == (event.name, event.hostname, event.pathname, event.referrer)


@pytest.mark.parametrize(
    ("query", "headers", "reason"),
    [
        ("", {}, b"invalid"),
        ("d=site1.test", {}, b"invalid"),
        ("d=site1.test&u=data:text/html,x", {}, b"invalid"),
        (f"d=site1.test&u=https://site1.test/&n={'x' * 121}", {}, b"invalid"),
        ("x" * (QUERY_BYTES_MAX + 1), {}, b"invalid"),
        ("&".join("a=b" for _ in range(100)), {}, b"invalid"),
        (QUERY, {"content_encoding": "gzip"}, b"invalid"),
        ("d=nobody.test&u=https://nobody.test/", {}, b"unknown_site"),
        (QUERY, {"user_agent": "Googlebot/2.1"}, b"bot"),
        (QUERY + "&n=Other", {"sec_gpc": "1"}, b"signal"),
    ],
)
def test_reasons_are_in_the_header(
    tmp_path: Path, clock: FakeClock, query: str, headers: dict[str, str], reason: bytes
) -> None:
    """
    Whatever is wrong: 200, the image, the reason in the header and among the counts.
    """
    collector = make_collector(tmp_path, clock)
    collected = ask(collector, query, count=True, **headers)

    assert (200, IMAGE, ()) == (collected.answer.status, collected.answer.body, tuple(collected.records))
    assert reason == dict(collected.answer.headers)[b"x-daysalt-dropped"]
    assert {reason.decode(): 1} == collector.counters.dropped


def test_the_owner_sees_bots(tmp_path: Path, clock: FakeClock) -> None:
    """
    A drop for a known site is counted for its owner.
    """
    collector = make_collector(tmp_path, clock)
    ask(collector, QUERY, user_agent="Googlebot/2.1")

    assert ["bot"] == [drop.reason for drop in drops_of(collector)]


def test_a_look_at_the_headers_counts_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """
    A HEAD gets the headers of a GET, and nobody was there.
    """
    collector = make_collector(tmp_path, clock)
    answers = [ask(collector, QUERY, count=False), ask(collector, "", count=False)]

    assert [()] * 2 == [tuple(collected.records) for collected in answers]
    assert b"invalid" == dict(answers[1].answer.headers)[b"x-daysalt-dropped"]
    assert {} == collector.counters.dropped


def test_through_the_door(tmp_path: Path, clock: FakeClock) -> None:
    """
    After the image the record is in the spool; HEAD has no body; other methods are told what to send.
    """
    got, head = Exchange("GET", f"/pixel.gif?{QUERY}"), Exchange("HEAD", f"/pixel.gif?{QUERY}")
    asked, post = Exchange("OPTIONS", "/pixel.gif"), Exchange("POST", "/pixel.gif", b"x")
    through(tmp_path, clock, got, head, asked, post)

    assert (200, IMAGE) == (got.status, got.body)
    assert (200, b"", b"43") == (head.status, head.body, head.headers[b"content-length"])
    assert (204, 405) == (asked.status, post.status)
    assert 1 == spooled(tmp_path)


def test_a_full_spool_still_gives_the_image(tmp_path: Path, clock: FakeClock) -> None:
    """
    An image cannot be sent again: at the limit it comes with `over_limit`, and nothing is stored.
    """
    exchange = Exchange("GET", f"/pixel.gif?{QUERY}")
    through(tmp_path, clock, exchange, spool_bytes_max=0)

    assert (200, IMAGE, b"over_limit") == (exchange.status, exchange.body, exchange.headers[b"x-daysalt-dropped"])


def test_without_a_salt_nothing_is_hashed(tmp_path: Path, clock: FakeClock) -> None:
    """
    No salt: the image with `over_limit`, and no record.
    """
    collected = ask(make_collector(tmp_path, clock, salts=False), QUERY)

    assert (IMAGE, ()) == (collected.answer.body, tuple(collected.records))
    assert b"over_limit" == dict(collected.answer.headers)[b"x-daysalt-dropped"]


def page_query(name: str, url: str) -> bytes:
    return f"n={quote(name, errors='replace')}&d=site1.test&u={quote(url, errors='replace')}".encode()


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.one_of(st.binary(max_size=200), st.builds(page_query, st.text(), st.text())))
def test_any_query_gets_the_image(tmp_path: Path, clock: FakeClock, query: bytes) -> None:
    """
    Whatever is asked: the image, never an exception.
    """
    collected = collect_pixel(make_collector(tmp_path, clock), query, [(b"user-agent", CHROME.encode())], ADDRESS)

    assert (200, IMAGE) == (collected.answer.status, collected.answer.body)
