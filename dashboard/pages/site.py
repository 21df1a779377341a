"""
One site's page: the empty state until the first event, then the dashboard, a panel's every row, or its CSV.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from babel.dates import format_date
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.annotations import seen_annotations
from dashboard.pages.arrivals import Arrivals, arrivals, drop_lines, first_day
from dashboard.pages.asked import Asked, asked_rows, asked_visitors
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
from dashboard.pages.details import details_file, details_page
from dashboard.pages.door import Door, own_door
from dashboard.pages.drop_reasons import NOUNS, REASONS
from dashboard.pages.export_file import export_file
from dashboard.pages.filters import OPERATOR_TITLES, prop_of, split_key
from dashboard.pages.forms import refusal
from dashboard.pages.imports import imports_note
from dashboard.pages.languages import locale_of
from dashboard.pages.metric_choice import METRIC_TITLES, metric_choice
from dashboard.pages.overview import Overview, ask_overview
from dashboard.pages.panels import FILTER_TITLES, PANELS
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.rendering import link, page, streamed_page
from dashboard.pages.row_lines import LABELS, METRIC_COLUMNS, filter_label
from dashboard.pages.rows import AWAY, Rows, panel_questions
from dashboard.pages.segments import with_segment
from dashboard.pages.series_file import series_file
from dashboard.pages.snippet import public_address, snippet
from dashboard.pages.traffic import Quality, traffic_quality
from dashboard.pages.view import View, read_view
from dashboard.stats.answer import present_visitors
from dashboard.stats.period import resolve
from dashboard.stats.query import QueryError, Value, Viewer
from dashboard.stats.together import remember_together
from warehouse.client import QueryTimeout, WarehouseUnavailable
from warehouse.registry.sites import Site

SWAP_MS_MAX = 150
"""So long a swapped page may take; panels that are not made by then are shown waiting and fetched one by one."""


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
    if request.headers.get("hx-target") == "waiting":
        # The empty state asked: it starts over as a page of its own, with its scripts, painted while it is made.
        return Response(headers={"HX-Refresh": "true"})
    asked = _understood(context, request, reader, site, door, first)
    if request.query_params.get("filter") is not None:
        # The filter form was sent: show the address that a row's link would have.
        return RedirectResponse(asked.address_of(asked.view), 303)
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
    return Asked(context, request, reader, site, door, view, period, compare, today, first)


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
        return asked.address_of(changed)

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
    if request.query_params.get("format") in ("csv", "zip"):
        return _file(asked)
    if view.details:
        return details_page(asked, shared)
    if target.removeprefix("panel-") in PANELS:
        visitors = asked_visitors(asked)
        rows = asked_rows(asked, target.removeprefix("panel-"), visitors)
        return page(context, request, reader, "parts/panel.html", rows=rows, withheld=visitors is None, **shared)
    choice = metric_choice(view, context.registry.goals.all(site.id))
    notes = seen_annotations(context, site, asked.period, asked.viewer)
    # A page that a script swaps in arrives as a whole, so what takes long is left for the panels to fetch themselves;
    # one that a browser opens is read while it is being made.
    is_swapped = request.headers.get("hx-request") is not None
    began_ms = context.clock.monotonic_ms()

    def rows_of(key: str, visitors: Value) -> Rows | None:
        if key == next(iter(PANELS)):
            _ask_panels(asked)
        if is_swapped and context.clock.monotonic_ms() - began_ms > SWAP_MS_MAX:
            return None
        try:
            return asked_rows(asked, key, visitors)
        except WarehouseUnavailable:
            tab_key = view.tab_of(key)
            return Rows(key, PANELS[key], tab_key, PANELS[key].tabs[tab_key], (), 0, False, AWAY)

    def ask_top() -> Overview:
        return ask_overview(asked, choice, notes)

    earlier, later = neighbours(view, asked.period, asked.today)
    make = page if is_swapped else streamed_page
    return make(
        context, request, reader, "dashboard.html",
        sites=context.registry.sites.all() if reader.user else [],
        ask_live=lambda: _live(asked), ask_imports_note=lambda: _imports_note(asked),
        ask_overview=ask_top, rows_of=rows_of, ask_arrived=lambda: _arrived(asked), away=AWAY,
        earlier=earlier, later=later, today=asked.today.isoformat(),
        first_day=first.isoformat(), compare_span=span_text(asked.compare, locale) if asked.compare else "",
        ask_traffic=lambda: _quality(asked), nouns=NOUNS, reasons=REASONS, drawable=choice.drawable,
        metric_titles=METRIC_TITLES,
        notes=notes, note_days={note.id: format_date(note.day, "medium", locale=locale) for note in notes},
        note_day=min(asked.period.last, asked.today).isoformat(), may_write=reader.may_edit,
        notes_action=link(context.settings, f"/sites/{site.domain}/annotations"), **shared,
    )  # fmt: skip


def _ask_panels(asked: Asked) -> None:
    """
    Ask what the panels show with one statement; what goes wrong is found again, and told, where a panel stands.
    """
    if asked.view.conditions():
        return
    try:
        remember_together(asked.context, asked.site, panel_questions(asked.view, asked.period), asked.viewer)
    except (QueryError, QueryTimeout, WarehouseUnavailable):
        return


def _live(asked: Asked) -> int | None:
    """
    Count who is there now; None where that is not told, or cannot be.
    """
    try:
        return None if asked.door.held else present_visitors(asked.context, asked.site)
    except (QueryTimeout, WarehouseUnavailable):
        return None


def _imports_note(asked: Asked) -> tuple[str, str]:
    try:
        return imports_note(asked.context, asked.site, asked.query, asked.period)
    except (QueryTimeout, WarehouseUnavailable):
        return "", ""


def _file(asked: Asked) -> Response:
    try:
        if asked.view.details:
            return details_file(asked)
        if asked.request.query_params.get("format") == "csv":
            return series_file(asked.context, asked.site, asked.view, asked.period, asked.viewer)
        if asked.viewer is not Viewer.MEMBER:
            # Twenty questions at a click are for those the site belongs to.
            return PlainTextResponse("Sign in to download everything.\n", 403)
        return export_file(asked)
    except QueryTimeout:
        return PlainTextResponse("This file took too long. Choose a shorter period or fewer filters.\n", 504)


def _arrived(asked: Asked) -> Arrivals | None:
    """
    Count what came and was dropped, for those the site belongs to; a filtered page is about something else.
    """
    if asked.viewer is not Viewer.MEMBER or asked.view.conditions():
        return None
    try:
        return arrivals(asked.context, asked.site, asked.period.first, asked.period.last)
    except (QueryTimeout, WarehouseUnavailable):
        return None


def _quality(asked: Asked) -> Quality | None:
    """
    Tell how today's traffic divides, for those the site belongs to; a filtered page is about something else.
    """
    if asked.viewer is not Viewer.MEMBER or asked.view.conditions():
        return None
    return traffic_quality(asked.context, asked.site, asked.reader.language)
