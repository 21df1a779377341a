"""
A site's settings: one page per subject, each a few plain forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.context import Context
from dashboard.pages.arrivals import drop_lines
from dashboard.pages.days import ZoneNote, local_today, zone_notes
from dashboard.pages.forms import Form, refusal
from dashboard.pages.languages import locale_of
from dashboard.pages.panels import FILTER_TITLES, mark
from dashboard.pages.reader import Reader, reader_of
from dashboard.pages.registry_words import registry_sentence
from dashboard.pages.rendering import link, page
from dashboard.pages.rows import NO_GOALS
from dashboard.pages.sign_in import timezones
from dashboard.pages.site_forms import CHANGES
from dashboard.pages.site_imports import imports_shown
from dashboard.pages.snippet import public_address, snippet
from dashboard.stats.answer import answer
from dashboard.stats.dimensions import OTHER
from dashboard.stats.period import Period
from dashboard.stats.query import StatsQuery
from warehouse.client import QueryTimeout
from warehouse.registry.errors import RegistryError, RegistryUnavailable
from warehouse.registry.sites import Site

SECTIONS: dict[str, str] = {
    "general": mark("General"),
    "goals": mark("Goals"),
    "funnels": mark("Funnels"),
    "properties": mark("Properties"),
    "shields": mark("Shields"),
    "privacy": mark("Privacy"),
    "sharing": mark("Sharing"),
    "imports": mark("Imports"),
    "danger": mark("Reset and delete"),
}
OWNER_SECTIONS = frozenset({"danger", "imports"})
"""What deletes what was measured."""
ARRIVAL_DAYS = 7
STEPS_OFFERED = 30
NOT_YOURS = "You may look at this site, but not change it."


@dataclass(frozen=True, slots=True)
class Arrivals:
    """
    Whether the snippet works: events of today and of the last days.
    """

    today: int
    lately: int


def settings_page(context: Context, request: Request) -> Response:
    """
    Answer `GET /sites/{domain}/settings/{section}`.
    """
    reader = reader_of(context, request)
    if reader.user is None:
        return RedirectResponse(link(context.settings, "/login", {"next": request.url.path}), 303)
    site = context.registry.sites.find(request.path_params["domain"])
    section = request.path_params["section"]
    if site is None or section not in SECTIONS:
        return refusal(context, request, reader, 404, "There is no such page or site here.")
    if not _may(reader, section):
        return refusal(context, request, reader, 403, NOT_YOURS)
    return _shown(context, request, reader, site, section, 200, "", {})


def change_settings(context: Context, request: Request, reader: Reader, form: Form) -> Response:
    """
    Answer `POST /sites/{domain}/settings/{section}`: do what the form says, then show the page again.
    """
    site = context.registry.sites.find(request.path_params["domain"])
    section = request.path_params["section"]
    change = CHANGES.get((section, form.get("action", "")))
    if site is None or change is None:
        return refusal(context, request, reader, 404, "There is no such page or site here.")
    if not _may(reader, section):
        return refusal(context, request, reader, 403, NOT_YOURS)
    try:
        changed = change(context, site, form)
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        return _shown(context, request, reader, site, section, 400, registry_sentence(reader, error), form)
    if changed is None:
        return RedirectResponse(link(context.settings, "/"), 303)
    return RedirectResponse(link(context.settings, f"/sites/{changed.domain}/settings/{section}", {"saved": "1"}), 303)


def _may(reader: Reader, section: str) -> bool:
    return reader.is_owner if section in OWNER_SECTIONS else reader.may_edit


def _shown(
    context: Context, request: Request, reader: Reader, site: Site, section: str, status: int, error: str, form: Form
) -> Response:
    registry = context.registry
    goals = registry.goals.all(site.id)
    sections = {key: title for key, title in SECTIONS.items() if _may(reader, key)}
    return page(
        context, request, reader, f"settings/{section}.html", status,
        site=site, sites=registry.sites.all(), section=section, sections=sections, error=error, form=form,
        saved=request.query_params.get("saved") == "1" and not error,
        action=link(context.settings, f"/sites/{site.domain}/settings/{section}"),
        **_facts(context, request, reader, site, section),
        goals=goals, goal_names={goal.id: goal.display_name for goal in goals},
    )  # fmt: skip


def _facts(context: Context, request: Request, reader: Reader, site: Site, section: str) -> dict[str, object]:
    registry, address = context.registry, public_address(context.settings, request)
    if section == "general":
        return {
            "snippet": snippet(address, site.domain), "timezones": timezones(), "notes": _notes(context, reader, site),
            "arrivals": _arrivals(context, site), "drops": sum(line.hits for line in drop_lines(context, site)),
            "event_months": context.settings.event_retention_months,
        }  # fmt: skip
    if section == "funnels":
        return {"funnels": registry.funnels.all(site.id), "steps_seen": _steps_seen(context, site)}
    if section == "properties":
        return {"properties": registry.properties.all(site.id)}
    if section == "privacy":
        return {"event_months": context.settings.event_retention_months, "ip_days": context.settings.ip_retention_days}
    if section == "imports":
        return {"address": address, **imports_shown(context, site, locale_of(reader.language))}
    if section == "sharing":
        segments = registry.segments.all(site.id)
        return {
            "links": registry.shared_links.all(site.id), "segments": segments, "address": address,
            "segment_names": {segment.id: segment.name for segment in segments}, "filters": FILTER_TITLES,
            "ends": _ends, "now_ms": context.clock.now_ms(),
        }  # fmt: skip
    return {}


def _steps_seen(context: Context, site: Site) -> list[str]:
    """
    List the pages and events that most visitors met lately, to choose steps from.
    """
    found: list[str] = []
    today = local_today(context.clock, site.timezone)
    # With today, which named ranges leave out: a new site has nothing else.
    days = ((today - timedelta(days=30)).isoformat(), today.isoformat())
    for dimension in ("event:page", "event:name"):
        query = StatsQuery(("visitors",), days, dimensions=(dimension,), limit=STEPS_OFFERED)
        try:
            found += [row.dimensions[0] for row in answer(context, site, query).rows]
        except QueryTimeout:
            # They can be typed as well.
            continue
    return [step for step in found if step not in (*NO_GOALS, OTHER)]


def _notes(context: Context, reader: Reader, site: Site) -> list[ZoneNote]:
    today = local_today(context.clock, site.timezone)
    period = Period("custom", site.timezone, today - timedelta(days=400), today)
    return zone_notes(site, period, context.clock.now_ms(), locale_of(reader.language))


def _arrivals(context: Context, site: Site) -> Arrivals:
    today = local_today(context.clock, site.timezone)
    rows = context.warehouse.query(
        "SELECT countIf(day = {today:Date}), count() FROM events"
        " WHERE site_id = {site:UInt32} AND day BETWEEN {first:Date} AND {today:Date} AND name != 'engagement'",
        {"site": site.id, "today": today, "first": today - timedelta(days=ARRIVAL_DAYS - 1)},
    )
    return Arrivals(int(rows[0][0]), int(rows[0][1]))


def _ends(expires_ms: int) -> str:
    return datetime.fromtimestamp(expires_ms / 1000, UTC).strftime("%Y-%m-%d")
