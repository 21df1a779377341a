"""
Heads read line by line: the same answers as through the parser, or left to the parser.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from ingest.event import Event
from ingest.plain_heads import LINE_BYTES_MAX, LINES_MAX, PlainHeads
from ingest.spool.reader import SpoolReader
from ingest.spool.segment import HEADER
from tests.clocks import FakeClock
from tests.ingest.collectors import BEACON, CHROME
from tests.ingest.test_doors import peer_with_an_address, served

__all__ = ["peer_with_an_address"]  # used by itself, for every test

GOOD = json.dumps(BEACON).encode()

LINES = (
    b"Host: stats.test", b"HOST:stats.test", b"User-Agent: " + CHROME.encode(), b"user-agent: x", b"User-Agent:",
    b"X-Forwarded-For: 198.51.100.7", b"X-Forwarded-For: 198.51.100.8, 10.0.0.1", b"X-Forwarded-For: nobody",
    b"Forwarded: for=198.51.100.9", b"Content-Type: text/plain", b"Accept: */*", b"X-Edge-Verdict: dc",
    b"Sec-GPC: 1", b"DNT: 1", b"DNT: 0", b"Content-Encoding: gzip", b"Content-Encoding: identity",
    b"Connection: keep-alive", b"Connection: close", b"Proxy-Connection: close", b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: identity", b"Upgrade: h2c", b"Expect: 100-continue", b"TE: trailers", b"Trailer: x",
    b"Content-Length: 0", b"Content-Length: 1", b"Content-Length: +5", b"Content-Length: 99999999999999999999999",
    b"content-length : 5", b"X-Odd: a\tb", b"X-Odd:  spaces before and after \t ", b"X-Odd: \x01", b"X-Odd: \xff\xe5",
    b"X-Odd: \x7f", b"X-Odd: a\rb", b"X-Odd: a\nX-More: b", b" folded", b"\tfolded", b"no colon", b": no name", b"",
    b"sp ace: x", b"X-Long: " + b"x" * LINE_BYTES_MAX, b"POST /api/event HTTP/1.1",
)  # fmt: skip
"""What heads are made of here, ordinary and not."""

FIRST_LINES = (
    b"POST /api/event HTTP/1.1", b"POST /api/event HTTP/1.0", b"post /api/event HTTP/1.1", b"POST  /api/event HTTP/1.1",
    b"POST /api/event?x HTTP/1.1", b"GET /api/event HTTP/1.1", b"POST /api/event HTTP/1.1 ", b"",
)  # fmt: skip

BODIES = (
    GOOD, b"", b"{", GOOD + b"\r\n", GOOD + b"\r\n\r\n", b"\r\n" + GOOD, GOOD.replace(b" ", b"\r\n"),
    json.dumps({**BEACON, "d": "nobody.test"}).encode(),
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """
    One request, most often nearly an ordinary one.
    """
    first = draw(st.one_of(st.just(FIRST_LINES[0]), st.sampled_from(FIRST_LINES)))
    body = draw(st.one_of(st.just(GOOD), st.sampled_from(BODIES)))
    lines = [LINES[0], LINES[2], LINES[5], b"Content-Length: %d" % len(body)]
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(LINES)))
    if draw(st.integers(0, 7)) == 0:
        del lines[draw(st.integers(0, len(lines) - 1))]
    end = draw(st.sampled_from((b"\r\n", b"\r\n", b"\r\n", b"\n")))
    return end.join([first, *lines, b"", b""]) + body + draw(st.sampled_from((b"", b"", b"\r\n")))


@given(st.lists(requests(), min_size=5, max_size=40))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_the_parser_would_have_said_the_same(tmp_path_factory: pytest.TempPathFactory, sent: list[bytes]) -> None:
    """
    Whatever is sent in one piece on a connection of its own, twice: answers and records are those of the parser.
    """
    directory = tmp_path_factory.mktemp("heads")
    clock = FakeClock()

    async def talk(name: str, short: bool) -> tuple[list[bytes], list[object]]:
        (directory / name).mkdir()
        async with served(directory / name, clock, fast=True) as server:
            assert server.lane is not None
            if not short:
                server.lane.collector.plain.install_first_lines(frozenset())
            # The second time its lines are known.
            answers = [await server.exchange(request) for request in (*sent, *sent)]
        return answers, _stored(directory / name)

    async def both() -> None:
        assert await talk("parser", short=False) == await talk("lines", short=True)

    asyncio.run(both())


def _stored(directory: Path) -> list[object]:
    def ignore(_kind: str, _name: str, _size: int) -> None:
        return

    reader = SpoolReader(directory / "events", ignore)
    records = [record for state in reader.segments() for record in reader.take(state, HEADER.size, 10**9)[1]]
    # Salts and visit ids are random.
    return [(*astuple(record)[:3], *astuple(record)[5:]) if isinstance(record, Event) else record for record in records]


def test_known_lines_are_bounded() -> None:
    """
    However many different lines come, at most two generations are kept.
    """
    heads = PlainHeads()
    for number in range(3 * LINES_MAX):
        assert heads.read([b"X-Forwarded-For: %d" % number]) is not None

    assert len(heads) <= 2 * LINES_MAX


def test_lines_are_forgotten() -> None:
    """
    After a day is over no line is kept.
    """
    heads = PlainHeads()
    heads.read([b"X-Forwarded-For: 198.51.100.7"])
    heads.forget()

    assert 0 == len(heads)


@pytest.mark.parametrize("line", [b"X: " + b"x" * LINE_BYTES_MAX, b"Transfer-Encoding: chunked", b"X-Rare: 1", b" x"])
def test_what_is_not_ordinary_is_left_alone(line: bytes) -> None:
    """
    Long lines, lines that change how a message is read, those named rare, and folded ones are never learned.
    """
    heads = PlainHeads((b"x-rare",))

    assert heads.read([line]) is None
    assert 0 == len(heads)
