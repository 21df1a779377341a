"""
What is not the collector's it hands on to the dashboard, over a local socket, and streams the answer back.

Address headers stay here: the read side never learns who asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx
from httpx import USE_CLIENT_DEFAULT

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_BYTES_MAX = 64 * 1024 * 1024
"""Largest request body handed on, but for imports."""
IMPORT_PATH = b"/api/v1/import"
"""A stream of any length, answered when all of it is stored."""
IMPORT_SECONDS_MAX = 4 * 3600
CONNECTIONS_MAX = 64
ANSWER_SECONDS_MAX = 60
IMPORT_TIMEOUT = httpx.Timeout(IMPORT_SECONDS_MAX, connect=2)
RETRY_AFTER = (b"retry-after", b"2")
PATIENCE_SECONDS = 20
"""So long a dashboard that starts beside a collector is waited for; it needs about four seconds."""
WAITING_MAX = 64
"""Requests that wait for it at once; further ones are told at once."""
LOOK_SECONDS = 0.1

# Names that say who somebody is, besides those the settings name.
PERSONAL = frozenset({
    b"x-forwarded-for", b"forwarded", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip",
    b"x-plausible-ip", b"b-forwarded-for", b"fastly-client-ip", b"x-cluster-client-ip", b"cf-connecting-ipv6",
    b"x-daysalt-me",
})  # fmt: skip
# RFC 9110, section 7.6.1: of this connection only.
HOP_BY_HOP = frozenset({
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer",
    b"transfer-encoding", b"upgrade", b"proxy-connection",
})  # fmt: skip


SAFE_METHODS = frozenset({"GET", "HEAD"})
"""What may be asked twice."""


class HandOver:
    """
    The way from a collector to the dashboard.
    """

    def __init__(self, socket_path: Path, address_headers: tuple[str, ...], *, patience_seconds: float = 0.0) -> None:
        """
        Args:
            patience_seconds: how long requests wait for a dashboard that is away, counted from the first of them.
        """
        self._patience_seconds = patience_seconds
        self._away_since: float | None = None
        self._waiting = 0
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                uds=str(socket_path), limits=httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=8)
            ),
            timeout=httpx.Timeout(ANSWER_SECONDS_MAX, connect=2),
            follow_redirects=False,
            # One client for everybody: what one person is given must not go along with the next one's request.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
        self._left_out = HOP_BY_HOP | PERSONAL | {name.encode("ascii") for name in address_headers}

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send, own: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        """
        Hand one HTTP request on. Answers 502 when the dashboard stays away, 413 when the body is too large.

        Args:
            own: headers of ours, which are taken off what comes from outside.
        """
        target: bytes = scope["raw_path"]
        if scope["query_string"]:
            target += b"?" + scope["query_string"]
        headers: list[tuple[bytes, bytes]] = [
            (name, value) for name, value in scope["headers"] if name not in self._left_out
        ]
        headers.extend(own)
        if not any(name == b"x-forwarded-proto" for name, _ in headers):
            headers.append((b"x-forwarded-proto", str(scope["scheme"]).encode("ascii")))
        importing = scope["method"] == "POST" and scope["raw_path"].endswith(IMPORT_PATH)
        body = _body(receive, None if importing else BODY_BYTES_MAX)
        has_body = _has_body(headers, scope)
        request = self._client.build_request(
            scope["method"],
            httpx.URL("http://dashboard").copy_with(raw_path=target),
            headers=headers,
            content=body if has_body else None,
            timeout=IMPORT_TIMEOUT if importing else USE_CLIENT_DEFAULT,
        )
        try:
            answer = await self._sent(request, again=not has_body and scope["method"] in SAFE_METHODS)
        except _TooLarge:
            await _plain(send, 413, b"the request body is too large\n")
            return
        except _Gone:
            return
        except httpx.TransportError:
            await _plain(
                send,
                502,
                b"the dashboard is starting or busy; beacons are collected all the same. Try again in a moment.\n",
            )
            return
        try:
            kept = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP_BY_HOP]
            await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
            async for piece in answer.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()

    async def _sent(self, request: httpx.Request, *, again: bool) -> httpx.Response:
        """
        Send a request, and a second time when the dashboard closed the idle connection it went on: both sides may close
        one after five seconds, and the other side hears of it too late.
        """
        try:
            return await self._reached(request)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            if not again:
                raise
        return await self._reached(request)

    async def _reached(self, request: httpx.Request) -> httpx.Response:
        """
        Send a request as soon as the dashboard can be reached; while it cannot, nothing of the request has gone out.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                answer = await self._client.send(request, stream=True)
            except httpx.ConnectError:
                now = loop.time()
                self._away_since = now if self._away_since is None else self._away_since
                if now - self._away_since >= self._patience_seconds or self._waiting >= WAITING_MAX:
                    raise
            else:
                self._away_since = None
                return answer
            self._waiting += 1
            try:
                await asyncio.sleep(LOOK_SECONDS)
            finally:
                self._waiting -= 1

    async def close(self) -> None:
        """
        Close the connections to the dashboard.
        """
        await self._client.aclose()


class _TooLarge(Exception):
    pass


class _Gone(Exception):
    """
    The sender went away. Half a body must not look like a whole one to whoever is behind us.
    """


def _has_body(headers: list[tuple[bytes, bytes]], scope: Scope) -> bool:
    if any(name == b"transfer-encoding" for name, _ in scope["headers"]):
        return True
    return any(name == b"content-length" and value.strip() != b"0" for name, value in headers)


async def _body(receive: Receive, bytes_max: int | None) -> AsyncIterator[bytes]:
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if bytes_max is not None and size > bytes_max:
            raise _TooLarge
        if piece:
            yield piece
        if not message.get("more_body", False):
            return


async def _plain(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(text)), RETRY_AFTER]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
