"""
The link between collectors and the owner of the risk windows: one unix socket, frames both ways, and many questions at
once.

A frame is four bytes of length (little endian), one byte of kind, and a payload: `o` packed observations; `q` and `a` a
question and its answer, each four bytes of number and a body. Observations are lost while the owner is away; that costs
confidence and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Protocol, cast

import msgspec

from ingest.risk.observation import RECORD
from ingest.risk.question import Question

FRAME_BYTES_MAX = 4 * 1024 * 1024
WAITING_BYTES_MAX = 1024 * 1024
"""Unsent observations beyond this are lost rather than kept."""
QUESTIONS_MAX = 2000
ANSWER_SECONDS = 2.0
LOOK_SECONDS = 0.25
"""How often it is looked whether a question waits too long: one timer for all of them."""
RECONNECT_SECONDS = 0.5
PIECE_BYTES = 128 * RECORD.size
"""Observations counted at once: about a millisecond. Larger ones are not cheaper by the observation."""
PIECES_MAX = 256
"""More of them waiting, and nothing is read on."""

_OBSERVATIONS, _QUESTION, _ANSWER = b"o", b"q", b"a"
_HEAD = Struct("<Ic")
_NUMBERED = Struct("<IcI")
"""With the number of a question or answer, the first four bytes of its payload."""
_NUMBER_BYTES = 4
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


Answered = Callable[[bytes | RiskUnavailable], None]
"""Takes the answer to a question, once: JSON, or why there is none."""


class RiskLink:
    """
    A collector's end.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._transport: asyncio.Transport | None = None
        self._waiting: dict[int, tuple[Answered, float]] = {}
        """By number, oldest first: who waits, and until when."""
        self._questions: list[bytes] = []
        """Of this turn of the loop, not sent yet."""
        self._looking: asyncio.TimerHandle | None = None
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
                    lambda gone=gone: _Asked(self._receive, gone), str(self._path)
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
        found: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        def answered(answer: bytes | RiskUnavailable) -> None:
            if found.done():
                return  # whoever asked has left
            if isinstance(answer, RiskUnavailable):
                found.set_exception(answer)
            else:
                found.set_result(answer)

        self.put(question, answered)
        return await found

    def put(self, question: Question, answered: Answered) -> None:
        """
        Do likewise without waiting. `answered` is called later, in a turn of the loop, whatever happens.

        Raises:
            RiskUnavailable: the owner is away, or has too much to answer; `answered` is not called.
        """
        if self._transport is None or len(self._waiting) >= QUESTIONS_MAX:
            raise RiskUnavailable("the risk windows do not answer now; ask again in a few seconds")
        loop = asyncio.get_running_loop()
        self._number = number = (self._number + 1) & 0xFFFFFFFF
        self._waiting[number] = answered, loop.time() + ANSWER_SECONDS
        # What is asked in one turn of the loop is one write, and one waking of the other side.
        if not self._questions:
            loop.call_soon(self._send_questions)
        self._questions.append(_numbered(_QUESTION, number, _encode(question)))
        if self._looking is None:
            self._looking = loop.call_later(LOOK_SECONDS, self._look)

    def _send_questions(self) -> None:
        questions, self._questions = self._questions, []
        if self._transport is not None:
            self._transport.write(b"".join(questions))

    def _look(self) -> None:
        """
        Tell those who have waited too long, and look again while anybody waits.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        late = [number for number, (_, until) in self._waiting.items() if until <= now]
        self._refuse(late, "the risk windows are too busy; ask again in a few seconds")
        self._looking = loop.call_later(LOOK_SECONDS, self._look) if self._waiting else None

    def _receive(self, kind: bytes, payload: bytes) -> None:
        if kind == _ANSWER:
            waiting = self._waiting.pop(int.from_bytes(payload[:_NUMBER_BYTES], "little"), None)
            if waiting is not None:
                waiting[0](payload[_NUMBER_BYTES:])

    def _give_up(self) -> None:
        self._refuse([*self._waiting], "the risk windows were restarted; ask again in a few seconds")

    def _refuse(self, numbers: Sequence[int], why: str) -> None:
        for number in numbers:
            self._waiting.pop(number)[0](RiskUnavailable(why))


def answering(owner: Answering) -> Callable[[], asyncio.Protocol]:
    """
    Give what a server needs to serve collectors with an owner.
    """
    return lambda: _Served(owner)


def _frame(kind: bytes, payload: bytes) -> bytes:
    return _HEAD.pack(len(payload), kind) + payload


def _numbered(kind: bytes, number: int, body: bytes) -> bytes:
    return _NUMBERED.pack(_NUMBER_BYTES + len(body), kind, number) + body


class _Frames(asyncio.Protocol):
    """
    Bytes to frames.
    """

    def __init__(self) -> None:
        self._buffer = b""
        """The beginning of a frame, until the rest comes."""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        if self._buffer:
            data = self._buffer + data
        start, size = 0, len(data)
        while size - start >= 5:
            length, kind = _HEAD.unpack_from(data, start)
            if length > FRAME_BYTES_MAX:
                self._transport.abort()
                return
            end = start + 5 + length
            if size < end:
                break
            self.receive(kind, data[start + 5 : end])
            start = end
        self._buffer = data[start:]

    def receive(self, kind: bytes, payload: bytes) -> None:
        """
        Take one frame.
        """
        raise NotImplementedError


class _Asked(_Frames):
    """
    The collector's end of one connection.
    """

    def __init__(self, receive: Callable[[bytes, bytes], None], gone: asyncio.Future[None]) -> None:
        super().__init__()
        self._receive = receive
        self._gone = gone

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._gone.done():
            self._gone.set_result(None)

    def receive(self, kind: bytes, payload: bytes) -> None:
        self._receive(kind, payload)


class _Served(_Frames):
    """
    The owner's end of one connection. Questions come first: observations are counted a piece at a time, and whatever is
    asked meanwhile is answered between two pieces.
    """

    def __init__(self, owner: Answering) -> None:
        super().__init__()
        self._owner = owner
        self._answers: list[bytes] = []
        self._seen: deque[bytes] = deque()
        self._paused = False

    def data_received(self, data: bytes) -> None:
        counting = bool(self._seen)
        super().data_received(data)
        transport = self._transport
        assert transport is not None
        answers, self._answers = self._answers, []
        if answers:
            transport.write(b"".join(answers))
        if self._seen and not counting:
            asyncio.get_running_loop().call_soon(self._count)
        if len(self._seen) > PIECES_MAX and not self._paused:
            self._paused = True
            transport.pause_reading()

    def receive(self, kind: bytes, payload: bytes) -> None:
        if kind == _OBSERVATIONS:
            self._seen.extend(payload[start : start + PIECE_BYTES] for start in range(0, len(payload), PIECE_BYTES))
        elif kind == _QUESTION:
            number = int.from_bytes(payload[:_NUMBER_BYTES], "little")
            self._answers.append(
                _numbered(_ANSWER, number, self._owner.check(_decode_question(payload[_NUMBER_BYTES:])))
            )

    def _count(self) -> None:
        self._owner.add(self._seen.popleft())
        if self._seen:
            asyncio.get_running_loop().call_soon(self._count)
        if self._paused and len(self._seen) < PIECES_MAX // 2:
            self._paused = False
            assert self._transport is not None
            self._transport.resume_reading()
