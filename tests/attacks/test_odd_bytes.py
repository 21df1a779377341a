"""
Case 32: bodies and headers made to break a parser. Nothing answers 500, nothing dies, nothing odd is stored.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.spool.segment import frame
from tests.attacks.wire import ask_raw, beacon, post, status
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, CHROME, events_of, make_collector
from tests.processes.family import children_of
from tests.server import Server

DEEP = 100_000
START = b'{"n":"pageview","d":"site1.test","u":"https://site1.test/'

BODIES: dict[str, bytes] = {
    "empty": b"",
    "nothing": b"null",
    "bad utf-8": START + b'\xff\xfe\x80"}',
    "overlong utf-8": START + b'\xc0\xaf"}',
    "nul": START + b'\x00"}',
    "escaped nul": START + b'a\\u0000b"}',
    "lone high surrogate": START + b'\\ud800"}',
    "lone low surrogate": START + b'\\udc00x"}',
    "raw surrogate": START + b'\xed\xa0\x80"}',
    "byte order mark": b"\xef\xbb\xbf" + START + b'"}',
    "utf-16": beacon().decode().encode("utf-16"),
    "zero width and right to left": START + "\u200b\u202e\ufeffx".encode() + b'"}',
    "huge name number": b'{"n":' + b"9" * 60_000 + b',"d":"site1.test","u":"https://site1.test/"}',
    "huge depth": b'{"n":"engagement","sd":' + b"9" * 60_000 + b',"d":"site1.test","u":"https://site1.test/"}',
    "huge text number": b'{"n":"engagement","sd":"' + b"9" * 60_000 + b'","d":"site1.test","u":"https://site1.test/"}',
    "nan": START + b'","e":NaN}',
    "infinity": START + b'","e":Infinity}',
    "1e999": START + b'","e":1e999,"sd":1e999,"p":{"a":1e999}}',
    "1e999999999": START + b'","p":{"a":1e999999999},"$":{"amount":1e999999999,"currency":"EUR"}}',
    "money as text": START + b'","$":{"amount":"1e999999999","currency":"EUR"}}',
    "signalling nan": START + b'","$":{"amount":"sNaN","currency":"EUR"}}',
    "minus nothing": START + b'","$":{"amount":-0.0000000000000000000000000001,"currency":"EUR"}}',
    "same key twice": b'{"n":"a","n":"pageview","d":"x.test","d":"site1.test","u":"https://site1.test/twice"}',
    "deep list": b"[" * DEEP,
    "deep closed list": b"[" * 30_000 + b"]" * 30_000,
    "deep object": b'{"a":' * (60_000 // 5),
    "deep props as text": beacon(p="[" * 60_000),
    "wrong types": b'{"n":[],"d":{},"u":true,"p":[[]],"$":[],"i":{},"h":[],"sd":{},"e":[]}',
    "number as url": b'{"n":"pageview","d":"site1.test","u":1}',
    "odd host": b'{"n":"pageview","d":"site1.test","u":"https://[::1]:x@\\u0000y/%"}',
    "bad percent": START + b'%%%zz%00%ff%f0%9f"}',
    "key is a surrogate": START + b'","p":{"\\ud83d":"x"}}',
}  # fmt: skip


@pytest.mark.server
def test_real_server_answers_each_and_lives(server: Server) -> None:
    """
    Each odd body, and each in an odd header's company, is answered 202, 400 or 413; the worker is the same one after.
    """
    workers = children_of(server.process.pid, "collector")
    found: dict[str, int] = {}
    for name, body in BODIES.items():
        found[name] = status(ask_raw(server, post(body)))
    for name, header in {
        "agent of high bytes": b"user-agent: \xff\xfe\x80\xc3\x28",
        "referer of high bytes": b"referer: \xf0\x28\x8c\x28",
        "forwarded of high bytes": b"x-forwarded-for: \xff\xff",
        "gpc of high bytes": b"sec-gpc: \xff1",
    }.items():
        found[name] = status(ask_raw(server, post(beacon("/odd-header"), header)))

    assert {} == {name: code for name, code in found.items() if code not in (202, 400, 413)}
    assert {202, 400, 413} == set(found.values())
    assert workers == children_of(server.process.pid, "collector")
    assert "broke the collector" not in server.output.read_text(errors="replace")


@pytest.mark.server
def test_odd_requests_are_answered_and_the_worker_lives(server: Server) -> None:
    """
    What is no HTTP, smuggles a second request or lies about its length gets 400 or a closed connection.
    """
    workers = children_of(server.process.pid, "collector")
    body = beacon("/smuggled")
    both = post(body, b"transfer-encoding: chunked")
    for sent in (
        b"\x00" * 1000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
        b"GET / HTTP/9.9\r\n\r\n",
        both,
        post(body, b"content-length: 5"),
        post(body, b"content-length: -1", length=False),
        post(body, b"content-length: 99999999999999999999999", length=False),
        post(body, b"content-length : 10", length=False),
        post(body, b"x: a\x00b"),
        post(body, b"x\x00y: b"),
        post(b"", b"transfer-encoding: chunked", length=False) + b"fffffffffffffffffff\r\n",
        post(b"", b"transfer-encoding: chunked", length=False) + b"-1\r\n",
    ):
        assert status(ask_raw(server, sent)) in (0, 400, 413), sent[:80]

    assert 202 == status(ask_raw(server, post(beacon("/after-odd-requests"))))
    assert workers == children_of(server.process.pid, "collector")


def test_what_is_kept_can_be_stored(tmp_path: Path, clock: FakeClock) -> None:
    """
    Of every odd body that is accepted, the record is whole, without NUL, control signs or lone surrogates.
    """
    collector = make_collector(tmp_path, clock)
    kept = 0
    for body in BODIES.values():
        collected = collector.collect(body, [(b"user-agent", CHROME.encode())], ADDRESS)
        if not collected.records:
            continue
        for event in events_of(collected):
            kept += 1
            for text in (event.name, event.hostname, event.pathname, *event.props, *event.props.values()):
                text.encode()  # a lone surrogate would raise
                assert "\x00" not in text
            assert not [sign for sign in event.hostname + event.pathname if ord(sign) < 32 or ord(sign) == 127]

    assert kept > 5


def test_control_a_plain_parser_breaks(tmp_path: Path, clock: FakeClock) -> None:
    """
    A double built on the standard parser recurses to death, keeps lone surrogates and NaN, and makes a million digits.
    """
    with pytest.raises(RecursionError):
        json.loads(BODIES["deep list"])
    with pytest.raises(UnicodeEncodeError):
        json.loads(BODIES["lone high surrogate"])["u"].encode()
    assert json.loads(BODIES["nan"])["e"] != json.loads(BODIES["nan"])["e"]
    with pytest.raises(ValueError, match="Exceeds the limit"):
        json.loads(BODIES["huge depth"])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40) | st.just("engagement"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
_fields = st.sampled_from([
    "n", "name", "u", "url", "d", "domain", "r", "referrer", "p", "m", "props", "meta", "$", "revenue", "sd", "e", "i",
    "h", "hashMode", "interactive", "gpc", "v", "timestamp", "ip",
])  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    fields=st.dictionaries(_fields, _json, max_size=8),
    good=st.booleans(),
    cut=st.integers(0, 400),
    agent=st.binary(max_size=40),
    forwarded=st.binary(max_size=40),
)
def test_whatever_comes_is_answered(
    tmp_path: Path, fields: dict[str, object], good: bool, cut: int, agent: bytes, forwarded: bytes
) -> None:
    """
    Any JSON in any field, cut anywhere, with any bytes in the headers, is answered 202 or 400 and never raises.
    """
    collector = make_collector(tmp_path, FakeClock())
    start = {"n": "pageview", "d": "site1.test", "u": "https://site1.test/"} if good else {}
    body = json.dumps({**start, **fields}).encode("utf-8", "surrogatepass")
    body = body[:-cut] if cut < len(body) // 4 and cut else body
    sent = [(b"user-agent", agent), (b"x-forwarded-for", forwarded), (b"referer", forwarded)]

    collected = collector.collect(body, sent, "127.0.0.1")

    assert collected.answer.status in (202, 400)
    frame(list(collected.records))
