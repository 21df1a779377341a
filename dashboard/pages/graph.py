"""
The graph of one metric over time, with the period before and the notes on it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from babel.core import Locale

from dashboard.charts import line as lines
from dashboard.charts import numbers
from dashboard.context import Context
from dashboard.pages.annotations import Mark, marks
from dashboard.pages.days import bucket_text, local_today
from dashboard.pages.intervals import chosen_interval, intervals_for
from dashboard.pages.metric_choice import METRIC_TITLES
from dashboard.pages.row_lines import metric_text, rate
from dashboard.pages.view import View
from dashboard.stats.answer import answer
from dashboard.stats.filters import unconverted
from dashboard.stats.metrics import REVENUE_METRICS
from dashboard.stats.period import Period
from dashboard.stats.query import StatsQuery, StatsResult, Value, Viewer
from warehouse.registry.annotations import Annotation
from warehouse.registry.sites import Site

WHOLE_METRICS = ("visitors", "visits", "pageviews", "events", "visit_duration", "time_on_page")
"""Their axis has no half steps."""
COUNTED_METRICS = ("visitors", "visits", "pageviews", "events", "total_revenue", "conversion_rate")
"""What is 0 where nothing happened."""


@dataclass(frozen=True, slots=True)
class Graph:
    """
    The graph of one metric.

    Attributes:
        rows: one per bucket: long label, value, value of the period before, as text for the table.
        payload: the same as JSON for the tooltip.
        marks: where notes stand.
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
    marks: tuple[Mark, ...] = ()


def graph(
    context: Context,
    site: Site,
    view: View,
    period: Period,
    compare: Period | None,
    viewer: Viewer,
    locale: Locale,
    *,
    currency: str | None = None,
    annotations: Sequence[Annotation] = (),
) -> Graph:
    """
    Answer the graph of the chosen metric.

    Args:
        currency: of its revenue.
        annotations: the notes to mark on it.

    Raises:
        QueryError, QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    intervals, interval, metric = intervals_for(period), chosen_interval(view, period), view.metric
    query = StatsQuery(
        (metric,), period, dimensions=(f"time:{interval}",), filters=view.conditions(), time_labels=True,
        imports=view.imports,
    )  # fmt: skip
    labels, values = _course(context, site, query, viewer)
    if interval == "minute":
        labels = _until_now(context, period, labels)
        values = values[: len(labels)]
    old_labels, old = [], []
    if compare is not None:
        old_labels, old = _course(context, site, query.over(compare), viewer)
        old_labels, old = old_labels[: len(labels)], old[: len(labels)]
        old = [*old, *[None] * (len(labels) - len(old))]
    top = lines.nice_top([*values, *old], whole=metric in WHOLE_METRICS)
    long_labels = [bucket_text(label, interval, locale, long=True) for label in labels]
    texts = [metric_text(value, metric, locale, currency) for value in values]
    old_texts = [metric_text(value, metric, locale, currency) for value in old]
    found = marks(annotations, labels, locale)
    unfinished = _is_unfinished(context, period)
    payload = {
        "values": values,
        "before": old,
        "top": top,
        "labels": long_labels,
        "beforeLabels": [bucket_text(label, interval, locale, long=True) for label in old_labels],
        "texts": texts,
        "beforeTexts": old_texts,
        "days": labels if interval == "day" else [],
        "unfinished": unfinished,
        "notes": {mark.index: mark.texts for mark in found},
    }
    return Graph(
        metric,
        METRIC_TITLES[metric],
        interval,
        intervals,
        lines.line(values, top, unfinished=unfinished),
        lines.line(old, top) if compare is not None and any(value is not None for value in old) else None,
        [(at, _tick_text(value, metric, locale, currency)) for at, value in lines.value_ticks(top)],
        lines.label_ticks([bucket_text(label, interval, locale) for label in labels]),
        list(zip(long_labels, texts, old_texts or [""] * len(texts), strict=True)),
        json.dumps(payload, separators=(",", ":")),
        not any(values),
        tuple(found),
    )


def _tick_text(value: float, metric: str, locale: Locale, currency: str | None) -> str:
    if metric in REVENUE_METRICS:
        return numbers.short(value, locale) if currency else ""
    return metric_text(value, metric, locale, None)


def _course(context: Context, site: Site, query: StatsQuery, viewer: Viewer) -> tuple[list[str], list[Value]]:
    metric = query.metrics[0]
    if metric != "conversion_rate":
        return _series(answer(context, site, query, viewer), metric)
    # Of each bucket's own visitors: against those of the whole period, every day would look small.
    query = replace(query, metrics=("visitors",))
    labels, reached = _series(answer(context, site, query, viewer), "visitors")
    # Totals from elsewhere know no goal with a filter, so they are on neither side.
    everybody = replace(query, filters=unconverted(query.filters), imports=False)
    _, whole = _series(answer(context, site, everybody, viewer), "visitors")
    return labels, [rate(part, of) for part, of in zip(reached, whole, strict=True)]


def _series(result: StatsResult, metric: str) -> tuple[list[str], list[Value]]:
    labels = list(result.time_labels or ())
    found = {row.dimensions[0]: row.metrics[0] for row in result.rows}
    # Nothing happened is 0, except where there is no mean of nothing; withheld stays withheld.
    missing: Value = 0 if metric in COUNTED_METRICS else None
    return labels, [found.get(label, missing) for label in labels]


def _until_now(context: Context, period: Period, labels: list[str]) -> list[str]:
    # Minutes that are to come have a bucket, because hours are labelled whole; they would look like a fall to 0.
    zone = ZoneInfo(period.timezone)
    now = datetime.fromtimestamp(context.clock.now_ms() / 1000, zone).strftime("%Y-%m-%d %H:%M:00")
    return [label for label in labels if label <= now] or labels


def _is_unfinished(context: Context, period: Period) -> bool:
    return period.last >= local_today(context.clock, period.timezone)
