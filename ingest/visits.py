"""
Hop 6: put events into visits. A pure function of (open visits, records): a replay gives the same ids.

A visit ends when its visitor was silent for more than 30 minutes (the field's usual rule, `VISIT_IDLE_SECONDS`).
What is written of a visit is what is true of it so far, never a difference, so that writing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ingest.columns import (
    ATTRIBUTES,
    NO_VISIT_PLACE,
    Attributes,
    EventRows,
    Page,
    drop_columns,
    pack_event,
    visit_columns,
)
from ingest.event import ENGAGEMENT, PAGEVIEW, VISIT_IDLE_SECONDS, DropCount, Event, Record
from ingest.hit import DropReason
from ingest.open_visits import NO_ENTRY, NO_EXIT, OpenVisit, OpenVisits
from ingest.visit_counts import NO_CODE, count_events
from warehouse.native import Column

TEXTS_MAX = 100_000
"""Open visits share equal texts and attributes. Beyond so many the sharing starts afresh, lest it become a leak."""

_attributes = cast("attrgetter[Attributes]", attrgetter(*ATTRIBUTES))


@dataclass(frozen=True, slots=True)
class Sessionized:
    """
    The rows of one batch as columns for the tables `events`, `visits` and `drops`.
    """

    events: Mapping[str, Column]
    visits: Mapping[str, Column]
    drops: Mapping[str, Column]

    @property
    def event_columns(self) -> dict[str, Sequence[object]]:
        """The events as plain lists, for looking at."""
        return {name: column.rows() for name, column in self.events.items()}

    @property
    def visit_columns(self) -> dict[str, Sequence[object]]:
        """The visits as plain lists, for looking at."""
        return {name: column.rows() for name, column in self.visits.items()}

    @property
    def drop_columns(self) -> dict[str, Sequence[object]]:
        """The drops as plain lists, for looking at."""
        return {name: column.rows() for name, column in self.drops.items()}

    @property
    def event_count(self) -> int:
        return len(self.events["site_id"])

    @property
    def visit_count(self) -> int:
        return len(self.visits["site_id"])

    @property
    def drop_count(self) -> int:
        return len(self.drops["site_id"])


class Sessionizer:
    """
    Puts events into the visits of one drain.
    """

    def __init__(self, visits: OpenVisits | None = None) -> None:
        """
        Args:
            visits: those known so far; by default none, and nothing is known that could be asked for.
        """
        self.visits = OpenVisits() if visits is None else visits
        self._newest = 0
        self._swept = 0
        self._round = 0
        self._texts: dict[str | int, str | int] = {}
        self._known: dict[Attributes, Attributes] = {}

    def process(self, records: Iterable[Record], batch: int) -> Sessionized:
        """
        Put the records of one batch, oldest first, into visits.

        Args:
            batch: number written into every row.

        Returns:
            Rows for the tables `events`, `visits` and `drops`. An engagement without an open visit becomes a drop
            with reason `no_visit`.
        """
        # One loop with what depends on the event before; whatever can be counted afterwards is, in arrays. At 200,000
        # events a second a call per event would be a tenth of the time.
        self._round = this_round = self._round + 1
        rows = EventRows()
        packed, distinct = rows.packed, rows.attributes
        names, hostnames, pathnames = rows.names, rows.hostnames, rows.pathnames
        touched: list[OpenVisit] = []
        drops: dict[tuple[int, int, str], int] = {}
        newest, all_newest = self._newest, self.visits.newest
        for record in records:
            if isinstance(record, DropCount):
                key = (record.site_id, record.hour, record.reason)
                drops[key] = drops.get(key, 0) + record.hits
                continue
            site_id, visitor_id, ts, name = record.site_id, record.visitor_id, record.ts, record.name
            if visitor_id:
                if ts > newest:
                    newest = ts
                of_site = all_newest.get(site_id)
                visit = None if of_site is None else of_site.get(visitor_id)
                if visit is None or ts - visit.last > VISIT_IDLE_SECONDS or visit.start - ts > VISIT_IDLE_SECONDS:
                    visit = None if visit is None or ts > visit.last else self.visits.earlier(record)
                    if visit is None:
                        if name == ENGAGEMENT:
                            key = (site_id, ts // 3600 * 3600, DropReason.NO_VISIT.value)
                            drops[key] = drops.get(key, 0) + 1
                            continue
                        visit = self._open_visit(record)
                if visit.round != this_round:
                    visit.round = this_round
                    visit.place = len(touched)
                    visit.code = distinct.setdefault(visit.attributes, len(distinct))
                    touched.append(visit)
                if ts > visit.last:
                    visit.last = ts
                elif ts < visit.start and name != ENGAGEMENT:
                    visit.start = ts
                place, code = visit.place, visit.code
            else:
                place = NO_VISIT_PLACE
                code = distinct.setdefault(_attributes(record), len(distinct))
            if record.props:
                rows.props[len(packed)] = record.props
            if record.revenue_amount or record.revenue_currency:
                rows.revenues[len(packed)] = (record.revenue_amount, record.revenue_currency)
            packed.append(
                pack_event(
                    site_id, record.day, ts, visitor_id, place, names[name], hostnames[record.hostname],
                    pathnames[record.pathname], record.interactive, record.scroll_depth, record.engagement_ms,
                    record.received_day, code,
                )
            )  # fmt: skip
        self._newest = newest
        array = rows.array()
        visit_ids, seqs = np.zeros(len(array), np.uint64), np.zeros(len(array), np.uint32)
        if touched:
            self._count(touched, rows, array, visit_ids, seqs)
        result = Sessionized(
            rows.columns(batch, array, visit_ids, seqs),
            visit_columns(touched, [visit.code for visit in touched], distinct),
            drop_columns(drops, batch),
        )
        self._sweep()
        return result

    def _count(
        self,
        visits: Sequence[OpenVisit],
        rows: EventRows,
        array: NDArray[np.void],
        visit_ids: NDArray[np.uint64],
        seqs: NDArray[np.uint32],
    ) -> None:
        """
        Bring the visits up to what a batch says of them, and fill in visit and sequence number of its rows.
        """
        counted = count_events(
            array,
            first_seqs=np.fromiter((visit.seq for visit in visits), np.int64, len(visits)),
            bases=np.fromiter((visit.base for visit in visits), np.int64, len(visits)),
            engagement=rows.names.get(ENGAGEMENT, NO_CODE),
            pageview=rows.names.get(PAGEVIEW, NO_CODE),
        )
        ids = np.fromiter((visit.visit_id for visit in visits), np.uint64, len(visits))
        visit_ids[counted.rows] = ids[counted.places]
        seqs[counted.rows] = counted.seqs
        hostnames, pathnames, shared = list(rows.hostnames), list(rows.pathnames), self._texts.setdefault

        def page(place: int, hostname_code: int, pathname_code: int) -> Page:
            hostname, pathname = hostnames[hostname_code], pathnames[pathname_code]
            return place, cast("str", shared(hostname, hostname)), cast("str", shared(pathname, pathname))

        for visit, records, events, pageviews, interactions, end, received_day, entry, exit_ in zip(
            visits, *counted.by_visit(), counted.entry.pages(array), counted.exit.pages(array), strict=True
        ):
            visit.seq += records
            visit.events += events
            visit.interactions += interactions
            if end > visit.end:
                visit.end = end
            if received_day > visit.received_day:
                visit.received_day = received_day
            if pageviews:
                visit.pageviews += pageviews
                # What comes late is entry or exit by its own time; the sequence number only decides within a second.
                if entry[0] < visit.entry[0]:
                    visit.entry = page(*entry)
                if exit_[0] >= visit.exit[0]:
                    visit.exit = page(*exit_)

    def _open_visit(self, event: Event) -> OpenVisit:
        attributes = _attributes(event)
        known = self._known.get(attributes)
        if known is None:
            shared = self._texts.setdefault
            known = self._known[attributes] = tuple([shared(value, value) for value in attributes])
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
            base=event.ts,
            seq=1,
            entry=NO_ENTRY,
            exit=NO_EXIT,
            attributes=known,
            received_day=event.received_day,
        )
        self.visits.remember(visit)
        return visit

    def _sweep(self) -> None:
        if len(self._texts) > TEXTS_MAX:
            self._texts.clear()
        if len(self._known) > TEXTS_MAX:
            self._known.clear()
        if self._newest - self._swept >= 60:
            self._swept = self._newest
            self.visits.sweep(self._newest)
