"""
Hop 6, the visits in memory: the newest of every visitor, those before it that are not long over, and how far back all
of them are known. What is not known any more can be asked of the store, so that an event joins the same visit whenever
it is processed: at once, late, or in a replay.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

import msgspec

from ingest.columns import Attributes, Page
from ingest.event import VISIT_IDLE_SECONDS, Event, Record

NO_ENTRY: Page = (2**32 - 1, "", "")
"""Entry of a visit that has no pageview yet: later than any, so the first pageview replaces it."""
NO_EXIT: Page = (0, "", "")

PLACE_SEQ_BITS = 14
PLACE_SEQ_MAX = 2**PLACE_SEQ_BITS - 1
PLACE_SECONDS_MAX = 2**18 - 1
"""A visit lasts at most its day and the half hour after it, 88,200 s, to either side of its first event."""
PLACE_SECONDS_ZERO = 2**17


_last = attrgetter("last")


class OpenVisit(msgspec.Struct, gc=False):
    """
    What is known of a visit so far. Times in epoch seconds UTC.

    `start` and `end` leave engagement out; `last` is the newest sign of life, engagement included. There may be
    millions: equal texts are shared, and Python's search for cycles passes them by (`gc=False`; there are none).
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
    base: int
    """Time of the event that came first; what comes late may lie before it."""
    seq: int
    """The number its next event gets."""
    entry: Page
    exit: Page
    attributes: Attributes
    received_day: int
    round: int = 0
    """Of the sessionizer, when it was last touched; the next two are good for that round only."""
    place: int = 0
    """Among the visits of the batch."""
    code: int = 0
    """Of its attributes, among those of the batch."""


class OpenVisits:
    """
    The open visits of one drain, and for a while those that are over.
    """

    def __init__(self, remembered_seconds: int = 2 * VISIT_IDLE_SECONDS) -> None:
        """
        Args:
            remembered_seconds: how long a silent visit stays in memory, of event time. By default what comes late by
                less than the idle time need not ask the store.
        """
        self._remembered_seconds = remembered_seconds
        self.newest: dict[int, dict[int, OpenVisit]] = {}
        """Site -> visitor -> the visit with the newest sign of life."""
        # Few visitors have visits before that one.
        self._earlier: dict[tuple[int, int], list[OpenVisit]] = {}
        self._complete_since = 0

    def __len__(self) -> int:
        return sum(map(len, self.newest.values())) + sum(map(len, self._earlier.values()))

    def restore(self, visits: Iterable[OpenVisit], *, since: int = 0) -> None:
        """
        Take up visits as rebuilt from the store after a restart.

        Args:
            since: epoch seconds UTC; all visits with a sign of life then or later are among them.
        """
        self._complete_since = since
        for visit in visits:
            self.remember(visit)

    def forgotten(self, records: Sequence[Record]) -> dict[tuple[int, int], int]:
        """
        Tell whose earlier visits must be read from the store, as these records come so late that what is in memory
        does not decide.

        Args:
            records: of one frame, in the order they happened.

        Returns:
            Site and visitor -> time of the earliest such event.
        """
        known_from = self._complete_since + VISIT_IDLE_SECONDS
        late: dict[tuple[int, int], int] = {}
        for record in records:
            if isinstance(record, Event):
                if record.ts >= known_from:
                    break
                if record.visitor_id:
                    late.setdefault((record.site_id, record.visitor_id), record.ts)
        return late

    def remind(self, visits: Iterable[OpenVisit]) -> None:
        """
        Take up visits that were forgotten; of those in memory the store knows no more.
        """
        for visit in visits:
            newest = self.newest.get(visit.site_id, {}).get(visit.visitor_id)
            known = [newest, *self._earlier.get((visit.site_id, visit.visitor_id), ())]
            if all(other is None or other.visit_id != visit.visit_id for other in known):
                self.remember(visit)

    def remember(self, visit: OpenVisit) -> None:
        """
        Take up a visit.
        """
        of_site = self.newest.setdefault(visit.site_id, {})
        newest = of_site.get(visit.visitor_id)
        if newest is None:
            of_site[visit.visitor_id] = visit
            return
        if newest.last < visit.last:
            of_site[visit.visitor_id], visit = visit, newest
        self._earlier.setdefault((visit.site_id, visit.visitor_id), []).append(visit)

    def earlier(self, event: Event) -> OpenVisit | None:
        """
        Find the visit of a late event that is too far from its visitor's newest one: of two that fit, the newer.
        """
        fitting = [
            visit
            for visit in self._earlier.get((event.site_id, event.visitor_id), ())
            if visit.start - VISIT_IDLE_SECONDS <= event.ts <= visit.last + VISIT_IDLE_SECONDS
        ]
        return max(fitting, key=_last, default=None)

    def sweep(self, now: int) -> None:
        """
        Forget what was silent for long, seen from `now` in epoch seconds UTC.
        """
        oldest = now - self._remembered_seconds
        self._complete_since = max(self._complete_since, oldest)
        for site_id in list(self.newest):
            of_site = {key: visit for key, visit in self.newest[site_id].items() if visit.last >= oldest}
            if of_site:
                self.newest[site_id] = of_site
            else:
                del self.newest[site_id]
        for who in list(self._earlier):
            kept = [visit for visit in self._earlier[who] if visit.last >= oldest]
            if kept:
                self._earlier[who] = kept
            else:
                del self._earlier[who]


def page_place(seconds: int, seq: int) -> int:
    """
    Number a page within its visit: by time, then by sequence number, in 32 bits.

    Args:
        seconds: since the event of the visit that came first; negative for what comes late.
    """
    shifted = seconds + PLACE_SECONDS_ZERO
    if not 0 <= shifted <= PLACE_SECONDS_MAX:
        shifted = 0 if shifted < 0 else PLACE_SECONDS_MAX
    return shifted << PLACE_SEQ_BITS | (seq if seq <= PLACE_SEQ_MAX else PLACE_SEQ_MAX)
