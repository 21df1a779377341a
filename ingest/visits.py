"""
Hop 6: put events into visits. A pure function of (open visits, records): a replay gives the same ids.

A visit ends when its visitor was silent for more than 30 minutes (the field's usual rule, `VISIT_IDLE_SECONDS`).
What is written of a visit is what is true of it so far, never a difference, so that writing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from ingest.event import ENGAGEMENT, PAGEVIEW, DropCount, Event, Record
from ingest.hit import DropReason

VISIT_IDLE_SECONDS = 30 * 60

NO_ENTRY = (2**32 - 1, "", "")
"""Entry of a visit that has no pageview yet: later than any sequence number, so the first pageview replaces it."""
NO_EXIT = (0, "", "")

ATTRIBUTES = (
    "referrer", "source", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term", "click_id",
    "country", "region", "city", "browser", "browser_version", "os", "os_version", "device",
)  # fmt: skip
"""What the first event of a visit decides for all of it."""

EVENT_COLUMNS = (
    "site_id", "day", "ts", "visitor_id", "visit_id", "seq", "name", "hostname", "pathname", "interactive",
    "scroll_depth", "engagement_ms", "props", "revenue_amount", "revenue_currency", *ATTRIBUTES, "received_day",
    "batch",
)  # fmt: skip
VISIT_COLUMNS = (
    "site_id", "day", "visitor_id", "visit_id", "start", "end", "pageviews", "events", "interactions", "entry", "exit",
    *ATTRIBUTES, "received_day",
)  # fmt: skip
DROP_COLUMNS = ("site_id", "hour", "reason", "hits", "batch")

Attributes: TypeAlias = tuple[str | int, ...]
NOTHING = Decimal(0)


@dataclass(slots=True)
class OpenVisit:
    """
    What is known of a visit so far. Times in epoch seconds UTC.

    `start` and `end` leave engagement out; `last` is the newest sign of life, engagement included.
    """

    site_id: int
    day: int
    visitor_id: int
    visit_id: int
    start: int
    end: int
    last: int
    pageviews: int
    events: int
    interactions: int
    seq: int
    entry: tuple[int, str, str]
    exit: tuple[int, str, str]
    attributes: Attributes
    received_day: int

    def row(self) -> tuple[object, ...]:
        return (
            self.site_id, self.day, self.visitor_id, self.visit_id, self.start, self.end, self.pageviews, self.events,
            self.interactions, self.entry, self.exit, *self.attributes, self.received_day,
        )  # fmt: skip


@dataclass(slots=True)
class Sessionized:
    """
    The rows of one batch as column lists, in the order of the column names above.
    """

    event_columns: dict[str, Sequence[object]]
    visit_columns: dict[str, Sequence[object]]
    drop_columns: dict[str, Sequence[object]]

    @property
    def event_count(self) -> int:
        return len(self.event_columns["site_id"])

    @property
    def drop_count(self) -> int:
        return len(self.drop_columns["site_id"])


@dataclass(slots=True)
class Sessionizer:
    """
    The open visits of one drain.
    """

    _open: dict[tuple[int, int], OpenVisit] = field(default_factory=dict[tuple[int, int], OpenVisit])
    _newest: int = 0
    _swept: int = 0

    def restore(self, visits: Iterable[OpenVisit]) -> None:
        """
        Take up visits that may still be open, as rebuilt from the store after a restart.
        """
        for visit in visits:
            known = self._open.get((visit.site_id, visit.visitor_id))
            if known is None or known.last < visit.last:
                self._open[visit.site_id, visit.visitor_id] = visit
            self._newest = max(self._newest, visit.last)

    @property
    def open_count(self) -> int:
        return len(self._open)

    def process(self, records: Iterable[Record], batch: int) -> Sessionized:
        """
        Put the records of one batch, oldest first, into visits.

        Args:
            batch: number written into every row.

        Returns:
            Rows for the tables `events`, `visits` and `drops`. An engagement without an open visit becomes a drop
            with reason `no_visit`.
        """
        events: list[tuple[object, ...]] = []
        touched: dict[int, OpenVisit] = {}
        drops: dict[tuple[int, int, str], int] = {}
        for record in records:
            if isinstance(record, DropCount):
                key = (record.site_id, record.hour, record.reason)
                drops[key] = drops.get(key, 0) + record.hits
                continue
            if record.visitor_id == 0:
                events.append(_event_row(record, 0, 0, _attributes(record), batch))
                continue
            self._newest = max(self._newest, record.ts)
            visit = self._visit_of(record)
            if visit is None:
                key = (record.site_id, record.ts // 3600 * 3600, DropReason.NO_VISIT.value)
                drops[key] = drops.get(key, 0) + 1
                continue
            touched[visit.visit_id] = visit
            events.append(_event_row(record, visit.visit_id, visit.seq, visit.attributes, batch))
            _count(visit, record)
        rows = [(*key, hits, batch) for key, hits in drops.items()]
        result = Sessionized(
            _columns(EVENT_COLUMNS, events),
            _columns(VISIT_COLUMNS, [visit.row() for visit in touched.values()]),
            _columns(DROP_COLUMNS, rows),
        )
        self._sweep()
        return result

    def _visit_of(self, event: Event) -> OpenVisit | None:
        key = (event.site_id, event.visitor_id)
        visit = self._open.get(key)
        if visit is not None and -VISIT_IDLE_SECONDS <= event.ts - visit.start and (
            event.ts - visit.last <= VISIT_IDLE_SECONDS
        ):  # fmt: skip
            return visit
        if event.name == ENGAGEMENT:
            return None
        visit = OpenVisit(
            site_id=event.site_id,
            day=event.day,
            visitor_id=event.visitor_id,
            visit_id=event.visit_seed,
            start=event.ts,
            end=event.ts,
            last=event.ts,
            pageviews=0,
            events=0,
            interactions=0,
            seq=1,
            entry=NO_ENTRY,
            exit=NO_EXIT,
            attributes=_attributes(event),
            received_day=event.received_day,
        )
        self._open[key] = visit
        return visit

    def _sweep(self) -> None:
        # Twice the idle time: what comes late by less than the idle time still finds its visit.
        if self._newest - self._swept < 60:
            return
        self._swept = self._newest
        oldest = self._newest - 2 * VISIT_IDLE_SECONDS
        for key in [key for key, visit in self._open.items() if visit.last < oldest]:
            del self._open[key]


def _count(visit: OpenVisit, event: Event) -> None:
    visit.last = max(visit.last, event.ts)
    visit.received_day = max(visit.received_day, event.received_day)
    if event.name != ENGAGEMENT:
        visit.start = min(visit.start, event.ts)
        visit.end = max(visit.end, event.ts)
        visit.events += 1
        if event.name == PAGEVIEW:
            visit.pageviews += 1
            page = (visit.seq, event.hostname, event.pathname)
            visit.entry = min(visit.entry, page)
            visit.exit = max(visit.exit, page)
        elif event.interactive:
            visit.interactions += 1
    visit.seq += 1


def _attributes(event: Event) -> Attributes:
    return (
        event.referrer, event.source, event.channel, event.utm_source, event.utm_medium, event.utm_campaign,
        event.utm_content, event.utm_term, event.click_id, event.country, event.region, event.city, event.browser,
        event.browser_version, event.os, event.os_version, event.device,
    )  # fmt: skip


def _event_row(event: Event, visit_id: int, seq: int, attributes: Attributes, batch: int) -> tuple[object, ...]:
    return (
        event.site_id, event.day, event.ts, event.visitor_id, visit_id, seq, event.name, event.hostname, event.pathname,
        int(event.interactive), event.scroll_depth, event.engagement_ms, event.props,
        Decimal(event.revenue_amount) if event.revenue_amount else NOTHING, event.revenue_currency,
        *attributes, event.received_day, batch,
    )  # fmt: skip


def _columns(names: tuple[str, ...], rows: Sequence[tuple[object, ...]]) -> dict[str, Sequence[object]]:
    if not rows:
        return dict.fromkeys(names, ())
    return dict(zip(names, zip(*rows, strict=True), strict=True))
