"""
What a dashboard shows, as its address says it: period, interval, metric, filters and the open tab of each panel.

Everything is in the address, so that a view can be bookmarked, shared and opened without JavaScript.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from starlette.datastructures import QueryParams

from dashboard.pages.filters import asked_filter, conditions_of, known_pairs, split_key
from dashboard.pages.panels import PANELS
from dashboard.stats.dimensions import PROP_KEY_CHARS_MAX
from dashboard.stats.period import PeriodError, months_before, parse_day
from dashboard.stats.query import FilterTree

METRICS = ("visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration")
"""The headline numbers where nothing is filtered."""
GRAPH_METRICS = (
    *METRICS,
    *("events", "conversion_rate", "total_revenue", "average_revenue", "scroll_depth", "time_on_page"),
)
"""Every metric that can be drawn; some only with a filter on a goal or a page."""
PERIODS = ("day", "yesterday", "24h", "7d", "28d", "91d", "month", "lastmonth", "year", "12mo", "all", "custom", "live")
INTERVALS = ("minute", "hour", "day", "week", "month")
COMPARISONS = ("previous", "year", "custom", "none")
FILTERS_MAX = 20
FILTER_CHARS_MAX = 2_000
SEARCH_CHARS_MAX = 200
NAME_ORDER = "name"
"""Sorts by the rows' names instead of by a metric."""
_SORT = re.compile(r"(?P<by>[a-z_]+)(?::(?P<way>asc|desc))?")


@dataclass(frozen=True, slots=True)
class View:
    """
    One view of one dashboard.

    Attributes:
        period: one of `PERIODS`.
        first, last: ISO days; only with `custom`.
        filters: key (as in `dashboard.pages.filters`) and value, in the order they were chosen.
        tabs: by panel.
    """

    period: str
    is_period_given: bool = True
    first: str = ""
    last: str = ""
    interval: str = ""
    metric: str = "visitors"
    filters: tuple[tuple[str, str], ...] = ()
    tabs: tuple[tuple[str, str], ...] = ()
    details: str = ""
    """The panel whose every row is shown, or empty for the whole dashboard."""
    prop: str = ""
    """The property whose values are shown, or empty for the first one."""
    at: str = ""
    """The page in the middle of the journeys, or empty for the most visited one."""
    search: str = ""
    """Only rows whose name holds this; only with `details`."""
    sort: str = ""
    """A column and maybe `:asc` or `:desc`, such as `pageviews:asc`; empty for the first metric, highest first."""
    compare: str = ""
    """One of `COMPARISONS`; empty for the period before, shown at the top only, where it costs little."""
    compare_first: str = ""
    compare_last: str = ""
    """ISO days; only where `compare` is `custom`."""
    same_weekdays: bool = False
    """Compare Mondays with Mondays, though the days before then overlap or leave a gap."""
    segment: int = 0
    """Number of a saved segment, 0 for none; what it filters by is put into `chosen` by who knows the site."""
    chosen: tuple[FilterTree, ...] = ()
    held: tuple[FilterTree, ...] = ()
    """Filters of a shared link, which no address can take off."""
    imports: bool = True
    """Add daily totals taken over from another service."""

    def parameters(self) -> list[tuple[str, str]]:
        """
        Write the view as query parameters; what is the default is left out.
        """
        found: list[tuple[str, str]] = []
        if self.is_period_given:
            found.append(("period", self.period))
        if self.period == "custom":
            found += [("from", self.first), ("to", self.last)]
        if self.interval:
            found.append(("interval", self.interval))
        if self.metric != "visitors":
            found.append(("metric", self.metric))
        found += [("f", f"{name}:{value}") for name, value in self.filters]
        found += list(self.tabs)
        if self.segment:
            found.append(("segment", str(self.segment)))
        if self.compare:
            found.append(("compare", self.compare))
        if self.compare == "custom":
            found += [("compare_from", self.compare_first), ("compare_to", self.compare_last)]
        if self.same_weekdays:
            found.append(("weekdays", "same"))
        if not self.imports:
            found.append(("imports", "0"))
        if self.prop:
            found.append(("prop", self.prop))
        if self.at:
            found.append(("at", self.at))
        if self.details:
            found.append(("details", self.details))
            found += [(name, value) for name, value in (("search", self.search), ("sort", self.sort)) if value]
        return found

    def tab_of(self, panel: str) -> str:
        """
        Tell the open tab of a panel.
        """
        return dict(self.tabs).get(panel, next(iter(PANELS[panel].tabs)))

    def with_period(self, period: str, first: str = "", last: str = "") -> View:
        """
        Look at another period.
        """
        return replace(self, period=period, first=first, last=last, is_period_given=True, interval="")

    def with_filter(self, name: str, value: str) -> View:
        """
        Filter by one more value; a second value of the same name takes the first one's place.
        """
        kept = tuple(pair for pair in self.filters if pair[0] != name)
        return replace(self, filters=(*kept, (name, value)), details="", search="", sort="")

    def with_alternative(self, key: str, value: str) -> View:
        """
        Filter by one more value; values of the same key are alternatives.
        """
        kept = tuple(pair for pair in self.filters if pair != (key, value))
        return replace(self, filters=(*kept, (key, value))[-FILTERS_MAX:])

    def without_filter(self, name: str, value: str) -> View:
        """
        Take a filter off.
        """
        return replace(self, filters=tuple(pair for pair in self.filters if pair != (name, value)))

    def with_goals(self, goals: Collection[str]) -> View:
        """
        Forget filters on goals that are not among these.
        """
        return replace(self, filters=known_pairs(self.filters, goals))

    def with_prop(self, prop: str, tab: str = "props") -> View:
        """
        Show the values of a property, or the steps of a funnel.
        """
        return replace(self.with_tab("goals", tab), prop=prop)

    def with_segment(self, segment: int) -> View:
        """
        Look through a saved segment; 0: through none.
        """
        return replace(self, segment=segment)

    def compared_with(self, compare: str) -> View:
        """
        Compare with something else; empty: with the period before.
        """
        return replace(self, compare=compare, compare_first="", compare_last="")

    def matching_weekdays(self, same: bool) -> View:
        """
        Compare Mondays with Mondays, or day by day.
        """
        return replace(self, same_weekdays=same)

    def with_sort(self, sort: str) -> View:
        """
        Sort the rows of `details`.
        """
        return replace(self, sort=sort)

    def order(self) -> tuple[str, bool]:
        """
        Give the column to sort by and whether the highest comes first; empty for the default.
        """
        found = _SORT.fullmatch(self.sort)
        if found is None:
            return "", True
        way = found["way"] or ("asc" if found["by"] == NAME_ORDER else "desc")
        return found["by"], way == "desc"

    def with_page_between(self, page: str) -> View:
        """
        Show what people did before and after a page.
        """
        return replace(self.with_tab("pages", "journeys"), at=page)

    def filtered_by(self, name: str) -> bool:
        """
        Tell whether something is chosen by name, as opposed to left out.
        """
        return any(key == name for key, _ in self.filters)

    def with_tab(self, panel: str, tab: str) -> View:
        """
        Open a tab.
        """
        tabs = (*(pair for pair in self.tabs if pair[0] != panel), (panel, tab))
        return replace(self, tabs=tabs, search="", sort="")

    def with_imports(self, imports: bool) -> View:
        """
        Add totals from elsewhere, or leave them out.
        """
        return replace(self, imports=imports)

    def without_filters(self) -> View:
        """
        Take every filter off.
        """
        return replace(self, filters=())

    def with_metric(self, metric: str) -> View:
        """
        Draw another metric.
        """
        return replace(self, metric=metric)

    def with_interval(self, interval: str) -> View:
        """
        Draw other buckets.
        """
        return replace(self, interval=interval)

    def details_of(self, panel: str) -> View:
        """
        Show every row of a panel; empty: the whole dashboard.
        """
        return replace(self, details=panel, search="", sort="")

    @property
    def compares_rows(self) -> bool:
        """
        Whether a comparison was chosen, so that every row says how it changed.
        """
        return self.compare in ("previous", "year", "custom") or (self.same_weekdays and not self.compare)

    def conditions(self) -> tuple[FilterTree, ...]:
        """
        Give the filters as the stats layer wants them.
        """
        return (*self.held, *self.chosen, *conditions_of(self.filters))

    def date_range(self, today: date) -> str | tuple[str, str]:
        """
        Give the range as the stats layer wants it. `lastmonth` and `yesterday` become pairs of days.
        """
        if self.period == "custom":
            return (self.first, self.last)
        if self.period == "yesterday":
            day = (today - timedelta(days=1)).isoformat()
            return (day, day)
        if self.period == "lastmonth":
            first = months_before(today, 1)
            return (first.isoformat(), (today.replace(day=1) - timedelta(days=1)).isoformat())
        return "realtime" if self.period == "live" else self.period


def read_view(query: QueryParams | Mapping[str, str], default_period: str) -> View:
    """
    Read a view from an address. What is unknown or wrong counts as not given: an old bookmark should still open.
    """
    given = query if isinstance(query, QueryParams) else QueryParams(dict(query))
    period, first, last = given.get("period", ""), given.get("from", ""), given.get("to", "")
    if period == "custom":
        try:
            if parse_day(first) > parse_day(last):
                first, last = last, first
        except PeriodError:
            period = ""
    is_given = period in PERIODS
    filters: list[tuple[str, str]] = []
    for text in given.getlist("f")[:FILTERS_MAX]:
        key, _, value = text.partition(":")
        if split_key(key) is not None and len(value) <= FILTER_CHARS_MAX and value.isprintable():
            filters.append((key, value))
    compare = given.get("compare", "")
    days = (given.get("compare_from", ""), given.get("compare_to", ""))
    if compare == "custom":
        try:
            days = (min(days), max(days)) if parse_day(days[0]) and parse_day(days[1]) else days
        except PeriodError:
            compare = ""
    segment = given.get("segment", "")
    added, prop = asked_filter(given), given.get("prop", "")
    if added is not None and len(added[1]) <= FILTER_CHARS_MAX and added[1].isprintable():
        filters.append(added)
    at, search, sort = given.get("at", ""), given.get("search", "").strip(), given.get("sort", "")
    metric, interval, details = given.get("metric", ""), given.get("interval", ""), given.get("details", "")
    return View(
        period=period if is_given else default_period,
        is_period_given=is_given,
        first=first if period == "custom" else "",
        last=last if period == "custom" else "",
        interval=interval if interval in INTERVALS else "",
        metric=metric if metric in GRAPH_METRICS else "visitors",
        filters=tuple(dict.fromkeys(filters))[-FILTERS_MAX:],
        tabs=tuple((key, given[key]) for key, panel in PANELS.items() if given.get(key) in panel.tabs),
        details=details if details in PANELS else "",
        compare=compare if compare in COMPARISONS else "",
        compare_first=days[0] if compare == "custom" else "",
        compare_last=days[1] if compare == "custom" else "",
        same_weekdays=given.get("weekdays") == "same",
        imports=given.get("imports") != "0",
        segment=int(segment) if segment.isascii() and segment.isdigit() and len(segment) < 10 else 0,
        prop=prop if prop.isprintable() and len(prop) <= PROP_KEY_CHARS_MAX else "",
        at=at if at.isprintable() and len(at) <= FILTER_CHARS_MAX else "",
        search=search if search.isprintable() and len(search) <= SEARCH_CHARS_MAX else "",
        sort=sort if _SORT.fullmatch(sort) else "",
    )
