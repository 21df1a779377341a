"""
Which metrics a dashboard offers: the headline numbers and what else can be drawn, by what is filtered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.pages.panels import mark
from dashboard.pages.view import GRAPH_METRICS, METRICS, View
from dashboard.stats.filters import leaves
from dashboard.stats.goals import goals_in_play
from warehouse.registry.goals import Goal

METRIC_TITLES: dict[str, str] = {
    "visitors": mark("Visitors"),
    "visits": mark("Visits"),
    "pageviews": mark("Pageviews"),
    "views_per_visit": mark("Views per visit"),
    "bounce_rate": mark("Bounce rate"),
    "visit_duration": mark("Visit duration"),
    "events": mark("Events"),
    "conversion_rate": mark("Conversion rate"),
    "total_revenue": mark("Revenue"),
    "average_revenue": mark("Average revenue"),
    "scroll_depth": mark("Scroll depth"),
    "time_on_page": mark("Time on page"),
}


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """
    The metrics of one view.

    Attributes:
        headline: shown as numbers.
        drawable: all that can be drawn.
        currency: of its revenue, where all of it is in one.
    """

    headline: tuple[str, ...]
    drawable: tuple[str, ...]
    currency: str | None = None


def metric_choice(view: View, goals: Sequence[Goal]) -> MetricChoice:
    """
    Choose the metrics that go with a view's filters.
    """
    conditions = view.conditions()
    asked = {leaf.dimension for tree in conditions for leaf in leaves(tree)}
    about_page, about_goal = "event:page" in asked, "event:goal" in asked
    if about_goal:
        headline: tuple[str, ...] = ("visitors", "events", "conversion_rate")
    else:
        headline = METRICS
    if about_page:
        # A visit's pages are more than the one that is filtered by.
        headline = (*(name for name in headline if name != "views_per_visit"), "scroll_depth", "time_on_page")
    paid = goals_in_play(goals, conditions, by_goal=False) if about_goal else []
    currencies = {goal.currency for goal in paid if goal.currency}
    currency = next(iter(currencies)) if len(currencies) == 1 else None
    if currency:
        headline = (*headline, "total_revenue", "average_revenue")
    without: set[str] = set()
    if about_page:
        without.add("views_per_visit")
    else:
        without |= {"scroll_depth", "time_on_page"}
    if not about_goal:
        without.add("conversion_rate")
    if not currency:
        without |= {"total_revenue", "average_revenue"}
    return MetricChoice(headline, tuple(name for name in GRAPH_METRICS if name not in without), currency)
