"""
The short way of plain pageviews that came in a batch, with their visitors' addresses and user agents: no beacon, hit or
event is made of them. Whatever is not plain gives None and goes the long way, see `ingest/batch.py`.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from ingest.batch_time import read_timestamp
from ingest.decode import WireError
from ingest.event import PAGEVIEW
from ingest.plain_pageviews import PlainPageviews


class PlainSent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """
    What a batch says of an ordinary pageview. Personal.
    """

    n: str
    u: str
    d: str
    ip: str
    user_agent: str
    r: str | None = None
    v: int | str | None = None
    timestamp: int | str | None = None

    def __repr__(self) -> str:
        return "<PlainSent, personal>"


_decode = msgspec.json.Decoder(list[PlainSent]).decode


class PlainEvents(Protocol):
    """
    A batch of events that look like ordinary pageviews; as in `ingest/plain_native.pyx`, where it is compiled.
    """

    def __len__(self) -> int: ...

    def take(self, first: int, last: int, records: list[bytes], only_site: int | None, received_ms: int) -> int:
        """
        Make the records of some of the events, in order, until one must go another way.

        Args:
            records: where they are put.
            only_site: the one site the sender may send for.
            received_ms: epoch milliseconds UTC.

        Returns:
            The place of the first event whose record is not among them; `last` when all are.
        """
        ...


class _Events:
    """
    Likewise, in Python.
    """

    def __init__(self, plain: PlainPageviews, sent: list[PlainSent]) -> None:
        self._plain = plain
        self._sent = sent

    def __len__(self) -> int:
        return len(self._sent)

    def take(self, first: int, last: int, records: list[bytes], only_site: int | None, received_ms: int) -> int:
        for at in range(first, min(last, len(self._sent))):
            record = plain_event(self._plain, self._sent[at], only_site, received_ms)
            if record is None:
                return at
            records.append(record)
        return last


def plain_batch(plain: PlainPageviews, body: bytes) -> PlainEvents | None:
    """
    Look at a body of which every event looks like an ordinary pageview; None for any other.
    """
    if plain.native is not None:
        events = plain.native.batch(body)
        if events is not None:
            return events
    try:
        return _Events(plain, _decode(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def plain_sent(event: object) -> PlainSent | None:
    """
    Read one event already parsed from JSON; None when it does not look like an ordinary pageview.
    """
    try:
        return msgspec.convert(event, PlainSent)
    except msgspec.ValidationError:
        return None


def plain_event(plain: PlainPageviews, sent: PlainSent, only_site: int | None, received_ms: int) -> bytes | None:
    """
    Make the record of one event of a batch; None when the long way must decide.

    Args:
        only_site: the one site the sender may send for.
        received_ms: epoch milliseconds UTC.
    """
    if sent.n != PAGEVIEW:
        return None
    at_ms: int | None = received_ms
    if sent.timestamp is not None:
        try:
            at_ms = read_timestamp(sent.timestamp, received_ms)
        except WireError:
            return None
        if at_ms is None:
            return None
    page = plain.page((sent.d, sent.u, sent.r or ""))
    if page is None or (only_site is not None and page.site.id != only_site):
        return None
    address, agent = plain.people.address(sent.ip), plain.people.agent_named(sent.user_agent)
    if address is None or agent is None:
        return None
    return plain.assemble(page, address, agent, at_ms, received_ms, ())
