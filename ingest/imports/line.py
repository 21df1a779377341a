"""
One line of an NDJSON import becomes an event: checked, derived and hashed like a beacon, but screened by nobody.

A line is personal (address of the page, visitor label): it is never printed, logged or written.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import cast

from ingest.batch_time import epoch_ms
from ingest.decode import ENGAGEMENT_MS_LIMIT, WireError, decode_json, decode_value
from ingest.enrich import EnrichTools, SiteRules, screen_and_enrich
from ingest.event import ENGAGEMENT, PAGEVIEW, UNKNOWN_SCROLL_DEPTH, Event
from ingest.hit import Dropped, Hit
from ingest.imports.attributes import AttributeRefused, with_attributes
from ingest.imports.local_days import LocalDays
from ingest.imports.visitors import ImportedVisitors
from ingest.place import PlaceReader
from ingest.pseudonymize import Visitor
from ingest.safe_event import VisitSeeds, safe_event
from warehouse.registry.sites import Site

AHEAD_MS_MAX = 60 * 1000
"""Clocks are never quite right; what lies further ahead did not happen yet."""
EARLIEST_MS = 2 * 86_400_000
"""The store's days begin in 1970; the second day is one in every time zone."""
LABEL_LENGTH_MAX = 2000

_NOBODY = IPv4Address(0)


class LineError(Exception):
    """
    A line that cannot be taken. The text is one sentence without anything of what was sent.
    """


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """
    Where the events of an import go, and when it was received (epoch milliseconds UTC).
    """

    site: Site
    now_ms: int

    @property
    def received_day(self) -> int:
        return self.now_ms // 86_400_000


class LineReader:
    """
    Reads the lines of one NDJSON file.
    """

    def __init__(self, target: ImportTarget, visitors: ImportedVisitors, seeds: VisitSeeds) -> None:
        self._target = target
        self._visitors = visitors
        self._seeds = seeds
        self._days = LocalDays(target.site.days)
        self._rules = SiteRules(target.site.id, target.site.domain, target.site.timezone)
        # No list and no place: lines say themselves where they are from, and nobody screens them.
        self._tools = EnrichTools(place=PlaceReader(None), spam_hosts=frozenset())

    def read(self, raw: bytes) -> Event:
        """
        Read one line.

        Raises:
            LineError: it is no event; say so at its number.
        """
        try:
            return self._read(raw)
        except WireError as error:
            raise LineError(f"{_NAMES.get(error.field, error.field)}: {error.reason}") from None
        except AttributeRefused as error:
            raise LineError(str(error)) from None

    def restart(self) -> None:
        """
        Nothing is counted here.
        """

    def _read(self, raw: bytes) -> Event:
        sent = decode_json(raw)
        if not isinstance(sent, dict):
            raise LineError("the line is not a JSON object")
        line = cast("dict[str, object]", sent)
        get = line.get
        at_ms = self._time(get("timestamp"))
        name = get("name", PAGEVIEW)
        engagement = name == ENGAGEMENT
        beacon = decode_value(
            {
                "n": name,
                "u": get("url"),
                "d": self._target.site.domain,
                "r": get("referrer"),
                "p": get("props"),
                "$": get("revenue"),
                "i": get("interactive"),
                # A beacon must have a depth or a time, a line need not: the real ones are read below.
                "e": 1 if engagement else None,
            }
        )
        hit = Hit(
            name=beacon.name,
            url=beacon.url,
            domains=beacon.domains,
            referrer=beacon.referrer,
            props=beacon.props,
            hash_mode=False,
            revenue=beacon.revenue,
            interactive=beacon.interactive,
            scroll_depth=_depth(get("scroll_depth")) if engagement else UNKNOWN_SCROLL_DEPTH,
            engagement_ms=_milliseconds(get("engagement_ms")) if engagement else 0,
            received_ms=at_ms,
            address=_NOBODY,
            user_agent="",
            ip_type="",
            signal=False,
        )
        enriched = screen_and_enrich(hit, self._rules, self._tools)
        assert not isinstance(enriched, Dropped), "nothing screens a line"
        day = self._days.day_of(at_ms // 1000)
        visitor = Visitor(self._visitors.of_label(day, _label(get("visitor"))), day)
        seed = self._seeds.next()
        event = safe_event(enriched, self._target.site.id, visitor, seed, self._target.received_day, b"")
        attrs = get("attrs")
        return event if not attrs else with_attributes(event, attrs)

    def _time(self, sent: object) -> int:
        if sent is None:
            raise LineError("timestamp: is required")
        at_ms = epoch_ms(sent)
        if at_ms is None or at_ms < EARLIEST_MS:
            raise LineError("timestamp: lies before 1970-01-03 or is no time at all")
        if at_ms > self._target.now_ms + AHEAD_MS_MAX:
            raise LineError("timestamp: lies in the future")
        return min(at_ms, self._target.now_ms)


_NAMES = {"request": "line", "event_name": "name"}
"""What a beacon's fields are called in a line."""


def _label(sent: object) -> bytes | None:
    if sent is None or sent == "":
        return None
    if isinstance(sent, bool) or not isinstance(sent, (str, int)):
        raise LineError("visitor: is no text")
    text = str(sent)
    if len(text) > LABEL_LENGTH_MAX:
        raise LineError(f"visitor: should be at most {LABEL_LENGTH_MAX} character(s)")
    return text.encode("utf-8", "surrogatepass")


def _depth(sent: object) -> int:
    if sent is None:
        return UNKNOWN_SCROLL_DEPTH
    if isinstance(sent, bool) or not isinstance(sent, int):
        raise LineError("scroll_depth: is no whole number from 0 to 100")
    return UNKNOWN_SCROLL_DEPTH if sent < 0 or sent == UNKNOWN_SCROLL_DEPTH else min(sent, 100)


def _milliseconds(sent: object) -> int:
    if sent is None:
        return 0
    if isinstance(sent, bool) or not isinstance(sent, int):
        raise LineError("engagement_ms: is no whole number of milliseconds")
    return sent if 0 < sent < ENGAGEMENT_MS_LIMIT else 0
