"""
The six headline numbers and the graph below them, each with the period before.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from babel.core import Locale

from dashboard.charts import line as lines
from dashboard.charts import numbers
from dashboard.context import Context
from dashboard.pages.days import bucket_text, local_today
from dashboard.pages.panels import mark
from dashboard.pages.view import METRICS, View, intervals_for
from dashboard.stats.answer import answer
from dashboard.stats.period import Period
from dashboard.stats.query import QueryError, StatsQuery, StatsResult, Value, Viewer
from warehouse.registry.sites import Site

METRIC_TITLES: dict[str, str] = {
    "visitors": mark("Visitors"),
    "visits": mark("Visits"),
    "pageviews": mark("Pageviews"),
    "views_per_visit": mark("Views per visit"),
    "bounce_rate": mark("Bounce rate"),
    "visit_duration": mark("Visit duration"),
}


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
    before: Value
    change: float | None
    direction: str | None
    is_good: bool
    is_withheld: bool


@dataclass(frozen=True, slots=True)
class Graph:
    """
    The graph of one metric.

    Attributes:
        rows: one per bucket: long label, value, value of the period before, as text for the table.
        payload: the same as JSON for the tooltip.
    """

    metric: str
    title: str
    interval: str
    intervals: tuple[str, ...]
    now: lines.Line
    before: lines.Line | None
    value_ticks: list[tuple[str, str]]
    label_ticks: list[lines.Tick]
    rows: list[tuple[str, str, str]]
    payload: str
    is_empty: bool


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
            single = StatsQuery((metric,), query.date_range, query.date, filters=query.filters)
            try:
                last = answer(context, site, single, viewer)
                found.update(last.totals())
            except QueryError:
                continue
        return last, found


def headline(
    context: Context, site: Site, view: View, query: StatsQuery, compare: Period | None, viewer: Viewer
) -> list[Number]:
    """
    Answer the six headline numbers.
    """
    totals_query = StatsQuery(METRICS, query.date_range, filters=query.filters)
    result, now = ask_totals(context, site, totals_query, viewer)
    before: dict[str, Value] = {}
    if compare is not None:
        _, before = ask_totals(context, site, totals_query.over(compare), viewer)
    warnings = result.metric_warnings if result else {}
    found: list[Number] = []
    for metric in METRICS:
        change = numbers.change(now[metric], before.get(metric), metric)
        shown = 0 if change is None else round(change, 3 if abs(change) < 0.0995 else 2)
        direction = None if change is None else "up" if shown > 0 else "down" if shown < 0 else "same"
        found.append(
            Number(
                metric,
                METRIC_TITLES[metric],
                now[metric],
                before.get(metric),
                change,
                direction,
                (direction == "down") == (metric == "bounce_rate"),
                metric in warnings,
            )
        )
    return found


def chosen_interval(view: View, period: Period) -> str:
    """
    Find the interval to draw: the chosen one where it makes sense for the period.
    """
    intervals = intervals_for(period)
    wanted = view.interval if view.interval in intervals else period.interval()
    return wanted if wanted in intervals else intervals[0]


def graph(
    context: Context, site: Site, view: View, period: Period, compare: Period | None, viewer: Viewer, locale: Locale
) -> Graph:
    """
    Answer the graph of the chosen metric.
    """
    intervals, interval = intervals_for(period), chosen_interval(view, period)
    query = StatsQuery(
        (view.metric,), period, dimensions=(f"time:{interval}",), filters=view.conditions(), time_labels=True
    )
    labels, values = _series(answer(context, site, query, viewer), view.metric)
    old_labels, old = [], []
    if compare is not None:
        old_labels, old = _series(answer(context, site, query.over(compare), viewer), view.metric)
        old_labels, old = old_labels[: len(labels)], old[: len(labels)]
        old = [*old, *[None] * (len(labels) - len(old))]
    top = lines.nice_top([*values, *old], whole=view.metric in ("visitors", "visits", "pageviews", "visit_duration"))
    unfinished = _is_unfinished(context, period)
    long_labels = [bucket_text(label, interval, locale, long=True) for label in labels]
    old_long = [bucket_text(label, interval, locale, long=True) for label in old_labels]
    texts = [numbers.metric_text(value, view.metric, locale) for value in values]
    old_texts = [numbers.metric_text(value, view.metric, locale) for value in old]
    payload = {
        "values": values,
        "before": old,
        "top": top,
        "labels": long_labels,
        "beforeLabels": old_long,
        "texts": texts,
        "beforeTexts": old_texts,
        "days": labels if interval == "day" else [],
        "unfinished": unfinished,
    }
    return Graph(
        view.metric,
        METRIC_TITLES[view.metric],
        interval,
        intervals,
        lines.line(values, top, unfinished=unfinished),
        lines.line(old, top) if compare is not None and any(value is not None for value in old) else None,
        [(at, numbers.metric_text(value, view.metric, locale)) for at, value in lines.value_ticks(top)],
        lines.label_ticks([bucket_text(label, interval, locale) for label in labels]),
        list(zip(long_labels, texts, old_texts or [""] * len(texts), strict=True)),
        json.dumps(payload, separators=(",", ":")),
        not any(values),
    )


def _series(result: StatsResult, metric: str) -> tuple[list[str], list[Value]]:
    labels = list(result.time_labels or ())
    found = {row.dimensions[0]: row.metrics[0] for row in result.rows}
    # Nothing happened is 0, except where there is no mean of nothing; withheld stays withheld.
    missing: Value = None if metric in ("visit_duration", "bounce_rate", "views_per_visit") else 0
    return labels, [found.get(label, missing) for label in labels]


def _is_unfinished(context: Context, period: Period) -> bool:
    return period.last >= local_today(context.clock, period.timezone)
