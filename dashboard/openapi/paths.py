"""
What people did one after the other.
"""

from __future__ import annotations

from dashboard.openapi.operations import (
    NUMBER_OR_NULL,
    SITE_ID,
    TEXT,
    Json,
    Paths,
    answer,
    listing,
    operation,
    parameter,
    record,
    ref,
    refused,
)
from dashboard.openapi.stats import LEGACY, REFUSALS, TAG

SCHEMAS: Json = {
    "Step": record(
        {
            "kind": {
                "type": "string",
                "enum": ["page", "event", "edge", "other"],
                "description": "edge: the visit began or ended; other: steps of too few visitors together.",
            },
            "name": TEXT,
            "visitors": NUMBER_OR_NULL,
        }
    ),
    "Journey": record(
        {"page": TEXT, "visitors": NUMBER_OR_NULL, "before": listing(ref("Step")), "after": listing(ref("Step"))}
    ),
    "FunnelSteps": record({"funnel": TEXT, "steps": listing(record({"goal": TEXT, "visitors": NUMBER_OR_NULL}))}),
}
_SPAN = [one for one in LEGACY if one["name"] in ("period", "date", "filters")]
_JOURNEY = {
    "page": "/pricing",
    "visitors": 80,
    "before": [{"kind": "page", "name": "/", "visitors": 60}, {"kind": "edge", "name": "", "visitors": 20}],
    "after": [{"kind": "event", "name": "Purchase", "visitors": 40}, {"kind": "other", "name": "", "visitors": None}],
}
_FUNNEL = {
    "funnel": "Sale",
    "steps": [{"goal": "Visit /pricing", "visitors": 80}, {"goal": "Purchase", "visitors": 40}],
}

PATHS: Paths = {
    "/api/v1/stats/journey": {
        "get": operation(
            TAG,
            "journey",
            "What people did before and after a page",
            text="Right before and right after it within a visit. Counted and folded like any filtered question.",
            parameters=[SITE_ID, parameter("page", "The page's path.", example="/pricing", required=True), *_SPAN],
            answers={
                200: answer("Most visitors first.", ref("Journey"), _JOURNEY),
                400: refused("A parameter is wrong."),
                **REFUSALS,
            },
        ),
    },
    "/api/v1/stats/funnel": {
        "get": operation(
            TAG,
            "funnel",
            "The steps of a funnel",
            text="Visitors who reached each step after the ones before it, in one visit.",
            parameters=[SITE_ID, parameter("funnel", "The funnel's name.", example="Sale", required=True), *_SPAN],
            answers={
                200: answer("In the funnel's order.", ref("FunnelSteps"), _FUNNEL),
                400: refused("There is no such funnel, or a parameter is wrong."),
                **REFUSALS,
            },
        ),
    },
}
