"""
The link between collectors and the owner of the risk windows: one unix socket, frames both ways, and many questions at
once.

A frame is four bytes of length (little endian), one byte of kind, and a payload: `o` packed observations; `q` and `a` a
question and its answer, each four bytes of number and a body. Observations are lost while the owner is away; that costs
confidence and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

import msgspec

from ingest.risk.question import Question

FRAME_BYTES_MAX = 4 * 1024 * 1024
WAITING_BYTES_MAX = 1024 * 1024
"""Unsent observations beyond this are lost rather than kept."""
QUESTIONS_MAX = 2000
ANSWER_SECONDS = 2.0
RECONNECT_SECONDS = 0.5

_OBSERVATIONS, _QUESTION, _ANSWER = b"o", b"q", b"a"
_encode = msgspec.msgpack.Encoder().encode
_decode_question = msgspec.msgpack.Decoder(Question).decode


class Answering(Protocol):
    """
    What collectors talk to: `ingest.risk.owner.Owner`.
    """

    def add(self, packed: bytes) -> None: ...

    def check(self, question: Question) -> bytes: ...


class RiskUnavailable(Exception):
    """
    The owner of the windows does not answer. Ask again later.
    """


class RiskLink:
    """
    A collector's end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._number = 0
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self.lost = 0
        """Bytes of observations nobody took."""

    async def keep_connected(self) -> None:
        """
        Connect, and again whenever the owner comes back; until cancelled.
        """
        loop = asyncio.get_running_loop()
        while True:
            gone: asyncio.Future[None] = loop.create_future()
            with suppress(OSError):
                transport, _ = await loop.create_unix_connection(
                    lambda gone=gone: _Frames(self._receive, gone), str(self._path)
                )
                transport.set_write_buffer_limits(high=WAITING_BYTES_MAX)
                self._transport = transport
                kept, self._kept, self._kept_bytes = self._kept, [], 0
                for packed in kept:
                    self.send(packed)
                try:
                    await gone
                finally:
                    self._transport = None
                    transport.close()
                    self._give_up()
            await asyncio.sleep(RECONNECT_SECONDS)

    def send(self, packed: bytes) -> None:
        """
        Send observations on; never waits. What comes while the owner starts is kept for it.
        """
        transport = self._transport
        if transport is not None and transport.get_write_buffer_size() <= WAITING_BYTES_MAX:
            transport.write(_frame(_OBSERVATIONS, packed))
        elif transport is None and self._kept_bytes + len(packed) <= WAITING_BYTES_MAX:
            self._kept.append(packed)
            self._kept_bytes += len(packed)
        else:
            self.lost += len(packed)

    async def ask(self, question: Question) -> bytes:
        """
        Ask about an address.

        Raises:
            RiskUnavailable: the owner is away, too slow, or has too much to answer.
        """
        if self._transport is None or len(self._waiting) >= QUESTIONS_MAX:
            raise RiskUnavailable("the risk windows do not answer now; ask again in a few seconds")
        self._number = (self._number + 1) & 0xFFFFFFFF
        number = self._number
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._transport.write(_frame(_QUESTION, number.to_bytes(4, "little") + _encode(question)))
        try:
            return await asyncio.wait_for(answer, ANSWER_SECONDS)
        except TimeoutError:
            raise RiskUnavailable("the risk windows are too busy; ask again in a few seconds") from None
        finally:
            self._waiting.pop(number, None)

    def _receive(self, kind: bytes, payload: bytes, _: asyncio.Transport) -> None:
        if kind == _ANSWER:
            waiting = self._waiting.get(int.from_bytes(payload[:4], "little"))
            if waiting is not None and not waiting.done():
                waiting.set_result(payload[4:])

    def _give_up(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(RiskUnavailable("the risk windows were restarted; ask again in a few seconds"))


def answering(owner: Answering) -> Callable[[], asyncio.Protocol]:
    """
    Give what a server needs to serve collectors with an owner.
    """

    def receive(kind: bytes, payload: bytes, transport: asyncio.Transport) -> None:
        if kind == _OBSERVATIONS:
            owner.add(payload)
        elif kind == _QUESTION:
            transport.write(_frame(_ANSWER, payload[:4] + owner.check(_decode_question(payload[4:]))))

    return lambda: _Frames(receive, None)


def _frame(kind: bytes, payload: bytes) -> bytes:
    return len(payload).to_bytes(4, "little") + kind + payload


class _Frames(asyncio.Protocol):
    def __init__(
        self, receive: Callable[[bytes, bytes, asyncio.Transport], None], gone: asyncio.Future[None] | None
    ) -> None:
        self._receive = receive
        self._gone = gone
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= 5:
            length = int.from_bytes(buffer[start : start + 4], "little")
            if length > FRAME_BYTES_MAX:
                self._transport.abort()
                return
            end = start + 5 + length
            if len(buffer) < end:
                break
            self._receive(bytes(buffer[start + 4 : start + 5]), bytes(buffer[start + 5 : end]), self._transport)
            start = end
        del buffer[:start]
