"""
`POST /api/v2/query` and the live number of visitors.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import ApiError, site_of
from dashboard.api.body import json_object
from dashboard.api.named_places import NamedPlaces
from dashboard.api.segment_filters import with_segments
from dashboard.context import Context
from dashboard.stats.answer import ask, in_thread, present_visitors
from dashboard.stats.metrics import REVENUE_METRICS
from dashboard.stats.parse import ParsedQuery, check_top_level, parse_query
from dashboard.stats.period import Period
from dashboard.stats.query import StatsResult
from dashboard.stats.revenue import money
from dashboard.stats.sql import default_order
from warehouse.registry.sites import Site


async def query(context: Context, request: Request) -> Response:
    """
    Answer `POST /api/v2/query`.
    """
    body = await json_object(request)
    named = body.get("site_id")
    if named is not None and not isinstance(named, str):
        raise ApiError(400, "#/site_id: Type mismatch. Expected String.")
    site = await site_of(context, request, named)
    filters: Any = body.get("filters")
    if isinstance(filters, list):
        check_top_level(cast("list[Any]", filters))
    named_body = NamedPlaces(body)
    parsed = parse_query(await in_thread(with_segments, context, site, named_body.by_code))
    result = await ask(context, site, parsed.query)
    return JSONResponse(
        {
            "results": [
                {"dimensions": named_body.labels(row.dimensions), "metrics": _metrics(result, index)}
                for index, row in enumerate(result.rows)
            ],
            "meta": _meta(result),
            "query": named_body.echo(_executed(site, parsed, result)),
        }
    )


async def realtime_visitors(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/stats/realtime/visitors` with a bare number.
    """
    site = await site_of(context, request, request.query_params.get("site_id"))
    return JSONResponse(await in_thread(present_visitors, context, site))


def _metrics(result: StatsResult, index: int) -> list[object]:
    return [
        money(value, result.currencies[index] if index < len(result.currencies) else None)
        if name in REVENUE_METRICS
        else value
        for name, value in zip(result.query.metrics, result.rows[index].metrics, strict=True)
    ]


def _meta(result: StatsResult) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if result.query.imports:
        meta["imports_included"] = result.imports.included
        if result.imports.skipped:
            meta["imports_skip_reason"] = result.imports.skipped
        if result.imports.warning:
            meta["imports_warning"] = result.imports.warning
    if result.metric_warnings:
        meta["metric_warnings"] = {
            name: {"code": warning.code, "warning": warning.text} for name, warning in result.metric_warnings.items()
        }
    if result.time_labels is not None:
        meta["time_labels"] = list(result.time_labels)
    if result.total_rows is not None:
        meta["total_rows"] = result.total_rows
    return meta


def _executed(site: Site, parsed: ParsedQuery, result: StatsResult) -> dict[str, Any]:
    executed = result.query
    include: dict[str, Any] = {}
    if executed.imports:
        include["imports"] = True
    if executed.time_labels:
        include["time_labels"] = True
    if executed.total_rows:
        include["total_rows"] = True
    if not executed.whole_calendar:
        include["trim_relative_date_range"] = True
    return {
        "site_id": site.domain,
        "metrics": list(executed.metrics),
        "date_range": bounds(result.period),
        "dimensions": list(executed.dimensions),
        "filters": parsed.filters,
        "order_by": [
            [order.by, "desc" if order.descending else "asc"] for order in executed.order or default_order(executed)
        ],
        "include": include,
        "pagination": {"limit": executed.limit, "offset": executed.offset},
    }


def bounds(period: Period) -> list[str]:
    """
    The first and last second of a period in the site's time zone; asking about them again gives the same.
    """
    days = period.site_days
    start = period.start or days.start_of(period.first)
    end = period.end or days.start_of(period.last + timedelta(days=1))
    last = end.astimezone(UTC) - timedelta(seconds=1)
    zones = [ZoneInfo(days.zone_of(day)) for day in (period.first, period.last)]
    return [
        moment.astimezone(zone).isoformat(timespec="seconds") for moment, zone in zip((start, last), zones, strict=True)
    ]
