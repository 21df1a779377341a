"""
Case 29: requests larger than anything a browser sends. Measured on the real server: its answers, and its memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
from collections.abc import Iterator

import pytest

from ingest.answers import BODY_BYTES_MAX
from tests.attacks.wire import ask_raw, beacon, connect, post, read_answer, resident_kib, status
from tests.processes.family import children_of
from tests.server import Server

pytestmark = pytest.mark.server

MIB = 1024 * 1024
GROWTH_KIB_MAX = 24 * 1024
"""Memory the allocator may keep after a storm of hundreds of megabytes; one body kept would be more."""


def chunks(size: int, piece: bytes = b"a" * 65536) -> Iterator[bytes]:
    """
    A chunked beacon that never ends, at most `size` bytes of it.
    """
    yield post(b"", b"transfer-encoding: chunked", length=False)
    for _ in range(size // len(piece)):
        yield b"%x\r\n%s\r\n" % (len(piece), piece)


def with_length(size: int, piece: bytes = b"a" * 65536) -> Iterator[bytes]:
    """
    A beacon that says its length and sends it all.
    """
    yield post(b"", b"content-length: %d" % size, length=False)
    for _ in range(size // len(piece)):
        yield piece


def endless_header(size: int, kind: str) -> Iterator[bytes]:
    """
    A request whose headers do not end: one long value, many lines, or a long value behind the body.
    """
    yield b"POST /api/event HTTP/1.1\r\nhost: localhost\r\n"
    if kind == "trailer":
        yield b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    if kind != "many lines":
        yield b"x-long: "
    for number in range(size // 65536):
        lines = (b"x-%d-%d: %s\r\n" % (number, line, b"a" * 50) for line in range(1000))
        yield b"".join(lines) if kind == "many lines" else b"a" * 65536


def collector_of(server: Server) -> int:
    (pid,) = children_of(server.process.pid, "collector")
    return pid


@pytest.mark.parametrize("path", [b"/api/event", b"/api/event?x=1"])
def test_ten_megabytes_are_refused_before_they_are_read(server: Server, path: bytes) -> None:
    """
    A body of 10 MB is answered 413 from its length alone, before a byte of it is sent.
    """
    head = post(b"", b"content-length: %d" % (10 * MIB), path=path, length=False)

    assert 413 == status(ask_raw(server, head))


def test_one_byte_decides(server: Server) -> None:
    """
    The limit is 65,536 bytes: those are read, one more is refused, told or chunked.
    """
    body = beacon("/limit")
    body += b" " * (BODY_BYTES_MAX - len(body))

    assert 202 == status(ask_raw(server, post(body)))
    assert 413 == status(ask_raw(server, post(body + b" ")))
    for size, expected in ((len(body), 202), (len(body) + 1, 413)):
        sent = (body + b" ")[:size]
        chunked = post(b"", b"transfer-encoding: chunked", length=False)
        assert expected == status(ask_raw(server, chunked + b"%x\r\n%s\r\n0\r\n\r\n" % (size, sent)))


def test_memory_stays_flat_under_bodies_without_end(server: Server) -> None:
    """
    Hundreds of megabytes, chunked and with a length, leave the collector's memory where it was; it goes on.
    """
    pid = collector_of(server)
    for _ in range(3):
        ask_raw(server, chunks(4 * MIB))  # warm: buffers the allocator keeps
    before = resident_kib(pid)
    most = before
    for _ in range(40):
        assert 413 == status(ask_raw(server, chunks(10 * MIB)))
        assert 413 == status(ask_raw(server, with_length(10 * MIB)))
        most = max(most, resident_kib(pid))

    assert most - before < GROWTH_KIB_MAX
    assert [pid] == children_of(server.process.pid, "collector")
    assert 202 == status(ask_raw(server, post(beacon("/after-oversize"))))


def test_a_sender_that_ignores_the_413_is_not_kept(server: Server) -> None:
    """
    Who goes on sending after the 413 fills no memory.
    """
    pid = collector_of(server)
    before = resident_kib(pid)
    sent = 0
    with connect(server) as connection, contextlib.suppress(OSError):
        for piece in chunks(64 * MIB):
            connection.sendall(piece)
            sent += len(piece)
    assert resident_kib(pid) - before < GROWTH_KIB_MAX
    assert [pid] == children_of(server.process.pid, "collector")


@pytest.mark.parametrize("kind", ["one value", "many lines", "trailer"])
def test_headers_without_end_are_refused(server: Server, kind: str) -> None:
    """
    Headers or trailers of 64 MiB are cut off long before they are over, and their memory is not kept.
    """
    pid = collector_of(server)
    before = resident_kib(pid)
    most = before
    with connect(server) as connection:
        answered = False
        for piece in endless_header(64 * MIB, kind):
            try:
                connection.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                answered = True
                break
            most = max(most, resident_kib(pid))
        answer = b"" if answered else read_answer(connection)

    assert answered or status(answer) in (400, 413, 431)
    assert most - before < GROWTH_KIB_MAX


def test_a_header_of_64_kib_is_refused(server: Server) -> None:
    """
    No browser sends a 64 KiB header: 431 or 400, or the connection is closed.
    """
    answer = ask_raw(server, post(beacon(), b"x-long: " + b"a" * 65536))

    assert status(answer) in (0, 400, 431)


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_a_path_of_a_million_characters(server: Server, size: int) -> None:
    """
    A request line of a million characters is refused, and the server goes on.
    """
    answer = ask_raw(server, post(beacon(), path=b"/api/event?" + b"a" * size))

    assert status(answer) in (0, 400, 414, 431)
    assert 202 == status(ask_raw(server, post(beacon("/after-long-path"))))


def test_a_user_agent_of_a_million_characters(server: Server) -> None:
    """
    A user agent of a million characters is refused, and the server goes on.
    """
    answer = ask_raw(server, post(beacon(), b"user-agent: " + b"a" * 1_000_000))

    assert status(answer) in (0, 400, 431)
    assert 202 == status(ask_raw(server, post(beacon("/after-long-agent"))))


def test_control_a_door_that_reads_everything_grows() -> None:
    """
    The same 32 MiB into a double that keeps what it reads: its buffer holds them all. The measure can tell.
    """
    kept = bytearray()
    read = asyncio.Event()

    async def naive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            kept.extend(piece)
        writer.close()
        read.set()

    def send(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            for piece in chunks(32 * MIB):
                connection.sendall(piece)

    async def run() -> None:
        door = await asyncio.start_server(naive, "127.0.0.1", 0)
        await asyncio.to_thread(send, door.sockets[0].getsockname()[1])
        await asyncio.wait_for(read.wait(), 10)
        door.close()

    # What earlier tests freed goes back to the system first, or the buffer would fit into it unseen.
    ctypes.CDLL(None).malloc_trim(0)
    before = resident_kib(os.getpid())
    asyncio.run(run())

    assert len(kept) > 32 * MIB
    assert resident_kib(os.getpid()) - before > GROWTH_KIB_MAX
