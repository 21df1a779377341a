"""
Rows for `events` and `visits` from hand-written events, by the 30-minute rule: short enough to check by eye.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from warehouse.client import Warehouse
from warehouse.days import local_day

VISIT_SECONDS = 30 * 60
NO_ENTRY = (4_294_967_295, "", "")
NO_EXIT = (0, "", "")
_ATTRIBUTES = (
    *("referrer", "source", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"),
    *("click_id", "country", "region", "city", "browser", "browser_version", "os", "os_version", "device"),
)


@dataclass(frozen=True, slots=True)
class Happening:
    """
    One event as a test writes it down. `who` None is a visitor of its own; `signal` came with GPC.
    """

    at: datetime
    who: str | None = None
    name: str = "pageview"
    page: str = "/"
    host: str = "site1.test"
    props: Mapping[str, str] = field(default_factory=dict[str, str])
    attributes: Mapping[str, str | int] = field(default_factory=dict[str, str | int])
    depth: int = 255
    engagement_ms: int = 0
    interactive: bool = True
    signal: bool = False
    revenue: tuple[str, str] = ("0", "")


@dataclass(slots=True)
class _Visit:
    number: int
    visitor: int
    day: int
    last: datetime
    attributes: Mapping[str, str | int]
    events: list[Happening] = field(default_factory=list[Happening])


def moment(text: str) -> datetime:
    """
    Read a time in UTC.
    """
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def insert(
    warehouse: Warehouse, site_id: int, happenings: Sequence[Happening], timezone: str = "Etc/UTC", *, first: int = 1
) -> None:
    """
    Put events and their visits into the store.

    Args:
        first: the number of the first visit, from 1; another for what comes later.
    """
    visits: list[_Visit] = []
    open_visits: dict[tuple[int, str], _Visit] = {}
    rows: list[dict[str, object]] = []
    for position, happening in enumerate(sorted(happenings, key=lambda one: one.at)):
        day = local_day(happening.at, ZoneInfo(timezone)).toordinal()
        who = happening.who if happening.who is not None else f"alone {position}"
        visit = open_visits.get((day, who))
        if visit is None or (happening.at - visit.last).total_seconds() > VISIT_SECONDS:
            visitor = zlib.crc32(f"{site_id} {day} {who}".encode()) + 1
            visit = _Visit(len(visits) + first + site_id * 1_000_000, visitor, day, happening.at, happening.attributes)
            if not happening.signal:
                visits.append(visit)
                open_visits[(day, who)] = visit
        visit.last = happening.at
        visit.events.append(happening)
        rows.append(_event_row(site_id, happening, visit))
    _insert(warehouse, "events", rows)
    _insert(warehouse, "visits", [_visit_row(site_id, visit) for visit in visits])


def _event_row(site_id: int, happening: Happening, visit: _Visit) -> dict[str, object]:
    attributes: Mapping[str, str | int] = {} if happening.signal else visit.attributes
    return {
        "site_id": site_id,
        "day": datetime.fromordinal(visit.day).date(),
        "ts": happening.at,
        "visitor_id": 0 if happening.signal else visit.visitor,
        "visit_id": 0 if happening.signal else visit.number,
        "seq": len(visit.events),
        "name": happening.name,
        "hostname": happening.host,
        "pathname": happening.page,
        "interactive": happening.interactive,
        "scroll_depth": happening.depth,
        "engagement_ms": happening.engagement_ms,
        "props": dict(happening.props),
        "revenue_amount": Decimal(happening.revenue[0]),
        "revenue_currency": happening.revenue[1],
        **{name: attributes.get(name, 0 if name == "city" else "") for name in _ATTRIBUTES},
    }


def _visit_row(site_id: int, visit: _Visit) -> dict[str, object]:
    views = [(at, one) for at, one in enumerate(visit.events, 1) if one.name == "pageview"]
    counted = [one for one in visit.events if one.name != "engagement"]
    return {
        "site_id": site_id,
        "day": datetime.fromordinal(visit.day).date(),
        "visitor_id": visit.visitor,
        "visit_id": visit.number,
        "start": visit.events[0].at,
        "end": visit.events[-1].at,
        "pageviews": len(views),
        "events": len(counted),
        "interactions": sum(one.name != "pageview" and one.interactive for one in counted),
        "entry": (views[0][0], views[0][1].host, views[0][1].page) if views else NO_ENTRY,
        "exit": (views[-1][0], views[-1][1].host, views[-1][1].page) if views else NO_EXIT,
        **{name: visit.attributes.get(name, 0 if name == "city" else "") for name in _ATTRIBUTES},
    }


def _insert(warehouse: Warehouse, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        warehouse.insert(table, {name: [row[name] for row in rows] for name in rows[0]})
