"""
The list of sites, each with its last day at a glance, and adding one.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.charts import numbers
from dashboard.charts.line import Line, sparkline
from dashboard.context import Context
from dashboard.pages.forms import Form, refusal
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.registry_words import registry_sentence
from dashboard.pages.rendering import link, page
from dashboard.pages.sign_in import timezones
from dashboard.stats.answer import answer
from dashboard.stats.period import resolve
from dashboard.stats.query import StatsQuery, Value
from warehouse.client import QueryTimeout
from warehouse.registry.errors import RegistryError, RegistryUnavailable
from warehouse.registry.sites import Site

SITES_SHOWN = 24
"""Sites on one page; each asks three small questions."""


@dataclass(frozen=True, slots=True)
class Card:
    """
    One site in the list; `visitors` is None when its questions took too long.
    """

    site: Site
    visitors: Value
    change: float | None
    line: Line | None


def site_list(context: Context, request: Request) -> Response:
    """
    Answer `GET /`.
    """
    reader = reader_of(context, request)
    if reader.user is None:
        if context.registry.users.count() == 0:
            return page(context, request, reader, "first_start.html")
        return RedirectResponse(link(context.settings, "/login"), 303)
    return _list(context, request, reader, 200, "", "", "")


def add_site(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /sites`.
    """
    if not reader.may_edit:
        return refusal(context, request, reader, 403, "You may look at sites, but not add any.")
    domain, timezone = form.get("domain", ""), form.get("timezone", "") or "Etc/UTC"
    try:
        site = context.registry.sites.add(domain, timezone=timezone)
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return _list(context, request, reader, 400, registry_sentence(reader, error), domain, timezone)
    return RedirectResponse(link(context.settings, f"/{site.domain}"), 303)


def _list(
    context: Context, request: Request, reader: Reader, status: int, error: str, domain: str, timezone: str
) -> Response:
    sites = context.registry.sites.all()
    asked = request.query_params.get("page", "1")
    pages = max(1, -(-len(sites) // SITES_SHOWN))
    number = min(int(asked), pages) if asked.isascii() and asked.isdigit() and len(asked) < 6 and int(asked) else 1
    shown = sites[(number - 1) * SITES_SHOWN : number * SITES_SHOWN]
    return page(
        context, request, reader, "sites.html", status,
        cards=[_card(context, site) for site in shown], page_number=number, pages=pages, site_count=len(sites),
        error=error, domain=domain, timezones=timezones(),
        chosen_timezone=timezone or (sites[-1].timezone if sites else "Etc/UTC"),
    )  # fmt: skip


def _card(context: Context, site: Site) -> Card:
    period = resolve("24h", site.timezone, context.clock.now_ms(), changes=site.zone_changes)
    totals = StatsQuery(("visitors",), period)
    hours = StatsQuery(("visitors",), period, dimensions=("time:hour",), time_labels=True)
    try:
        now = answer(context, site, totals).rows[0].metrics[0]
        before = answer(context, site, totals.over(period.previous())).rows[0].metrics[0]
        series = answer(context, site, hours)
    except QueryTimeout:
        return Card(site, None, None, None)
    found = {row.dimensions[0]: row.metrics[0] for row in series.rows}
    # Without the hour that has just begun: it would always look like a fall.
    values = [found.get(label, 0) for label in (series.time_labels or ())[:-1]]
    return Card(site, now, numbers.change(now, before, "visitors"), sparkline(values))
