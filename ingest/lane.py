"""
The fast lane: `POST /api/event` answered inside uvicorn's HTTP parser callbacks, everything else the ASGI way.

A beacon needs no task, no scope and no event object: one synchronous pass from the parser to the spool's buffer, and
the answer is written when its group is safe. Measured against the same behaviour behind ASGI in `loadtests/README.md`.
Both doors call the same `collect`, and `tests/ingest/test_doors.py` holds their answers against each other.

The limits of a connection are in `ingest/connection.py`, the short way past the parser in `ingest/plain_heads.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ingest.answers import ACCEPTED, BODY_BYTES_MAX, BROKEN, HEAD_TOO_LARGE, TOO_LARGE, Answer, rendered
from ingest.collect import Collector
from ingest.connection import HEAD_BYTES_MAX, GuardedConnection
from ingest.door import FULL
from ingest.spool.writer import SpoolFull, SpoolWriter
from warehouse.log import logger


class BeaconLane(GuardedConnection):
    """
    One connection. Make a class for a collector with `lane_for`.
    """

    collector: ClassVar[Collector]
    spool: ClassVar[SpoolWriter]
    paths: ClassVar[frozenset[bytes]]
    accepted: ClassVar[tuple[object, bytes]]
    """The header list the cached answer was made for, and the cached answer to a stored beacon."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        self._chunk_bytes = 0
        self._told = True
        self._untold_bytes = 0
        self._answered = False
        self._body = b""
        self._between = True
        self._spool = self.spool
        self._reader, self._now_ms = self.collector.plain.reader, self.collector.clock.now_ms
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unanswered.clear()
        super().connection_lost(exc)

    def _receive(self, data: bytes) -> None:
        self._told = False
        self._chunk_bytes = len(data)
        HttpToolsProtocol.data_received(self, data)
        # A head in many pieces is counted here, and one header without end, of which the parser tells nothing before
        # it is over; a head in one piece is counted when it is complete.
        self._untold_bytes = 0 if self._told else self._untold_bytes + len(data)
        if self._untold_bytes > HEAD_BYTES_MAX:
            self._refuse_head()

    def shutdown(self) -> None:
        # What is accepted is answered first: with answers outstanding the connection closes after the last one.
        self._closing = True
        if not self._unanswered:
            super().shutdown()

    def on_message_begin(self) -> None:
        self._told = True
        self._between = False
        self.url = b""
        self.headers = []
        self._head_done = False
        self._began = self._touched
        self._unused = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            return  # a trailer; nothing of ours is ever said in one
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._told = self._head_done = True
        if self._chunk_bytes + self._untold_bytes > HEAD_BYTES_MAX and self._head_bytes() > HEAD_BYTES_MAX:
            self._refuse_head()
        if self.transport.is_closing():
            # Refused already; whatever else the connection sends is read past.
            self._in_lane = self._answered = True
            return
        parser = self.parser
        self._in_lane = (
            self.url in self.paths
            and parser.get_method() == b"POST"
            and not self._in_asgi()
            and not self.pipeline
            and not parser.should_upgrade()
        )
        if self._in_lane:
            self._answered = False
            self._body = b""
            for name, value in self.headers:
                if name == b"expect" and value.lower() == b"100-continue":
                    self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                elif name == b"content-length" and len(value) > 4 and int(value) > BODY_BYTES_MAX:
                    self._answer(TOO_LARGE)
            return
        url, headers = self.url, self.headers
        super().on_message_begin()
        self.url = url
        for name, value in headers:
            super().on_header(name, value)
        if self._unanswered:
            # Its turn comes when the beacons before it on this connection are answered.
            self.cycle = _BUSY
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._told = True
        if not self._in_lane:
            super().on_body(body)
        elif not self._answered:
            self._body = self._body + body if self._body else body
            if len(self._body) > BODY_BYTES_MAX:
                self._body = b""
                self._answer(TOO_LARGE)

    def on_message_complete(self) -> None:
        self._between = True
        if not self._in_lane:
            super().on_message_complete()
            return
        self._in_lane = False
        if self._answered:
            return
        keeps = self._keeps_alive()
        record = self.collector.plain_record(self._body, self.headers, self._peer) if keeps else None
        if record is not None:
            self._append_plain(record)
            return
        try:
            answer, records = self.collector.collect_long(self._body, self.headers, self._peer)
        except Exception as error:  # the edge: one strange beacon must not take the others along
            logger().error("a beacon broke the collector", error=type(error).__name__, exc_info=error)
            answer, records = BROKEN, ()
        if not records:
            self._answer(answer)
            return
        close = not keeps
        slot: list[bytes | None] = [None]
        # In line before it is handed over: a group that is full is safe, and told so, within the call.
        self._unanswered.append(slot)
        self._closing = self._closing or close
        try:
            self.spool.append(records, partial(self._safe, slot, answer, len(records), close))
        except SpoolFull:
            slot[0] = self._rendered(FULL, close=close)
            self._write_answered()

    def _known(self, data: bytes) -> bool:
        """
        Take something else that came whole and alone and is known by its head; there is nothing here.
        """
        return False

    def _refuse_full(self, slot: list[bytes | None]) -> None:
        slot[0] = self._rendered(FULL, close=False)
        self._write_answered()

    def _accepted(self) -> bytes:
        return self._rendered(ACCEPTED, close=False)

    def _count(self, stored: int) -> None:
        self.collector.counters.accepted += stored
        self.server_state.total_requests += stored

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(self._rendered(HEAD_TOO_LARGE, close=True))
            self.transport.close()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _keeps_alive(self) -> bool:
        return self.parser.should_keep_alive() and self.parser.get_http_version() != "1.0" and not self._closing

    def _stored(self, error: Exception | None) -> None:
        """
        Answer the plain beacon whose record is safe now: the oldest one without an answer, as the spool keeps order.
        """
        waiting = self._unanswered
        if error is None:
            if len(waiting) == 1 and not self._closing and not self.pipeline:
                # The usual case, one beacon at a time: nothing to put in order.
                waiting.popleft()
                self._count(1)
                self.transport.write(self._accepted())
                return
            self.collector.counters.accepted += 1
        for slot in waiting:
            if slot[0] is None:
                # Only the last answer says that it is the last, whatever a later request of the connection asked for.
                close = self._closing and slot is waiting[-1]
                slot[0] = self._rendered(ACCEPTED if error is None else FULL, close=close)
                break
        self._write_answered()

    def _safe(
        self, slot: list[bytes | None], answer: Answer, stored: int, close: bool, error: Exception | None
    ) -> None:  # called back
        if error is None:
            self.collector.counters.accepted += stored
        else:
            answer = FULL
        slot[0] = self._rendered(answer, close=close)
        self._write_answered()

    def _answer(self, answer: Answer) -> None:
        """
        Answer the present request without storing anything, in its turn.
        """
        self._answered = True
        close = not self._keeps_alive()
        self._unanswered.append([self._rendered(answer, close=close)])
        self._closing = self._closing or close
        self._write_answered()

    def _write_answered(self) -> None:
        waiting = self._unanswered
        while waiting and (data := waiting[0][0]) is not None:
            waiting.popleft()
            if not self.transport.is_closing():
                self.transport.write(data)
            self.server_state.total_requests += 1
        if waiting:
            return
        if self._closing:
            self.transport.close()
        elif self.pipeline:
            cycle, app = self.pipeline.pop()
            self.flow.resume_reading()
            self._start_asgi_task(cycle, app)

    def _rendered(self, answer: Answer, *, close: bool) -> bytes:
        default: Sequence[tuple[bytes, bytes]] = self.server_state.default_headers
        if answer is ACCEPTED and not close:
            # uvicorn makes a new list each second, with the new date in it.
            cached_for, cached = self.accepted
            if cached_for is not default:
                cached = rendered(answer, default, close=False)
                type(self).accepted = (default, cached)
            return cached
        return rendered(answer, default, close=close)


def lane_for(collector: Collector, spool: SpoolWriter, base_path: str) -> type[BeaconLane]:
    """
    Make the protocol class that uvicorn opens for each connection of one collector.

    Args:
        base_path: path of DAYSALT_BASE_URL, without a slash at the end.
    """
    paths = frozenset({b"/api/event", base_path.encode() + b"/api/event"})
    collector.plain.install_first_lines(frozenset(b"POST %b HTTP/1.1" % path for path in paths))
    return type(
        "Lane",
        (BeaconLane,),
        {
            "collector": collector,
            "spool": spool,
            "paths": paths,
            "trust": collector.trust,
            "peers": set[GuardedConnection](),
            "peer_connections": dict[str, int](),
            "accepted": (None, b""),
        },
    )


class _Busy:
    """
    Stands for answers of the lane that are still to come, so that uvicorn queues the request behind them.
    """

    response_complete = False


_BUSY: Any = _Busy()
