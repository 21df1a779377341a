"""
A load generator that is faster than what it loads: prepared requests over kept connections, one at a time on each,
from one loop over non-blocking sockets. No event loop object, no task and no future per request.

Closed loop: every connection sends its next request when it has the answer to the last. Open loop: requests fall due
at given times and wait for a free connection when there is none; latency counts from the moment they were due, so that
a server that stalls is not spared the requests that would have come meanwhile (coordinated omission).
"""

from __future__ import annotations

import math
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator

from loadtests.answer import Answer, read_answer
from loadtests.tally import ACCEPTED, DROPPED, REFUSED, UNKNOWN, Tally

ANSWER_SECONDS_MAX = 10.0
"""Longer waits are given up and counted, as a browser's user would leave."""
RETRY_SECONDS = 0.2
KNOWN_MAX = 2_000
"""Different answers remembered whole; the Date header makes a new one each second."""
_IDLE_SECONDS_MAX = 0.05
_READ_BYTES = 1 << 16


class Connection:
    """
    One kept connection, and the request that is under way on it.
    """

    __slots__ = ("due", "number", "received", "sent_at", "socket", "unsent")

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.number = -1
        self.due = 0.0
        self.sent_at = 0.0
        self.unsent = b""
        self.received = b""


class Generator:
    """
    Sends until told to end; call `turn` again and again, or `run`.
    """

    def __init__(
        self,
        address: tuple[str, int],
        connections: int,
        request: Callable[[int], bytes],
        *,
        arrivals: Iterator[float] | None = None,
        events_in_request: int = 1,
        first: int = 0,
        step: int = 1,
        spin: bool = True,
    ) -> None:
        """
        Args:
            request: gives the bytes of request `number`; numbers go up from `first` by `step`.
            arrivals: seconds from the start at which requests fall due, going up; None for a closed loop.
            spin: True answers within microseconds and takes a whole core; False sleeps in between.
        """
        self._address = address
        self._wanted = connections
        self._request = request
        self._arrivals = arrivals
        self._events = events_in_request
        self._number = first
        self._step = step
        self._spin = spin
        self._selector = selectors.DefaultSelector()
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._known: dict[bytes, Answer] = {}
        self._retry_at = 0.0
        self._checked_at = 0.0
        self._began = time.monotonic()
        self._next_due = 0.0 if arrivals is None else next(arrivals, math.inf)
        self._ends = math.inf
        self.tally = Tally()

    @property
    def finished(self) -> bool:
        """
        True when nothing more falls due and nothing is under way.
        """
        return self._next_due == math.inf and not self._busy

    @property
    def elapsed(self) -> float:
        """
        Seconds since the start.
        """
        return time.monotonic() - self._began

    def start(self, seconds: float = math.inf) -> None:
        """
        Open the connections and start the time.

        Args:
            seconds: a closed loop ends after them; an open loop ends with its arrivals.

        Raises:
            OSError: nobody listens.
        """
        for _ in range(self._wanted):
            self._connect()
        self._began = time.monotonic()
        self._ends = seconds

    def run(self, seconds: float) -> float:
        """
        Send until the end, as for `start`, and wait for the last answers.

        Returns:
            The seconds from the start to the last answer.
        """
        self.start(seconds)
        while not self.finished:
            if not self.turn():
                self.rest()
        took = self.elapsed
        self.close()
        return took

    def turn(self) -> int:
        """
        Send what is due and read what has come, without waiting.

        Returns:
            How many requests were sent or answers read.
        """
        now = self.elapsed
        sent = self._send_due(now) if self._idle else 0
        events = self._selector.select(0)
        for key, mask in events:
            connection: Connection = key.data
            if mask & selectors.EVENT_WRITE:
                self._send_more(connection)
            if mask & selectors.EVENT_READ:
                self._read(connection)
        if now - self._checked_at > 0.1:
            self._checked_at = now
            self._check(now)
        return sent + len(events)

    def rest(self) -> None:
        """
        Wait a moment for something to do. Call it after a turn without any.
        """
        if self._spin and self._idle and self._next_due - self.elapsed < 0.002:
            return
        if self._busy and not self._idle:
            self._selector.select(_IDLE_SECONDS_MAX)
            return
        # select() counts in milliseconds, rounded up; sleep does not.
        time.sleep(min(max(self._next_due - self.elapsed, 0.0), 0.0002))

    def close(self) -> None:
        """
        Close every connection.
        """
        for connection in [*self._idle, *self._busy]:
            connection.socket.close()
        self._idle.clear()
        self._busy.clear()
        self._selector.close()

    def _send_due(self, now: float) -> int:
        sent = 0
        while self._idle and self._next_due <= now:
            due = now
            if self._arrivals is not None:
                due, self._next_due = self._next_due, next(self._arrivals, math.inf)
            elif now >= self._ends:
                self._next_due = math.inf
                break
            connection = self._idle.popleft()
            self._offer(due)
            connection.number, connection.due, connection.sent_at = self._number, due, now
            self._number += self._step
            self._busy.add(connection)
            self._write(connection, self._request(connection.number))
            sent += 1
        return sent

    def _write(self, connection: Connection, data: bytes) -> None:
        try:
            written = connection.socket.send(data)
        except BlockingIOError:
            written = 0
        except OSError as error:
            self._lose(connection, type(error).__name__)
            return
        was_waiting = bool(connection.unsent)
        connection.unsent = data[written:]
        if bool(connection.unsent) != was_waiting:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.unsent else 0)
            self._selector.modify(connection.socket, events, connection)

    def _send_more(self, connection: Connection) -> None:
        if connection.unsent:
            self._write(connection, connection.unsent)

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(connection, type(error).__name__)
            return
        if not data:
            self._lose(connection, "closed by the server")
            return
        if connection.received:
            data = connection.received + data
        answer = self._known.get(data)
        if answer is None:
            answer = read_answer(data)
            if answer is None:
                connection.received = data
                return
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            self._known[data] = answer
        connection.received = b""
        self._count(connection, answer)
        if answer.closes:
            self._forget(connection)
            self._connect_again()
        else:
            self._busy.discard(connection)
            self._idle.append(connection)

    def _count(self, connection: Connection, answer: Answer) -> None:
        now = self.elapsed
        accepted = 0
        outcome = REFUSED
        if answer.status == 202:
            accepted = self._events - answer.dropped if answer.accepted is None else answer.accepted
            outcome = ACCEPTED if accepted else DROPPED
        else:
            self.tally.error(f"status {answer.status}", int(now))
        self.tally.answered(connection.number, outcome, int(now), now - connection.due, accepted, answer.dropped)

    def _check(self, now: float) -> None:
        for connection in [found for found in self._busy if now - found.sent_at > ANSWER_SECONDS_MAX]:
            self._lose(connection, f"no answer in {ANSWER_SECONDS_MAX:.0f} s")
        if self._arrivals is None and now >= self._ends:
            self._next_due = math.inf
        if len(self._idle) + len(self._busy) < self._wanted and now >= self._retry_at:
            self._connect_again()
        # What fell due and found no free connection for so long is offered and lost, not put off for ever.
        while self._arrivals is not None and self._next_due <= now - ANSWER_SECONDS_MAX:
            self._offer(self._next_due)
            self.tally.error(f"no free connection in {ANSWER_SECONDS_MAX:.0f} s", int(now))
            self._next_due = next(self._arrivals, math.inf)

    def _offer(self, due: float) -> None:
        self.tally.offered += 1
        second = int(due)
        self.tally.offered_by_second[second] = self.tally.offered_by_second.get(second, 0) + self._events

    def _lose(self, connection: Connection, kind: str) -> None:
        if connection in self._busy:
            self.tally.note(connection.number, UNKNOWN)
            self.tally.error(kind, int(self.elapsed))
        self._forget(connection)
        self._retry_at = self.elapsed + RETRY_SECONDS

    def _forget(self, connection: Connection) -> None:
        self._busy.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._selector.unregister(connection.socket)
        connection.socket.close()

    def _connect_again(self) -> None:
        try:
            while len(self._idle) + len(self._busy) < self._wanted:
                self._connect()
        except OSError:
            self._retry_at = self.elapsed + RETRY_SECONDS

    def _connect(self) -> None:
        opened = socket.create_connection(self._address, timeout=5)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.setblocking(False)
        connection = Connection(opened)
        self._selector.register(opened, selectors.EVENT_READ, connection)
        self._idle.append(connection)


def evenly(rate: float, seconds: float) -> Iterator[float]:
    """
    Give arrivals at equal distances.

    Args:
        rate: requests a second.
    """
    return (number / rate for number in range(round(rate * seconds)))
