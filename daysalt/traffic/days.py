"""
All records of one made-up day of a site: visits, returning visitors, hits nobody may be counted by, and drops.
"""

from __future__ import annotations

from datetime import date
from random import Random

from daysalt.traffic.profile import Arrival, Profile
from daysalt.traffic.rhythm import EPOCH, start_times, visits_on
from daysalt.traffic.walk import Visitor, arrivals_on, new_visitor, pick_arrival, signal_view, walk
from ingest.event import ENGAGEMENT, DropCount, Event, Record

RETURNS_SHARE = 0.11
"""Of visits, those of somebody who was here earlier the same day."""

_SAMPLE = 400


def events_per_visit(profile: Profile, rng: Random) -> float:
    """
    Tell how many events, engagement left out, a visit of this site has on average.
    """
    arrivals = arrivals_on(profile, 0)
    total = 0
    for _ in range(_SAMPLE):
        events = walk(profile, 0, new_visitor(profile, 0, rng), pick_arrival(arrivals, rng), 0, rng)
        total += sum(event.name != ENGAGEMENT for event in events)
    return total / _SAMPLE


def records_on(
    profile: Profile, site_id: int, day: date, days_ago: int, days: int, visits_per_day: float, now: int, rng: Random
) -> list[Record]:
    """
    Draw the records of one local day, oldest first; nothing lies after `now` (epoch seconds UTC).
    """
    day_number = (day - EPOCH).days
    ordinary = visits_on(profile, day, days_ago, days, visits_per_day, rng)
    arrivals = arrivals_on(profile, days_ago)
    ways = [pick_arrival(arrivals, rng) for _ in range(ordinary)]
    spike = profile.spike
    if spike is not None and spike.days_ago == days_ago:
        ways += [spike.arrival] * round(ordinary * (spike.factor - 1))
        rng.shuffle(ways)
    events = _visits(profile, site_id, day, day_number, ways, rng)
    views = round(len(events) * profile.signal_share)
    events += [signal_view(profile, site_id, day_number, ts, rng) for ts in start_times(profile, day, views, rng)]
    # Stable: the steps of a visit stay in order.
    past = sorted((event for event in events if event.ts <= now), key=lambda event: event.ts)
    return [*past, *_drops(profile, site_id, past, rng)]


def _visits(
    profile: Profile, site_id: int, day: date, day_number: int, ways: list[Arrival], rng: Random
) -> list[Event]:
    events: list[Event] = []
    been_here: list[tuple[int, Visitor]] = []
    for start, arrival in zip(start_times(profile, day, len(ways), rng), ways, strict=True):
        visitor = None
        if been_here and rng.random() < RETURNS_SHARE:
            last_seen, candidate = been_here[rng.randrange(len(been_here))]
            # Two hours apart is certainly another visit.
            visitor = candidate if start - last_seen > 7200 else None
        if visitor is None:
            visitor = new_visitor(profile, day_number, rng)
        steps = walk(profile, site_id, visitor, arrival, start, rng)
        been_here.append((steps[-1].ts, visitor))
        events += steps
    return events


def _drops(profile: Profile, site_id: int, events: list[Event], rng: Random) -> list[DropCount]:
    by_hour: dict[int, int] = {}
    for event in events:
        hour = event.ts // 3600 * 3600
        by_hour[hour] = by_hour.get(hour, 0) + 1
    drops: list[DropCount] = []
    for hour, count in sorted(by_hour.items()):
        for reason, share in sorted(profile.drops.items()):
            hits = int(count * share * rng.uniform(0.4, 1.6) + rng.random())
            if hits:
                drops.append(DropCount(site_id, hour, reason, hits))
    return drops
