"""
Advice about an address, for servers that hold a key of scope `risk`.
"""

from __future__ import annotations

from dashboard.openapi.operations import (
    BOOLEAN,
    NO_KEY,
    NUMBER_OR_NULL,
    TEXT,
    WHOLE,
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
    refused,
)  # fmt: skip

TAG = "Risk"
_CLASSES = ["likely_human", "likely_automated", "verified_bot", "unclear", "not_assessed"]
_TRAFFIC = [*_CLASSES, "declared_bot"]
_TEXTS = record({"en": TEXT, "sv": TEXT})
_REASON = record(
    {"code": TEXT, "group": TEXT, "points": WHOLE, "value": {"type": ["integer", "string"]}, "text": _TEXTS},
    ("group", "value"),
)
_SAID: Json = {
    "assessment_id": TEXT,
    "model": {},
    "score": {"type": "integer", "minimum": 0, "maximum": 100},
    "confidence": {"enum": ["low", "medium", "high"]},
    "class": {"enum": _CLASSES},
    "reasons": listing(_REASON),
    "counter_reasons": listing(_REASON),
    "expires_at": {"description": "When it is forgotten: the end of the UTC day."},
    "decision": {"const": "none"},
    "human_review_required": {"const": True},
    "notice": _TEXTS,
}

SCHEMAS: Json = {
    "RiskQuestion": record(
        {
            "ip": {**TEXT, "description": "IPv4 or IPv6 address."},
            "ua": {"type": ["string", "null"], "description": "The client's User-Agent. Also `user_agent`."},
            "headers": {"type": ["object", "null"], "additionalProperties": TEXT, "description": "As received."},
            "site": {"type": ["string", "null"], "description": "Domain of the site it is about."},
        },
        required=("ip",),
    ),
    "Assessment": record({
        **_SAID, "data": {"type": "object"}, "subject": {"enum": ["ip", "ip+ua"]}, "band": TEXT,
        "probability": NUMBER_OR_NULL, "evidence_window": TEXT, "evidence": {"type": "object"},
    }),
    "Explained": record({**_SAID, "site": {"type": ["string", "null"]}}),
    "Verdict": record({"assessment_id": TEXT, "verdict": {"enum": ["right", "wrong"]}}),
    "Quality": record({
        "site": TEXT, "window": {"enum": ["1h", "24h"]}, "model": {}, "k": WHOLE, "events": WHOLE,
        "classes": listing(record({"class": {"enum": _TRAFFIC}, "events": {"type": ["integer", "null"]}})),
        "reasons": listing(record({"code": TEXT, "addresses": WHOLE, "text": _TEXTS})),
        "small_cell": BOOLEAN,
    }),
}  # fmt: skip

_WRONG = answer("A field is wrong.", ref("FieldErrors"), {"errors": {"ip": ["is not an IP address"]}})
_GONE = answer("Not an assessment of today.", ref("FieldErrors"))
_REFUSALS: dict[int, Json] = {
    400: _WRONG,
    401: refused(NO_KEY),
    503: answer("Ask again in a few seconds.", ref("FieldErrors")),
}
_VERDICT = {"assessment_id": "0f9c1a2b3c4d5e6f708192a3", "verdict": "wrong"}

PATHS: Paths = {
    "/api/risk/v1/check": {
        "post": operation(
            TAG, "checkRisk", "Assess an address",
            text="Advice for a person who decides: a score, a class, and reasons whose points add up. Nothing is asked"
            " of a third party, and the address is not kept.",
            body=body(ref("RiskQuestion"), {"ip": "203.0.113.9", "site": "site1.test"}),
            answers={
                200: answer("The assessment.", ref("Assessment")),
                **_REFUSALS,
                413: answer("The body is too large.", ref("FieldErrors")),
            },
        ),
    },
    "/api/risk/v1/assessments/{id}": {
        "get": operation(
            TAG, "explainAssessment", "The reasons of an assessment of today",
            parameters=[in_path("id", "Its `assessment_id`.", _VERDICT["assessment_id"])],
            answers={200: answer("The reasons.", ref("Explained")), **_REFUSALS, 404: _GONE},
        ),
    },
    "/api/risk/v1/feedback": {
        "post": operation(
            TAG, "judgeAssessment", "Say whether an assessment was right",
            body=body(ref("Verdict"), _VERDICT),
            answers={
                200: answer("Noted.", ref("Verdict"), _VERDICT),
                **_REFUSALS,
                404: _GONE,
                413: answer("The body is too large.", ref("FieldErrors")),
            },
        ),
    },
    "/api/risk/v1/visits": {
        "get": operation(
            TAG, "riskVisits", "A site's events by class",
            parameters=[
                parameter("site", "The site's domain; not needed with a key for one site.", example="site1.test"),
                parameter("window", "1h or 24h.", {"enum": ["1h", "24h"], "default": "24h"}),
            ],
            answers={200: answer("By class; too few addresses: null.", ref("Quality")), **_REFUSALS},
        ),
    },
}  # fmt: skip
