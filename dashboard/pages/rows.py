"""
The rows of a panel: asked, labelled, measured against the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from babel.core import Locale

from dashboard.charts.world_map import WorldMap, world_map
from dashboard.context import Context
from dashboard.pages.funnel_rows import funnel_lines
from dashboard.pages.journeys import JourneyRows, journey_rows
from dashboard.pages.panels import PANELS, Panel, Tab, mark
from dashboard.pages.row_changes import with_changes
from dashboard.pages.row_lines import BEFORE_RATE, Line, line_of, territory
from dashboard.pages.row_order import arranged, must_arrange, stats_order
from dashboard.pages.row_rates import asked_metrics, with_rates
from dashboard.pages.tabs import OpenTab, open_tab
from dashboard.pages.view import View
from dashboard.stats.answer import answer
from dashboard.stats.dimensions import OTHER
from dashboard.stats.period import Period
from dashboard.stats.query import ROWS_MAX, QueryError, Row, StatsQuery, StatsResult, Value, Viewer
from warehouse.client import QueryTimeout
from warehouse.registry.sites import Site

ROWS_SHOWN = 8
DETAIL_ROWS = 100
EVERY_ROW_MAX = 60_000
"""A site's day names 50,000 pages; what comes after these is neither searched nor written to a file."""
MAP_ROWS = 300
TOO_LONG = mark("This question took too long. Try a shorter period or fewer filters.")
AWAY = mark("The store is not answering right now. Nothing is lost: visits are kept and counted. Try again soon.")
NO_GOALS = frozenset({"pageview", "engagement"})


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
    journey: JourneyRows | None = None
    """Instead of lines, where the tab is about journeys."""


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
    compare: Period | None = None,
    changes: Period | None = None,
    limit: int = ROWS_SHOWN,
    offset: int = 0,
) -> Rows:
    """
    Answer the open tab of a panel. A question that takes too long makes a sentence, not an error.

    Args:
        compare: the period that funnels are compared with.
        changes: the period that rows are compared with.
        visitors: of the whole view; what shares are measured against.
    """
    panel = PANELS[key]
    opened = OpenTab(view.tab_of(key), panel.tabs[view.tab_of(key)])
    try:
        opened = open_tab(context, site, view, period, viewer, key)
        empty = Rows(key, panel, opened.key, opened.tab, (), 0, False, props=opened.props, prop=opened.prop)
        if opened.key == "funnels" and opened.prop:
            tab = replace(opened.tab, metrics=(*opened.tab.metrics, BEFORE_RATE)) if compare else opened.tab
            lines = funnel_lines(context, site, view, period, compare, viewer, locale, tab, opened.prop)
            return replace(empty, tab=tab, lines=lines, total_rows=len(lines))
        if opened.key == "journeys":
            steps = journey_rows(context, site, view, period, viewer, locale, every=bool(view.details))
            return replace(empty, journey=steps, total_rows=max(steps.before.total, steps.after.total))
        if not opened.can_ask:
            return empty
        rows = _answered(context, site, view, period, visitors, viewer, locale, empty, limit, offset)
        if changes is None:
            return rows
        return replace(rows, lines=_compared(context, site, view, changes, viewer, locale, rows))
    except QueryTimeout:
        problem = TOO_LONG
    except QueryError:
        problem = mark("This panel cannot be combined with the chosen filters.")
    return Rows(key, panel, opened.key, opened.tab, (), 0, False, problem, props=opened.props, prop=opened.prop)


def panel_questions(view: View, period: Period) -> list[StatsQuery]:
    """
    List what the open tabs of a page without filters ask, for `remember_together`.
    """
    opened = [(view.tab_of(key), panel) for key, panel in PANELS.items()]
    return [
        _query(view, period, panel.tabs[tab], MAP_ROWS if tab == "map" else ROWS_SHOWN, 0)
        for tab, panel in opened
        if panel.tabs[tab].dimension
    ]


def every_row(
    context: Context, site: Site, view: View, period: Period, viewer: Viewer, locale: Locale, key: str
) -> tuple[Tab, list[Row]]:
    """
    Give all rows of a panel's open tab in the order of the view, as numbers; none where there is no question.

    Raises:
        QueryError, QueryTimeout, WarehouseUnavailable: as for `dashboard.stats.answer.answer`.
    """
    opened = open_tab(context, site, view, period, viewer, key)
    if opened.key == "funnels" and opened.prop:
        lines = funnel_lines(context, site, view, period, None, viewer, locale, opened.tab, opened.prop)
        return opened.tab, [Row((line.value,), line.metrics) for line in lines]
    if not opened.can_ask:
        return opened.tab, []
    found = _found(context, site, view, period, viewer, opened.tab, EVERY_ROW_MAX, 0)
    return opened.tab, list(arranged(found.rows, view, opened.tab, locale) if found.unsorted else found.rows)


def _answered(
    context: Context,
    site: Site,
    view: View,
    period: Period,
    visitors: Value,
    viewer: Viewer,
    locale: Locale,
    empty: Rows,
    limit: int,
    offset: int,
) -> Rows:
    tab = empty.tab
    wants_map = empty.tab_key == "map" and not view.details
    found = _found(context, site, view, period, viewer, tab, MAP_ROWS if wants_map else limit, offset)
    rows, total = found.rows, found.total
    longest = max((row.metrics[0] or 0 for row in rows if row.dimensions[0] != OTHER), default=0)
    if found.unsorted:
        rows = arranged(rows, view, tab, locale)
        total = len(rows)
        rows = rows[offset : offset + limit]
    currencies = found.currencies
    lines = [
        line_of(tab, row.dimensions[0], row.metrics, visitors, longest, locale, currencies.get(row.dimensions[0]))
        for row in rows
    ]
    has_other = any(line.value == OTHER for line in lines)
    world = titles = None
    if wants_map:
        counts = {line.value: int(line.metrics[0] or 0) for line in lines if line.can_filter}
        world = world_map(counts)
        titles = {country.code: territory(country.code, locale) for country in world.countries}
        lines = lines[:ROWS_SHOWN]
    return replace(empty, lines=tuple(lines), total_rows=total, has_other=has_other, world=world, titles=titles)


def _compared(
    context: Context, site: Site, view: View, compare: Period, viewer: Viewer, locale: Locale, rows: Rows
) -> tuple[Line, ...]:
    query = _query(view, compare, rows.tab, ROWS_MAX, 0)
    try:
        before, total, _ = _asked(context, site, query, viewer, every=False)
        before = with_rates(context, site, query, viewer, rows.tab, before, ROWS_MAX)
    except QueryTimeout:
        # The rows themselves are there; what they were before is a courtesy.
        return rows.lines
    return with_changes(rows.lines, before, total <= len(before), rows.tab, locale)


@dataclass(frozen=True, slots=True)
class _Found:
    """
    Rows as the stats layer gave them; `unsorted` are all there are, to be searched and sorted here.
    """

    rows: tuple[Row, ...]
    total: int
    currencies: Mapping[str, str | None]
    unsorted: bool


def _found(
    context: Context, site: Site, view: View, period: Period, viewer: Viewer, tab: Tab, limit: int, offset: int
) -> _Found:
    unsorted = bool(view.details) and must_arrange(view, tab)
    query = _query(view, period, tab, limit, offset)
    if view.details and not unsorted:
        query = replace(query, order=stats_order(view, tab))
    rows, total, currencies = _asked(context, site, query, viewer, unsorted or limit > ROWS_MAX)
    if tab.dimension == "event:name":
        # Taken out here, not by a filter: what is filtered is folded more strictly.
        counted = tuple(row for row in rows if row.dimensions[0] not in NO_GOALS)
        total -= len(rows) - len(counted)
        rows = counted
    rows = with_rates(context, site, query, viewer, tab, rows, EVERY_ROW_MAX if view.details else ROWS_MAX)
    return _Found(rows, total, currencies, unsorted)


def _query(view: View, period: Period, tab: Tab, limit: int, offset: int) -> StatsQuery:
    return StatsQuery(
        asked_metrics(tab),
        period,
        dimensions=(tab.dimension,),
        filters=view.conditions(),
        limit=limit,
        offset=offset,
        total_rows=True,
        imports=view.imports,
    )


def _asked(
    context: Context, site: Site, query: StatsQuery, viewer: Viewer, every: bool
) -> tuple[tuple[Row, ...], int, Mapping[str, str | None]]:
    """
    Ask for the rows, how many there are, and the currency of each by its label.
    """
    results: list[StatsResult] = []
    query = replace(query, offset=0, limit=ROWS_MAX) if every else query
    while True:
        results.append(answer(context, site, query, viewer))
        done = query.offset + ROWS_MAX
        if not every or len(results[-1].rows) < ROWS_MAX or done >= EVERY_ROW_MAX:
            break
        query = replace(query, offset=done)
    rows = tuple(row for result in results for row in result.rows)
    total = results[0].total_rows if results[0].total_rows is not None else len(rows)
    currencies = {
        row.dimensions[0]: currency
        for result in results
        for row, currency in zip(result.rows, result.currencies, strict=False)
    }
    return rows, total, currencies
