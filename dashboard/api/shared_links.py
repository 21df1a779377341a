"""
Shared links by key: list, find or create, delete.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import ApiError
from dashboard.api.body import fields
from dashboard.api.site_access import optional, required, site_for
from dashboard.context import Context
from dashboard.pages.snippet import public_address
from dashboard.stats.answer import in_thread
from warehouse.registry.shared_links import SharedLink
from warehouse.registry.sites import Site

NOT_FOUND = "Shared link could not be found"
_TO_CREATE = "to create a shared link"


async def listed(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/shared-links?site_id=`.
    """
    site = await site_for(context, request, request.query_params.get("site_id"), "to list shared links")
    links = await in_thread(context.registry.shared_links.all, site.id)
    return JSONResponse({"shared_links": [_shown(context, request, link) for link in links]})


async def found_or_created(context: Context, request: Request) -> Response:
    """
    Answer `PUT /api/v1/sites/shared-links` with `{"site_id", "name"}` and, for a new one, perhaps `password`,
    `expires_at` (ISO 8601) and `segment_id`.
    """
    given = await fields(request)
    site = await site_for(context, request, given.get("site_id"), _TO_CREATE)
    name = required(given, "name", _TO_CREATE)
    link = await in_thread(_find_or_add, context, site, name, given)
    return JSONResponse(_shown(context, request, link))


async def removed(context: Context, request: Request) -> Response:
    """
    Answer `DELETE /api/v1/sites/shared-links/{name}` with `site_id` in the body or the query.
    """
    given = await fields(request)
    site = await site_for(context, request, given.get("site_id"), "to delete a shared link")
    link = await in_thread(context.registry.shared_links.named, site.id, request.path_params["name"])
    if link is None:
        raise ApiError(404, NOT_FOUND)
    await in_thread(context.registry.shared_links.remove, site.id, link.id)
    return JSONResponse({"deleted": True})


def _find_or_add(context: Context, site: Site, name: str, given: dict[str, Any]) -> SharedLink:
    links = context.registry.shared_links
    found = links.named(site.id, name)
    if found is not None:
        return found
    segment_id: Any = given.get("segment_id")
    if segment_id is not None and (isinstance(segment_id, bool) or not isinstance(segment_id, int)):
        raise ApiError(400, "Parameter `segment_id` must be a number")
    return links.add(
        site.id,
        name,
        password=optional(given, "password"),
        expires_ms=_end(optional(given, "expires_at")),
        segment_id=segment_id,
    )


def _end(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ApiError(400, "expires_at must be a time such as 2027-01-31T12:00:00Z") from None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _shown(context: Context, request: Request, link: SharedLink) -> dict[str, Any]:
    ends = None
    if link.expires_ms is not None:
        ends = datetime.fromtimestamp(link.expires_ms / 1000, UTC).isoformat(timespec="seconds")
    return {
        "name": link.name,
        "url": f"{public_address(context.settings, request)}/share/{link.slug}",
        "password_protected": link.has_password,
        "expires_at": ends,
        "segment_id": link.segment_id,
    }
