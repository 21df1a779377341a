"""
Notes on a site's graph.
"""

from __future__ import annotations

from dashboard.openapi.goals import TAG
from dashboard.openapi.operations import (
    BOOLEAN,
    DAY,
    SITE_ID,
    TEXT,
    Json,
    Paths,
    answer,
    body,
    in_path,
    listing,
    operation,
    parameter,
    record,
    ref,
)
from dashboard.openapi.sites import GONE, REFUSALS, WITH_BODY

_NOTE = {"id": "1", "day": "2026-11-21", "note": "New prices", "public": False}

SCHEMAS: Json = {
    "Annotation": record({"id": TEXT, "day": DAY, "note": TEXT, "public": BOOLEAN}),
    "AnnotationList": record({"annotations": listing(ref("Annotation"))}),
    "NewAnnotation": record({"site_id": TEXT, "day": DAY, "note": TEXT, "public": BOOLEAN}, ("public",)),
}

PATHS: Paths = {
    "/api/v1/sites/annotations": {
        "get": operation(
            TAG,
            "listAnnotations",
            "List the notes on the graph",
            text="The latest 200, oldest first.",
            parameters=[SITE_ID, parameter("from", "First day.", DAY), parameter("to", "Last day.", DAY)],
            answers={200: answer("The notes.", ref("AnnotationList"), {"annotations": [_NOTE]}), **REFUSALS},
        ),
        "put": operation(
            TAG,
            "writeAnnotation",
            "Write a note on the graph",
            text="`public` shows it on public and shared views too.",
            body=body(ref("NewAnnotation"), {"site_id": "site1.test", "day": "2026-11-21", "note": "New prices"}),
            answers={200: answer("The note.", ref("Annotation"), _NOTE), **WITH_BODY},
        ),
    },
    "/api/v1/sites/annotations/{id}": {
        "delete": operation(
            TAG,
            "deleteAnnotation",
            "Delete a note",
            parameters=[in_path("id", "The note's number.", "1"), SITE_ID],
            answers={200: GONE, **WITH_BODY},
        ),
    },
}
