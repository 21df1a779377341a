"""
Risk checks in the fast lane: the same bytes as through ASGI, one after another, and none left without an answer.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from uvicorn.protocols.http import httptools_impl

from daysalt.trial.play import FixedIds
from ingest.check_heads import CheckHead, CheckHeads
from ingest.check_lane import with_checks
from ingest.door import Door, Health
from ingest.hand_over import HandOver
from ingest.lane import lane_for
from ingest.risk.door import BODY_BYTES_MAX, RiskDoor, RiskSite, RiskTools
from ingest.risk.link import Answered, RiskLink, RiskUnavailable
from ingest.risk.network_list import NetworkReader
from ingest.risk.question import Question
from ingest.spool.writer import SpoolWriter
from tests.clocks import FakeClock
from tests.ingest.collectors import make_batch, make_collector
from tests.ingest.test_doors import GOOD, Served, listening, request
from warehouse.registry.api_keys import ApiKey, ApiKeyRing
from warehouse.registry.tokens import token_hash

CHECK = json.dumps({"ip": "192.0.2.1", "site": "site1.test"}).encode()
PATH = "/api/risk/v1/check"


@pytest.fixture(autouse=True)
def peer_with_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Let the other end of a unix socket be a proxy on this machine, as in `test_doors`.
    """

    def loopback(_transport: object) -> tuple[str, int]:
        return "127.0.0.1", 1

    monkeypatch.setattr(httptools_impl, "get_remote_addr", loopback)


class LaterLink(RiskLink):
    """
    Answers a few turns of the loop later, with the number of the question.
    """

    def __init__(self) -> None:
        super().__init__(Path("nowhere"))
        self.asked = 0
        self.broken = False
        self.away = False

    def put(self, question: Question, answered: Answered) -> None:
        if self.broken:
            raise LookupError("a mistake of ours")
        self.asked += 1
        answer = RiskUnavailable("too busy") if self.away else b'{"number":%d}' % self.asked
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(answered, answer))


def check(body: bytes = CHECK, *, path: str = PATH, key: str = "dsk_aaa_secret", **headers: str) -> bytes:
    """
    Write one check.
    """
    return request(body, path=path, Authorization=f"Bearer {key}" if key else "", **headers)


def in_chunks(body: bytes) -> bytes:
    """
    Write one check of unknown length.
    """
    head = check(b"", Content_Length="", Transfer_Encoding="chunked")
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


EXCHANGES: dict[str, bytes] = {
    "answered": check(),
    "without a key": check(key=""),
    "with a wrong key": check(key="dsk_aaa_wrong"),
    "not JSON": check(b"{"),
    "without an address": check(b"{}"),
    "of an unknown site": check(json.dumps({"ip": "192.0.2.1", "site": "nobody.test"}).encode()),
    "empty": check(b""),
    "too large": check(b" " * (BODY_BYTES_MAX + 1)),
    "as large as may be": check(CHECK + b" " * (BODY_BYTES_MAX - len(CHECK))),
    "in chunks": in_chunks(CHECK),
    "closing": check(Connection="close"),
    "http 1.0": check().replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    "get": request(b"", method="GET", path=PATH),
    "with a query": check(path=PATH + "?x=1"),
    "with a slash": check(path=PATH + "/"),
    "below a path": check(path="/stats" + PATH),
    "three at once": check() + check(b"{") + check(),
    "between beacons": request() + check() + request() + check() + request(b"{"),
    "before a page and a beacon": check() + request(b"", method="GET", path="/health/live") + request(GOOD),
    "the last closes": check() + check(Connection="close"),
}


@asynccontextmanager
async def served(tmp_path: Path, clock: FakeClock, link: LaterLink, *, fast: bool) -> AsyncGenerator[Served]:
    """
    Serve one collector with a risk API, with checks in the lane or through ASGI alone.
    """
    collector = make_collector(tmp_path, clock)
    spool = SpoolWriter(tmp_path / "events", clock, asyncio.get_running_loop(), sync=True, bytes_max=10**9)
    hand_over = HandOver(tmp_path / "dashboard.sock", ())

    async def call(_op: str, **_arguments: Any) -> dict[str, Any]:
        return {}

    async def health() -> Health:
        return Health(ready=True, parts={})

    async def metrics() -> str:
        return ""

    def note(_key: str, _action: str, _domain: str) -> None:
        return

    networks = NetworkReader(tmp_path / "networks.mmdb", clock)
    risk = RiskDoor(RiskTools(clock, FixedIds(), link, networks, call, note, lambda: {"bots": "1"}))
    risk.install(
        ApiKeyRing([(ApiKey("aaa", "risk", None, 0, False), token_hash("secret"))]),
        {"site1.test": RiskSite(1, "site1.test", True, 5)},
    )
    door = Door(
        *(collector, spool, hand_over, make_batch(tmp_path, clock, collector)),
        base_path="/stats", health=health, metrics=metrics, geo_database=str, risk=risk,
    )  # fmt: skip
    lane = with_checks(lane_for(collector, spool, "/stats"), risk, "/stats") if fast else None
    try:
        async with listening(door, lane, tmp_path / "c.sock") as server:
            yield server
    finally:
        spool.close()
        await hand_over.close()


def talk(tmp_path: Path, clock: FakeClock, *sent: bytes, fast: bool, away: bool = False) -> tuple[bytes, int]:
    """
    Send some bytes to one door, one piece after another.

    Returns:
        What came back, and how many questions the windows got.
    """

    folder = tmp_path / ("lane" if fast else "asgi")
    folder.mkdir()

    async def one() -> tuple[bytes, int]:
        link = LaterLink()
        link.away = away
        async with served(folder, clock, link, fast=fast) as server:
            return await server.exchange(*sent), link.asked

    return asyncio.run(one())


@pytest.mark.parametrize("name", EXCHANGES)
def test_both_doors_answer_checks_alike(tmp_path: Path, clock: FakeClock, name: str) -> None:
    """
    Status, headers in their order and body, in the order of the requests, whatever else is on the connection.
    """
    lane = talk(tmp_path, clock, EXCHANGES[name], fast=True)

    assert talk(tmp_path, clock, EXCHANGES[name], fast=False) == lane
    assert lane[0].startswith(b"HTTP/1.1 ")


AGAIN: dict[str, tuple[bytes, ...]] = {
    "the same": (check(), check(), check()),
    "another body of its length": (check(), check(b"{" * len(CHECK)), check()),
    "two at once": (check(), check() + check()),
    "in two pieces": (check(), check()[:-9], check()[-9:], check()),
    "head and body apart": (check()[: -len(CHECK)], CHECK, check()),
    "closing": (check(), check(Connection="close")),
    "without a key": (check(), check(key=""), check(key="")),
    "in chunks": (in_chunks(CHECK), in_chunks(CHECK)),
    "between beacons": (check(), request(), check(), request()),
    "a page before": (request(b"", method="GET", path="/health/live"), check(), check()),
    "line ends of another kind": (check().replace(b"\r\n", b"\n"), check().replace(b"\r\n", b"\n")),
    "unordinary before ordinary": (check(Connection="close") + check(key="dsk_aaa_wrong"), check()),
}


@pytest.mark.parametrize("name", AGAIN)
def test_a_head_that_came_before_is_answered_alike(tmp_path: Path, clock: FakeClock, name: str) -> None:
    """
    What is known by its head has the answer that the parser would have given it, whatever came before it.
    """
    lane = talk(tmp_path, clock, *AGAIN[name], fast=True)

    assert talk(tmp_path, clock, *AGAIN[name], fast=False) == lane
    assert lane[0].startswith(b"HTTP/1.1 ")


def test_a_head_is_known_until_keys_are_read_anew(tmp_path: Path, clock: FakeClock) -> None:
    """
    The second check goes past the parser, and a key that was taken back is refused all the same.
    """

    async def scenario() -> tuple[int, bytes, int]:
        async with served(tmp_path, clock, LaterLink(), fast=True) as server:
            assert server.lane is not None
            risk: RiskDoor = vars(server.lane)["risk"]
            await server.exchange(check(), check(), check(key="dsk_aaa_wrong"))
            known = len(risk.heads)
            risk.install(ApiKeyRing(), {})
            return known, await server.exchange(check()), len(risk.heads)

    known, received, left = asyncio.run(scenario())
    assert 1 == known
    assert received.startswith(b"HTTP/1.1 401")
    assert 0 == left


def test_only_a_head_with_plain_line_ends_is_learnt() -> None:
    """
    Where a parser may see an end that is none for us, nothing is learnt; nor of a head without end.
    """
    key, heads = ApiKey("aaa", "risk", None, 0, False), CheckHeads()
    for head in (b"POST / HTTP/1.1\nA: b\r\n\r\n", b"POST / HTTP/1.1\rA: b\r\n\r\n", b"A: %b\r\n\r\n" % (b"b" * 5000)):
        heads.learn(head, key, 1)
        assert heads.find(head) is None
    heads.learn(b"POST / HTTP/1.1\r\nA: b\r\n\r\n", key, 1)

    assert CheckHead(key, 1) == heads.find(b"POST / HTTP/1.1\r\nA: b\r\n\r\n")


def test_windows_that_are_away_are_told_alike(tmp_path: Path, clock: FakeClock) -> None:
    """
    503 with the time to come again, at both doors.
    """
    lane = talk(tmp_path, clock, check(), fast=True, away=True)

    assert talk(tmp_path, clock, check(), fast=False, away=True) == lane
    assert b" 503 " in lane[0].split(b"\r\n")[0]
    assert b"retry-after: 2" in lane[0]


def test_a_mistake_of_ours_ends_one_check_only(tmp_path: Path, clock: FakeClock) -> None:
    """
    500 for the check that broke, and the connection goes on.
    """

    async def scenario() -> bytes:
        link = LaterLink()
        link.broken = True
        async with served(tmp_path, clock, link, fast=True) as server:
            return await server.exchange(check(), request(b"", method="GET", path="/health/live"))

    received = asyncio.run(scenario())
    assert b"192.0.2.1" not in received
    assert [b"500", b"200", b"200"] == re.findall(rb"HTTP/1.1 ([0-9]+)", received)


def test_who_left_is_not_answered(tmp_path: Path, clock: FakeClock) -> None:
    """
    A client that goes away while its check is under way leaves nothing behind; the next one is answered.
    """

    async def scenario() -> tuple[int, bytes]:
        link = LaterLink()
        async with served(tmp_path, clock, link, fast=True) as server:
            _, writer = await server.connect()
            writer.write(check())
            async with asyncio.timeout(10):
                while not link.asked:  # noqa: ASYNC110  # a turn of the loop is what is waited for
                    await asyncio.sleep(0)
                writer.transport.abort()
            return link.asked, await server.exchange(check())

    asked, received = asyncio.run(scenario())
    assert 1 == asked
    assert received.startswith(b"HTTP/1.1 200")
