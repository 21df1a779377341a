"""
What belongs to a site: goals, properties and shared links.
"""

from __future__ import annotations

from dashboard.openapi.operations import (
    BOOLEAN,
    SITE_ID,
    TEXT,
    TEXT_OR_NULL,
    Json,
    Paths,
    answer,
    body,
    in_path,
    listing,
    operation,
    record,
    ref,
)
from dashboard.openapi.sites import GONE, META, PAGE, REFUSALS, WITH_BODY

TAG = "Goals, properties and links"
_GOAL: Json = {
    "id": "1",
    "display_name": "Signup",
    "goal_type": "event",
    "event_name": "Signup",
    "page_path": None,
    "currency": None,
    "scroll_threshold": None,
    "custom_props": {},
}
_LINK = {
    "name": "For the board",
    "url": "https://stats.site1.test/share/8c1f0e6b",
    "password_protected": False,
    "expires_at": None,
    "segment_id": None,
}
_GOAL_FIELDS: Json = {
    "id": TEXT,
    "display_name": TEXT,
    "goal_type": {"enum": ["event", "page"]},
    "event_name": TEXT_OR_NULL,
    "page_path": TEXT_OR_NULL,
    "currency": TEXT_OR_NULL,
    "scroll_threshold": {"type": ["integer", "null"]},
    "custom_props": {"type": "object", "additionalProperties": TEXT},
}

SCHEMAS: Json = {
    "Goal": record(_GOAL_FIELDS),
    "GoalOfSite": record({"domain": TEXT, **_GOAL_FIELDS}),
    "GoalList": record({"goals": listing(ref("Goal")), "meta": META}),
    "NewGoal": record(
        {
            "site_id": TEXT,
            "goal_type": {"enum": ["event", "page", "scroll"]},
            "event_name": TEXT_OR_NULL,
            "page_path": {"type": ["string", "null"], "description": "With * and ** as wildcards."},
            "display_name": TEXT_OR_NULL,
            "currency": TEXT_OR_NULL,
            "scroll_threshold": {"type": ["integer", "string", "null"]},
            "custom_props": {"type": ["object", "string", "null"], "additionalProperties": TEXT},
        },
        required=("site_id", "goal_type"),
    ),
    "Properties": record({"custom_properties": listing(record({"property": TEXT}))}),
    "SharedLink": record(
        {
            "name": TEXT,
            "url": TEXT,
            "password_protected": BOOLEAN,
            "expires_at": TEXT_OR_NULL,
            "segment_id": {"type": ["integer", "null"]},
        }
    ),
    "SharedLinks": record({"shared_links": listing(ref("SharedLink"))}),
    "NewSharedLink": record(
        {
            "site_id": TEXT,
            "name": TEXT,
            "password": TEXT_OR_NULL,
            "expires_at": {"type": ["string", "null"], "description": "ISO 8601."},
            "segment_id": {"type": ["integer", "null"]},
        },
        required=("site_id", "name"),
    ),
    "Created": record({"created": {"const": True}}),
}

PATHS: Paths = {
    "/api/v1/sites/goals": {
        "get": operation(
            TAG,
            "listGoals",
            "List goals",
            parameters=[SITE_ID, *PAGE],
            answers={
                200: answer(
                    "The oldest first.",
                    ref("GoalList"),
                    {"goals": [_GOAL], "meta": {"after": None, "before": None, "limit": 100}},
                ),
                **REFUSALS,
            },
        ),
        "put": operation(
            TAG,
            "putGoal",
            "Find or add a goal",
            text="A `page` with `scroll_threshold` counts who scrolled that far. Forms are taken too.",
            body=body(ref("NewGoal"), {"site_id": "site1.test", "goal_type": "event", "event_name": "Signup"}),
            answers={
                200: answer("The goal.", ref("GoalOfSite"), {"domain": "site1.test", **_GOAL}),
                **WITH_BODY,
            },
        ),
    },
    "/api/v1/sites/goals/{goal_id}": {
        "delete": operation(
            TAG,
            "removeGoal",
            "Remove a goal",
            parameters=[in_path("goal_id", "Its `id`.", "1"), SITE_ID],
            answers={200: GONE, **WITH_BODY},
        ),
    },
    "/api/v1/sites/custom-props": {
        "get": operation(
            TAG,
            "listProperties",
            "List declared properties",
            parameters=[SITE_ID],
            answers={
                200: answer("By name.", ref("Properties"), {"custom_properties": [{"property": "plan"}]}),
                **REFUSALS,
            },
        ),
        "put": operation(
            TAG,
            "putProperty",
            "Declare a property",
            body=body(record({"site_id": TEXT, "property": TEXT}), {"site_id": "site1.test", "property": "plan"}),
            answers={200: answer("Declared.", ref("Created"), {"created": True}), **WITH_BODY},
        ),
    },
    "/api/v1/sites/custom-props/{property}": {
        "delete": operation(
            TAG,
            "removeProperty",
            "Take a declaration back",
            parameters=[in_path("property", "Its name.", "plan"), SITE_ID],
            answers={200: GONE, **WITH_BODY},
        ),
    },
    "/api/v1/sites/shared-links": {
        "get": operation(
            TAG,
            "listSharedLinks",
            "List shared links",
            parameters=[SITE_ID],
            answers={200: answer("The oldest first.", ref("SharedLinks"), {"shared_links": [_LINK]}), **REFUSALS},
        ),
        "put": operation(
            TAG,
            "putSharedLink",
            "Find or add a shared link",
            body=body(ref("NewSharedLink"), {"site_id": "site1.test", "name": "For the board"}),
            answers={200: answer("The link.", ref("SharedLink"), _LINK), **WITH_BODY},
        ),
    },
    "/api/v1/sites/shared-links/{name}": {
        "delete": operation(
            TAG,
            "removeSharedLink",
            "Remove a shared link",
            parameters=[in_path("name", "Its name.", "For the board"), SITE_ID],
            answers={200: GONE, **WITH_BODY},
        ),
    },
}
