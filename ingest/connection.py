"""
One connection to the public port, with the limits uvicorn leaves to a proxy: on the time of a request's head and body,
on readers that do not read, on what waits in line, and on the number of connections.

The size of a head is bounded in `ingest/lane.py`, which sees its bytes.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest.address import AddressTrust
from ingest.answers import TOO_MANY, rendered
from ingest.plain_lane import PlainLane

HEAD_BYTES_MAX = 32 * 1024
"""Request line and headers; more is 431."""
HEADER_SECONDS_MAX = 10.0
"""From the first byte of a request, or the opening of a connection, to the end of its headers."""
BODY_SECONDS_MAX = 20.0
"""From the end of the headers to the end of a beacon's body; elsewhere between two pieces of a body."""
IDLE_SECONDS_MAX = 75.0
"""Between two requests of a connection."""
READ_SECONDS_MAX = 30.0
"""How long a client may leave an answer unread."""
CONNECTIONS_MAX = 10_000
PEER_CONNECTIONS_MAX = 1_000
"""Of one address, unless it is a proxy of ours: a tenth of all, and far more than an office opens."""
SWEEP_SECONDS = 1.0


class GuardedConnection(PlainLane, HttpToolsProtocol):
    """
    A connection that ends when it is over its time.
    """

    parser: httptools.HttpRequestParser

    trust: ClassVar[AddressTrust]
    peers: ClassVar[set[GuardedConnection]]
    peer_connections: ClassVar[dict[str, int]]
    """Open connections by address of the other end; not of our own proxies."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._peer = self.client[0] if self.client else ""
        self._trusted = self.trust.trusts(self._peer)
        self._in_lane = False
        self._head_done = True
        self._unanswered = deque()
        self._began = self._touched = self.loop.time()
        self._unused = True
        self._closing = False
        self._unread_since: float | None = None
        self._socket = _socket_of(transport)
        self.peers.add(self)
        of_peer = 0
        if self._peer and not self._trusted:
            of_peer = self.peer_connections[self._peer] = self.peer_connections.get(self._peer, 0) + 1
        if len(self.peers) > CONNECTIONS_MAX or of_peer > PEER_CONNECTIONS_MAX:
            transport.write(rendered(TOO_MANY, self.server_state.default_headers, close=True))
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._socket = -1  # its number is soon another connection's
        self.peers.discard(self)
        if self._peer and not self._trusted:
            left = self.peer_connections.pop(self._peer, 1) - 1
            if left:
                self.peer_connections[self._peer] = left
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        # A client that does not read its answers sends no more questions.
        super().pause_writing()
        self.flow.pause_reading()
        self._unread_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.flow.resume_reading()
        self._unread_since = None

    def sweep(self, now: float) -> None:
        """
        Close the connection if it is over its time.
        """
        if self.transport.is_closing():
            return
        if self._unread_since is not None and now - self._unread_since > READ_SECONDS_MAX:
            self.transport.abort()
        elif not self._head_done or self._unused:
            if now - self._began > HEADER_SECONDS_MAX:
                self.transport.close()
        elif self._in_lane:
            if now - self._began > BODY_SECONDS_MAX:
                self.transport.close()
        elif self._in_asgi():
            if self.cycle.more_body and now - self._touched > BODY_SECONDS_MAX:
                self.transport.close()
        elif now - self._touched > IDLE_SECONDS_MAX and not self._unanswered:
            self.transport.close()

    def retire(self) -> None:
        """
        Say with the next answer that it is the last one. A connection closed while idle could cross with a request.
        """
        self._closing = True

    def _in_asgi(self) -> bool:
        # uvicorn's own type leaves out that there is no cycle before the first request.
        return bool(self.cycle) and not self.cycle.response_complete


def _socket_of(transport: asyncio.Transport) -> int:
    own: socket.socket | None = transport.get_extra_info("socket")
    return -1 if own is None or transport.get_extra_info("sslcontext") is not None else own.fileno()


class _Flow(FlowControl):
    """
    Reads on only when nobody waits in the pipeline and the client reads what it was answered.

    TRICKY: uvicorn reads on after each answer, whatever still waits. A client that sends a thousand requests at once
    and reads none of their answers is then read from a thousand times, and what it sent lies in memory.
    """

    def __init__(self, transport: asyncio.Transport, pipeline: deque[Any]) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        if not self._pipeline and not self.write_paused:
            super().resume_reading()
