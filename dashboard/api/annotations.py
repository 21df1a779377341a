"""
Notes on a site's graph by key: list, write, delete.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import ApiError
from dashboard.api.body import fields
from dashboard.api.site_access import required, site_for
from dashboard.context import Context
from dashboard.stats.answer import in_thread
from dashboard.stats.period import PeriodError, parse_day
from warehouse.registry.annotations import Annotation
from warehouse.registry.errors import RegistryError, RegistryUnavailable

NOT_FOUND = "Annotation could not be found"
_TO_WRITE = "to write an annotation"


async def listed(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/annotations?site_id=`, perhaps with the first and last day as `from` and `to`.
    """
    site = await site_for(context, request, request.query_params.get("site_id"), "to list annotations")
    first, last = _day(request, "from", date.min), _day(request, "to", date.max)

    def between() -> list[Annotation]:
        return context.registry.annotations.between(site.id, first, last, only_public=False)

    return JSONResponse({"annotations": [_shown(one) for one in await in_thread(between)]})


async def created(context: Context, request: Request) -> Response:
    """
    Answer `PUT /api/v1/sites/annotations` with `{"site_id", "day", "note"}` and perhaps `public`.
    """
    given = await fields(request)
    site = await site_for(context, request, given.get("site_id"), _TO_WRITE)
    day, note, public = required(given, "day", _TO_WRITE), required(given, "note", _TO_WRITE), given.get("public")
    if public is not None and not isinstance(public, bool):
        raise ApiError(400, "Parameter `public` must be true or false")

    def add() -> Annotation:
        return context.registry.annotations.add(site.id, day, note, public=bool(public))

    return JSONResponse(_shown(await in_thread(add)))


async def removed(context: Context, request: Request) -> Response:
    """
    Answer `DELETE /api/v1/sites/annotations/{id}` with `site_id` in the body or the query.
    """
    given = await fields(request)
    site = await site_for(context, request, given.get("site_id"), "to delete an annotation")
    number = request.path_params["id"]
    if not number.isascii() or not number.isdigit() or len(number) > 9:
        raise ApiError(404, NOT_FOUND)
    try:
        await in_thread(context.registry.annotations.remove, site.id, int(number))
    except RegistryUnavailable:
        raise
    except RegistryError:
        raise ApiError(404, NOT_FOUND) from None
    return JSONResponse({"deleted": True})


def _day(request: Request, name: str, default: date) -> date:
    text = request.query_params.get(name)
    try:
        return default if text is None else parse_day(text)
    except PeriodError as error:
        raise ApiError(400, str(error)) from None


def _shown(annotation: Annotation) -> dict[str, Any]:
    return {
        "id": str(annotation.id),
        "day": annotation.day.isoformat(),
        "note": annotation.note,
        "public": annotation.public,
    }
