"""
Sites by key, for owners who automate: list, create, show, rename, remove.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import INVALID_KEY, ApiError, key_of
from dashboard.api.stats import json_object
from dashboard.context import Context
from dashboard.stats.answer import in_thread
from warehouse.registry.api_keys import ApiKey
from warehouse.registry.sites import Site
from warehouse.site_rows import forget_site

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
NOT_FOUND = "Site could not be found"


async def listed(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites`: the key's sites by domain, a page at a time (`after` or `before` a domain).
    """
    key = await key_of(context, request, "sites")
    limit = _limit(request.query_params.get("limit"))
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
    body = await json_object(request)
    domain, timezone = _text(body, "domain"), body.get("timezone", "Etc/UTC")
    if not isinstance(timezone, str):
        raise ApiError(400, "timezone must be a text, for example Europe/Stockholm")
    site = await in_thread(lambda: context.registry.sites.add(domain, timezone=timezone))
    return JSONResponse(_short(site))


async def shown(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/{domain}`: the site with its settings.
    """
    site = await _allowed(context, request)
    return JSONResponse(
        {
            **_short(site),
            "k": site.k,
            "public": site.public,
            "vault": site.vault,
            "risk": site.risk,
            "signals": site.signals,
            "datacenter": site.datacenter,
            "preset": site.preset,
        }
    )


async def renamed(context: Context, request: Request) -> Response:
    """
    Answer `PUT /api/v1/sites/{domain}` with the new `{"domain"}`.
    """
    site = await _allowed(context, request)
    new_domain = _text(await json_object(request), "domain")
    return JSONResponse(_short(await in_thread(context.registry.sites.rename, site.domain, new_domain)))


async def removed(context: Context, request: Request) -> Response:
    """
    Answer `DELETE /api/v1/sites/{domain}`.
    """
    site = await _allowed(context, request)
    # The name first: from here on nothing new is collected. The rows follow, and are gone when this answers.
    await in_thread(context.registry.sites.remove, site.domain)
    await in_thread(forget_site, context.warehouse, site.id)
    return JSONResponse({"deleted": True})


async def _allowed(context: Context, request: Request) -> Site:
    key: ApiKey = await key_of(context, request, "sites")
    site = await in_thread(context.registry.sites.find, request.path_params["domain"])
    if site is None or not key.allows("sites", site.id):
        raise ApiError(404, NOT_FOUND)
    return site


def _short(site: Site) -> dict[str, Any]:
    return {"domain": site.domain, "timezone": site.timezone}


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise ApiError(400, f"Parameter `{name}` is required to be a text.")
    return value


def _limit(text: str | None) -> int:
    if text is None:
        return LIMIT_DEFAULT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= LIMIT_MAX or len(text) > 6:
        raise ApiError(400, f"limit must be a number from 1 to {LIMIT_MAX}")
    return int(text)
