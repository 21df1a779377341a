"""
Case 30: connections that are held open with a byte now and then, and readers who do not read.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import pytest
import uvicorn

from ingest.connection import BODY_SECONDS_MAX, HEADER_SECONDS_MAX, SWEEP_SECONDS
from tests.attacks.wire import ask_raw, beacon, connect, post, status
from tests.processes.family import children_of
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.timeout(180)]

SLOW = 120
"""Of each kind. The long form holds 2,000 (`make crash`)."""
DRIP_SECONDS = 2.0
LATENESS_SECONDS = 3 * SWEEP_SECONDS
ANSWER_SECONDS_P99_MAX = 0.5
HEAD = b"POST /api/event HTTP/1.1\r\nhost: x\r\nx-a: "


class SlowSender:
    """
    A connection that never finishes what it began.
    """

    def __init__(self, connection: socket.socket, begin: bytes, drip: bytes) -> None:
        self.connection = connection
        self.connection.sendall(begin)
        self.connection.setblocking(False)
        self.drip = drip
        self.began = time.monotonic()
        self.ended: float | None = None

    def step(self) -> None:
        """
        Send one more piece, and see whether the other end is still there.
        """
        if self.ended is not None:
            return
        try:
            if self.connection.recv(4096) == b"":
                self.ended = time.monotonic() - self.began
                return
        except BlockingIOError:
            pass
        except OSError:
            self.ended = time.monotonic() - self.began
            return
        try:
            self.connection.sendall(self.drip)
        except OSError:
            self.ended = time.monotonic() - self.began


@contextmanager
def unprotected() -> Generator[int]:
    """
    Run a double of the public port: uvicorn as it comes, without time limits on requests. Gives its port.
    """

    async def nothing(_scope: object, _receive: object, _send: object) -> None: ...

    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(nothing, interface="asgi3", http="httptools", ws="none", lifespan="off", log_config=None)  # pyright: ignore[reportArgumentType]  # never called
    bare = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(bare.serve([listener])))
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        bare.should_exit = bare.force_exit = True
        thread.join(10)
        listener.close()


def hold(server: Server, count: int) -> tuple[list[SlowSender], list[SlowSender], list[float], list[int]]:
    """
    Hold `count` connections with unfinished headers, and as many with unfinished bodies, while others send beacons.

    Returns:
        Both kinds, when they are over; the seconds that the ordinary beacons took, and their statuses.
    """
    body_head = post(b"", b"content-length: 1000", length=False)
    with ExitStack() as stack:
        in_head = [SlowSender(connect(server), HEAD, b"a") for _ in range(count)]
        in_head.append(SlowSender(connect(server), b"", b""))  # says nothing at all
        in_body = [SlowSender(connect(server), body_head, b" ") for _ in range(count)]
        for sender in (*in_head, *in_body):
            stack.callback(sender.connection.close)
        took: list[float] = []
        statuses: list[int] = []
        stop = threading.Event()

        def ordinary() -> None:
            while not stop.wait(0.02):
                started = time.perf_counter()
                statuses.append(status(ask_raw(server, post(beacon("/while-others-are-slow")))))
                took.append(time.perf_counter() - started)

        thread = threading.Thread(target=ordinary)
        thread.start()
        try:
            ends = time.monotonic() + max(HEADER_SECONDS_MAX, BODY_SECONDS_MAX) + LATENESS_SECONDS + DRIP_SECONDS
            while time.monotonic() < ends and any(sender.ended is None for sender in (*in_head, *in_body)):
                for sender in (*in_head, *in_body):
                    sender.step()
                time.sleep(DRIP_SECONDS / 10 if count < 500 else DRIP_SECONDS)
        finally:
            stop.set()
            thread.join(30)
        return in_head, in_body, took, statuses


def check(server: Server, count: int) -> None:
    pids = children_of(server.process.pid, "collector")
    with unprotected() as port, socket.create_connection(("127.0.0.1", port)) as connection:
        control = SlowSender(connection, HEAD, b"a")
        in_head, in_body, took, statuses = hold(server, count)
        control.step()
        control.step()

    assert control.ended is None, "the double without limits must hold on, or the times below show nothing"
    assert [] == [one for one in (*in_head, *in_body) if one.ended is None], "some were held for ever"
    assert max(one.ended or 0 for one in in_head) < HEADER_SECONDS_MAX + LATENESS_SECONDS + DRIP_SECONDS
    assert max(one.ended or 0 for one in in_body) < BODY_SECONDS_MAX + LATENESS_SECONDS + DRIP_SECONDS
    # They are held, and not refused, until their time is over; else this would show nothing.
    assert min(one.ended or 0 for one in in_head) > HEADER_SECONDS_MAX / 2
    assert min(one.ended or 0 for one in in_body) > BODY_SECONDS_MAX / 2
    assert {202} == set(statuses)
    assert sorted(took)[int(len(took) * 0.99)] < ANSWER_SECONDS_P99_MAX
    assert pids == children_of(server.process.pid, "collector")


def test_slow_headers_and_bodies_are_closed_while_others_are_served(server: Server) -> None:
    """
    Each unfinished request is closed when its time is over, a byte now and then does not prolong it, and ordinary
    beacons are answered at once all the while.
    """
    check(server, SLOW)


@pytest.mark.crash
@pytest.mark.timeout(600)
def test_two_thousand_slow_senders(server: Server) -> None:
    """
    The long form of the same.
    """
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    check(server, 1000)


def test_slow_reader_is_not_fed(server: Server) -> None:
    """
    Who asks for scripts without end and reads none of them fills no memory, and hinders nobody.
    """
    with connect(server, seconds=1) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        request = b"GET /js/script.js HTTP/1.1\r\nhost: localhost\r\n\r\n"
        sent = 0
        try:
            while sent < 64 * 1024 * 1024:
                sent += connection.send(request * 100)
        except TimeoutError:
            pass  # the server has stopped to read from us: that is the defence
        except OSError:
            pass
        assert sent < 32 * 1024 * 1024
        assert 202 == status(ask_raw(server, post(beacon("/beside-a-slow-reader"))))
