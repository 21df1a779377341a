"""
When made-up visits begin: by the hour of the site's day, the weekday, and a slow growth.
"""

from __future__ import annotations

from bisect import bisect
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

from daysalt.traffic.profile import Profile
from warehouse.days import local_day

EPOCH = date(1970, 1, 1)


def local_today(now_ms: int, timezone: str) -> date:
    """
    Tell the site's local date of a moment.
    """
    return local_day(datetime.fromtimestamp(now_ms / 1000, UTC), ZoneInfo(timezone))


def visits_on(profile: Profile, day: date, days_ago: int, days: int, visits_per_day: float, rng: Random) -> int:
    """
    Draw how many visits a day has.

    Args:
        days_ago: 0 for the last day.
        days: length of the whole stretch.
        visits_per_day: mean of an ordinary day in the middle of the stretch.
    """
    weekday = profile.weekdays[day.weekday()] * 7 / sum(profile.weekdays)
    through = 1 - days_ago / max(1, days - 1)
    growth = 2 * profile.growth**through / (1 + profile.growth)
    return max(1, round(visits_per_day * weekday * growth * rng.gauss(1, 0.06)))


def start_times(profile: Profile, day: date, visits: int, rng: Random) -> list[int]:
    """
    Draw when the visits of a local day begin.

    Returns:
        Epoch seconds UTC, sorted. A day of 23 or 25 hours is stretched, so that none falls outside it.
    """
    zone = ZoneInfo(profile.timezone)
    begins = int(datetime.combine(day, time(), zone).timestamp())
    ends = int(datetime.combine(day + timedelta(days=1), time(), zone).timestamp())
    sums = list(accumulate(profile.hours))
    found: list[int] = []
    for _ in range(visits):
        hour = bisect(sums, rng.random() * sums[-1])
        found.append(begins + int((min(hour, 23) + rng.random()) / 24 * (ends - begins)))
    return sorted(found)
