"""
The fast lane of risk checks: `POST /api/risk/v1/check` answered from the HTTP parser's callbacks, as a beacon is.

A check through ASGI took 412 microseconds of the collector, in the lane 254 (loadtests/README.md); beside a stream of
beacons that is what others wait for. Only the ordinary check comes here: alone on its connection, whole, of a known
length. Everything else goes through `ingest/door.py`, with the same answer (`tests/ingest/test_check_lane.py`).
A head that came before (`ingest/check_heads.py`) is not parsed again.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from ingest.answers import TEXT, Answer, opening
from ingest.check_heads import END
from ingest.connection import HEAD_BYTES_MAX
from ingest.lane import BeaconLane
from ingest.risk.door import BODY_BYTES_MAX, PREFIX, RiskDoor
from warehouse.log import logger
from warehouse.registry.api_keys import ApiKey

_LENGTH_DIGITS_MAX = 5
_BROKEN = Answer(500, (TEXT,), b"Internal Server Error")
"""As uvicorn answers what an application broke on."""


class CheckLane(BeaconLane):
    """
    One connection. Make a class of it with `with_checks`.
    """

    risk: ClassVar[RiskDoor]
    check_paths: ClassVar[frozenset[bytes]]
    check_lines: ClassVar[tuple[bytes, ...]]
    """The request lines of checks, with line ends."""
    opened: ClassVar[tuple[object, object, bytes]]
    """The header lists of an answer and of all answers, and how answers with both begin."""
    _checking = False
    _head = b""
    """Of the present request, if it may be learnt."""
    _next_head = b""
    """Of the request that the parser is about to begin."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head, self._next_head = self._next_head, b""

    def on_headers_complete(self) -> None:
        if self.url not in self.check_paths or not self._is_ordinary():
            super().on_headers_complete()
            return
        self._told = self._head_done = self._in_lane = self._checking = True
        self._answered = False
        self._body = b""

    def on_message_complete(self) -> None:
        if not self._checking:
            super().on_message_complete()
            return
        self._checking = self._in_lane = False
        self._between = True
        head, self._head = self._head, b""
        self._check(self.risk.admit(self.headers, head, len(self._body)), self._body)

    def _known(self, data: bytes) -> bool:
        if not data.startswith(self.check_lines) or self._unanswered or self.transport.is_closing():
            return False
        end = data.find(END) + len(END)
        head = data[:end]
        known = self.risk.heads.find(head)
        if known is None:
            self._next_head = head if head.endswith(END) else b""
            return False
        if len(data) - end != known.length:
            return False
        self._unused = False
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._check(known.key, data[end:])
        return True

    def _check(self, key: ApiKey | Answer, body: bytes) -> None:
        """
        Answer a check, in its turn.

        Args:
            key: or the refusal, if there is none that may ask.
        """
        slot: list[bytes | None] = [None]
        self._unanswered.append(slot)
        # Whatever else comes on this connection meanwhile goes to uvicorn, who lets it wait behind.
        self.cycle = _ASKING
        self.spool.give_way()
        answered = partial(self._checked, slot)
        try:
            self.risk.check(key, body, answered)
        except Exception as error:  # the edge: one strange check must not take the connection along
            logger().error("a check broke the collector", error=type(error).__name__, exc_info=error)
            answered(_BROKEN)

    def _is_ordinary(self) -> bool:
        parser = self.parser
        if (
            parser.get_method() != b"POST"
            or self._unanswered
            or self.pipeline
            or self._in_asgi()
            or self.transport.is_closing()
            or self._chunk_bytes + self._untold_bytes > HEAD_BYTES_MAX
            or parser.should_upgrade()
            or not self._keeps_alive()
        ):
            return False
        length = b""
        for name, value in self.headers:
            if name == b"content-length":
                length = value
            elif name == b"expect":
                return False
        return length.isdigit() and len(length) <= _LENGTH_DIGITS_MAX and int(length) <= BODY_BYTES_MAX

    def _checked(self, slot: list[bytes | None], answer: Answer) -> None:
        if self.cycle is _ASKING:
            self.cycle = _NOBODY
        if self.transport.is_closing():
            return
        slot[0] = (
            self._opened(answer)
            if answer.status == 200 and not self._closing
            else self._rendered(answer, close=self._closing)
        )
        self._write_answered()

    def _opened(self, answer: Answer) -> bytes:
        default = self.server_state.default_headers
        headers, shared, opened = self.opened
        # The header lists are the same objects for all answers of a second.
        if shared is not default or headers is not answer.headers:
            opened = opening(answer, default)
            type(self).opened = (answer.headers, default, opened)
        return b"%b%d\r\n\r\n%b" % (opened, len(answer.body), answer.body)


def with_checks(lane: type[BeaconLane], risk: RiskDoor, base_path: str) -> type[CheckLane]:
    """
    Let a collector's lane answer checks, too.

    Args:
        base_path: path of DAYSALT_BASE_URL, without a slash at the end.
    """
    path = f"{PREFIX}check"
    paths = frozenset({path.encode(), (base_path + path).encode()})
    return type(
        "Lane",
        (CheckLane, lane),
        {
            "risk": risk,
            "check_paths": paths,
            "check_lines": tuple(b"POST %b HTTP/1.1\r\n" % path for path in paths),
            "opened": (None, None, b""),
        },
    )


class _Asking:
    """
    Stands for a request that uvicorn would be answering, while a check is under way.
    """

    response_complete = False
    more_body = False
    keep_alive = True
    disconnected = False

    @property
    def message_event(self) -> _Asking:
        return self

    def set(self) -> None:
        """
        Be told that something came: nobody waits for it.
        """


_ASKING: Any = _Asking()
_NOBODY: Any = None
