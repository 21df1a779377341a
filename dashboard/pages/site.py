"""
One site's page: the empty state until the first event, then the dashboard, a panel's every row, or its CSV.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import date

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.arrivals import Arrivals, arrivals, drop_lines, first_day
from dashboard.pages.comparison import COMPARISON_TITLES, compared
from dashboard.pages.days import (
    INTERVAL_TITLES,
    PERIOD_TITLES,
    SHORTCUTS,
    local_today,
    neighbours,
    span_text,
    zone_notes,
)
from dashboard.pages.door import Door, own_door
from dashboard.pages.drop_reasons import NOUNS, REASONS
from dashboard.pages.filters import OPERATOR_TITLES, prop_of, split_key
from dashboard.pages.forms import refusal
from dashboard.pages.headline import ask_totals, graph, headline
from dashboard.pages.languages import locale_of
from dashboard.pages.panels import FILTER_TITLES, PANELS
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.rendering import link, page
from dashboard.pages.rows import (
    CSV_ROWS,
    DETAIL_ROWS,
    LABELS,
    METRIC_COLUMNS,
    ROWS_SHOWN,
    Rows,
    filter_label,
    panel_rows,
)
from dashboard.pages.segments import with_segment
from dashboard.pages.series_file import series_file
from dashboard.pages.snippet import public_address, snippet
from dashboard.pages.view import METRICS, View, read_view
from dashboard.stats.answer import present_visitors
from dashboard.stats.period import Period, resolve
from dashboard.stats.query import QueryError, StatsQuery, Value, Viewer
from warehouse.client import QueryTimeout
from warehouse.registry.sites import Site

PAGES_MAX = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """
    One request for a site's page, understood.
    """

    context: Context
    request: Request
    reader: Reader
    site: Site
    door: Door
    view: View
    period: Period
    compare: Period | None
    today: date

    @property
    def viewer(self) -> Viewer:
        return self.door.viewer

    @property
    def query(self) -> StatsQuery:
        return StatsQuery(METRICS, self.period, filters=self.view.conditions())


def site_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /{domain}`; a domain may have a path. Public sites are for everybody, others for signed-in people.
    """
    reader = reader_of(context, request)
    site = context.registry.sites.find(request.path_params["domain"])
    if reader.user is None and (site is None or not site.public):
        # The same answer for a private site and for none: an address does not tell what is measured here.
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": link(context.settings, "/login")})
        target = request.url.path
        return RedirectResponse(link(context.settings, "/login", {"next": target}), 303)
    if site is None:
        return refusal(context, request, reader, 404, "There is no such page or site here.")
    return dashboard_through(context, request, reader, site, own_door(site.domain, reader))


def dashboard_through(context: Context, request: Request, reader: Reader, site: Site, door: Door) -> Response:
    """
    Show a site's dashboard through a door that was found open.
    """
    if request.query_params.get("live") is not None:
        # Who is there now is known for the site as a whole, not for a segment.
        return PlainTextResponse("" if door.held else str(present_visitors(context, site)))
    first = first_day(context, site)
    if first is None:
        return _waiting(context, request, reader, site)
    asked = _understood(context, request, reader, site, door, first)
    if request.query_params.get("filter") is not None:
        # The filter form was sent: show the address that a row's link would have.
        return RedirectResponse(_address(asked, asked.view), 303)
    return _dashboard(asked, first)


def _understood(context: Context, request: Request, reader: Reader, site: Site, door: Door, first: date) -> Asked:
    today = local_today(context.clock, site.timezone)
    # A site that began yesterday has nothing to show in a period of full days.
    view = read_view(request.query_params, "day" if (today - first).days < 2 else "28d")
    view = door.limited(view.with_goals({goal.display_name for goal in context.registry.goals.all(site.id)}))
    view = with_segment(context, site, view, door.viewer)
    now_ms = context.clock.now_ms()
    period = resolve(view.date_range(today), site.timezone, now_ms, changes=site.zone_changes)
    if view.period == "all":
        period = replace(period, first=min(first, today))
    compare = compared(view, period, first)
    return Asked(context, request, reader, site, door, view, period, compare, today)


def _waiting(context: Context, request: Request, reader: Reader, site: Site) -> Response:
    if reader.user is None:
        return refusal(context, request, reader, 404, "Nothing has been measured here yet.")
    address = public_address(context.settings, request)
    return page(
        context, request, reader, "waiting.html",
        site=site, sites=context.registry.sites.all(), snippet=snippet(address, site.domain), address=address,
        drops=drop_lines(context, site), reasons=REASONS, is_local=address.startswith(("http://127.", "http://localhost")),
    )  # fmt: skip


def _dashboard(asked: Asked, first: date) -> Response:
    context, request, reader, site, view = asked.context, asked.request, asked.reader, asked.site, asked.view
    locale = locale_of(reader.language)
    target = request.headers.get("hx-target", "") if not request.headers.get("hx-history-restore-request") else ""

    def here(changed: View) -> str:
        return _address(asked, changed)

    def label_of(name: str, value: str) -> str:
        return filter_label(name, value, locale)

    shared: dict[str, object] = {
        "site": site, "view": view, "period": asked.period, "panels": PANELS, "labels": LABELS,
        "columns": METRIC_COLUMNS, "here": here, "door": asked.door,
        "home": link(context.settings, asked.door.address),
        "live_address": link(context.settings, asked.door.address, [*asked.door.carried, ("live", "1")]),
        "filter_titles": FILTER_TITLES, "filter_label": label_of, "sign_titles": OPERATOR_TITLES,
        "segments": context.registry.segments.all(site.id) if asked.viewer is Viewer.MEMBER else [],
        "comparison_titles": COMPARISON_TITLES, "compare": asked.compare, "split_key": split_key, "prop_of": prop_of,
        "period_titles": PERIOD_TITLES, "interval_titles": INTERVAL_TITLES, "shortcuts": SHORTCUTS,
        "span": span_text(asked.period, locale),
        "zone_changes": zone_notes(site, asked.period, context.clock.now_ms(), locale),
    }  # fmt: skip
    if request.query_params.get("format") == "csv" and not view.details:
        return series_file(context, site, view, asked.period, asked.viewer)
    if view.details:
        return _details(asked, shared)
    if target.removeprefix("panel-") in PANELS:
        visitors = _visitors(asked)
        rows = _rows(asked, target.removeprefix("panel-"), visitors)
        return page(context, request, reader, "parts/panel.html", rows=rows, withheld=visitors is None, **shared)
    problem, totals, drawn = "", [], None
    try:
        totals = headline(context, site, view, asked.query, asked.compare, asked.viewer)
        drawn = graph(context, site, view, asked.period, asked.compare, asked.viewer, locale)
    except QueryTimeout:
        problem = "timeout"
    except QueryError:
        problem = "filters"
    visitors = totals[0].value if totals else None
    earlier, later = neighbours(view, asked.period, asked.today)
    return page(
        context, request, reader, "dashboard.html",
        sites=context.registry.sites.all() if reader.user else [],
        live=None if asked.door.held else present_visitors(context, site),
        totals=totals, withheld=any(number.is_withheld for number in totals),
        graph=drawn, problem=problem, earlier=earlier, later=later, today=asked.today.isoformat(),
        first_day=first.isoformat(), compare_span=span_text(asked.compare, locale) if asked.compare else "",
        all_rows=[_rows(asked, key, visitors) for key in PANELS], arrived=_arrived(asked), nouns=NOUNS,
        reasons=REASONS, **shared,
    )  # fmt: skip


def _arrived(asked: Asked) -> Arrivals | None:
    """
    Count what came and was dropped, for those the site belongs to; a filtered page is about something else.
    """
    if asked.viewer is not Viewer.MEMBER or asked.view.conditions():
        return None
    try:
        return arrivals(asked.context, asked.site, asked.period.first, asked.period.last)
    except QueryTimeout:
        return None


def _details(asked: Asked, shared: dict[str, object]) -> Response:
    query = asked.request.query_params
    if query.get("format") == "csv":
        return _csv(asked)
    number = int(query.get("page", "1")) if query.get("page", "1").isascii() and query.get("page", "1").isdigit() else 1
    number = max(1, min(number, PAGES_MAX))
    visitors = _visitors(asked)
    rows = _rows(asked, asked.view.details, visitors, limit=DETAIL_ROWS, offset=(number - 1) * DETAIL_ROWS)
    return page(
        asked.context, asked.request, asked.reader, "details.html",
        rows=rows, withheld=visitors is None, page_number=number, pages=max(1, -(-rows.total_rows // DETAIL_ROWS)),
        sites=asked.context.registry.sites.all() if asked.reader.user else [], **shared,
    )  # fmt: skip


def _csv(asked: Asked) -> Response:
    rows = _rows(asked, asked.view.details, _visitors(asked), limit=CSV_ROWS)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([rows.tab.filter_name, *rows.tab.metrics])
    for line in rows.lines:
        # A leading apostrophe keeps spreadsheets from running what a visitor put into an address.
        name = f"'{line.value}" if line.value[:1] in ("=", "+", "-", "@", "\t", "\r") else line.value
        writer.writerow([name, *("" if value is None else value for value in line.metrics)])
    name = f"{asked.site.domain}-{rows.tab.filter_name}-{asked.period.first}-{asked.period.last}.csv".replace("/", "_")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _rows(asked: Asked, key: str, visitors: Value, *, limit: int = ROWS_SHOWN, offset: int = 0) -> Rows:
    locale = locale_of(asked.reader.language)
    return panel_rows(
        asked.context, asked.site, asked.view, asked.period, visitors, asked.viewer, locale, key,
        limit=limit, offset=offset,
    )  # fmt: skip


def _visitors(asked: Asked) -> Value:
    query = replace(asked.query, metrics=("visitors",))
    return ask_totals(asked.context, asked.site, query, asked.viewer)[1]["visitors"]


def _address(asked: Asked, view: View) -> str:
    return link(asked.context.settings, asked.door.address, [*view.parameters(), *asked.door.carried])
