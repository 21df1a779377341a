"""
Pages travel compressed, piece by piece, and longer by a random number of bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message

from dashboard.pages.compression import Compression

PIECES = [b"<h1>Top</h1>" * 60, b"", b"<p>below</p>" * 60]


async def whole(request: Request) -> Response:
    body = b"a line of text\n" * int(request.query_params["lines"])
    return Response(body, media_type=request.query_params.get("type", "text/html"))


async def streamed(_: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    return StreamingResponse(pieces(), media_type="text/html")


APP = Starlette(routes=[Route("/whole", whole), Route("/streamed", streamed)], middleware=[Middleware(Compression)])


def get(path: str, accepted: str = "gzip") -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(APP)
        async with httpx.AsyncClient(transport=transport, base_url="http://stats.test") as client:
            return await client.get(path, headers={"Accept-Encoding": accepted})

    return anyio.run(send)


def test_text_is_compressed() -> None:
    """
    A page comes back as it was, in less than a tenth, and caches know that it depends on what is accepted.
    """
    response = get("/whole?lines=1000")

    assert "a line of text\n" * 1000 == response.text
    assert ("gzip", "Accept-Encoding") == (response.headers["content-encoding"], response.headers["vary"])
    assert response.num_bytes_downloaded < 1500


@pytest.mark.parametrize(
    ("path", "accepted"),
    [("/whole?lines=1000", "br"), ("/whole?lines=2", "gzip"), ("/whole?lines=1000&type=image/png", "gzip")],
)
def test_the_rest_is_left_alone(path: str, accepted: str) -> None:
    """
    Who takes no gzip, what is short and what is no text gets it as it is.
    """
    response = get(path, accepted)

    assert "content-encoding" not in response.headers
    assert response.text.startswith("a line of text")


def test_each_piece_can_be_read_when_it_is_sent() -> None:
    """
    A browser sees the first piece of a streamed page before the next one is made.
    """
    sent: list[bytes] = []

    async def run() -> None:
        async def receive() -> Message:
            await anyio.sleep_forever()
            raise AssertionError

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                sent.append(message["body"])

        scope = {
            "type": "http", "method": "GET", "path": "/streamed", "query_string": b"", "root_path": "",
            "headers": [(b"accept-encoding", b"gzip")],
        }  # fmt: skip
        await APP(scope, receive, send)

    anyio.run(run)

    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    read = [unpacker.decompress(piece) for piece in sent]
    assert [piece for piece in PIECES if piece] == [piece for piece in read if piece]
    assert unpacker.eof


def test_length_tells_little() -> None:
    """
    The same page has another length most of the time.
    """
    assert len({get("/whole?lines=1000").num_bytes_downloaded for _ in range(20)}) > 5
