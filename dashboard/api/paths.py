"""
What people did one after the other: a funnel's steps, and the journeys around a page.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import ApiError, site_of
from dashboard.api.legacy_parameters import legacy_query
from dashboard.context import Context
from dashboard.stats.answer import in_thread
from dashboard.stats.funnel import funnel_visitors
from dashboard.stats.journey import Step, journey
from dashboard.stats.period import Period, resolve
from dashboard.stats.query import FilterTree
from warehouse.registry.funnels import Funnel
from warehouse.registry.sites import Site

Asked = Callable[[Site, Period, tuple[FilterTree, ...]], Response]


async def journeys(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/stats/journey?site_id=&page=`, with `period`, `date` and `filters` as the older interface.
    """

    def answered(site: Site, period: Period, filters: tuple[FilterTree, ...]) -> Response:
        # After the key: who has none is told that first, as everywhere.
        page = request.query_params.get("page")
        if not page:
            raise ApiError(400, "The `page` parameter is required, such as /pricing.")
        found = journey(context, site, period, page, filters)
        before, after = ([_step(step) for step in steps] for steps in (found.before, found.after))
        return JSONResponse({"page": page, "visitors": found.visitors, "before": before, "after": after})

    return await _answered(context, request, answered)


async def funnel(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/stats/funnel?site_id=&funnel=`, with `period`, `date` and `filters` as the older interface.
    """

    def answered(site: Site, period: Period, filters: tuple[FilterTree, ...]) -> Response:
        asked = _named(context, site, request.query_params.get("funnel", ""))
        goals = {goal.id: goal for goal in context.registry.goals.all(site.id)}
        steps = [goals[number] for number in asked.goal_ids if number in goals]
        counts = funnel_visitors(context, site, period, steps, filters) if steps else []
        rows = [{"goal": goal.display_name, "visitors": count} for goal, count in zip(steps, counts, strict=True)]
        return JSONResponse({"funnel": asked.name, "steps": rows})

    return await _answered(context, request, answered)


async def _answered(context: Context, request: Request, asked: Asked) -> Response:
    site = await site_of(context, request, request.query_params.get("site_id"))
    query = legacy_query(request.query_params)

    def work() -> Response:
        now_ms = context.clock.now_ms()
        period = resolve(query.date_range, site.timezone, now_ms, today=query.date, changes=site.zone_changes)
        return asked(site, period, query.filters)

    return await in_thread(work)


def _named(context: Context, site: Site, name: str) -> Funnel:
    funnels = context.registry.funnels.all(site.id)
    found = next((one for one in funnels if one.name == name), None)
    if found is None:
        known = ", ".join(f"`{one.name}`" for one in funnels) or "none"
        raise ApiError(400, f"The site has no funnel `{name[:100]}`. Its funnels: {known}.")
    return found


def _step(step: Step) -> dict[str, object]:
    return {"kind": step.kind, "name": step.name, "visitors": step.visitors}
