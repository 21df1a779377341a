"""
Intervals: which buckets a period can be drawn in.
"""

from __future__ import annotations

from dashboard.pages.view import View
from dashboard.stats.period import Period

HOURS_DAYS_MAX, DAYS_DAYS_MAX = 31, 800
"""Longest periods that are drawn by the hour and by the day: more points than pixels say nothing."""


def intervals_for(period: Period) -> tuple[str, ...]:
    """
    List the intervals that make sense for a period, finest first.
    """
    if period.name == "realtime":
        return ("minute",)
    if period.start is not None:
        return ("hour",)
    if period.days <= 1:
        return ("minute", "hour")
    if period.days <= 7:
        return ("hour", "day")
    if period.days <= HOURS_DAYS_MAX:
        return ("hour", "day", "week")
    if period.days <= DAYS_DAYS_MAX:
        return ("day", "week", "month")
    return ("week", "month")


def chosen_interval(view: View, period: Period) -> str:
    """
    Find the interval to draw: the chosen one where it makes sense for the period.
    """
    intervals = intervals_for(period)
    wanted = view.interval if view.interval in intervals else period.interval()
    return wanted if wanted in intervals else intervals[0]
