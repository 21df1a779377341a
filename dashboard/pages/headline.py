"""
The headline numbers, each with the period before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from babel.core import Locale

from dashboard.context import Context
from dashboard.pages.changes import change_of
from dashboard.pages.metric_choice import METRIC_TITLES, MetricChoice
from dashboard.pages.row_lines import metric_text
from dashboard.stats.answer import answer
from dashboard.stats.period import Period
from dashboard.stats.query import QueryError, StatsQuery, StatsResult, Value, Viewer
from warehouse.registry.sites import Site


@dataclass(frozen=True, slots=True)
class Number:
    """
    One headline number.

    Attributes:
        direction: `up`, `down` or `same`; None without a period to compare with.
        is_good: whether that direction is what one hopes for.
    """

    metric: str
    title: str
    value: Value
    text: str
    before_text: str
    """Empty where there is nothing to compare with."""
    change: float | None
    change_text: str
    direction: str | None
    is_good: bool
    is_withheld: bool


def ask_totals(
    context: Context, site: Site, query: StatsQuery, viewer: Viewer
) -> tuple[StatsResult | None, dict[str, Value]]:
    """
    Ask for totals; a metric that cannot go with the filters is None instead of an error.
    """
    try:
        result = answer(context, site, query, viewer)
        return result, result.totals()
    except QueryError:
        found: dict[str, Value] = dict.fromkeys(query.metrics)
        last: StatsResult | None = None
        for metric in query.metrics:
            single = replace(query, metrics=(metric,))
            try:
                last = answer(context, site, single, viewer)
                found.update(last.totals())
            except QueryError:
                continue
        return last, found


def headline(
    context: Context,
    site: Site,
    query: StatsQuery,
    choice: MetricChoice,
    compare: Period | None,
    viewer: Viewer,
    locale: Locale,
) -> list[Number]:
    """
    Answer the headline numbers that go with the filters.
    """
    totals_query = replace(query, metrics=choice.headline)
    result, now = ask_totals(context, site, totals_query, viewer)
    before: dict[str, Value] = {}
    if compare is not None:
        _, before = ask_totals(context, site, totals_query.over(compare), viewer)
    warnings = result.metric_warnings if result else {}
    found: list[Number] = []
    for metric in choice.headline:
        old = metric_text(before.get(metric), metric, locale, choice.currency)
        change = change_of(metric, now[metric], before.get(metric), old, locale)
        found.append(
            Number(
                metric,
                METRIC_TITLES[metric],
                now[metric],
                metric_text(now[metric], metric, locale, choice.currency),
                "" if compare is None else old,
                change.change,
                change.change_text,
                change.direction,
                change.is_good,
                metric in warnings,
            )
        )
    return found
