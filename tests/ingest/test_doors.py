"""
One behaviour, two doors: the fast lane and the ASGI door answer the same bytes, however the request is cut up.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uvicorn.protocols.http import httptools_impl

from daysalt.quiet_server import QuietServer
from ingest import connection
from ingest.answers import BODY_BYTES_MAX
from ingest.connection import BODY_SECONDS_MAX, HEADER_SECONDS_MAX
from ingest.door import Door, Health
from ingest.hand_over import HandOver
from ingest.lane import BeaconLane, lane_for
from ingest.spool.reader import SpoolReader
from ingest.spool.segment import HEADER
from ingest.spool.writer import SpoolWriter
from tests.clocks import FakeClock
from tests.ingest.collectors import BEACON, CHROME, make_batch, make_collector
from warehouse.local_socket import bind_private

GOOD = json.dumps(BEACON).encode()


@pytest.fixture(autouse=True)
def peer_with_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let the other end of a unix socket be a proxy on this machine: who has no address never takes the short way.
    """

    def loopback(_transport: object) -> tuple[str, int]:
        return "127.0.0.1", 1

    monkeypatch.setattr(httptools_impl, "get_remote_addr", loopback)


ANSWER_SECONDS = 10
TURNS = 4


def request(body: bytes = GOOD, *, method: str = "POST", path: str = "/api/event", **headers: str) -> bytes:
    """
    Write one HTTP/1.1 request.
    """
    named = {"Host": "stats.test", "User-Agent": CHROME, "Content-Length": str(len(body))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items() if value)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*pieces: bytes) -> bytes:
    """
    Write a request whose body comes in chunks.
    """
    head = request(b"", Content_Length="", Transfer_Encoding="chunked")
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
REQUESTS: dict[str, bytes] = {
    "stored": request(),
    "chunked": chunked(GOOD[:10], GOOD[10:]),
    "unknown site": request(json.dumps({**BEACON, "d": "nobody.test"}).encode()),
    "bot": request(User_Agent=BOT),
    "malformed": request(b"{"),
    "empty": request(b""),
    "missing url": request(b'{"n":"pageview","d":"site1.test"}'),
    "encoded": request(Content_Encoding="gzip"),
    "too large": request(b" " * (BODY_BYTES_MAX + 1)),
    "too large in chunks": chunked(*[b" " * 16_384] * 5),
    "closing": request(Connection="close"),
    "http 1.0": request().replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "options": request(b"", method="OPTIONS"),
    "get": request(b"", method="GET"),
    "head": request(b"", method="HEAD"),
    "with a query": request(path="/api/event?x=1"),
    "script": request(b"", method="GET", path="/js/script.js"),
    "not http": b"nonsense\r\n\r\n",
    "three at once": request() + request(b"{") + request(Connection="close"),
    "a page between beacons": request() + request(b"", method="GET", path="/health/live") + request(Connection="close"),
}


ENDING = ("closing", "http 1.0", "not http")


class Served:
    """
    A running collector on a unix socket.
    """

    def __init__(self, path: Path, lane: type[BeaconLane] | None) -> None:
        self._path = path
        self.lane = lane

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """
        Open a connection.
        """
        return await asyncio.open_unix_connection(str(self._path))

    async def connect_slowly(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """
        Open a connection whose reader takes little at a time.
        """
        return await asyncio.open_unix_connection(str(self._path), limit=1024)

    async def exchange(self, *pieces: bytes, end: bool = True) -> bytes:
        """
        Send pieces, one write each, and read until the other side closes or is silent.
        """
        reader, writer = await self.connect()
        reading = asyncio.create_task(_all_of(reader))
        for piece in pieces:
            writer.write(piece)
            # Turns of the loop in which the server reads: pieces that lie in its socket together are read as one.
            for _ in range(TURNS):
                await asyncio.sleep(0)
        if end:
            # A last request that closes tells where the answers end.
            writer.write(request(b"", method="GET", path="/health/live", Connection="close"))
        async with asyncio.timeout(ANSWER_SECONDS):
            received = await reading
        writer.close()
        return re.sub(rb"date: [^\r]*\r\n", b"date: now\r\n", received)


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    received = b""
    # Some requests end their connection, and what is sent after them is answered with a reset.
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            received += piece
    return received


@asynccontextmanager
async def listening(door: Door, lane: type[BeaconLane] | None, path: Path) -> AsyncGenerator[Served]:
    """
    Serve a door on a socket, through a lane or through ASGI alone.
    """
    options: dict[str, Any] = {"http": lane or "httptools"}
    server = QuietServer(
        uvicorn.Config(
            door, ws="none", lifespan="off", access_log=False, proxy_headers=False, server_header=False,
            log_config=None, **options,
        )
    )  # fmt: skip
    serving = asyncio.create_task(server.serve([bind_private(path)]))
    while not server.started:  # noqa: ASYNC110  # uvicorn offers no event for it
        await asyncio.sleep(0)
    try:
        yield Served(path, lane)
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def served(
    tmp_path: Path, clock: FakeClock, *, fast: bool, spool_bytes_max: int = 10**9, base: str = ""
) -> AsyncGenerator[Served]:
    """
    Serve one collector, through the lane or through ASGI alone.
    """
    collector = make_collector(tmp_path, clock)
    spool = SpoolWriter(tmp_path / "events", clock, asyncio.get_running_loop(), sync=True, bytes_max=spool_bytes_max)
    hand_over = HandOver(tmp_path / "dashboard.sock", ())

    async def health() -> Health:
        return Health(ready=True, parts={})

    async def metrics() -> str:
        return ""

    batch = make_batch(tmp_path, clock, collector)
    door = Door(*(collector, spool, hand_over, batch), base_path=base, health=health, metrics=metrics, geo_database=str)
    lane = lane_for(collector, spool, base) if fast else None
    try:
        async with listening(door, lane, tmp_path / "c.sock") as server:
            yield server
    finally:
        spool.close()
        await hand_over.close()


def through_both(
    tmp_path: Path, clock: FakeClock, talk: Callable[[Served], Awaitable[bytes]], **limits: Any
) -> tuple[bytes, bytes]:
    """
    Have the same talk with the lane and with ASGI alone.
    """

    async def one(folder: str, fast: bool) -> bytes:
        (tmp_path / folder).mkdir(exist_ok=True)
        async with served(tmp_path / folder, clock, fast=fast, **limits) as server:
            return await talk(server)

    return asyncio.run(one("lane", fast=True)), asyncio.run(one("asgi", fast=False))


def stored(directory: Path) -> int:
    """
    Count the records in a spool.
    """

    def ignore(_kind: str, _name: str, _size: int) -> None:
        return

    reader = SpoolReader(directory / "events", ignore)
    return sum(len(reader.take(state, HEADER.size, 10**9)[1]) for state in reader.segments())


@pytest.mark.parametrize("name", REQUESTS)
def test_both_doors_answer_the_same_bytes(tmp_path: Path, clock: FakeClock, name: str) -> None:
    """
    Status line, headers in their order, and body: no client can tell the doors apart.
    """

    async def talk(server: Served) -> bytes:
        return await server.exchange(REQUESTS[name])

    lane, asgi = through_both(tmp_path, clock, talk)

    assert asgi == lane
    assert lane.startswith(b"HTTP/1.1 ")
    assert stored(tmp_path / "asgi") == stored(tmp_path / "lane")


def test_full_spool_is_503_at_both_doors(tmp_path: Path, clock: FakeClock) -> None:
    """
    At the spool's limit both doors refuse alike.
    """

    async def talk(server: Served) -> bytes:
        return await server.exchange(request())

    lane, asgi = through_both(tmp_path, clock, talk, spool_bytes_max=0)

    assert asgi == lane
    assert lane.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: " in lane


@pytest.mark.parametrize("kind", ["plain", "long"])
def test_a_full_group_is_answered_within_the_call(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """
    A group that is full with a beacon may be safe before `append` comes back: the beacon has its answer all the same.
    """
    monkeypatch.setattr("ingest.spool.writer.GROUP_RECORDS_MAX", 1)
    sent = request() if kind == "plain" else request(body=b'{"n":"Signup","u":"https://site1.test/a","d":"site1.test"}')

    async def talk(server: Served) -> bytes:
        return await server.exchange(sent)

    lane, asgi = through_both(tmp_path, clock, talk)

    assert asgi == lane
    assert lane.startswith(b"HTTP/1.1 202 ")


def test_base_path_at_both_doors(tmp_path: Path, clock: FakeClock) -> None:
    """
    A beacon below the base path is the same beacon.
    """

    async def talk(server: Served) -> bytes:
        return await server.exchange(request(path="/stats/api/event"))

    lane, asgi = through_both(tmp_path, clock, talk, base="/stats")

    assert asgi == lane
    assert lane.startswith(b"HTTP/1.1 202 ")


def test_split_at_every_byte(tmp_path: Path, clock: FakeClock) -> None:
    """
    Wherever the network cuts a request in two, it is the same request.
    """
    whole = request() + chunked(GOOD)

    async def run() -> set[bytes]:
        async with served(tmp_path, clock, fast=True) as server:
            return {await server.exchange(whole[:at], whole[at:]) for at in range(1, len(whole))}

    assert 1 == len(asyncio.run(run()))
    assert 2 * (len(whole) - 1) == stored(tmp_path)


@given(
    st.lists(
        st.sampled_from([name for name in REQUESTS if name not in ("closing", "http 1.0", "not http")]), max_size=5
    ),
    st.lists(st.integers(1, 3000), max_size=6),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_row_of_requests_cut_anywhere(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], cuts: list[int]
) -> None:
    """
    Pipelined requests of all kinds, cut anywhere, are answered in order and alike.
    """
    names = [name for name in names if b"Connection: close" not in REQUESTS[name]]
    whole = b"".join(REQUESTS[name] for name in names)
    places = sorted({cut % (len(whole) + 1) for cut in cuts} | {0, len(whole)})
    pieces = [whole[a:b] for a, b in pairwise(places)] or [b""]

    async def talk(server: Served) -> bytes:
        return await server.exchange(*pieces)

    lane, asgi = through_both(tmp_path_factory.mktemp("doors"), FakeClock(), talk)

    assert asgi == lane
    assert len(names) + 1 == lane.count(b"HTTP/1.1 ")


def test_head_too_large_is_refused(tmp_path: Path, clock: FakeClock) -> None:
    """
    Endless headers are cut off at the limit with 431.
    """

    async def run() -> bytes:
        async with served(tmp_path, clock, fast=True) as server:
            return await server.exchange(request(Cookie="x" * (connection.HEAD_BYTES_MAX + 1)), end=False)

    assert asyncio.run(run()).startswith(b"HTTP/1.1 431 ")
    assert 0 == stored(tmp_path)


@pytest.mark.parametrize(
    ("sent", "limit"),
    [(b"", HEADER_SECONDS_MAX), (b"POST /api/ev", HEADER_SECONDS_MAX), (request()[:-3], BODY_SECONDS_MAX)],
)
def test_slow_senders_are_closed_in_time(tmp_path: Path, clock: FakeClock, sent: bytes, limit: float) -> None:
    """
    Who sends nothing, half a head or half a body is closed after its time, and not before.
    """

    async def run() -> tuple[bool, bytes]:
        async with served(tmp_path, clock, fast=True) as server:
            reader, writer = await server.connect()
            writer.write(sent)
            # One exchange later the server has seen the bytes.
            await server.exchange(request())
            assert server.lane is not None
            (slow,) = server.lane.peers
            now = asyncio.get_running_loop().time()
            slow.sweep(now + limit - 1)
            early = slow.transport.is_closing()
            slow.sweep(now + limit + 1)
            async with asyncio.timeout(ANSWER_SECONDS):
                rest = await reader.read()
            writer.close()
            return early, rest

    assert (False, b"") == asyncio.run(run())


def test_answered_before_shutdown(tmp_path: Path, clock: FakeClock) -> None:
    """
    A beacon that was accepted when the stop came is answered; an idle connection is closed.
    """

    async def run() -> bytes:
        async with served(tmp_path, clock, fast=True) as server:
            reader, writer = await server.connect()
            writer.write(request())
            answer = await reader.readuntil(b"ok")
        async with asyncio.timeout(ANSWER_SECONDS):
            rest = await reader.read()
        writer.close()
        return answer + rest

    assert asyncio.run(run()).startswith(b"HTTP/1.1 202 ")
    assert 1 == stored(tmp_path)


def test_nothing_is_read_while_requests_wait(tmp_path: Path, clock: FakeClock) -> None:
    """
    Of a client that sends many requests at once nothing more is read until all of them are answered.
    """
    many = 300

    async def run() -> tuple[bool, int]:
        async with served(tmp_path, clock, fast=True) as server:
            reader, writer = await server.connect()
            writer.write(request(b"", method="GET", path="/health/live") * many)
            assert server.lane is not None
            async with asyncio.timeout(ANSWER_SECONDS):
                while not any(lane.pipeline for lane in server.lane.peers):  # noqa: ASYNC110  # no event for it
                    await asyncio.sleep(0)
                (lane,) = server.lane.peers
                paused = True
                while lane.pipeline:
                    paused = paused and lane.flow.read_paused
                    await asyncio.sleep(0)
                writer.write(request(b"", method="GET", path="/health/live", Connection="close"))
                answers = await _all_of(reader)
            writer.close()
            return paused, answers.count(b"HTTP/1.1 200 ")

    assert (True, many + 1) == asyncio.run(run())


def test_one_peer_has_not_all_connections(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An address that opens too many is refused the next one, others are not, and a closed one makes room.
    """
    monkeypatch.setattr(connection, "PEER_CONNECTIONS_MAX", 2)
    peers = iter(("203.0.113.5", "203.0.113.5", "203.0.113.5", "203.0.113.6", "203.0.113.5"))

    def next_peer(_transport: object) -> tuple[str, int]:
        return next(peers), 1

    monkeypatch.setattr(httptools_impl, "get_remote_addr", next_peer)

    async def run() -> list[bytes]:
        async with served(tmp_path, clock, fast=True) as server:
            first, second = await server.connect(), await server.connect()
            seen = [(await server.exchange(request()))[:12] for _ in range(2)]
            first[1].close()
            assert server.lane is not None
            async with asyncio.timeout(ANSWER_SECONDS):
                while len(server.lane.peers) > 1:  # noqa: ASYNC110  # no event for it
                    await asyncio.sleep(0)
            seen.append((await server.exchange(request()))[:12])
            second[1].close()
            return seen

    assert [b"HTTP/1.1 503", b"HTTP/1.1 202", b"HTTP/1.1 202"] == asyncio.run(run())
