"""
Goals by key: list, find or create, delete.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from dashboard.api.access import ApiError
from dashboard.api.body import fields
from dashboard.api.site_access import optional, page_limit, required, site_for
from dashboard.context import Context
from dashboard.stats.answer import in_thread
from warehouse.registry.errors import RegistryError, RegistryUnavailable
from warehouse.registry.goals import Goal
from warehouse.registry.sites import Site

NOT_FOUND = "Goal could not be found"
_TO_CREATE = "to create a goal"


async def listed(context: Context, request: Request) -> Response:
    """
    Answer `GET /api/v1/sites/goals?site_id=`: the oldest first, a page at a time (`after` or `before` a cursor).
    """
    query = request.query_params
    site = await site_for(context, request, query.get("site_id"), "to list goals")
    limit = page_limit(query.get("limit"))
    goals = await in_thread(context.registry.goals.all, site.id)
    after, before = _cursor(query.get("after")), _cursor(query.get("before"))
    if before is not None:
        found = [goal for goal in goals if goal.id < before]
        page, more_before, more_after = found[-limit:], len(found) > limit, len(found) < len(goals)
    else:
        found = [goal for goal in goals if after is None or goal.id > after]
        page, more_before, more_after = found[:limit], len(found) < len(goals), len(found) > limit
    meta = {
        "after": str(page[-1].id) if page and more_after else None,
        "before": str(page[0].id) if page and more_before else None,
        "limit": limit,
    }
    return JSONResponse({"goals": [_shown(goal) for goal in page], "meta": meta})


async def found_or_created(context: Context, request: Request) -> Response:
    """
    Answer `PUT /api/v1/sites/goals`: a goal that counts the same is given back as it is.
    """
    given = await fields(request)
    site = await site_for(context, request, given.get("site_id"), _TO_CREATE)
    kind = required(given, "goal_type", _TO_CREATE)
    if kind == "event":
        required(given, "event_name", _TO_CREATE)
    elif kind in ("page", "scroll"):
        required(given, "page_path", _TO_CREATE)
    goal = await in_thread(_add, context, site, kind, given)
    return JSONResponse({"domain": site.domain, **_shown(goal)})


async def removed(context: Context, request: Request) -> Response:
    """
    Answer `DELETE /api/v1/sites/goals/{id}` with `site_id` in the body or the query.
    """
    given = await fields(request)
    site = await site_for(context, request, given.get("site_id"), "to delete a goal")
    goal_id = request.path_params["goal_id"]
    try:
        if not goal_id.isascii() or not goal_id.isdigit() or len(goal_id) > 18:
            raise RegistryError(NOT_FOUND)
        await in_thread(context.registry.goals.remove, site.id, int(goal_id))
    except RegistryUnavailable:
        raise
    except RegistryError:
        raise ApiError(404, NOT_FOUND) from None
    return JSONResponse({"deleted": True})


def _add(context: Context, site: Site, kind: str, given: dict[str, Any]) -> Goal:
    props = given.get("custom_props")
    if isinstance(props, str):
        # A form has no objects: there it is JSON in a text.
        try:
            props = json.loads(props) if props.strip() else None
        except (ValueError, RecursionError):
            raise ApiError(400, "custom_props must be an object of texts") from None
    return context.registry.goals.add(
        site.id,
        kind=kind,
        event_name=optional(given, "event_name") if kind == "event" else None,
        page_path=optional(given, "page_path") if kind != "event" else None,
        display_name=optional(given, "display_name"),
        scroll_threshold=given.get("scroll_threshold"),
        currency=optional(given, "currency"),
        custom_props=props,
    )


def _shown(goal: Goal) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": str(goal.id),
        "display_name": goal.display_name,
        "goal_type": "event" if goal.kind == "event" else "page",
        "event_name": goal.event_name,
        "page_path": goal.page_path,
        "currency": goal.currency,
        "scroll_threshold": goal.scroll_threshold,
        "custom_props": dict(goal.custom_props),
    }
    return shown


def _cursor(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ApiError(400, "after and before are cursors from an earlier answer")
    return int(text)
