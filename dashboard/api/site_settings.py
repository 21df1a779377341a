"""
Settings and shields of a site by key.
"""

from __future__ import annotations

from typing import Any, cast

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import ApiError
from dashboard.api.body import json_object
from dashboard.api.site_access import site_in_path
from dashboard.context import Context
from dashboard.site_changes import change_site
from dashboard.stats.answer import in_thread
from warehouse.registry.site_settings import SHIELD_KINDS
from warehouse.registry.sites import Site, SiteSettings

NAMES = ("timezone", "k", "public", "vault", "risk", "signals", "datacenter", "preset")


async def shown(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/{domain}/settings`.
    """
    return JSONResponse(settings_of(context, await site_in_path(context, request)))


async def changed(context: Context, request: Request) -> Response:
    """
    Answer `PUT /api/v1/sites/{domain}/settings`: what is named is changed, all of it or nothing.
    """
    site = await site_in_path(context, request)
    given = await json_object(request)
    unknown = next((name for name in given if name not in NAMES), None)
    if unknown is not None:
        raise ApiError(400, f"{unknown[:50]!r} is not a setting of a site: use {', '.join(NAMES)}")
    # The registry checks every value; a type says nothing of what came over the wire.
    settings = cast("SiteSettings", given)
    return JSONResponse(settings_of(context, await in_thread(lambda: change_site(context, site, **settings))))


async def shields_shown(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/{domain}/shields`.
    """
    return JSONResponse(_shields(await site_in_path(context, request)))


async def shields_changed(context: Context, request: Request) -> Response:
    """
    Answer `PUT /api/v1/sites/{domain}/shields`: each kind that is named gets the entries given, others stay.
    """
    site = await site_in_path(context, request)
    given = await json_object(request)
    changed = await in_thread(lambda: context.registry.sites.change(site.domain, shields=given))
    return JSONResponse(_shields(changed))


def settings_of(context: Context, site: Site) -> dict[str, Any]:
    """
    Write a site's settings; `timezone` is the one in force, `next_timezone` one that waits for its first day.
    """
    ahead = site.days.next_change(context.clock.now_ms())
    waiting = None if ahead is None else {"timezone": ahead.after, "from": ahead.first_day.isoformat()}
    return {"domain": site.domain, **{name: getattr(site, name) for name in NAMES}, "next_timezone": waiting}


def _shields(site: Site) -> dict[str, list[str]]:
    return {kind: list(getattr(site.shields, kind)) for kind in SHIELD_KINDS}
