"""
The routes of the JSON answers, and how errors become statuses.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dashboard.api import (
    annotations,
    drops,
    goals,
    imports,
    legacy,
    paths,
    properties,
    shared_links,
    site_settings,
    sites,
    stats,
)
from dashboard.api.access import ApiError
from dashboard.context import Context
from dashboard.stats.query import QueryError
from warehouse.client import QueryTimeout, WarehouseUnavailable
from warehouse.registry.errors import RegistryError, RegistryUnavailable

Answer = Callable[[Context, Request], Awaitable[Response]]


def build_api_routes(context: Context) -> list[Route]:
    """
    List the routes of the JSON answers.
    """

    def route(path: str, answer: Answer, *methods: str) -> Route:
        async def endpoint(request: Request) -> Response:
            return await _guarded(answer, context, request)

        return Route(path, endpoint, methods=list(methods))

    return [
        route("/api/v2/query", stats.query, "POST"),
        route("/api/v1/stats/realtime/visitors", stats.realtime_visitors, "GET"),
        route("/api/v1/stats/aggregate", legacy.aggregate, "GET"),
        route("/api/v1/stats/timeseries", legacy.timeseries, "GET"),
        route("/api/v1/stats/breakdown", legacy.breakdown, "GET"),
        route("/api/v1/stats/funnel", paths.funnel, "GET"),
        route("/api/v1/stats/journey", paths.journeys, "GET"),
        route("/api/v1/import", imports.imported, "POST"),
        route("/api/v1/import", imports.listed, "GET"),
        route("/api/v1/import/{id}", imports.removed, "DELETE"),
        route("/api/v1/sites", sites.listed, "GET"),
        route("/api/v1/sites", sites.created, "POST"),
        route("/api/v1/sites/goals", goals.listed, "GET"),
        route("/api/v1/sites/goals", goals.found_or_created, "PUT"),
        route("/api/v1/sites/goals/{goal_id}", goals.removed, "DELETE"),
        route("/api/v1/sites/custom-props", properties.listed, "GET"),
        route("/api/v1/sites/custom-props", properties.created, "PUT"),
        route("/api/v1/sites/custom-props/{property:path}", properties.removed, "DELETE"),
        route("/api/v1/sites/shared-links", shared_links.listed, "GET"),
        route("/api/v1/sites/shared-links", shared_links.found_or_created, "PUT"),
        route("/api/v1/sites/shared-links/{name:path}", shared_links.removed, "DELETE"),
        route("/api/v1/sites/annotations", annotations.listed, "GET"),
        route("/api/v1/sites/annotations", annotations.created, "PUT"),
        route("/api/v1/sites/annotations/{id}", annotations.removed, "DELETE"),
        # A domain may have a path, written with %2F.
        route("/api/v1/sites/{domain:path}/dropped", drops.dropped, "GET"),
        route("/api/v1/sites/{domain:path}/settings", site_settings.shown, "GET"),
        route("/api/v1/sites/{domain:path}/settings", site_settings.changed, "PUT"),
        route("/api/v1/sites/{domain:path}/shields", site_settings.shields_shown, "GET"),
        route("/api/v1/sites/{domain:path}/shields", site_settings.shields_changed, "PUT"),
        route("/api/v1/sites/{domain:path}", sites.shown, "GET"),
        route("/api/v1/sites/{domain:path}", sites.renamed, "PUT"),
        route("/api/v1/sites/{domain:path}", sites.removed, "DELETE"),
    ]


async def _guarded(answer: Answer, context: Context, request: Request) -> Response:
    try:
        return await answer(context, request)
    except ApiError as error:
        return error.response()
    except QueryTimeout as error:
        text = f"The question took too long ({error}). Ask for a shorter period or fewer dimensions."
        return JSONResponse({"error": text}, status_code=504)
    except (WarehouseUnavailable, RegistryUnavailable):
        return JSONResponse(
            {"error": "The store is not answering at the moment. Try again in a few seconds."},
            status_code=503,
            headers={"retry-after": "5"},
        )
    except (QueryError, RegistryError) as error:
        return JSONResponse({"error": str(error)}, status_code=400)
