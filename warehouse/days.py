"""
Local days: where one ends and the next begins, the same for salts, visits and questions.

Where clocks are set back around midnight an hour comes twice, and with it the midnight or the last hour of a day. The
day then changes once, at the moment the clocks are set back: what the stats API's clients expect of such days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

EPOCH = date(1970, 1, 1)
DAY_MS = 86_400_000


def iso_day(day: int) -> str:
    """
    Write a day, given in days since 1970-01-01, as `YYYY-MM-DD`.
    """
    return (EPOCH + timedelta(days=day)).isoformat()


def day_number(iso: str) -> int:
    """
    Read `YYYY-MM-DD` into days since 1970-01-01.
    """
    return (date.fromisoformat(iso) - EPOCH).days


def day_start(day: date, zone: tzinfo) -> datetime:
    """
    Tell the first instant of a local day, in UTC.

    Havana 2023-11-05 begins at the second of two midnights, 05:00 UTC; Asuncion 2024-03-24 begins at 03:00 UTC, when
    clocks at midnight go back to 23:00. Where there is no midnight: the first moment after the gap.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    first, second = midnight.astimezone(UTC), midnight.replace(fold=1).astimezone(UTC)
    if first < second:
        return second
    last = midnight.replace(tzinfo=None) - timedelta(seconds=1)
    early = last.replace(tzinfo=zone).astimezone(UTC)
    late = last.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if early < late:
        return early + timedelta(seconds=1)
    # In a gap the first reading is by the offset before it, which is the first moment after it if midnight opens it.
    return first if first.astimezone(zone).date() >= day else second + timedelta(hours=1)


def local_day(moment: datetime, zone: tzinfo) -> date:
    """
    Tell the local day that a moment belongs to.
    """
    day = moment.astimezone(zone).date()
    if moment < day_start(day, zone):
        return day - timedelta(days=1)
    if moment >= day_start(day + timedelta(days=1), zone):
        return day + timedelta(days=1)
    return day
