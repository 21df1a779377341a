"""
The rows of a panel: asked, labelled, measured against the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from babel.core import Locale

from dashboard.charts import numbers
from dashboard.charts.world_map import WorldMap, world_map
from dashboard.context import Context
from dashboard.pages.panels import PANELS, Panel, Tab, mark
from dashboard.pages.tabs import open_tab
from dashboard.pages.view import View
from dashboard.stats.answer import answer
from dashboard.stats.dimensions import OTHER
from dashboard.stats.funnel import funnel_visitors
from dashboard.stats.metrics import REVENUE_METRICS
from dashboard.stats.period import Period
from dashboard.stats.query import QueryError, StatsQuery, Value, Viewer
from warehouse.client import QueryTimeout
from warehouse.registry.sites import Site

ROWS_SHOWN = 8
DETAIL_ROWS = 100
CSV_ROWS = 10_000
OVERFLOW = "(overflow)"
TOO_LONG = mark("This question took too long. Try a shorter period or fewer filters.")
NO_GOALS = frozenset({"pageview", "engagement"})
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
    "step_rate": mark("Of step before"),
    "funnel_rate": mark("Of first step"),
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


@dataclass(frozen=True, slots=True)
class Rows:
    """
    One open tab of a panel.

    Attributes:
        problem: one sentence instead of rows, or empty.
        has_other: rare values were folded, which the page explains.
        total_rows: how many rows there are altogether.
    """

    key: str
    panel: Panel
    tab_key: str
    tab: Tab
    lines: tuple[Line, ...]
    total_rows: int
    has_other: bool
    problem: str = ""
    world: WorldMap | None = None
    titles: dict[str, str] | None = None
    """Tooltips of the map, by country."""
    props: tuple[str, ...] = ()
    prop: str = ""
    """The properties to choose from, and the chosen one."""


def panel_rows(
    context: Context,
    site: Site,
    view: View,
    period: Period,
    visitors: Value,
    viewer: Viewer,
    locale: Locale,
    key: str,
    *,
    limit: int = ROWS_SHOWN,
    offset: int = 0,
) -> Rows:
    """
    Answer the open tab of a panel. A question that takes too long makes a sentence, not an error.

    Args:
        visitors: of the whole view; what shares are measured against.
    """
    panel = PANELS[key]
    try:
        opened = open_tab(context, site, view, period, viewer, key)
    except QueryTimeout:
        return Rows(key, panel, view.tab_of(key), panel.tabs[view.tab_of(key)], (), 0, False, TOO_LONG)
    tab_key, tab = opened.key, opened.tab
    if tab_key == "funnels" and opened.prop:
        try:
            lines = _funnel_lines(context, site, view, period, viewer, locale, tab, opened.prop)
        except QueryTimeout:
            return Rows(key, panel, tab_key, tab, (), 0, False, TOO_LONG, props=opened.props, prop=opened.prop)
        return Rows(key, panel, tab_key, tab, lines, len(lines), False, props=opened.props, prop=opened.prop)
    if not opened.can_ask:
        return Rows(key, panel, tab_key, tab, (), 0, False)
    wants_map = tab_key == "map" and not view.details
    query = StatsQuery(
        tab.metrics,
        period,
        dimensions=(tab.dimension,),
        filters=view.conditions(),
        limit=300 if wants_map else limit,
        offset=offset,
        total_rows=True,
    )
    try:
        result = answer(context, site, query, viewer)
    except QueryTimeout:
        return Rows(key, panel, tab_key, tab, (), 0, False, TOO_LONG, props=opened.props, prop=opened.prop)
    except QueryError:
        problem = mark("This panel cannot be combined with the chosen filters.")
        return Rows(key, panel, tab_key, tab, (), 0, False, problem, props=opened.props, prop=opened.prop)
    total = result.total_rows if result.total_rows is not None else len(result.rows)
    found = result.rows
    if tab.dimension == "event:name":
        # Taken out here, not by a filter: what is filtered is folded more strictly.
        found = tuple(row for row in found if row.dimensions[0] not in NO_GOALS)
        total -= len(result.rows) - len(found)
    longest = max((row.metrics[0] or 0 for row in found if row.dimensions[0] != OTHER), default=0)
    currencies = dict(zip((row.dimensions[0] for row in result.rows), result.currencies, strict=False))
    lines = [
        _line(tab, row.dimensions[0], row.metrics, visitors, longest, locale, currencies.get(row.dimensions[0]))
        for row in found
    ]
    has_other = any(line.value == OTHER for line in lines)
    world = titles = None
    if wants_map:
        counts = {line.value: int(line.metrics[0] or 0) for line in lines if line.can_filter}
        world = world_map(counts)
        titles = {country.code: territory(country.code, locale) for country in world.countries}
        lines = lines[:ROWS_SHOWN]
    return Rows(key, panel, tab_key, tab, tuple(lines), total, has_other, "", world, titles, opened.props, opened.prop)


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


def _line(
    tab: Tab,
    value: str,
    metrics: tuple[Value, ...],
    visitors: Value,
    longest: int | float,
    locale: Locale,
    currency: str | None,
) -> Line:
    count = metrics[0]
    is_code = tab.dimension in CODES
    return Line(
        value,
        territory(value, locale) if is_code else value,
        value[:2] if is_code and len(value) >= 2 and value[:2].isupper() else "",
        metrics,
        tuple(_text(metric, name, locale, currency) for name, metric in zip(tab.metrics, metrics, strict=True)),
        tuple(
            _text(metric, name, locale, currency, full=True) for name, metric in zip(tab.metrics, metrics, strict=True)
        ),
        min(1.0, count / visitors) if count is not None and visitors else None,
        0 if count is None or not longest or value == OTHER else max(1, round(count / longest * 100)),
        value not in (OTHER, OVERFLOW),
    )


def _funnel_lines(
    context: Context, site: Site, view: View, period: Period, viewer: Viewer, locale: Locale, tab: Tab, name: str
) -> tuple[Line, ...]:
    goals = {goal.id: goal for goal in context.registry.goals.all(site.id)}
    funnel = next(funnel for funnel in context.registry.funnels.all(site.id) if funnel.name == name)
    steps = [goals[number] for number in funnel.goal_ids if number in goals]
    if not steps:
        return ()
    counts = funnel_visitors(context, site, period, steps, view.conditions(), viewer)
    lines: list[Line] = []
    before = first = counts[0]
    for goal, count in zip(steps, counts, strict=True):
        metrics = (count, _rate(count, before) if lines else None, _rate(count, first))
        texts = tuple(_text(metric, name, locale, None) for name, metric in zip(tab.metrics, metrics, strict=True))
        full = tuple(
            _text(metric, name, locale, None, full=True) for name, metric in zip(tab.metrics, metrics, strict=True)
        )
        width = round(100 * count / first) if count and first else 0
        lines.append(Line(goal.display_name, goal.display_name, "", metrics, texts, full, None, width, True))
        before = count
    return tuple(lines)


def _rate(part: Value, whole: Value) -> Value:
    return None if part is None or whole is None else round(100 * part / whole, 2) if whole else 0


def _text(value: Value, metric: str, locale: Locale, currency: str | None, *, full: bool = False) -> str:
    if metric in REVENUE_METRICS:
        return numbers.money(value, currency, locale, short=not full)
    if metric.endswith("_rate") or not full:
        return numbers.metric_text(value, metric, locale)
    return numbers.full(value, locale)
