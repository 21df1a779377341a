"""
The batch endpoint: who may send, what a body may be, and what becomes of each event.
"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.answers import Answer
from ingest.batch import BODY_BYTES_MAX, SLICE_EVENTS, SLICE_SECONDS, Batch
from ingest.batch_body import EVENTS_MAX, NEITHER, TOO_MANY, read_events
from ingest.batch_time import REASON, read_timestamp
from ingest.collect import Collected, Collector
from ingest.decode import WireError
from ingest.enrich import SiteRules
from ingest.event import Event
from ingest.event_id_hashes import CARRIED
from ingest.pseudonymize import Pseudonymizer
from ingest.request_visitors import RequestVisitors
from tests.clocks import FakeClock
from tests.ingest.collectors import (
    ADDRESS,
    BATCH_KEY,
    BEACON,
    CHROME,
    SITE,
    drops_of,
    events_of,
    make_batch,
    make_collector,
    send,
)
from tests.ingest.test_door import Exchange, spooled, through

EVENT = {**BEACON, "ip": ADDRESS, "user_agent": CHROME}
SENDER = "198.51.100.5"
BEARER = f"Bearer {BATCH_KEY}"


def offer(batch: Batch, body: object, **headers: str) -> Collected:
    """
    Send one batch, from a server of its own address and user agent. A list or dict is sent as JSON.
    """
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {"authorization": BEARER, "user_agent": "shop/1.0", **headers}
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]
    key = batch.admit(sent)
    if isinstance(key, Answer):
        return Collected(key, ())
    return asyncio.run(batch.collect(key, raw, sent, SENDER))


def made(tmp_path: Path, clock: FakeClock, *sites: SiteRules, site_id: int | None = None) -> tuple[Collector, Batch]:
    collector = make_collector(tmp_path, clock, *sites)
    return collector, make_batch(tmp_path, clock, collector, site_id=site_id)


def answer_of(collected: Collected) -> Any:
    assert 202 == collected.answer.status, collected.answer.body
    return json.loads(collected.answer.body)


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def test_array_and_lines_are_the_same(tmp_path: Path, clock: FakeClock) -> None:
    """
    A JSON array and one object a line give the same answer and the same events.
    """
    _, batch = made(tmp_path, clock)
    events = [{**EVENT, "u": f"https://site1.test/{page}"} for page in "abc"]
    lines = "\n".join(json.dumps(event) for event in events).encode() + b"\r\n\n"
    both = [offer(batch, events), offer(batch, lines)]

    assert [{"accepted": 3, "dropped": []}] * 2 == [answer_of(collected) for collected in both]
    assert [["/a", "/b", "/c"]] * 2 == [[event.pathname for event in events_of(collected)] for collected in both]


def test_the_visitor_of_a_beacon(tmp_path: Path, clock: FakeClock) -> None:
    """
    An event with the visitor's address and user agent is that visitor, as if the beacon had come itself.
    """
    collector, batch = made(tmp_path, clock)
    odd = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/130.0.0.0 Safari/537.36 \u00e9\u4e2d"
    (event, other) = events_of(offer(batch, [EVENT, {**EVENT, "user_agent": odd}]))
    (beacon,) = events_of(send(collector))
    (strange,) = events_of(send(collector, user_agent=odd.encode().decode("latin-1")))

    assert (beacon.visitor_id, strange.visitor_id) == (event.visitor_id, other.visitor_id)


def test_what_an_event_does_not_say_is_the_senders(tmp_path: Path, clock: FakeClock) -> None:
    """
    Without `ip` and `user_agent` the connection's address and user agent count, as for a beacon; signals do not.
    """
    collector, batch = made(tmp_path, clock)
    (event,) = events_of(offer(batch, [BEACON], user_agent=CHROME, dnt="1", sec_gpc="1"))
    (beacon,) = events_of(send(collector, peer=SENDER))

    assert beacon.visitor_id == event.visitor_id != 0


@pytest.mark.parametrize(
    "authorization", ["", "Bearer ", "Basic abc", "Bearer dsk_aa_wrong", "Bearer dsk_bb_secret", "Bearer secret"]
)
def test_a_key_is_needed(tmp_path: Path, clock: FakeClock, authorization: str) -> None:
    """
    No key or a wrong one: 401 with the stats API's sentence, and nothing is kept.
    """
    _, batch = made(tmp_path, clock)
    collected = offer(batch, [EVENT], authorization=authorization)
    error = json.loads(collected.answer.body)["error"]

    assert (401, ()) == (collected.answer.status, tuple(collected.records))
    assert error.startswith(
        "Missing API key" if "dsk" not in authorization and "secret" not in authorization else "Inv"
    )


@pytest.mark.parametrize(("scope", "status"), [("ingest", 202), ("all", 202), ("stats", 401), ("sites", 401)])
def test_the_scope_must_fit(tmp_path: Path, clock: FakeClock, scope: str, status: int) -> None:
    """
    A key for another purpose is no key here.
    """
    batch = make_batch(tmp_path, clock, make_collector(tmp_path, clock), scope=scope)

    assert status == offer(batch, [EVENT]).answer.status


def test_a_key_of_a_site_sends_for_that_site_only(tmp_path: Path, clock: FakeClock) -> None:
    """
    Every other site is unknown to it, and its owner is told nothing.
    """
    collector, batch = made(tmp_path, clock, SITE, SiteRules(id=2, domain="site2.test"), site_id=1)
    other = {**EVENT, "d": "site2.test"}
    collected = offer(batch, [EVENT, other, {**EVENT, "d": "site1.test,site2.test"}, {**other, "n": ""}])
    told = answer_of(collected)

    assert 2 == told["accepted"]
    assert [(1, "unknown_site"), (2, "unknown_site"), (3, "invalid")] == [
        (drop["index"], drop["reason"]) for drop in told["dropped"]
    ]
    assert [] == drops_of(collector)


@pytest.mark.parametrize(
    "body", [b"", b" ", b"hello", b"5", b"null", b'"x"', b"[", b'[{"n":', b"hello\nworld", b"\xff\xfe", b"[" * 100_000]
)
def test_a_body_that_is_neither(tmp_path: Path, clock: FakeClock, body: bytes) -> None:
    """
    Neither an array nor lines of objects: 400, in a shape the beacons' clients know.
    """
    _, batch = made(tmp_path, clock)
    collected = offer(batch, body)

    assert (400, NEITHER.body, ()) == (collected.answer.status, collected.answer.body, tuple(collected.records))
    assert {"errors"} == set(json.loads(collected.answer.body))


def test_limits(tmp_path: Path, clock: FakeClock) -> None:
    """
    A thousand events are taken and one more is 400; 4 MiB are taken and one byte more is 413; packed is 415.
    """
    _, batch = made(tmp_path, clock)
    full = offer(batch, [EVENT] * EVENTS_MAX)
    lines = b"\n".join([json.dumps(EVENT).encode()] * (EVENTS_MAX + 1))
    padded = json.dumps([EVENT]).encode()
    padded += b" " * (BODY_BYTES_MAX - len(padded))

    assert (EVENTS_MAX, EVENTS_MAX) == (answer_of(full)["accepted"], len(full.records))
    assert [TOO_MANY] * 2 == [offer(batch, body).answer for body in ([EVENT] * (EVENTS_MAX + 1), lines)]
    assert (202, 413) == (offer(batch, padded).answer.status, offer(batch, padded + b" ").answer.status)
    assert 413 == offer(batch, b"[]", content_length=str(BODY_BYTES_MAX + 1)).answer.status
    assert 415 == offer(batch, b"[]", content_encoding="gzip").answer.status


def test_an_empty_array(tmp_path: Path, clock: FakeClock) -> None:
    """
    Nothing sent, nothing accepted.
    """
    _, batch = made(tmp_path, clock)

    assert {"accepted": 0, "dropped": []} == answer_of(offer(batch, b"[]"))


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"n": ""}, {"event_name": ["can't be blank"]}),
        ({"u": None}, {"url": ["is required"]}),
        ({"ip": "300.1.1.1"}, {"ip": ["is not an IP address"]}),
        ({"ip": 7}, {"ip": ["is not an IP address"]}),
        ({"user_agent": 7}, {"user_agent": ["should be text of at most 4096 character(s)"]}),
        ({"timestamp": "yesterday"}, {"timestamp": [REASON]}),
        ({"timestamp": True}, {"timestamp": [REASON]}),
        ({"event_id": ""}, {"event_id": ["should be text of 1 to 255 character(s)"]}),
        ({"event_id": ["x"]}, {"event_id": ["should be text of 1 to 255 character(s)"]}),
        ({"event_id": "x" * 256}, {"event_id": ["should be text of 1 to 255 character(s)"]}),
    ],
)
def test_a_bad_event_is_named_and_the_others_count(
    tmp_path: Path, clock: FakeClock, change: dict[str, object], errors: dict[str, list[str]]
) -> None:
    """
    What is wrong with an event is said at its index, as a beacon would be told, and its site's owner sees it.
    """
    collector, batch = made(tmp_path, clock)
    collected = offer(batch, [EVENT, {**EVENT, **change}, EVENT])

    assert {"accepted": 2, "dropped": [{"index": 1, "reason": "invalid", "errors": errors}]} == answer_of(collected)
    assert 2 == len(collected.records)
    assert [(1, "invalid", 1)] == [(drop.site_id, drop.reason, drop.hits) for drop in drops_of(collector)]


def test_a_bad_line_is_one_event(tmp_path: Path, clock: FakeClock) -> None:
    """
    A line that is no JSON, or no object, is invalid at its index.
    """
    _, batch = made(tmp_path, clock)
    told = answer_of(offer(batch, b"{broken\n" + json.dumps(EVENT).encode() + b"\n7\n"))

    assert (1, [0, 2], {"invalid"}) == (
        told["accepted"], [drop["index"] for drop in told["dropped"]], {drop["reason"] for drop in told["dropped"]},
    )  # fmt: skip


def test_reasons_of_the_screens(tmp_path: Path, clock: FakeClock) -> None:
    """
    Bots, unknown sites and signals are told at their index and counted for the owner.
    """
    collector, batch = made(tmp_path, clock)
    told = answer_of(
        offer(
            batch,
            [
                {**EVENT, "user_agent": "Googlebot/2.1"},
                {**EVENT, "d": "nobody.test"},
                {**EVENT, "n": "Buy", "gpc": True},
                {**EVENT, "d": "site1.test,nobody.test"},
            ],
        )
    )

    assert 1 == told["accepted"]
    assert [
        {"index": 0, "reason": "bot"},
        {"index": 1, "reason": "unknown_site"},
        {"index": 2, "reason": "signal"},
        {"index": 3, "reason": "unknown_site"},
    ] == told["dropped"]
    assert {"bot", "signal"} == {drop.reason for drop in drops_of(collector)}
    assert {"bot": 1, "unknown_site": 2, "signal": 1} == collector.counters.dropped


@pytest.mark.parametrize("said", [True, 1, "1", "true"])
def test_a_signal_in_a_batch_makes_no_visitor(tmp_path: Path, clock: FakeClock, said: object) -> None:
    """
    A pageview with `"gpc": true`, or what the header has, counts for the page and hour, and for nobody.
    """
    _, batch = made(tmp_path, clock)
    (event,) = events_of(offer(batch, [{**EVENT, "gpc": said}]))

    assert (0, 0, "", 0) == (event.visitor_id, event.visit_seed, event.browser, event.ts % 3600)


def test_timestamps(tmp_path: Path, clock: FakeClock) -> None:
    """
    24 hours back and 60 seconds ahead are taken, beyond that is `timestamp`; a little ahead is now.
    """
    collector, batch = made(tmp_path, clock)
    now, day = clock.now_ms(), 86_400_000
    times = [now - day, now - day - 1, now + 60_000, now + 60_001, iso(now - 5000), iso(now - day - 1000), None, 10**30]
    collected = offer(batch, [{**EVENT, "timestamp": at} for at in times])
    told = answer_of(collected)

    assert 4 == told["accepted"]
    assert [{"index": index, "reason": "timestamp"} for index in (1, 3, 5, 7)] == told["dropped"]
    assert [(now + off) // 1000 for off in (-day, 0, -5000, 0)] == [event.ts for event in events_of(collected)]
    assert [("timestamp", 4)] == [(drop.reason, drop.hits) for drop in drops_of(collector)]


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [
        ("2026-11-22T11:00:00Z", 39_600),
        ("2026-11-22T12:00:00+01:00", 39_600),
        ("2026-11-22 11:00:00.250", 39_600.25),
        ("20261122T110000Z", 39_600),
        (" 1795345200000 ", 39_600),
        (1_795_345_200_000, 39_600),
        ("2026-11-22", 0),
    ],
)
def test_shapes_of_time(sent: object, seconds: float) -> None:
    """
    ISO 8601 with and without offset (then UTC), and epoch milliseconds, also as text.
    """
    midnight = 1_795_305_600_000

    assert midnight + seconds * 1000 == read_timestamp(sent, midnight + 50_000_000)


@settings(max_examples=300)
@given(
    sent=st.one_of(
        st.text(max_size=70), st.integers(), st.decimals(allow_nan=False), st.booleans(), st.floats(), st.none()
    )
)
def test_any_time_is_a_time_or_not(sent: object) -> None:
    """
    Whatever is sent: a time in range, out of range, or `WireError`.
    """
    now = 1_795_347_000_000
    try:
        at_ms = read_timestamp(sent, now)
    except WireError:
        return

    assert at_ms is None or now - 86_400_000 <= at_ms <= now


MIDNIGHT_MS = 20_779 * 86_400_000
"""2026-11-22, the day of the test clock."""


def test_a_day_that_is_over_is_hashed_for_this_request_only(tmp_path: Path) -> None:
    """
    Events of yesterday are one visitor within a request and somebody else in the next, on yesterday's day.
    """
    clock = FakeClock(MIDNIGHT_MS - 600_000)
    collector, batch = made(tmp_path, clock)
    (live,) = events_of(send(collector))
    # Within the overlap: yesterday's salt still lives, and even so it is not used for what comes late.
    clock.advance(seconds=1200)
    late = [{**EVENT, "timestamp": MIDNIGHT_MS - ms} for ms in (3_000_000, 1_300_000)]
    first, second = events_of(offer(batch, [*late, {**EVENT, "ip": "192.0.2.1", "timestamp": MIDNIGHT_MS - 1}]))[:2]
    (again,) = events_of(offer(batch, late[:1]))
    (today,) = events_of(offer(batch, [EVENT]))

    assert first.visitor_id == second.visitor_id
    # What happens now goes on with the visit that was open at midnight, as a beacon would.
    assert (live.visitor_id, live.day) == (today.visitor_id, today.day)
    assert 3 == len({live.visitor_id, first.visitor_id, again.visitor_id})
    assert [20_778, 20_778, 20_778] == [live.day, first.day, again.day]
    assert 20_779 == first.received_day


def test_the_local_day_decides(tmp_path: Path) -> None:
    """
    What is yesterday in one time zone is today in another.
    """
    clock = FakeClock(MIDNIGHT_MS + 3_600_000)
    zones = {"Etc/UTC": 1, "America/New_York": 2, "Asia/Kolkata": 3}
    sites = [SiteRules(id=number, domain=f"site{number}.test", timezone=zone) for zone, number in zones.items()]
    _, batch = made(tmp_path, clock, *sites)
    event = {**EVENT, "d": "site1.test,site2.test,site3.test", "timestamp": MIDNIGHT_MS - 1000}
    one, two = events_of(offer(batch, [event])), events_of(offer(batch, [event]))

    assert [20_778, 20_778, 20_779] == [found.day for found in one]
    assert [False, True, True] == [a.visitor_id == b.visitor_id for a, b in zip(one, two, strict=True)]


def test_a_late_key_for_every_day(tmp_path: Path, clock: FakeClock) -> None:
    """
    Nobody has one id on two days, not even within one request.
    """
    collector = make_collector(tmp_path, clock)
    visitors = collector.visitors_at(clock.now_ms())
    now = clock.now_ms()
    ids = [
        visitors.visitor(
            timezone="Etc/UTC", at_ms=now - days * 86_400_000, site_id=1, address=collector.address_of((), ADDRESS),
            user_agent=CHROME, domain="site1.test",
        )
        for days in (0, 1, 2)
    ]  # fmt: skip

    assert 3 == len({visitor.id for visitor in ids})
    assert isinstance(visitors, RequestVisitors)
    assert Pseudonymizer.__name__ not in repr(ids)


def test_event_ids_are_carried_as_hashes(tmp_path: Path, clock: FakeClock) -> None:
    """
    Equal ids of a site carry equal hashes, of two sites different ones; the id itself is in no record.
    """
    _, batch = made(tmp_path, clock, SITE, SiteRules(id=2, domain="site2.test"))
    event = {**EVENT, "event_id": "order-4711", "d": "site1.test,site2.test"}
    collected = offer(batch, [event, event, {**event, "event_id": 4711}, {**EVENT, "event_id": None}])
    one, two, again, _, number, _, none = events_of(collected)

    assert one.event_id == again.event_id
    assert 3 == len({one.event_id, two.event_id, number.event_id})
    assert (CARRIED.size, b"", clock.now_ms() // 1000) == (
        len(one.event_id), none.event_id, CARRIED.unpack(one.event_id)[2],
    )  # fmt: skip
    assert b"order-4711" not in b"".join(collected.records)


def test_no_key_for_ids_no_answer(tmp_path: Path, clock: FakeClock) -> None:
    """
    While the keeper gave no key, an event with an id is not taken: 503, and nothing of the request is kept or counted.
    """
    collector, batch = made(tmp_path, clock)
    batch.event_ids.install([])
    collected = offer(batch, [EVENT, {**EVENT, "user_agent": "Googlebot/2.1"}, {**EVENT, "event_id": "x"}])

    assert (503, ()) == (collected.answer.status, tuple(collected.records))
    assert b"retry-after" in dict(collected.answer.headers)
    assert ({}, []) == (collector.counters.dropped, drops_of(collector))


def test_too_much_for_many_sites(tmp_path: Path, clock: FakeClock) -> None:
    """
    Large events for fifty sites each stop at 12 MiB of records; the rest is `over_limit`.
    """
    sites = [SiteRules(id=number, domain=f"s{number}.test") for number in range(1, 51)]
    _, batch = made(tmp_path, clock, *sites)
    props = {f"k{number}": "x" * 1000 for number in range(30)}
    event = {**EVENT, "d": ",".join(site.domain for site in sites), "p": props}
    collected = offer(batch, [event] * 12)
    told = answer_of(collected)

    assert sum(map(len, collected.records)) < 16 * 1024 * 1024
    assert {"over_limit"} == {drop["reason"] for drop in told["dropped"]}
    assert 12 == told["accepted"] + len(told["dropped"])


def test_through_the_door(tmp_path: Path, clock: FakeClock) -> None:
    """
    After the 202 the records are in the spool; no CORS for servers; another method is told what to send.
    """
    body = json.dumps([EVENT, EVENT]).encode()
    posted = Exchange("POST", "/api/events", [body[:50], body[50:]], authorization=BEARER)
    got, asked = Exchange("GET", "/api/events"), Exchange("OPTIONS", "/api/events")
    unknown = Exchange("POST", "/api/events", [b" " * 8192] * 100)
    through(tmp_path, clock, posted, got, asked, unknown)

    assert (202, {"accepted": 2, "dropped": []}) == (posted.status, json.loads(posted.body))
    assert (405, 405, 401) == (got.status, asked.status, unknown.status)
    assert 0 == unknown.read_bytes
    assert 2 == spooled(tmp_path)
    for exchange in (posted, got, asked, unknown):
        assert b"access-control-allow-origin" not in exchange.headers


def test_endless_body_is_not_read_to_its_end(tmp_path: Path, clock: FakeClock) -> None:
    """
    Reading stops right after the limit.
    """
    exchange = Exchange("POST", "/api/events", [b" " * 65_536] * 1000, authorization=BEARER)
    through(tmp_path, clock, exchange)

    assert 413 == exchange.status
    assert exchange.read_bytes <= BODY_BYTES_MAX + 65_536


def test_a_sender_that_goes_away_sent_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """
    Half of a batch of lines reads like a whole one; it is not taken, for it will be sent again.
    """
    exchange = Exchange("POST", "/api/events", [json.dumps(EVENT).encode() + b"\n", b""], authorization=BEARER)
    asked = exchange.receive

    async def gone() -> dict[str, Any]:
        message = await asked()
        return message if message["body"] else {"type": "http.disconnect"}

    exchange.receive = gone  # type: ignore[method-assign]  # the second read finds nobody
    through(tmp_path, clock, exchange)

    assert 400 == exchange.status
    assert 0 == spooled(tmp_path)


def test_full_spool_answers_503(tmp_path: Path, clock: FakeClock) -> None:
    """
    At the spool's limit: 503 with Retry-After, the whole request may be sent again.
    """
    exchange = Exchange("POST", "/api/events", json.dumps([EVENT]).encode(), authorization=BEARER)
    through(tmp_path, clock, exchange, spool_bytes_max=0)

    assert 503 == exchange.status
    assert exchange.headers[b"retry-after"].isdigit()


@pytest.mark.parametrize(("step_seconds", "turns_min"), [(SLICE_SECONDS * 1.1, EVENTS_MAX // SLICE_EVENTS), (0.0, 1)])
def test_beacons_are_answered_between_slices(
    tmp_path: Path, clock: FakeClock, step_seconds: float, turns_min: int
) -> None:
    """
    A full batch lets others go on as often as its work takes long, and not after every few events of known visitors.
    """
    collector = make_collector(tmp_path, clock)
    batch = make_batch(tmp_path, clock, collector, now=count(0.0, step_seconds).__next__)
    key = batch.admit([(b"authorization", BEARER.encode())])
    assert not isinstance(key, Answer)
    turns = 0

    async def run() -> None:
        nonlocal turns
        task = asyncio.create_task(batch.collect(key, json.dumps([EVENT] * EVENTS_MAX).encode(), [], SENDER))
        while not task.done():
            turns += send(collector).answer.status == 202
            await asyncio.sleep(0)

    asyncio.run(run())

    assert turns_min <= turns <= turns_min + 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("n", "u", "d", "r", "p", "$", "sd", "e", "i", "h", "gpc", "timestamp", "ip", "user_agent", "event_id")
FUZZED = st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, VALUES)).map(lambda change: {**EVENT, **change})
BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(FUZZED | VALUES, max_size=5).map(lambda events: json.dumps(events).encode()),
    st.lists(FUZZED | VALUES, max_size=5).map(lambda events: b"\n".join(json.dumps(e).encode() for e in events)),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
def test_any_body_gets_a_defined_answer(tmp_path: Path, clock: FakeClock, body: bytes) -> None:
    """
    Whatever is sent: 202 with a place for every event, or 400; never an exception.
    """
    _, batch = made(tmp_path, clock)
    collected = offer(batch, body)
    events = read_events(body)

    if isinstance(events, Answer):
        assert (400, events) == (collected.answer.status, collected.answer)
        return
    told = answer_of(collected)
    assert told["accepted"] <= len(collected.records)
    assert len(events) == len({drop["index"] for drop in told["dropped"]}) + told["accepted"]
    for record in collected.records:
        assert msgspec.msgpack.decode(record, type=Event)
