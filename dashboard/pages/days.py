"""
Days in words: what a period is called, where its arrows lead, and how buckets are labelled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_interval, format_skeleton

from dashboard.pages.panels import mark
from dashboard.pages.view import View
from dashboard.stats.period import Period, months_before
from warehouse.clock import Clock
from warehouse.days import local_day
from warehouse.registry.sites import Site

PERIOD_TITLES: dict[str, str] = {
    "day": mark("Today"),
    "yesterday": mark("Yesterday"),
    "live": mark("Last 30 minutes"),
    "24h": mark("Last 24 hours"),
    "7d": mark("Last 7 days"),
    "28d": mark("Last 28 days"),
    "91d": mark("Last 91 days"),
    "month": mark("This month"),
    "lastmonth": mark("Last month"),
    "year": mark("This year"),
    "12mo": mark("Last 12 months"),
    "all": mark("All time"),
}
SHORTCUTS: dict[str, str] = {
    "day": "d",
    "yesterday": "e",
    "live": "r",
    "7d": "w",
    "28d": "t",
    "month": "m",
    "year": "y",
    "all": "a",
}
"""The key that opens a period; the page for keys is `dashboard.pages.glossary`."""
INTERVAL_TITLES: dict[str, str] = {
    "minute": mark("Minutes"),
    "hour": mark("Hours"),
    "day": mark("Days"),
    "week": mark("Weeks"),
    "month": mark("Months"),
}


def local_today(clock: Clock, timezone: str) -> date:
    """
    Tell the day it is in a time zone.
    """
    return local_day(datetime.fromtimestamp(clock.now_ms() / 1000, UTC), ZoneInfo(timezone))


def span_text(period: Period, locale: Locale) -> str:
    """
    Write the days of a period, such as `3 – 30 Nov 2026`.
    """
    if period.first == period.last:
        return format_date(period.first, "full" if period.start is None else "medium", locale=locale)
    return format_interval(period.first, period.last, "yMMMd", locale=locale)


@dataclass(frozen=True, slots=True)
class ZoneNote:
    """
    One change of a site's time zone, with the day it begins on in words.
    """

    day: str
    before: str
    after: str


def zone_notes(site: Site, period: Period, now_ms: int, locale: Locale) -> list[ZoneNote]:
    """
    Say which changes of time zone a period runs over, and the one that lies ahead.
    """
    changes = [change for change in site.zone_changes if period.first <= change.first_day <= period.last]
    ahead = site.days.next_change(now_ms)
    if ahead is not None and ahead not in changes:
        changes.append(ahead)
    return [
        ZoneNote(format_date(change.first_day, "medium", locale=locale), change.before, change.after)
        for change in changes
    ]


def bucket_text(label: str, interval: str, locale: Locale, *, long: bool = False) -> str:
    """
    Write a bucket's label: short for the axis, long for tooltip and table.

    Args:
        label: as the stats layer writes it, `2021-01-01` or `2021-01-01 10:00:00`.
    """
    moment = datetime.fromisoformat(label)
    if interval in ("hour", "minute"):
        clock_text = moment.strftime("%H:%M")
        return f"{format_skeleton('EEEdMMM', moment, locale=locale)} {clock_text}" if long else clock_text
    if interval == "month":
        return format_skeleton("yMMMM" if long else "yMMM", moment, locale=locale)
    return format_skeleton("yMMMEd" if long else "MMMd", moment, locale=locale)


def neighbours(view: View, period: Period, today: date) -> tuple[View | None, View | None]:
    """
    Give the views of the period before and after; None where there is none, or where the period has no edge.
    """
    if view.period == "all" or period.start is not None:
        return None, None
    if view.period in ("month", "lastmonth", "year") and period.first.day == 1:
        months = 12 if view.period == "year" else 1
        before = (months_before(period.first, months), period.first - timedelta(days=1))
        after_first = months_before(period.first, -months)
        after = (after_first, months_before(after_first, -months) - timedelta(days=1))
    else:
        length = timedelta(days=period.days)
        before = (period.first - length, period.first - timedelta(days=1))
        after = (period.last + timedelta(days=1), period.last + length)
    earlier = view.with_period("custom", before[0].isoformat(), before[1].isoformat())
    if after[0] > today:
        return earlier, None
    return earlier, view.with_period("custom", after[0].isoformat(), min(after[1], today).isoformat())
