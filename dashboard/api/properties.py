"""
Declared properties by key: list, create, delete.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.body import fields
from dashboard.api.site_access import required, site_for
from dashboard.context import Context
from dashboard.stats.answer import in_thread


async def listed(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/custom-props?site_id=`.
    """
    site = await site_for(context, request, request.query_params.get("site_id"), "to list custom properties")
    names = await in_thread(context.registry.properties.all, site.id)
    return JSONResponse({"custom_properties": [{"property": name} for name in names]})


async def created(context: Context, request: Request) -> Response:
    """
    Answer `PUT /api/v1/sites/custom-props` with `{"site_id", "property"}`; one that is there already is no error.
    """
    given = await fields(request)
    purpose = "to create a custom property"
    site = await site_for(context, request, given.get("site_id"), purpose)
    await in_thread(context.registry.properties.add, site.id, required(given, "property", purpose))
    return JSONResponse({"created": True})


async def removed(context: Context, request: Request) -> Response:
    """
    Answer `DELETE /api/v1/sites/custom-props/{property}`; one that is not there is no error.
    """
    given = await fields(request)
    site = await site_for(context, request, given.get("site_id"), "to delete a custom property")
    await in_thread(context.registry.properties.remove, site.id, request.path_params["property"])
    return JSONResponse({"deleted": True})
