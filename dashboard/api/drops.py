"""
What was dropped and why, for the site's owner: `GET /api/v1/sites/{domain}/dropped?from=&to=`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import INVALID_KEY, ApiError, bearer
from dashboard.api.site_access import NOT_FOUND
from dashboard.context import Context
from dashboard.stats.answer import in_thread
from dashboard.stats.period import PeriodError, parse_day
from warehouse.registry.sites import Site

DAYS_DEFAULT = 7
DAYS_MAX = 400


@dataclass(frozen=True, slots=True)
class DroppedHour:
    """
    Dropped hits of one reason in one hour (UTC).
    """

    hour: datetime
    reason: str
    hits: int


def dropped_hours(context: Context, site: Site, first: date, last: date) -> list[DroppedHour]:
    """
    Count the dropped hits of a site by hour and reason, the oldest hour first. Blocks while the store works.

    Args:
        first, last: local days of the site, both inside.

    Raises:
        QueryTimeout, WarehouseUnavailable: ask again, or for fewer days.
    """
    start = site.days.start_of(first).replace(minute=0)
    end = site.days.start_of(last + timedelta(days=1))
    rows = context.warehouse.query(
        "SELECT toUnixTimestamp(hour) AS at, reason, sum(hits) FROM drops WHERE site_id = {site:UInt32}"
        " AND hour >= toDateTime({start:UInt32}, 'UTC') AND hour < toDateTime({end:UInt32}, 'UTC')"
        " GROUP BY at, reason ORDER BY at, reason",
        {"site": site.id, "start": int(start.timestamp()), "end": int(end.timestamp())},
    )
    return [DroppedHour(datetime.fromtimestamp(int(at), UTC), str(reason), int(hits)) for at, reason, hits in rows]


async def dropped(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/{domain}/dropped` for keys with scope `stats` or `sites`.
    """
    key = await in_thread(context.registry.keys.find, bearer(request))
    if key is None or not any(key.allows(scope, key.site_id) for scope in ("stats", "sites")):
        raise ApiError(401, INVALID_KEY)
    site = await in_thread(context.registry.sites.find, request.path_params["domain"])
    if site is None or not (key.allows("stats", site.id) or key.allows("sites", site.id)):
        raise ApiError(404, NOT_FOUND)
    first, last = _days(context, site, request)
    hours = await in_thread(dropped_hours, context, site, first, last)
    totals: dict[str, int] = {}
    for one in hours:
        totals[one.reason] = totals.get(one.reason, 0) + one.hits
    return JSONResponse(
        {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "totals": totals,
            "dropped": [
                {"hour": one.hour.strftime("%Y-%m-%dT%H:%M:%SZ"), "reason": one.reason, "hits": one.hits}
                for one in hours
            ],
        }
    )


def _days(context: Context, site: Site, request: Request) -> tuple[date, date]:
    today = datetime.fromtimestamp(context.clock.now_ms() / 1000, ZoneInfo(site.timezone)).date()
    try:
        to_text, from_text = request.query_params.get("to"), request.query_params.get("from")
        last = parse_day(to_text) if to_text else today
        first = parse_day(from_text) if from_text else last - timedelta(days=DAYS_DEFAULT - 1)
    except PeriodError as error:
        raise ApiError(400, f"from and to are days such as 2026-01-31: {error}") from None
    if not 0 <= (last - first).days < DAYS_MAX:
        raise ApiError(400, f"from must not lie after to, and no more than {DAYS_MAX} days before it")
    return first, last
