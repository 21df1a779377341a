"""
The short way compiled, against the same in Python, the long way, and the libraries that read the same bytes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from itertools import product
from pathlib import Path

import httptools
import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingest import plain_people
from ingest.batch import Batch
from ingest.batch_body import EVENTS_MAX
from ingest.collect import Collector
from ingest.compiled import is_compiled
from ingest.enrich import SiteRules
from ingest.hit import Place
from ingest.plain_batch import PlainSent
from ingest.plain_pages import KEPT_URL
from ingest.scrub import is_plain
from ingest.sightings import SightingFields, head_fields
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, BEACON, CHROME, make_batch, make_collector, salts_of
from tests.ingest.plain_cases import (
    FIRST_LINE,
    NAMES,
    REFERRERS,
    SITES,
    URLS,
    Sent,
    beacons,
    long_way,
    request,
    without_seed,
)
from warehouse.registry.api_keys import ApiKey

if not is_compiled():
    pytest.skip("not compiled here; see tests/deploy/test_compiled.py", allow_module_level=True)
from ingest import plain_native as native

PROXY = "127.0.0.1"
V6 = "2001:db8::1"
HEADERS = [(b"user-agent", CHROME.encode()), (b"x-forwarded-for", b"198.51.100.7"), (b"accept-language", b"sv")]
ORDINARY = request(json.dumps(BEACON, separators=(",", ":")).encode(), HEADERS)

ODD = [b"\r", b"\n", b" ", b":", b'"', b",", b"\\", b"}"]


def _collector(tmp_path: Path, clock: FakeClock) -> Collector:
    collector = make_collector(tmp_path, clock, *SITES)
    collector.plain.install_first_lines(frozenset({FIRST_LINE}))
    return collector


def _record(collector: Collector, data: bytes, peer: str = PROXY) -> bytes | None:
    assert collector.plain.native is not None
    return collector.plain.native.request(data, peer, peer == PROXY, collector.clock.now_ms())


@given(st.lists(beacons, min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
def test_it_makes_the_record_of_both_other_ways(tmp_path: Path, all_sent: list[Sent]) -> None:
    """
    Whatever comes, and however often: the record of the long way, and one wherever the short way in Python has one.
    """
    clock = FakeClock(1_795_345_200_000)
    collector = _collector(tmp_path, clock)
    for sent in all_sent:
        clock.advance(seconds=sent.later_seconds)
        data = sent.request()
        short = _record(collector, data, sent.peer)
        python = collector.plain.request(data, sent.peer, sent.peer == PROXY, clock.now_ms())
        body = data.partition(b"\r\n\r\n")[2]
        long = long_way(collector, body, sent.headers(), sent.peer)

        assert short is None or (3, [without_seed(short)]) == long
        assert python is None or short is not None


def test_pages_that_share_an_arrival(tmp_path: Path, clock: FakeClock) -> None:
    """
    Every page after every other of its site, host, query and referrer: what is remembered of one is true of the next.
    """
    collector = _collector(tmp_path, clock)
    shorts = 0
    for url in (*URLS, *reversed(URLS)):
        for name in NAMES:
            for referrer in REFERRERS:
                body = json.dumps({"n": "pageview", "u": url, "d": name, "r": referrer}).encode()
                short = _record(collector, request(body, HEADERS))
                if short is not None:
                    shorts += 1
                    assert [without_seed(short)] == long_way(collector, body, HEADERS, PROXY)[1]

    assert shorts > 500, shorts


@pytest.mark.parametrize("length", [1, 2, 30, 31, 32, 33, 254, 255, 256, 257, 900])
def test_paths_of_all_lengths(tmp_path: Path, clock: FakeClock, length: int) -> None:
    """
    A record has a path however long it is; msgpack writes its length in one of three ways.
    """
    collector = _collector(tmp_path, clock)
    path = ("/" + "abc./" * 200)[:length]
    body = json.dumps({**BEACON, "u": f"https://site1.test{path}"}).encode()
    short = _record(collector, request(body, HEADERS))

    assert short is not None
    assert path == without_seed(short).pathname
    assert [without_seed(short)] == long_way(collector, body, HEADERS, PROXY)[1]


def test_places_of_all_lengths(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What an address says is kept beside it or, when it is long, elsewhere; in both cases it is all in the record.
    """
    for length in (0, 70, 90, 100, 400):
        collector = _collector(tmp_path, clock)
        place = Place("SE", "x" * length, 5)
        monkeypatch.setattr(collector.tools.place, "read", partial(_nowhere_else, place))
        short = _record(collector, ORDINARY)

        assert short is not None
        assert ("x" * length, 5) == (without_seed(short).region, without_seed(short).city)


def test_midnight(tmp_path: Path) -> None:
    """
    Around midnight, too, a plain pageview is short, and is seen by whoever wants to; a visit that goes on keeps its id.
    """
    clock = FakeClock(1_795_345_200_000)
    clock.advance(seconds=-600)
    collector = _collector(tmp_path, clock)
    sink = _Sink()
    collector.install_sinks([sink])
    body = json.dumps({"n": "pageview", "u": "https://zone.test/a", "d": "zone.test"}).encode()
    seen: list[tuple[int, int]] = []
    for later, number in ((0, 7), (1200, 7), (0, 8), (1200, 7)):
        clock.advance(seconds=later)
        record = _record(collector, request(body, [HEADERS[0], (b"x-forwarded-for", b"198.51.100.%d" % number)]))
        assert record is not None
        seen.append((without_seed(record).visitor_id, without_seed(record).day))
    collector.sightings.hand_over()
    before, after, other, later_still = seen

    assert before == after
    assert [before[1], before[1] + 1, before[1] + 1] == [after[1], other[1], later_still[1]]
    assert 4 == len(sink.seen)


def test_nothing_is_read_that_is_not_whole(tmp_path: Path, clock: FakeClock) -> None:
    """
    Of a request cut anywhere nothing is made, nor of one with anything behind it.
    """
    collector = _collector(tmp_path, clock)
    assert _record(collector, ORDINARY) is not None

    assert [] == [cut for cut in range(len(ORDINARY)) if _record(collector, ORDINARY[:cut]) is not None]
    assert _record(collector, ORDINARY + b"\r\n") is None
    assert _record(collector, ORDINARY * 2) is None
    assert _record(collector, ORDINARY.replace(b"Host: ", b"X: " + b"x" * 8192 + b"\r\nHost: ")) is None


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
def test_odd_bytes_are_read_as_the_parser_reads_them(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """
    A request with a few bytes changed, put in or taken out: no record, or that of what the parser reads.
    """
    changed = bytearray(ORDINARY)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        with_what = data.draw(
            st.binary(max_size=2) | st.sampled_from([b"\r", b"\n", b" ", b":", b'"', b",", b"\\", b"}"])
        )
        changed[at : at + data.draw(st.integers(0, 2))] = with_what
    clock = FakeClock(1_795_345_200_000)
    collector = _collector(tmp_path_factory.mktemp("odd"), clock)
    short = _record(collector, bytes(changed))
    if short is not None:
        read = _Read()
        parser = httptools.HttpRequestParser(read)
        parser.feed_data(bytes(changed))

        assert (1, b"POST", b"/api/event", "1.1") == (
            read.messages, parser.get_method(), read.url, parser.get_http_version()
        )  # fmt: skip
        assert head_fields(bytes(changed)) == read.headers
        assert (3, [without_seed(short)]) == long_way(collector, read.body, read.headers, PROXY)


urls = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "https:/", "ftp://", "httpss://", "HTTP://"]),
    st.from_regex(r"[a-z0-9.-]{0,12}(\.[a-z]{1,3})?|[A-Z:@]{1,3}", fullmatch=True),
    st.text("/aZ09_.-%@:+~", max_size=40)
    | st.from_regex(r"/([0-9]{1,3}[./_-]{0,3}){1,4}[0-9a-z]{0,3}|/[a-zA-Z0-9_-]{17,22}", fullmatch=True),
    st.text("?#=&a1 !$~%", max_size=8),
)


@given(urls)
@example("https://a.b/1-2-3-4-5-6-7")
@example("https://a.b/1--2--3--4--5--6--7")
@example("https://a.b/1---2-3-4-5-6-7")
@example("https://a.b/" + "x" * 19)
@example("https://a.b/" + "x" * 20)
@example("https://a.b/?")
@settings(max_examples=3000, deadline=None)
def test_addresses_of_pages_are_taken_apart_alike(url: str) -> None:
    """
    What of an address is remembered and what is its path, and that there is nothing in the path to look at twice.
    """
    if '"' in url or "\\" in url:
        return
    found = native.looked_at(json.dumps({"n": "pageview", "u": url, "d": "x"}).encode())
    match = KEPT_URL.match(url)

    assert found is not None
    assert (match.groups() if match and is_plain(match[2]) else None) == found.get("parts")


TEXT = 'ab é"\\/\x00\x1f\x7f\U0001f600'
values = st.text(TEXT, max_size=6) | st.sampled_from([None, 0, 1, 12, -1, 1.5, True, "pageview"])
objects = st.lists(
    st.tuples(st.sampled_from(["n", "u", "d", "r", "v", "ip", "user_agent", "x", "N"]), values), max_size=8
)


@given(
    objects,
    st.sampled_from(["", "", " ", "\n\t "]),
    st.booleans(),
    st.sampled_from(["", "", "", "]", "}", " ", ","]),
)
@settings(max_examples=3000, deadline=None)
def test_json_is_read_as_msgspec_reads_it(
    fields: Sequence[tuple[str, object]], space: str, escaped: bool, end: str
) -> None:
    """
    What is read at all is read as the library reads it, field by field; whatever order, white space, escapes and
    mistakes it has.
    """
    fields = [("n", "pageview"), ("u", "abc"), ("d", "d"), *fields] if len(fields) < 4 else fields
    members = (
        f"{space}{json.dumps(key)}{space}:{space}{json.dumps(value, ensure_ascii=escaped)}{space}"
        for key, value in fields
    )
    body = ("{" + ",".join(members) + "}" + end).encode("utf-8", "surrogatepass")
    found = native.looked_at(body)
    if found is None:
        return
    end_at = found["end"]
    assert isinstance(end_at, int)
    sent = msgspec.json.decode(body[:end_at], type=dict[str, object])

    assert len(sent) == len(fields)
    assert "pageview" == sent["n"]
    assert (sent["u"], sent["d"], sent.get("r") or "") == (found["u"], found["d"], found["r"])
    assert (sent.get("ip"), sent.get("user_agent")) == (found.get("ip"), found.get("user_agent"))
    msgspec.convert({"ip": "", "user_agent": "", **sent}, PlainSent)


EVENT = {"n": "pageview", "u": "https://site1.test/a", "d": "site1.test", "ip": ADDRESS, "user_agent": CHROME}


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (b"[]", 0), (b"", 0), (b"[", 0), (b"{}", 0), (b"[,]", 0),
        (json.dumps([EVENT]).encode(), 1),
        (json.dumps([EVENT] * 64).encode(), 64),
        (json.dumps([EVENT] * 65, indent=1).encode(), 65),
        (json.dumps([EVENT] * 1000).encode(), 1000),
        (json.dumps([EVENT] * 1001).encode(), 0),
        (json.dumps([EVENT] * 3).encode()[:-1] + b",]", 0),
        (json.dumps([EVENT] * 3).encode() + b"]", 0),
        (json.dumps([EVENT] * 3).encode() + b" \n", 3),
        (json.dumps([EVENT, {**EVENT, "n": "Signup"}]).encode(), 0),
        (json.dumps([EVENT, {**EVENT, "timestamp": 1}]).encode(), 0),
        (json.dumps([EVENT, {key: EVENT[key] for key in "nud"}]).encode(), 0),
        (json.dumps([EVENT, {**EVENT, "user_agent": "é"}]).encode(), 0),
        (json.dumps(EVENT).encode(), 0),
    ],
)  # fmt: skip
def test_batches_are_read_whole_or_not_at_all(tmp_path: Path, clock: FakeClock, body: bytes, count: int) -> None:
    """
    A list of plain pageviews and nothing else, up to as many as a request may have.
    """
    collector = _collector(tmp_path, clock)
    assert collector.plain.native is not None
    events = collector.plain.native.batch(body)
    records: list[bytes] = []

    assert count == (0 if events is None else len(events))
    if events is not None:
        assert count == events.take(0, count + 5, records, None, clock.now_ms()) - 5
        assert count == len(records)
        assert 0 == events.take(0, count, records, 2, clock.now_ms())
    assert [] == [cut for cut in range(min(len(body), 300) - 1) if collector.plain.native.batch(body[:cut]) is not None]


# What one is sent as is the UTF-8 of another, all of it or its first 512 bytes; one is as long as a remembered one may
# be, the next a byte longer, the last the same up to there.
ODD_AGENTS = [CHROME, "Ã©", "Ã\x83Â©", "é" * 512, "Ã©" * 256, "", CHROME + "x", "x" * 512, "x" * 513, "x" * 511 + "y"]


def test_who_was_last_seen_is_not_who_comes_next(tmp_path: Path, clock: FakeClock) -> None:
    """
    Every browser and page after every other from one address, as requests and in batches: always the record of the
    long way, and each visitor is known again among all the others.
    """
    collector = make_collector(tmp_path, clock, *SITES, SiteRules(id=2, domain="site2.test"))
    collector.plain.install_first_lines(frozenset({FIRST_LINE}))
    batch = make_batch(tmp_path, clock, collector)
    pages = [("site1.test", "https://site1.test/a"), ("site1.test", "https://b.test/"),
             ("site2.test", "https://b.test/"), ("zone.test", "https://b.test/")]  # fmt: skip
    hits = [(agent, *page) for agent in ODD_AGENTS for page in pages]
    expected = [long_way(collector, *_sent(*hit), PROXY)[1] for hit in hits]
    requests = [request(*_sent(*hit)) for hit in hits]
    for first, second in product(range(len(hits)), repeat=2):
        for at in (first, second):
            record = _record(collector, requests[at])

            assert (record is None) == (len(hits[at][0]) > 512)
            assert record is None or expected[at] == [without_seed(record)]
    # Of a user agent 512 bytes count.
    assert len({event.visitor_id for (event,) in expected}) == len({(hit[0][:512], *hit[1:]) for hit in hits})

    ascii_hits = [at for at, hit in enumerate(hits) if hit[0].isascii()]
    order = [at for pair in product(ascii_hits, repeat=2) for at in pair]
    for start in range(0, len(order), EVENTS_MAX):
        taken = order[start : start + EVENTS_MAX]
        records = asyncio.run(_sent_as_batch(batch, [hits[at] for at in taken]))
        assert [without_seed(record) for record in records] == [expected[at][0] for at in taken]


def _sent(agent: str, name: str, url: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    headers = [(b"user-agent", agent.encode("latin-1"))] if agent else []
    return json.dumps({"n": "pageview", "u": url, "d": name}).encode(), [*headers, (b"x-forwarded-for", V6.encode())]


async def _sent_as_batch(batch: Batch, hits: Sequence[tuple[str, str, str]]) -> Sequence[bytes]:
    key = ApiKey("aa", "ingest", None, 0, revoked=False)
    events = [{"n": "pageview", "u": url, "d": name, "ip": V6, "user_agent": agent} for agent, name, url in hits]
    return (await batch.collect(key, json.dumps(events).encode(), [], ADDRESS)).records


def test_another_salt_makes_another_visitor(tmp_path: Path, clock: FakeClock) -> None:
    """
    The salts the keeper gives again change nobody; another one for the same day, as after a restored backup, is taken
    at once, whoever was seen under the first.
    """
    collector = _collector(tmp_path, clock)

    def visitor() -> int:
        record = _record(collector, ORDINARY)
        assert record is not None
        return without_seed(record).visitor_id

    first = visitor()
    salts = salts_of(tmp_path / "keys", clock)
    collector.plain.pseudonymizer.install(salts)
    assert first == visitor()
    collector.plain.pseudonymizer.install(salts_of(tmp_path / "others", clock))
    assert first != visitor()
    collector.plain.pseudonymizer.install(salts)
    assert first == visitor()


def test_a_robot_is_told_by_the_list_of_the_day(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Who was last seen at an address as a browser is none once the list of robots says so.
    """
    collector = _collector(tmp_path, clock)
    assert _record(collector, ORDINARY) is not None
    monkeypatch.setattr(plain_people, "plain_agent", _robot)
    assert _record(collector, ORDINARY) is not None
    collector.plain.forget_words()

    assert _record(collector, ORDINARY) is None


def _robot(_: str) -> None: ...


def _nowhere_else(place: Place, _address: object) -> Place:
    return place


class _Sink:
    def __init__(self) -> None:
        self.seen: list[SightingFields] = []

    def see(self, sightings: Sequence[SightingFields]) -> None:
        self.seen += sightings


def test_it_is_seen_alike(tmp_path: Path, clock: FakeClock) -> None:
    """
    Whoever is told of hits is told the same, the headers within the request and the page by its address.
    """
    collector, sink = _collector(tmp_path, clock), _Sink()
    collector.install_sinks([sink])
    assert _record(collector, ORDINARY) is not None
    assert collector.plain.request(ORDINARY, PROXY, True, clock.now_ms()) is not None
    collector.sightings.hand_over()
    compiled, python = sink.seen

    assert (compiled[:4], compiled[6]) == (python[:4], python[6])
    assert isinstance(compiled[4], bytes)
    assert list(python[4]) == head_fields(compiled[4])
    assert not isinstance(python[5], str)
    assert python[5].url == compiled[5]


def test_it_remembers_nobody_by_itself(tmp_path: Path, clock: FakeClock) -> None:
    """
    What is forgotten is forgotten here, too: addresses and user agents of a day that is over, pages of changed sites,
    who objected.
    """
    collector = _collector(tmp_path, clock)
    assert all(_record(collector, ORDINARY) is not None for _ in range(2))
    assert 2 == len(collector.plain.people)
    collector.plain.forget()
    assert 0 == collector.plain.remembered_people
    assert _record(collector, ORDINARY) is not None
    collector.install_sites({})
    assert _record(collector, ORDINARY) is None


class _Read:
    """
    What the parser reads of a request.
    """

    def __init__(self) -> None:
        self.url = self.body = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.messages = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.messages += 1
