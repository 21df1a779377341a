"""
Sites by key, for owners who automate: list, create, show, rename, remove.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import INVALID_KEY, ApiError, key_of
from dashboard.api.body import fields
from dashboard.api.site_access import optional, page_limit, site_in_path
from dashboard.api.site_settings import settings_of
from dashboard.context import Context
from dashboard.site_changes import remove_site
from dashboard.stats.answer import in_thread
from warehouse.registry.errors import RegistryError, RegistryUnavailable
from warehouse.registry.site_settings import checked_timezone
from warehouse.registry.sites import Site


async def listed(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites`: the key's sites by domain, a page at a time (`after` or `before` a domain).
    """
    key = await key_of(context, request, "sites")
    limit = page_limit(request.query_params.get("limit"))
    after, before = request.query_params.get("after"), request.query_params.get("before")
    sites = [site for site in await in_thread(context.registry.sites.all) if key.allows("sites", site.id)]
    if before is not None:
        found = [site for site in sites if site.domain < before]
        page, more_before, more_after = found[-limit:], len(found) > limit, len(found) < len(sites)
    else:
        found = [site for site in sites if after is None or site.domain > after]
        page, more_before, more_after = found[:limit], len(found) < len(sites), len(found) > limit
    meta = {
        "after": page[-1].domain if page and more_after else None,
        "before": page[0].domain if page and more_before else None,
        "limit": limit,
    }
    return JSONResponse({"sites": [_short(site) for site in page], "meta": meta})


async def created(context: Context, request: Request) -> Response:
    """
    Answer `POST /api/v1/sites` with `{"domain", "timezone"}`.
    """
    key = await key_of(context, request, "sites")
    if key.site_id is not None:
        raise ApiError(401, INVALID_KEY)
    given = await fields(request)
    domain = _domain(given)
    timezone = optional(given, "timezone") or "Etc/UTC"
    try:
        checked_timezone(timezone)
    except RegistryError:
        raise ApiError(400, "timezone: is invalid") from None
    site = await _about_domain(lambda: context.registry.sites.add(domain, timezone=timezone))
    return JSONResponse(_short(site))


async def shown(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/{domain}`: the site with its settings.
    """
    site = await site_in_path(context, request)
    names = await in_thread(context.registry.properties.all, site.id)
    return JSONResponse({**settings_of(context, site), "custom_properties": names})


async def renamed(context: Context, request: Request) -> Response:
    """
    Answer `PUT /api/v1/sites/{domain}` with the new `{"domain"}`.
    """
    site = await site_in_path(context, request)
    new_domain = _domain(await fields(request))
    return JSONResponse(_short(await _about_domain(lambda: context.registry.sites.rename(site.domain, new_domain))))


async def removed(context: Context, request: Request) -> Response:
    """
    Answer `DELETE /api/v1/sites/{domain}`.
    """
    site = await site_in_path(context, request)
    # The rows are gone when this answers.
    await in_thread(remove_site, context, site)
    return JSONResponse({"deleted": True})


def _domain(given: Mapping[str, Any]) -> str:
    domain = optional(given, "domain")
    if domain is None or not domain.strip():
        raise ApiError(400, "domain: can't be blank")
    return domain


async def _about_domain(change: Callable[[], Site]) -> Site:
    # Clients know the field by what stands before the colon.
    try:
        return await in_thread(change)
    except RegistryUnavailable:
        raise
    except RegistryError as error:
        raise ApiError(400, f"domain: {error}") from None


def _short(site: Site) -> dict[str, Any]:
    return {"domain": site.domain, "timezone": site.timezone}
