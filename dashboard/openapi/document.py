"""
The whole document, put together from its areas.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version

from dashboard.openapi import annotations, beacons, goals, health, imports, paths, privacy, risk, sites, stats
from dashboard.openapi.operations import TEXT, Json, Paths, listing, record

AREAS = (beacons, stats, paths, sites, goals, annotations, imports, risk, privacy, health)
TAGS = {
    beacons.TAG: "How visits are told: by the tracker, by an image, or by your own server.",
    stats.TAG: "How numbers are asked for.",
    sites.TAG: "Sites and their settings.",
    goals.TAG: "What belongs to a site.",
    imports.TAG: "History from elsewhere.",
    risk.TAG: "Advice about addresses. A person decides.",
    privacy.TAG: "What is processed, and proofs.",
    health.TAG: "For whoever runs the server.",
}
INTRODUCTION = (
    "Keys are sent as `Authorization: Bearer KEY`; each has a scope, and may be for one site only. "
    "What is wrong with a request is said in one sentence."
)
_SHARED: Json = {
    "Error": record({"error": TEXT}),
    "FieldErrors": record({"errors": {"type": "object", "additionalProperties": listing(TEXT)}}),
}


@cache
def document(server: str) -> Json:
    """
    Give the OpenAPI document.

    Args:
        server: address in front of every path, without a slash at the end; may be a path alone, or empty.
    """
    schemas: Json = dict(_SHARED)
    found: Paths = {}
    for area in AREAS:
        schemas.update(area.SCHEMAS)
        found.update(area.PATHS)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Daysalt",
            "version": version("daysalt"),
            "description": INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": server or "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": found,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }
