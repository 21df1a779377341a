"""
The ASGI door of a collector: beacons, scripts, health and figures are answered here, everything else is handed on.

One behaviour, two doors: `collect` decides what is answered, a door only carries bytes. The fast lane will be the
second one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import msgspec

from ingest import batch as batch_module
from ingest import pixel as pixel_module
from ingest.answers import BODY_BYTES_MAX, ENCODED, NOT_ALLOWED, PREFLIGHT, TOO_LARGE, Answer, unavailable
from ingest.batch import Batch
from ingest.collect import Collector, Headers
from ingest.explain import explain
from ingest.hand_over import HandOver, Receive, Scope, Send
from ingest.me import Me, is_me
from ingest.pixel import collect_pixel
from ingest.risk import door as risk_door
from ingest.risk.door import RiskDoor
from ingest.spool.writer import SpoolFull, SpoolWriter
from ingest.tracker.scripts import Script, script_reply

Parts = dict[str, tuple[str, str]]
"""Part of the service -> (`ok` or `degraded`, why)."""

INTERFACES = "/api/"
"""Other servers of these interfaces take a slash at the end of their addresses, and some clients send one."""
VERSION = version("daysalt")
FULL = unavailable("the spool is full, send again later")

GPC = Answer(
    200,
    ((b"content-type", b"application/json"), (b"cache-control", b"max-age=86400")),
    b'{"gpc":true,"lastUpdate":"2026-11-22"}',
)
"""Says that Global Privacy Control is heeded here. Source: https://www.w3.org/TR/gpc/, support resource."""


SCRIPT_NOT_ALLOWED = Answer(
    405, ((b"content-type", b"text/plain; charset=utf-8"), (b"allow", b"GET, HEAD")), b"send a GET\n"
)


@dataclass(frozen=True, slots=True)
class Health:
    """
    Whether beacons can be accepted, and how every part is.
    """

    ready: bool
    parts: Parts


class Door:
    """
    The ASGI application of a collector.
    """

    def __init__(
        self,
        collector: Collector,
        spool: SpoolWriter,
        hand_over: HandOver,
        batch: Batch,
        *,
        base_path: str,
        own_scripts: Callable[[str], Script | None] | None = None,
        health: Callable[[], Awaitable[Health]],
        metrics: Callable[[], Awaitable[str]],
        geo_database: Callable[[], str],
        me: Me | None = None,
        risk: RiskDoor | None = None,
    ) -> None:
        """
        Args:
            base_path: path of DAYSALT_BASE_URL, without a slash at the end; taken off when a request has it.
            own_scripts: finds a site's own script by its id.
            geo_database: names the database of places and its date; empty without one.
        """
        self._collector = collector
        self._spool = spool
        self._hand_over = hand_over
        self._batch = batch
        self._base_path = base_path
        self._own_scripts = own_scripts
        self._health = health
        self._metrics = metrics
        self._geo_database = geo_database
        self._me = me
        self._risk = risk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if self._base_path and path.startswith(self._base_path + "/"):
            path = path[len(self._base_path) :]
        if path.startswith(INTERFACES) and path.endswith("/"):
            path = path.rstrip("/")
            scope = {**scope, "path": scope["path"].rstrip("/"), "raw_path": scope["raw_path"].rstrip(b"/")}
        if path == "/api/event":
            await _respond(scope, send, await self._event(scope, receive))
        elif path == "/api/events":
            await _respond(scope, send, await self._events(scope, receive))
        elif path == "/api/debug/event":
            await _respond(scope, send, await self._explained(scope, receive))
        elif path == "/.well-known/gpc.json":
            await _respond(scope, send, GPC)
        elif path.startswith(risk_door.PREFIX) and self._risk is not None:
            self._spool.give_way()
            read = partial(_read_body, receive)
            answer = await self._risk.answer(scope["method"], path, scope["query_string"], scope["headers"], read)
            await _respond(scope, send, answer)
        elif path == "/pixel.gif":
            await _respond(scope, send, await self._pixel(scope))
        elif path.startswith("/js/"):
            await self._script(scope, path, send)
        elif path in ("/health/live", "/api/system/health/live"):
            await _respond(scope, send, _plain(200, b"ok\n"))
        elif path in ("/api/health", "/api/system/health/ready"):
            await _respond(scope, send, _health_as_there(await self._health()))
        elif path == "/api/system":
            await _respond(scope, send, _about(self._geo_database()))
        elif path == "/api/error":
            # As on other servers of this API.
            await _respond(scope, send, _plain(200, b""))
        elif path == "/health/ready":
            await _respond(scope, send, _health_answer(await self._health(), scope["query_string"]))
        elif path == "/metrics":
            text = (await self._metrics()).encode()
            await _respond(scope, send, Answer(200, ((b"content-type", b"text/plain; version=0.0.4"),), text))
        elif self._me is not None and is_me(path) and scope["method"] in ("GET", "POST"):
            await self._me(scope, receive, send, _peer(scope))
        else:
            await self._hand_over(scope, receive, send)

    async def _event(self, scope: Scope, receive: Receive) -> Answer:
        method: str = scope["method"]
        if method == "OPTIONS":
            return PREFLIGHT
        if method != "POST":
            return NOT_ALLOWED
        headers: Headers = scope["headers"]
        for name, value in headers:
            if name == b"content-length" and value.isdigit() and int(value) > BODY_BYTES_MAX:
                return TOO_LARGE
            if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                return ENCODED
        body = await _read_body(receive, BODY_BYTES_MAX)
        answer, records = self._collector.collect(body, headers, _peer(scope))
        return await self._keep(answer, records, FULL) if records else answer

    async def _events(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return batch_module.NOT_ALLOWED
        headers: Headers = scope["headers"]
        key = self._batch.admit(headers)
        if isinstance(key, Answer):
            return key
        body = await _read_body(receive, batch_module.BODY_BYTES_MAX)
        answer, records = await self._batch.collect(key, body, headers, _peer(scope))
        return await self._keep(answer, records, batch_module.FULL) if records else answer

    async def _explained(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return batch_module.NOT_ALLOWED
        headers: Headers = scope["headers"]
        key = self._batch.admit(headers)
        if isinstance(key, Answer):
            return key
        body = await _read_body(receive, BODY_BYTES_MAX)
        return explain(self._collector, body, headers, _peer(scope), key.site_id)

    async def _pixel(self, scope: Scope) -> Answer:
        method: str = scope["method"]
        if method == "OPTIONS":
            return pixel_module.PREFLIGHT
        if method not in ("GET", "HEAD"):
            return pixel_module.NOT_ALLOWED
        answer, records = collect_pixel(
            self._collector, scope["query_string"], scope["headers"], _peer(scope), count=method == "GET"
        )
        return await self._keep(answer, records, pixel_module.NOT_KEPT) if records else answer

    async def _script(self, scope: Scope, path: str, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await _respond(scope, send, SCRIPT_NOT_ALLOWED)
            return
        sent = dict(scope["headers"])
        reply = script_reply(
            path,
            if_none_match=sent.get(b"if-none-match", b"").decode("latin-1"),
            accept_encoding=sent.get(b"accept-encoding", b"").decode("latin-1"),
            own=self._own_scripts,
        )
        await send({"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else reply.body})

    async def _keep(self, answer: Answer, records: Sequence[bytes], full: Answer) -> Answer:
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: Exception | None) -> None:
            if safe.cancelled():
                return
            if error is None:
                safe.set_result(None)
            else:
                safe.set_exception(error)

        try:
            self._spool.append(records, done)
            await safe
        except SpoolFull:
            return full
        self._collector.counters.accepted += len(records)
        return answer


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


async def _read_body(receive: Receive, bytes_max: int) -> bytes:
    """
    Read little more than is allowed at most; `collect` refuses what is longer.

    Returns:
        Nothing when the sender went away: half a batch would look like a whole one.
    """
    pieces: list[bytes] = []
    length = 0
    while length <= bytes_max:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        pieces.append(message.get("body", b""))
        length += len(pieces[-1])
        if not message.get("more_body", False):
            break
    return b"".join(pieces)


async def _respond(scope: Scope, send: Send, answer: Answer) -> None:
    length = (b"content-length", b"%d" % len(answer.body))
    headers = answer.headers if answer.status == 204 else (*answer.headers, length)
    await send({"type": "http.response.start", "status": answer.status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})


def _health_answer(health: Health, query: bytes) -> Answer:
    degraded = any(state != "ok" for state, _ in health.parts.values())
    ready = health.ready and not (degraded and b"strict=1" in query.split(b"&"))
    body = {
        "status": "ok" if not degraded else "degraded" if health.ready else "unavailable",
        "parts": {name: {"status": state, "why": why} for name, (state, why) in health.parts.items()},
    }
    headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
    return Answer(200 if ready else 503, headers, msgspec.json.encode(body))


def _about(geo_database: str) -> Answer:
    """
    Tell what runs here: version and database of places, as other servers of the events API do, and nothing else.
    """
    body = {"version": VERSION, "geo_database": geo_database or None}
    return Answer(200, ((b"content-type", b"application/json"),), msgspec.json.encode(body))


def _health_as_there(health: Health) -> Answer:
    """
    Say the same in the words that monitors of the events API's other servers look for.
    """
    store = health.parts.get("store", ("degraded", ""))[0]
    body = {
        "postgres": health.parts.get("keeper", ("degraded", ""))[0],
        "clickhouse": store,
        "sites_cache": "ok" if health.ready else "degraded",
        "sessions": store,
    }
    headers = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
    return Answer(200 if all(state == "ok" for state in body.values()) else 500, headers, msgspec.json.encode(body))


def _plain(status: int, text: bytes) -> Answer:
    return Answer(status, ((b"content-type", b"text/plain; charset=utf-8"),), text)
