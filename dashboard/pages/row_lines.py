"""
One row of a panel: its label in the reader's language and its numbers as texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from babel.core import Locale

from dashboard.charts import numbers
from dashboard.pages.changes import Change
from dashboard.pages.panels import Tab, mark
from dashboard.stats.dimensions import OTHER
from dashboard.stats.metrics import REVENUE_METRICS
from dashboard.stats.query import Value

OVERFLOW = "(overflow)"
GROUP_RATE = "group_rate"
"""Of a row's visitors, the share who reached the goal that is filtered by."""
EXIT_RATE = "exit_rate"
"""Of a page's views, the share after which the visit ended."""
BEFORE_RATE = "before_rate"
"""Of a funnel's first step, the share in the period that is compared with."""
CODES = frozenset({"visit:country", "visit:region"})
# Labels that the stats layer writes in English; proper names are left alone.
LABELS: dict[str, str] = {
    "Direct / None": mark("Direct / None"),
    "Direct": mark("Direct"),
    "(not set)": mark("(not set)"),
    "(none)": mark("(none)"),
    "Desktop": mark("Desktop"),
    "Mobile": mark("Mobile"),
    "Tablet": mark("Tablet"),
    "Laptop": mark("Laptop"),
    "Ultra-wide": mark("Ultra-wide"),
    "Organic Search": mark("Organic Search"),
    "Organic Social": mark("Organic Social"),
    "Organic Video": mark("Organic Video"),
    "Referral": mark("Referral"),
    "Email": mark("Email"),
    "Paid Search": mark("Paid Search"),
    "Paid Social": mark("Paid Social"),
    "Display": mark("Display"),
    "AI Assistants": mark("AI Assistants"),
}
METRIC_COLUMNS: dict[str, str] = {
    "visitors": mark("Visitors"),
    "visits": mark("Visits"),
    "pageviews": mark("Pageviews"),
    "events": mark("Times"),
    "conversion_rate": mark("Rate"),
    GROUP_RATE: mark("Rate"),
    EXIT_RATE: mark("Exit rate"),
    "views_per_visit": mark("Views per visit"),
    "bounce_rate": mark("Bounce rate"),
    "visit_duration": mark("Duration"),
    "scroll_depth": mark("Scroll depth"),
    "time_on_page": mark("Time on page"),
    "step_rate": mark("Of step before"),
    "funnel_rate": mark("Of first step"),
    BEFORE_RATE: mark("Before"),
    "total_revenue": mark("Revenue"),
    "average_revenue": mark("Average"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """
    One row.

    Attributes:
        value: as the stats layer calls it; what a filter would hold.
        texts, full_texts: the metrics as they are shown, and with every digit.
        share: of all visitors, 0..1; None when either number is withheld.
        width: length of the bar, 0..100, against the longest one.
        code: of the country, shown before its name, or empty.
        can_filter: false for rows that are many things together.
        currency: of its revenue.
        changes: of each metric, where a comparison was chosen.
    """

    value: str
    label: str
    code: str
    metrics: tuple[Value, ...]
    texts: tuple[str, ...]
    full_texts: tuple[str, ...]
    share: float | None
    width: int
    can_filter: bool
    currency: str | None = None
    changes: tuple[Change, ...] = ()


def filter_label(name: str, value: str, locale: Locale) -> str:
    """
    Write a filter's value as its row is written.
    """
    return territory(value, locale) if name in ("country", "country!", "region", "region!") else value


def territory(code: str, locale: Locale) -> str:
    """
    Name a country or one of its regions; unknown codes stay as they are.
    """
    country, _, region = code.partition("-")
    names = cast("dict[str, str]", locale.territories)
    name = names.get(country, country) if len(country) == 2 else code
    return f"{name}, {region}" if region else name


def line_of(
    tab: Tab,
    value: str,
    metrics: tuple[Value, ...],
    visitors: Value,
    longest: int | float,
    locale: Locale,
    currency: str | None,
) -> Line:
    """
    Make the row of one label.

    Args:
        visitors: what the share is measured against.
        longest: the count whose bar is full.
        currency: of its revenue.
    """
    count = metrics[0]
    is_code = tab.dimension in CODES
    return Line(
        value,
        territory(value, locale) if is_code else value,
        value[:2] if is_code and len(value) >= 2 and value[:2].isupper() else "",
        metrics,
        tuple(metric_text(metric, name, locale, currency) for name, metric in zip(tab.metrics, metrics, strict=True)),
        tuple(
            metric_text(metric, name, locale, currency, full=True)
            for name, metric in zip(tab.metrics, metrics, strict=True)
        ),
        min(1.0, count / visitors) if count is not None and visitors else None,
        0 if count is None or not longest or value == OTHER else max(1, round(count / longest * 100)),
        value not in (OTHER, OVERFLOW),
        currency,
    )


def metric_text(value: Value, metric: str, locale: Locale, currency: str | None, *, full: bool = False) -> str:
    """
    Write a number of a row; `full` with every digit.
    """
    if metric in REVENUE_METRICS:
        return numbers.money(value, currency, locale, short=not full)
    if metric.endswith("_rate") or not full:
        return numbers.metric_text(value, metric, locale)
    return numbers.full(value, locale)


def rate(part: Value, whole: Value) -> Value:
    """
    Tell how many percent of the whole a part is; unknown where either is.
    """
    return None if part is None or whole is None else round(100 * part / whole, 2) if whole else 0
