"""
The ASGI door: bytes in and out, limits, health, and what is handed on.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from ingest.answers import BODY_BYTES_MAX
from ingest.door import Door, Health
from ingest.hand_over import HandOver
from ingest.spool.reader import SpoolReader
from ingest.spool.segment import HEADER
from ingest.spool.writer import SpoolWriter
from tests.clocks import FakeClock
from tests.ingest.collectors import ADDRESS, BATCH_KEY, BEACON, CHROME, make_batch, make_collector
from warehouse.local_socket import bind_private

PARTS = {"spool": ("ok", ""), "store": ("degraded", "it is starting")}


class Exchange:
    """
    One request through an ASGI application.
    """

    def __init__(self, method: str, path: str, body: bytes | list[bytes] = b"", **headers: str) -> None:
        self.pieces = [body] if isinstance(body, bytes) else list(body)
        self.read_bytes = 0
        self.sent: list[dict[str, Any]] = []
        url, _, query = path.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "scheme": "http",
            "path": url,
            "raw_path": url.encode(),
            "query_string": query.encode(),
            "client": (ADDRESS, 1234),
            "headers": [
                (name.replace("_", "-").encode(), value.encode())
                for name, value in {"user_agent": CHROME, **headers}.items()
            ],
        }

    async def receive(self) -> dict[str, Any]:
        piece = self.pieces.pop(0)
        self.read_bytes += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(self.pieces)}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def through(
    tmp_path: Path, clock: FakeClock, *exchanges: Exchange, spool_bytes_max: int = 10**9, base: str = ""
) -> None:
    async def run() -> None:
        spool = SpoolWriter(
            tmp_path / "events", clock, asyncio.get_running_loop(), sync=True, bytes_max=spool_bytes_max
        )
        hand_over = HandOver(tmp_path / "dashboard.sock", ("x-forwarded-for", "x-own-address"))

        async def health() -> Health:
            return Health(ready=True, parts=PARTS)

        async def metrics() -> str:
            return "daysalt_events_accepted_total 1\n"

        collector = make_collector(tmp_path, clock)
        batch = make_batch(tmp_path, clock, collector)
        door = Door(
            *(collector, spool, hand_over, batch), base_path=base, health=health, metrics=metrics, geo_database=str
        )
        for exchange in exchanges:
            await door(exchange.scope, exchange.receive, exchange.send)
        await hand_over.close()

    asyncio.run(run())


def spooled(tmp_path: Path) -> int:
    def ignore(_kind: str, _name: str, _size: int) -> None:
        return

    reader = SpoolReader(tmp_path / "events", ignore)
    return sum(len(reader.take(state, HEADER.size, 10**9)[1]) for state in reader.segments())


def test_accepted_means_in_the_spool(tmp_path: Path, clock: FakeClock) -> None:
    """
    After the 202 the record is readable by the drain.
    """
    exchange = Exchange("POST", "/api/event", json.dumps(BEACON).encode(), content_type="text/plain")
    through(tmp_path, clock, exchange)

    assert (202, b"ok", b"*") == (exchange.status, exchange.body, exchange.headers[b"access-control-allow-origin"])
    assert 1 == spooled(tmp_path)


def test_chunks_are_one_body(tmp_path: Path, clock: FakeClock) -> None:
    """
    A body that comes byte by byte is the same body.
    """
    text = json.dumps(BEACON).encode()
    exchange = Exchange("POST", "/api/event", [text[at : at + 1] for at in range(len(text))])
    through(tmp_path, clock, exchange)

    assert 202 == exchange.status


def test_endless_body_is_not_read_to_its_end(tmp_path: Path, clock: FakeClock) -> None:
    """
    Reading stops right after the limit, with or without Content-Length.
    """
    endless = Exchange("POST", "/api/event", [b" " * 8192] * 1000)
    declared = Exchange("POST", "/api/event", [b" " * 8192] * 1000, content_length="8192000")
    through(tmp_path, clock, endless, declared)

    assert (413, 413) == (endless.status, declared.status)
    assert endless.read_bytes <= BODY_BYTES_MAX + 8192
    assert 0 == declared.read_bytes


def test_full_spool_answers_503(tmp_path: Path, clock: FakeClock) -> None:
    """
    At the spool's limit: 503 with Retry-After.
    """
    exchange = Exchange("POST", "/api/event", json.dumps(BEACON).encode())
    through(tmp_path, clock, exchange, spool_bytes_max=0)

    assert 503 == exchange.status
    assert exchange.headers[b"retry-after"].isdigit()


def test_preflight_and_other_methods(tmp_path: Path, clock: FakeClock) -> None:
    """
    Browsers may ask first; everything but POST is told what to send.
    """
    options, get = Exchange("OPTIONS", "/api/event"), Exchange("GET", "/api/event")
    through(tmp_path, clock, options, get)

    assert (204, b"POST") == (options.status, options.headers[b"access-control-allow-methods"])
    assert (405, b"POST, OPTIONS") == (get.status, get.headers[b"allow"])


def test_script_is_the_same_for_all_and_sets_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """
    The tracker comes with a tag of its content, 304 for who has it, 404 for what is none; no cookie.
    """
    script, unknown = Exchange("GET", "/js/script.js"), Exchange("GET", "/js/other.js")
    through(tmp_path, clock, script, unknown)
    again = Exchange("GET", "/js/script.js", if_none_match=script.headers[b"etag"].decode())
    head = Exchange("HEAD", "/js/script.js")
    through(tmp_path, clock, again, head)

    assert (200, 304, 404, b"") == (script.status, again.status, unknown.status, head.body)
    assert b"set-cookie" not in script.headers
    assert b"fetch" in script.body


def test_base_path_is_taken_off(tmp_path: Path, clock: FakeClock) -> None:
    """
    Below a base path the same addresses work, with it and without it.
    """
    exchanges = [Exchange("GET", path) for path in ("/stats/js/script.js", "/js/script.js", "/stats/health/live")]
    through(tmp_path, clock, *exchanges, base="/stats")

    assert [200, 200, 200] == [exchange.status for exchange in exchanges]


def test_health_tells_parts_and_strict_fails_on_degraded(tmp_path: Path, clock: FakeClock) -> None:
    """
    Ready while beacons are accepted; with strict=1 a degraded part is a failure.
    """
    ready, strict = Exchange("GET", "/health/ready"), Exchange("GET", "/health/ready?strict=1")
    figures = Exchange("GET", "/metrics")
    through(tmp_path, clock, ready, strict, figures)

    assert (200, 503) == (ready.status, strict.status)
    assert "it is starting" == json.loads(ready.body)["parts"]["store"]["why"]
    assert b"daysalt_events_accepted_total" in figures.body


def test_everything_else_needs_the_dashboard(tmp_path: Path, clock: FakeClock) -> None:
    """
    While the dashboard is away its pages say so; beacons go on.
    """
    page, beacon = Exchange("GET", "/site1.test"), Exchange("POST", "/api/event", json.dumps(BEACON).encode())
    through(tmp_path, clock, page, beacon)

    assert (502, 202) == (page.status, beacon.status)


@pytest.mark.parametrize("hidden", ["x_forwarded_for", "x_own_address", "forwarded", "x_real_ip", "cf_connecting_ip"])
def test_what_is_handed_on_names_no_address(tmp_path: Path, clock: FakeClock, hidden: str) -> None:
    """
    The dashboard gets the request, body and host as sent, but no header that says who asks.
    """
    seen: list[bytes] = []

    async def dashboard(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head + await reader.readexactly(4))
        writer.write(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\nhi")
        await writer.drain()
        writer.close()

    exchange = Exchange(
        "POST", "/api/v2/query?x=%2F", b"body", **{hidden: "203.0.113.99", "host": "stats.test", "content_length": "4"}
    )

    async def run(go: Callable[..., Any]) -> None:
        server = await asyncio.start_unix_server(dashboard, sock=bind_private(tmp_path / "dashboard.sock"))
        hand_over = HandOver(tmp_path / "dashboard.sock", ("x-forwarded-for", "x-own-address"))
        await go(hand_over)
        await hand_over.close()
        server.close()

    async def go(hand_over: HandOver) -> None:
        await hand_over(exchange.scope, exchange.receive, exchange.send)

    asyncio.run(run(go))

    assert (201, b"hi") == (exchange.status, exchange.body)
    assert seen[0].startswith(b"POST /api/v2/query?x=%2F HTTP/1.1\r\n")
    assert b"host: stats.test" in seen[0].lower()
    assert seen[0].endswith(b"body")
    assert b"203.0.113" not in seen[0]
    assert 2 == sum(name == b"set-cookie" for name, _ in exchange.sent[0]["headers"])


def test_debug_event_needs_a_key_and_keeps_nothing(tmp_path: Path, clock: FakeClock) -> None:
    """
    Whoever holds a key with scope `ingest` is told what a beacon would become; the spool stays empty.
    """
    body = json.dumps(BEACON).encode()
    keyless = Exchange("POST", "/api/debug/event", body)
    asked = Exchange("POST", "/api/debug/event", body, authorization=f"Bearer {BATCH_KEY}")
    got = Exchange("GET", "/api/debug/event", authorization=f"Bearer {BATCH_KEY}")
    through(tmp_path, clock, keyless, asked, got)

    assert (401, 200, 405) == (keyless.status, asked.status, got.status)
    assert (ADDRESS, "/a") == (
        json.loads(asked.body)["address"]["used"],
        json.loads(asked.body)["sites"][0]["event"]["pathname"],
    )
    assert 0 == spooled(tmp_path)


def test_a_slash_at_the_end_is_taken(tmp_path: Path, clock: FakeClock) -> None:
    """
    `/api/event/` is `/api/event`, and what is handed on loses its slash too; pages keep theirs.
    """
    exchange = Exchange("POST", "/stats/api/event/", json.dumps(BEACON).encode(), content_type="text/plain")
    about = Exchange("GET", "/api/system/")
    through(tmp_path, clock, exchange, about, base="/stats")

    assert (202, 1) == (exchange.status, spooled(tmp_path))
    assert {"version": version("daysalt"), "geo_database": None} == json.loads(about.body)


def test_gpc_resource(tmp_path: Path, clock: FakeClock) -> None:
    """
    The well-known resource says that GPC is heeded.
    """
    exchange = Exchange("GET", "/.well-known/gpc.json")
    through(tmp_path, clock, exchange)

    assert (200, b"application/json", True) == (
        exchange.status,
        exchange.headers[b"content-type"],
        json.loads(exchange.body)["gpc"],
    )
