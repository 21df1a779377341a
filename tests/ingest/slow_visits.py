"""
The rules of a visit, written for reading instead of for speed: what `ingest.visits` must agree with.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ingest.columns import ATTRIBUTES
from ingest.event import DropCount, Event, Record
from ingest.open_visits import NO_ENTRY, NO_EXIT, VISIT_IDLE_SECONDS, page_place

Row = tuple[object, ...]


@dataclass
class SlowVisit:
    """
    All events of a visit, in the order they came.
    """

    events: list[Event] = field(default_factory=list[Event])

    def takes(self, event: Event) -> bool:
        start = min(known.ts for known in self.events if known.name != "engagement")
        return start - VISIT_IDLE_SECONDS <= event.ts <= self.last() + VISIT_IDLE_SECONDS

    def last(self) -> int:
        return max(known.ts for known in self.events)

    def attributes(self) -> Row:
        return tuple(getattr(self.events[0], name) for name in ATTRIBUTES)

    def row(self) -> Row:
        first = self.events[0]
        pages = [
            (page_place(event.ts - first.ts, seq), event.hostname, event.pathname)
            for seq, event in enumerate(self.events, start=1)
            if event.name == "pageview"
        ]
        counted = [event for event in self.events if event.name != "engagement"]
        return (
            first.site_id, first.day, first.visitor_id, first.visit_seed,
            min(event.ts for event in counted), max(event.ts for event in counted),
            len(pages), len(counted), sum(event.interactive and event.name != "pageview" for event in counted),
            min(pages, default=NO_ENTRY), max(pages, default=NO_EXIT),
            *self.attributes(), max(event.received_day for event in self.events),
        )  # fmt: skip


class SlowSessionizer:
    """
    All visits of each visitor, forgetting none.
    """

    def __init__(self) -> None:
        self.visits: dict[tuple[int, int], list[SlowVisit]] = {}

    def process(self, records: list[Record], batch: int) -> tuple[list[Row], list[Row], list[Row]]:
        """
        Give the rows for `events`, `visits` and `drops`.
        """
        events: list[Row] = []
        touched: list[SlowVisit] = []
        drops: dict[tuple[int, int, str], int] = {}
        for record in records:
            if isinstance(record, DropCount):
                key = (record.site_id, record.hour, record.reason)
                drops[key] = drops.get(key, 0) + record.hits
            elif record.visitor_id == 0:
                events.append(event_row(record, SlowVisit([record]), 0, 0, batch))
            else:
                who = (record.site_id, record.visitor_id)
                fitting = [visit for visit in self.visits.get(who, []) if visit.takes(record)]
                visit = max(fitting, key=SlowVisit.last, default=None)
                if visit is None:
                    if record.name == "engagement":
                        key = (record.site_id, record.ts // 3600 * 3600, "no_visit")
                        drops[key] = drops.get(key, 0) + 1
                        continue
                    visit = SlowVisit()
                    self.visits.setdefault(who, []).append(visit)
                visit.events.append(record)
                if not any(visit is known for known in touched):
                    touched.append(visit)
                events.append(event_row(record, visit, visit.events[0].visit_seed, len(visit.events), batch))
        rows: list[Row] = [(*key, hits, batch) for key, hits in drops.items()]
        return events, [visit.row() for visit in touched], rows


def event_row(event: Event, visit: SlowVisit, visit_id: int, seq: int, batch: int) -> Row:
    """
    Put down one event with the attributes of its visit.
    """
    amount = Decimal(event.revenue_amount or "0") * 1000
    return (
        event.site_id, event.day, event.ts, event.visitor_id, visit_id, seq, event.name, event.hostname,
        event.pathname, int(event.interactive), event.scroll_depth, event.engagement_ms, event.props, int(amount),
        event.revenue_currency, *visit.attributes(), event.received_day, batch,
    )  # fmt: skip
