"""
What a period is compared with: the one before, the same days a year before, chosen days, or nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from dashboard.pages.panels import mark
from dashboard.pages.view import View
from dashboard.stats.period import Period, parse_day

COMPARISON_TITLES: dict[str, str] = {
    "previous": mark("Previous period"),
    "year": mark("Year before"),
    "none": mark("No comparison"),
}


def compared(view: View, period: Period, first_day: date) -> Period | None:
    """
    Find the period to compare with.

    Args:
        first_day: of the site's first event; nothing is compared with days before it.
    """
    found = _wanted(view, period)
    return found if found is not None and found.last >= first_day else None


def _wanted(view: View, period: Period) -> Period | None:
    if view.compare == "none" or view.period in ("all", "live"):
        return None
    if view.compare == "custom":
        first, last = parse_day(view.compare_first), parse_day(view.compare_last)
        return Period("custom", period.timezone, first, last, changes=period.changes)
    if view.compare == "year":
        days = (period.first - _year_before(period.first)).days
        # 52 weeks, or 53 after a leap day: the nearest same weekday.
        return _shifted(period, round(days / 7) * 7 if view.same_weekdays else days)
    if view.same_weekdays:
        return _shifted(period, -(-period.days // 7) * 7)
    return period.previous()


def _year_before(day: date) -> date:
    return day.replace(year=day.year - 1, day=28) if (day.month, day.day) == (2, 29) else day.replace(year=day.year - 1)


def _shifted(period: Period, days: int) -> Period:
    by = timedelta(days=days)
    start = period.start - by if period.start else None
    end = period.end - by if period.end else None
    return replace(
        period, name="custom", first=period.first - by, last=period.last - by, start=start, end=end, clipped_hour=None
    )
