"""
The older interface of stats clients: `GET /api/v1/stats/aggregate`, `timeseries` and `breakdown`.

It is a way to write questions; they are answered like all others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import ApiError, site_of
from dashboard.api.legacy_parameters import DOCS, legacy_query, whole
from dashboard.context import Context
from dashboard.stats.answer import ask, in_thread
from dashboard.stats.dimensions import PROPS_PREFIX, find_dimension
from dashboard.stats.metrics import METRICS
from dashboard.stats.query import Filter, StatsQuery, StatsResult, Value
from warehouse.registry.sites import Site

BREAKDOWN_DEFAULT = 100
BREAKDOWN_MAX = 1_000
IN_POINTS = frozenset({"bounce_rate", "conversion_rate"})
"""Metrics whose change is a difference of percentages."""
_INTERVALS = {"date": "time:day", "day": "time:day", "month": "time:month"}


async def aggregate(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/stats/aggregate`.
    """
    site = await site_of(context, request, request.query_params.get("site_id"))
    query = legacy_query({**request.query_params, "property": ""})
    await _check_goals(context, site, query)
    compare = request.query_params.get("compare")
    if compare not in (None, "previous_period"):
        raise ApiError(400, f"Error parsing `compare` parameter: invalid value '{compare[:100]}'. Use previous_period.")
    result = await ask(context, site, query)
    answered: dict[str, dict[str, Value]] = {name: {"value": value} for name, value in result.totals().items()}
    if compare:
        before = (await ask(context, site, query.over(result.period.previous()))).totals()
        for name, value in before.items():
            answered[name]["change"] = change(name, value, answered[name]["value"])
            answered[name]["comparison_value"] = value
    return JSONResponse({"results": answered, **_warnings(result)})


async def timeseries(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/stats/timeseries`; buckets in which nothing happened are filled in.
    """
    site = await site_of(context, request, request.query_params.get("site_id"))
    interval = request.query_params.get("interval")
    if interval is not None and interval not in _INTERVALS:
        raise ApiError(
            400,
            f"Error parsing `interval` parameter: invalid interval `{interval[:100]}`."
            " Valid intervals are `day`, `month`",
        )
    query = legacy_query({**request.query_params, "property": ""})
    await _check_goals(context, site, query)
    dimension = _INTERVALS[interval] if interval else "time"
    result = await ask(context, site, _by_row(replace(query, dimensions=(dimension,), time_labels=True)))
    found = {row.dimensions[0]: row.metrics for row in result.rows}
    # What was withheld is not "nothing happened".
    empty = tuple(None if result.metric_warnings else METRICS[name].zero for name in query.metrics)
    rows: list[dict[str, Any]] = []
    for index, label in enumerate(result.time_labels or ()):
        metrics = found.get(label)
        if metrics is None and index == 0:
            # A first week or month that began earlier is labelled by the period's first day.
            metrics = found.get(result.period.first.isoformat())
        rows.append({"date": label, **dict(zip(query.metrics, metrics or empty, strict=True))})
    return JSONResponse({"results": rows, **_warnings(result)})


async def breakdown(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/stats/breakdown`.
    """
    site = await site_of(context, request, request.query_params.get("site_id"))
    name = request.query_params.get("property")
    if not name:
        raise ApiError(
            400,
            "The `property` parameter is required. Please provide at least one property to show a breakdown by.",
        )
    dimension = find_dimension(name)
    if dimension is None or dimension.family == "time":
        raise ApiError(
            400,
            f"Invalid property '{name[:200]}'. Please provide a valid property for the breakdown endpoint:"
            f" {DOCS}#properties",
        )
    query = legacy_query(request.query_params)
    await _check_goals(context, site, query)
    limits = f"Please provide limit as a number between 1 and {BREAKDOWN_MAX}."
    limit = whole(request.query_params, "limit", BREAKDOWN_DEFAULT, BREAKDOWN_MAX, limits)
    page = whole(request.query_params, "page", 1, 1_000_000, "Please provide page as a positive number.")
    asked = replace(query, dimensions=(name,), limit=limit, offset=(page - 1) * limit)
    of_all = name == "event:goal" or name.startswith(PROPS_PREFIX)
    result = await ask(context, site, asked if of_all else _by_row(asked))
    key = name.removeprefix(PROPS_PREFIX) if name.startswith(PROPS_PREFIX) else name.partition(":")[2]
    rows = [{key: row.dimensions[0], **dict(zip(query.metrics, row.metrics, strict=True))} for row in result.rows]
    return JSONResponse({"results": rows, **_warnings(result)})


def _by_row(query: StatsQuery) -> StatsQuery:
    """
    Measure conversions against the visitors of each row, as this interface does but for goals and properties: against
    those of the whole period, every day would look small.
    """
    names = ("group_conversion_rate" if name == "conversion_rate" else name for name in query.metrics)
    return replace(query, metrics=tuple(names))


async def _check_goals(context: Context, site: Site, query: StatsQuery) -> None:
    """
    Refuse filters on goals that the site does not have, in the words of this interface.

    Raises:
        ApiError: there is no such goal.
    """
    named = [value for one in query.filters if isinstance(one, Filter) and one.dimension == "event:goal"
             for value in one.values]  # fmt: skip
    goals = await in_thread(context.registry.goals.all, site.id) if named else []
    known = {goal.display_name for goal in goals}
    for name in named:
        if name not in known:
            what = f"goal `{name}`"
            if name.startswith("Visit "):
                what = f"pageview goal for the pathname `{name.removeprefix('Visit ')}`"
            how = f"Find out how to configure goals here: {DOCS}#filtering-by-goals"
            raise ApiError(400, f"The {what} is not configured for this site. {how}")


def change(metric: str, before: Value, now: Value) -> int | float | None:
    """
    Tell how a metric changed: percent, or percentage points for a rate. From 0 to something is 100.
    """
    if before is None or now is None:
        return None
    if metric in IN_POINTS:
        return round(now - before, 1) if isinstance(now - before, float) else now - before
    if before == 0:
        return 100 if now > 0 else 0
    return round((now - before) / before * 100)


def _warnings(result: StatsResult) -> dict[str, Any]:
    if not result.metric_warnings:
        return {}
    warnings = {
        name.removeprefix("group_"): {"code": warning.code, "warning": warning.text}
        for name, warning in result.metric_warnings.items()
    }
    return {"meta": {"metric_warnings": warnings}}
