"""
The metrics: one entry each, with what it is counted from.

Definitions follow the stats API's documentation. A visitor is counted once a day, so over several days visitors are the
sum of the days. `visitor_id` 0 (a hit with GPC or DNT) is in `pageviews` and `events` and is nobody's visit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """
    One metric.

    Attributes:
        counted: `people` from visits, or from events when the question is about events; `event` from events; `visit`
            from visits, and with an event page asked for from the visits that entered there.
        form: how it is shown: a whole number, a ratio with two decimals, percent, seconds, or
            an amount of money.
        zero: its value where nothing happened.
        needs_page: makes sense only with `event:page` as a dimension or filter.
    """

    name: str
    counted: Literal["people", "event", "visit"]
    form: Literal["count", "ratio", "percent", "seconds", "money"]
    zero: int | None = 0
    needs_page: bool = False


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("visitors", "people", "count"),
        Metric("visits", "people", "count"),
        Metric("pageviews", "event", "count"),
        Metric("events", "event", "count"),
        Metric("views_per_visit", "visit", "ratio"),
        Metric("bounce_rate", "visit", "percent"),
        Metric("visit_duration", "visit", "seconds", zero=None),
        Metric("percentage", "people", "percent"),
        Metric("conversion_rate", "people", "percent"),
        Metric("group_conversion_rate", "people", "percent"),
        Metric("total_revenue", "event", "money", zero=None),
        Metric("average_revenue", "event", "money", zero=None),
        Metric("scroll_depth", "event", "percent", zero=None, needs_page=True),
        Metric("time_on_page", "event", "seconds", zero=None, needs_page=True),
    )
}

REVENUE_METRICS = frozenset({"total_revenue", "average_revenue"})
ENGAGEMENT_METRICS = frozenset({"scroll_depth", "time_on_page"})
