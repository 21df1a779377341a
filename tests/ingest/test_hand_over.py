"""
Handing requests over to the dashboard: nothing of one person's answer goes along with another's request.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from ingest.hand_over import HandOver


def test_cookies_are_nobody_elses(tmp_path: Path) -> None:
    """
    A cookie that an answer sets reaches whom it is for, and is in no later request of somebody without one.
    """
    heads: list[bytes] = []
    sent: list[MutableMapping[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            b"HTTP/1.1 200 OK\r\nset-cookie: daysalt=secret; Path=/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def ask_twice() -> None:
        server = await asyncio.start_unix_server(answer, str(tmp_path / "d.sock"))
        hand_over = HandOver(tmp_path / "d.sock", ())
        scope = {
            "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "scheme": "http",
            "headers": [(b"host", b"stats.test")], "client": ("203.0.113.9", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        for _ in range(2):
            await hand_over(dict(scope), receive, send)
        await hand_over.close()
        server.close()
        await server.wait_closed()

    asyncio.run(ask_twice())

    assert 2 == len(heads)
    assert b"cookie" not in heads[1].lower()
    assert b"daysalt=secret; Path=/" == dict(sent[0]["headers"])[b"set-cookie"]


@pytest.mark.parametrize(("method", "body", "status"), [("GET", b"", 200), ("POST", b"x", 502)])
def test_a_connection_that_closed_is_tried_anew(tmp_path: Path, method: str, body: bytes, status: int) -> None:
    """
    A dashboard that closes an idle connection while a request goes out on it is asked again, but for what may not be
    done twice.
    """
    connections: list[int] = []
    sent: list[MutableMapping[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await reader.readuntil(b"\r\n\r\n")
        if len(connections) > 1:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def ask() -> None:
        server = await asyncio.start_unix_server(answer, str(tmp_path / "d.sock"))
        hand_over = HandOver(tmp_path / "d.sock", ())
        headers = [(b"host", b"stats.test"), (b"content-length", b"%d" % len(body))]
        await hand_over(
            {
                "type": "http", "method": method, "path": "/", "raw_path": b"/", "query_string": b"", "scheme": "http",
                "headers": headers, "client": ("203.0.113.9", 1), "server": ("127.0.0.1", 80),
            },
            receive,
            send,
        )  # fmt: skip
        await hand_over.close()
        server.close()
        await server.wait_closed()

    asyncio.run(ask())

    assert status == sent[0]["status"]
    assert (2 if status == 200 else 1) == len(connections)


@pytest.mark.parametrize(("patience_seconds", "status"), [(20, 200), (0, 502)])
def test_a_dashboard_that_starts_is_waited_for(tmp_path: Path, patience_seconds: float, status: int) -> None:
    """
    A request, also one that must not be sent twice, waits until the dashboard beside it listens, and brings its body
    whole; where there is none to come it is told at once.
    """
    bodies: list[bytes] = []
    sent: list[MutableMapping[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        bodies.append(await reader.readexactly(4))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"site", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    async def ask() -> None:
        hand_over = HandOver(tmp_path / "d.sock", (), patience_seconds=patience_seconds)
        scope = {
            "type": "http", "method": "POST", "path": "/", "raw_path": b"/", "query_string": b"", "scheme": "http",
            "headers": [(b"host", b"stats.test"), (b"content-length", b"4")], "client": ("203.0.113.9", 1),
            "server": ("127.0.0.1", 80),
        }  # fmt: skip
        asking = asyncio.create_task(hand_over(scope, receive, send))
        await asyncio.wait([asking], timeout=0.15)
        server = await asyncio.start_unix_server(answer, str(tmp_path / "d.sock"))
        await asking
        await hand_over.close()
        server.close()
        await server.wait_closed()

    asyncio.run(ask())

    assert status == sent[0]["status"]
    assert ([b"site"] if status == 200 else []) == bodies
