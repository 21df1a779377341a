"""
Is it alive, is it ready, and how much does it do.
"""

from __future__ import annotations

from dashboard.openapi.operations import OPEN, TEXT, Json, Paths, answer, operation, parameter, record, ref

TAG = "Operation"
_PART = record({"status": TEXT, "why": TEXT})
_READY = {"status": "ok", "parts": {"store": {"status": "ok", "why": ""}, "spool": {"status": "ok", "why": ""}}}
_STATES = {"postgres": "ok", "clickhouse": "ok", "sites_cache": "ok", "sessions": "ok"}

_SYSTEM = {"version": "1.0.0", "geo_database": "DBIP-Country-Lite 2026-11-01"}

SCHEMAS: Json = {
    "System": record({"version": TEXT, "geo_database": {"type": ["string", "null"]}}),
    "Health": record({
        "status": {"enum": ["ok", "degraded", "unavailable"]},
        "parts": {"type": "object", "additionalProperties": _PART},
    }),
    "HealthStates": record(dict.fromkeys(_STATES, TEXT)),
}  # fmt: skip


def _live(name: str) -> Json:
    alive = answer("It is.", {"const": "ok\n"}, "ok\n", "text/plain")
    return operation(TAG, name, "Is the server alive", security=OPEN, answers={200: alive})


def _states(name: str) -> Json:
    return operation(
        TAG, name, "Health, in the words that monitors of other servers look for", security=OPEN,
        answers={
            200: answer("All is well.", ref("HealthStates"), _STATES),
            500: answer("Something is not.", ref("HealthStates")),
        },
    )  # fmt: skip


PATHS: Paths = {
    "/health/live": {"get": _live("live")},
    "/api/system/health/live": {"get": _live("systemLive")},
    "/api/system": {
        "get": operation(
            TAG, "system", "What runs here", security=OPEN,
            answers={200: answer("Version, and database of places with its date.", ref("System"), _SYSTEM)},
        ),
    },
    "/health/ready": {
        "get": operation(
            TAG, "ready", "Are events taken, and how is each part", security=OPEN,
            parameters=[parameter("strict", "1: a degraded part is enough for 503.")],
            answers={
                200: answer("Events are taken; parts may be degraded.", ref("Health"), _READY),
                503: answer("Events are not taken.", ref("Health")),
            },
        ),
    },
    "/api/health": {"get": _states("health")},
    "/api/error": {
        "get": operation(
            TAG, "error", "Always nothing, as on the events API's other servers", security=OPEN,
            answers={200: answer("Empty.", TEXT, "", "text/plain")},
        ),
    },
    "/api/system/health/ready": {"get": _states("systemReady")},
    "/metrics": {
        "get": operation(
            TAG, "metrics", "Figures for Prometheus", security=OPEN,
            answers={
                200: answer("Text, version 0.0.4.", TEXT, "daysalt_events_accepted_total 1024\n", "text/plain"),
            },
        ),
    },
}  # fmt: skip
