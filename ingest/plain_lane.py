"""
The plain beacons of one connection: read past the parser, stored, answered. Everything else goes to `_receive`.

`ingest/plain_native.pyx` has the same compiled; where that is there, it takes the place of this.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ingest.compiled import is_compiled
from ingest.spool.full import SpoolFull
from ingest.spool.group import SpoolGroup


class RequestReader(Protocol):
    """
    Makes records of requests; see `PlainPageviews.request`.
    """

    def request(self, data: bytes, peer: str, trusted: bool, now_ms: int) -> bytes | None: ...


class PlainLane:
    """
    A base of `ingest.lane.BeaconLane`, which says what is asked of it here.
    """

    loop: asyncio.AbstractEventLoop
    _spool: SpoolGroup
    cycle: Any
    pipeline: deque[Any]
    timeout_keep_alive_task: asyncio.TimerHandle | None
    _unanswered: deque[list[bytes | None]]
    _now_ms: Callable[[], int]
    _reader: RequestReader
    _peer: str
    _trusted: bool
    _between: bool
    """Whether no request is under way."""
    _closing: bool
    _unused: bool
    _touched: float
    _socket: int
    """Of the connection, for the compiled way; -1 where answers go through its transport."""

    def data_received(self, data: bytes) -> None:
        """
        Take what came on the connection.
        """
        self._touched = self.loop.time()
        if (
            self._between
            and not self._closing
            and not self.pipeline
            and (self.cycle is None or self.cycle.response_complete)
        ):
            record = self._reader.request(data, self._peer, self._trusted, self._now_ms())
            if record is not None:
                self._unused = False
                if self.timeout_keep_alive_task is not None:
                    self._unset_keepalive_if_required()
                self._append_plain(record)
                return
            if self._known(data):
                return
        self._receive(data)

    def _append_plain(self, record: bytes) -> None:
        # In line before it is handed over: a group that is full is safe, and told so, within the call.
        slot: list[bytes | None] = [None]
        self._unanswered.append(slot)
        try:
            self._spool.append_one(record, self)
        except SpoolFull:
            self._refuse_full(slot)

    def __call__(self, error: Exception | None) -> None:
        """
        Be told that the oldest plain beacon without an answer is safe, or what kept it from that.
        """
        self._stored(error)

    def _receive(self, data: bytes) -> None:
        raise NotImplementedError

    def _known(self, data: bytes) -> bool:
        raise NotImplementedError

    def _stored(self, error: Exception | None) -> None:
        raise NotImplementedError

    def _refuse_full(self, slot: list[bytes | None]) -> None:
        raise NotImplementedError

    if TYPE_CHECKING:

        def _unset_keepalive_if_required(self) -> None: ...


if not TYPE_CHECKING and is_compiled():
    from ingest.plain_native import PlainLane  # noqa: F401
