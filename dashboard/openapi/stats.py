"""
Asking for numbers: the query interface, and the older one.
"""

from __future__ import annotations

from dashboard.openapi.operations import (
    BOOLEAN,
    NO_KEY,
    NUMBER_OR_NULL,
    SITE_ID,
    TEXT,
    WHOLE,
    Json,
    Paths,
    answer,
    body,
    listing,
    operation,
    parameter,
    record,
    ref,
    refused,
)
from dashboard.stats.metrics import METRICS

TAG = "Stats"
_QUERY = {
    "site_id": "site1.test",
    "metrics": ["visitors", "pageviews"],
    "date_range": "7d",
    "dimensions": ["visit:source"],
    "filters": [["is", "visit:country", ["SE"]]],
    "order_by": [["visitors", "desc"]],
    "pagination": {"limit": 2, "offset": 0},
}
_ROWS_BY_DAY = {"results": [{"date": "2026-11-21", "visitors": 17}]}
_ROWS_BY_SOURCE = {"results": [{"source": "Google", "visitors": 9}]}
_MONEY = record({"value": {"type": "number"}, "currency": TEXT, "short": TEXT, "long": TEXT})
_WARNINGS: Json = {
    "type": "object",
    "description": "By metric, why a number is withheld or is not what one may think.",
    "additionalProperties": record({"code": TEXT, "warning": TEXT}),
}
_LEGACY_META: Json = {"meta": record({"metric_warnings": _WARNINGS})}
_METRIC: Json = {"type": "string", "enum": list(METRICS)}
_PAIR: Json = {"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}

SCHEMAS: Json = {
    "Query": {
        **record(
            {
                "site_id": {**TEXT, "description": "The site's domain."},
                "metrics": {"type": "array", "items": _METRIC, "minItems": 1, "uniqueItems": True},
                "date_range": {
                    "description": "day, 24h, 7d, 28d, 30d, 91d, month, 6mo, 12mo, year, all and so on, or two days or"
                    " moments in ISO 8601.",
                    "oneOf": [TEXT, _PAIR],
                },
                "dimensions": {
                    **listing(TEXT),
                    "uniqueItems": True,
                    "description": "Such as event:page, visit:source, visit:country, event:props:plan, time:day.",
                },
                "filters": {
                    "type": "array",
                    "items": {"type": "array"},
                    "description": "[operator, dimension, values]; and, or, not and has_done combine them.",
                },
                "order_by": {
                    "type": ["array", "null"],
                    "items": {"type": "array", "prefixItems": [TEXT, {"enum": ["asc", "desc"]}]},
                },
                "include": record(
                    dict.fromkeys(("imports", "time_labels", "total_rows", "trim_relative_date_range"), BOOLEAN),
                    required=(),
                ),
                "pagination": record(
                    {
                        "limit": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10_000},
                        "offset": {"type": "integer", "minimum": 0, "default": 0},
                    },
                    required=(),
                ),
            },
            required=("site_id", "metrics", "date_range"),
        ),
        "additionalProperties": False,
    },
    "QueryAnswer": record(
        {
            "results": listing(
                record(
                    {
                        "dimensions": listing({"type": ["string", "number", "null"]}),
                        "metrics": listing({"anyOf": [NUMBER_OR_NULL, _MONEY]}),
                    }
                )
            ),
            "meta": record(
                {
                    "imports_included": BOOLEAN,
                    "imports_skip_reason": TEXT,
                    "imports_warning": TEXT,
                    "metric_warnings": _WARNINGS,
                    "time_labels": listing(TEXT),
                    "total_rows": WHOLE,
                },
                required=(),
            ),
            "query": {"type": "object", "description": "The question as it was understood, with days resolved."},
        }
    ),
    "Aggregate": record(
        {
            "results": {
                "type": "object",
                "additionalProperties": record(
                    {"value": NUMBER_OR_NULL, "change": NUMBER_OR_NULL, "comparison_value": NUMBER_OR_NULL},
                    ("change", "comparison_value"),
                ),
            },
            **_LEGACY_META,
        },
        ("meta",),
    ),
    "LegacyRows": record({"results": listing({"type": "object"}), **_LEGACY_META}, ("meta",)),
}

_TOO_LONG = refused("The question took too long: ask for less.")
_AWAY = refused("The store is not answering at the moment; try again after `Retry-After`.")
REFUSALS: dict[int, Json] = {401: refused(NO_KEY), 503: _AWAY, 504: _TOO_LONG}
LEGACY: list[Json] = [
    SITE_ID,
    parameter("period", "day, 7d, 30d, month, 6mo, 12mo, custom and so on; missing: 30d.", example="7d"),
    parameter("date", "The last day of the period, or for custom two days with a comma."),
    parameter("with_imported", "`true`: with daily totals imported from another service, where there are any."),
    parameter("metrics", "With commas; missing: visitors.", example="visitors,pageviews"),
    parameter("filters", "Such as visit:source==Google;event:page!=/blog/**."),
]

PATHS: Paths = {
    "/api/v2/query": {
        "post": operation(
            TAG,
            "query",
            "Ask for numbers",
            text="Any metrics over any period, by any dimensions and filters. Needs a key of scope `stats`. Small"
            " groups are folded into `(other)`, and totals of too few visitors are null with a warning.",
            body=body(ref("Query"), _QUERY),
            answers={
                200: answer(
                    "The numbers.",
                    ref("QueryAnswer"),
                    {
                        "results": [{"dimensions": ["Direct / None"], "metrics": [31, 58]}],
                        "meta": {},
                        "query": {
                            **_QUERY,
                            "include": {},
                            "date_range": ["2026-11-15T00:00:00+01:00", "2026-11-21T23:59:59+01:00"],
                        },
                    },
                ),
                400: refused(
                    "Something in the question is wrong; the text begins with where.",
                    '#/metrics/0: Invalid metric "visits_"',
                ),
                413: refused("The body is too large."),
                **REFUSALS,
            },
        ),
    },
    "/api/v1/stats/realtime/visitors": {
        "get": operation(
            TAG,
            "realtimeVisitors",
            "Visitors in the last five minutes",
            parameters=[SITE_ID],
            answers={200: answer("The number alone.", WHOLE, 12), 400: refused("No site named."), **REFUSALS},
        ),
    },
    "/api/v1/stats/aggregate": {
        "get": operation(
            TAG,
            "aggregate",
            "Totals of a period",
            parameters=[*LEGACY, parameter("compare", "`previous_period`: with the change since the period before.")],
            answers={
                200: answer("By metric.", ref("Aggregate"), {"results": {"visitors": {"value": 120}}}),
                400: refused("A parameter is wrong."),
                **REFUSALS,
            },
        ),
    },
    "/api/v1/stats/timeseries": {
        "get": operation(
            TAG,
            "timeseries",
            "A period by day or month",
            parameters=[*LEGACY, parameter("interval", "`date` or `month`; missing: what fits the period.")],
            answers={
                200: answer("One row for each bucket.", ref("LegacyRows"), _ROWS_BY_DAY),
                400: refused("A parameter is wrong."),
                **REFUSALS,
            },
        ),
    },
    "/api/v1/stats/breakdown": {
        "get": operation(
            TAG,
            "breakdown",
            "A period by a property",
            parameters=[
                SITE_ID,
                parameter("property", "Such as visit:source or event:page.", example="visit:source", required=True),
                *LEGACY[1:],
                parameter("limit", "Rows of a page, at most 1,000.", {"type": "integer", "default": 100}),
                parameter("page", "Which page, from 1.", {"type": "integer", "default": 1}),
            ],
            answers={
                200: answer("The largest first.", ref("LegacyRows"), _ROWS_BY_SOURCE),
                400: refused("A parameter is wrong."),
                **REFUSALS,
            },
        ),
    },
}
