"""
Answers that go past the transport: the same bytes in the same order, whatever the socket takes.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ingest.compiled import is_compiled
from tests.clocks import FakeClock
from tests.ingest.test_doors import TURNS, peer_with_an_address, request, served

if not is_compiled():
    pytest.skip("not compiled here; see tests/deploy/test_compiled.py", allow_module_level=True)
from ingest.plain_lane import PlainLane
from ingest.spool.group import tell

__all__ = ["peer_with_an_address"]

ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok"
LARGE = b"x" * 4_000_000
BEACONS = 3_000


class Transport:
    """
    Keeps what it is given.
    """

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.waiting = 0
        self.closing = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return self.waiting


class Lane(PlainLane):
    """
    A connection with one beacon in line, and what is asked of it.
    """

    def __init__(self, number: int, answer: bytes = ANSWER) -> None:
        self.transport = Transport()
        self.server_state = SimpleNamespace()
        self.pipeline = deque[Any]()
        self._unanswered = deque[Any]()
        self._socket = number
        self.answer = answer
        self.counted = 0
        self.keeps = 0
        """What the transport has left of an answer."""

    def stored(self, count: int = 1) -> None:
        """
        So many beacons came and are safe.
        """
        self._unanswered.extend([None] for _ in range(count))
        tell([self] * count, None)

    def _accepted(self) -> bytes:
        return self.answer

    def _stored(self, error: Exception | None) -> None:
        self._unanswered.popleft()
        self.transport.write(self.answer)
        self.transport.waiting = self.keeps

    def _count(self, stored: int) -> None:
        self.counted += stored


@pytest.fixture
def ends() -> Generator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(10)
    with ours, theirs:
        yield ours, theirs


def test_past_a_transport_with_nothing_to_send(ends: tuple[socket.socket, socket.socket]) -> None:
    """
    The answer is on the socket when the group is told, and the transport knows nothing of it.
    """
    lane = Lane(ends[0].fileno())
    lane.stored()
    lane.stored()

    assert 2 * ANSWER == ends[1].recv(4096)
    assert [] == lane.transport.written
    assert 2 == lane.counted


def test_behind_what_the_transport_still_sends(ends: tuple[socket.socket, socket.socket]) -> None:
    """
    While the transport has bytes of an earlier answer, or is about to close, it gets the next one, too.
    """
    lane = Lane(ends[0].fileno())
    lane.transport.waiting = 1
    lane.stored()
    assert [ANSWER] == lane.transport.written
    lane.transport.waiting, lane.transport.closing = 0, True
    lane.stored()
    assert [ANSWER, ANSWER] == lane.transport.written
    lane.transport.closing = False
    lane.stored()

    assert [ANSWER, ANSWER] == lane.transport.written
    assert ANSWER == ends[1].recv(4096)


def test_what_a_full_socket_does_not_take(ends: tuple[socket.socket, socket.socket]) -> None:
    """
    The rest of an answer, and every answer until it is gone, go through the transport.
    """
    lane = Lane(ends[0].fileno(), LARGE)
    lane.stored()
    (rest,) = lane.transport.written
    lane.transport.waiting = len(rest)
    lane.answer = ANSWER
    lane.stored()
    came = b""
    while len(came) < len(LARGE) - len(rest):
        came += ends[1].recv(1_000_000)
    lane.transport.waiting = 0
    lane.stored()

    assert 0 < len(rest) < len(LARGE)
    assert len(LARGE) == len(came + rest)
    assert [rest, ANSWER] == lane.transport.written
    assert ANSWER == ends[1].recv(4096)


def test_behind_an_answer_that_went_another_way(ends: tuple[socket.socket, socket.socket]) -> None:
    """
    Of two beacons in line the first is answered by the transport, which keeps a part of it: the second comes after.
    """
    lane = Lane(ends[0].fileno())
    lane.stored()
    lane.keeps = 1
    lane.stored(2)

    assert [ANSWER, ANSWER] == lane.transport.written
    assert ANSWER == ends[1].recv(4096)


def test_a_broken_connection_is_the_transports_affair(ends: tuple[socket.socket, socket.socket]) -> None:
    """
    An answer that cannot be sent is handed to the transport, which notices the same and closes.
    """
    lane = Lane(ends[0].fileno())
    ends[1].close()
    lane.stored()

    assert [ANSWER] == lane.transport.written


def test_without_a_socket_of_its_own() -> None:
    """
    A connection that is over, or that is encrypted, has no number to send on.
    """
    lane = Lane(-1)
    lane.stored()

    assert [ANSWER] == lane.transport.written


def test_a_reader_who_does_not_read(tmp_path: Path, clock: FakeClock) -> None:
    """
    Beacons one after another, their answers unread until no buffer takes more: each has one answer in the end.
    """

    async def talk() -> tuple[int, int]:
        async with served(tmp_path, clock, fast=True) as server:
            reader, writer = await server.connect_slowly()
            for _ in range(BEACONS):
                writer.write(request())
                for _ in range(TURNS):
                    await asyncio.sleep(0)
            writer.write(request(b"", method="GET", path="/health/live", Connection="close"))
            received = b""
            async with asyncio.timeout(60):
                while piece := await reader.read(65_536):
                    received += piece
            writer.close()
            return received.count(b"HTTP/1.1 202"), received.count(b"HTTP/1.1 200")

    assert (BEACONS, 1) == asyncio.run(talk())
