"""
Sending events: single beacons, batches, the pixel, and the explanation of what would become of a beacon.
"""

from __future__ import annotations

from dashboard.openapi.operations import (
    BOOLEAN,
    NO_KEY,
    OPEN,
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
)

TAG = "Events"
PAGE = "https://site1.test/pricing?utm_source=news"
BEACON = {"n": "pageview", "u": PAGE, "d": "site1.test", "r": "https://news.test/", "p": {"plan": "gold"}}
_SCALAR: Json = {"type": ["string", "number", "boolean", "null"]}
_BEACON_FIELDS: Json = {
    "n": {**TEXT, "description": "Name: pageview, engagement, or one of your own. Also `name`.", "maxLength": 120},
    "u": {**TEXT, "description": "Full address of the page. Also `url`."},
    "d": {
        **TEXT,
        "description": "Domain, or several with commas. Also `domain`. Missing: the page's host.",
    },
    "r": {"type": ["string", "null"], "description": "Address of the page before. Also `referrer`."},
    "p": {
        "description": "Up to 30 properties, as an object or a text of JSON. Also `props`, `m`, `meta`.",
        "type": ["object", "string", "null"],
        "additionalProperties": _SCALAR,
    },
    "$": {"type": ["object", "string", "null"], "description": "Revenue: amount and currency. Also `revenue`."},
    "i": {"type": ["boolean", "null"], "description": "false: does not end a bounce. Also `interactive`."},
    "h": {"description": "1: the part after # belongs to the page. Also `hashMode`."},
    "sd": {"description": "Scroll depth in percent, of an engagement."},
    "e": {"description": "Engaged time in milliseconds, of an engagement."},
    "v": {"description": "Version of the tracker script; not stored."},
}

SCHEMAS: Json = {
    "Beacon": {"type": "object", "properties": _BEACON_FIELDS},
    "BatchEvent": {
        "type": "object",
        "properties": {
            **_BEACON_FIELDS,
            "timestamp": {"type": ["string", "integer", "null"], "description": "ISO 8601, or epoch milliseconds."},
            "ip": {"type": ["string", "null"], "description": "Address of the visitor; missing: the sender's."},
            "user_agent": {"type": ["string", "null"], "description": "Missing: the request's."},
            "event_id": {"type": ["string", "null"], "description": "The same id is counted once a day."},
            "gpc": {"type": ["boolean", "null"], "description": "true: the visitor sent Global Privacy Control."},
        },
    },
    "BatchAnswer": record(
        {
            "accepted": {**WHOLE, "description": "Events stored for at least one site."},
            "dropped": listing(
                record(
                    {
                        "index": WHOLE,
                        "reason": TEXT,
                        "errors": {"type": "object", "additionalProperties": listing(TEXT)},
                    },
                    ("errors",),
                )
            ),
        }
    ),
    "Explanation": record(
        {
            "stored": {"const": False},
            "address": record({"used": TEXT, "peer": TEXT, "why": {}}),
            "request": {"type": "object", "description": "The beacon as it was read."},
            "sites": listing(
                record(
                    {
                        "domain": TEXT,
                        "dropped": {"type": ["string", "null"], "description": "Reason, or null."},
                        "event": {"type": ["object", "null"], "description": "What would be stored, without ids."},
                        "replaced": listing(TEXT),
                        "notes": listing(TEXT),
                    }
                )
            ),
        }
    ),
}

_DROP_HEADERS: Json = {
    "x-plausible-dropped": {"description": "For how many sites it was dropped; missing: none.", "schema": TEXT},
    "x-daysalt-dropped": {"description": "The reasons, with commas.", "schema": TEXT},
}


def _wrong(text: str, example: Json | None = None) -> Json:
    return answer(text, ref("FieldErrors"), example)


_TOO_LARGE = _wrong("The body is too large.")
_ENCODED = _wrong("A body with a Content-Encoding.")
_LATER = _wrong("Cannot be kept now; send it again after `Retry-After`.")

PATHS: Paths = {
    "/api/event": {
        "post": operation(
            TAG,
            "sendEvent",
            "Send one event",
            text="What the tracker sends. The Content-Type does not matter; at most 65,536 bytes. The answer comes when"
            " the event is safe. Address and User-Agent tell visitors apart, and are no part of the event.",
            security=OPEN,
            body={
                "required": True,
                "content": {
                    kind: {"schema": ref("Beacon"), "example": BEACON} for kind in ("application/json", "text/plain")
                },
            },
            answers={
                202: {**answer("Taken.", {"const": "ok"}, "ok", "text/plain"), "headers": _DROP_HEADERS},
                400: _wrong("A field is wrong or missing.", {"errors": {"event_name": ["can't be blank"]}}),
                413: _TOO_LARGE,
                415: _ENCODED,
                503: _LATER,
            },
        ),
    },
    "/api/events": {
        "post": operation(
            TAG,
            "sendEvents",
            "Send many events",
            text="From a server of yours. At most 1,000 events and 4 MiB; a JSON array, or one object a line. Needs a"
            " key of scope `ingest`. An event that is wrong is told by its index; the others are kept.",
            body={
                "required": True,
                "content": {
                    "application/json": {
                        "schema": listing(ref("BatchEvent")),
                        "example": [{**BEACON, "ip": "203.0.113.9", "user_agent": "Mozilla/5.0", "event_id": "o-1001"}],
                    },
                    "application/x-ndjson": {"schema": TEXT},
                },
            },
            answers={
                202: answer("Taken.", ref("BatchAnswer"), {"accepted": 1, "dropped": []}),
                400: _wrong("Neither an array nor lines of objects, or too many."),
                401: refused(NO_KEY),
                413: _TOO_LARGE,
                415: _ENCODED,
                503: _LATER,
            },
        ),
    },
    "/api/debug/event": {
        "post": operation(
            TAG,
            "explainEvent",
            "Tell what would become of an event",
            text="Takes what `/api/event` takes, with a key of scope `ingest`. Stores nothing and counts nothing.",
            body=body(ref("Beacon"), BEACON),
            answers={
                200: answer("What would be stored, or why it would be dropped.", ref("Explanation")),
                400: _wrong("A field is wrong or missing."),
                401: refused(NO_KEY),
                413: _TOO_LARGE,
                415: _ENCODED,
                503: _LATER,
            },
        ),
    },
    "/pixel.gif": {
        "get": operation(
            TAG,
            "pixel",
            "Count a page without a script",
            text="An image for pages that run no script. Always answered with the image; headers tell of a drop.",
            security=OPEN,
            parameters=[
                parameter("d", "Domain of the site.", example="site1.test"),
                parameter("u", "Address of the page; missing: the Referer of the request.", example=PAGE),
                parameter("r", "Address of the page before."),
                parameter("n", "Name of the event; missing: pageview."),
            ],
            answers={200: {**answer("One transparent pixel.", {}, kind="image/gif"), "headers": _DROP_HEADERS}},
        ),
    },
    "/js/{name}": {
        "get": operation(
            TAG,
            "script",
            "The tracker script",
            security=OPEN,
            parameters=[in_path("name", "script.js, with extensions if wanted, or a site's own.", "script.js")],
            answers={
                200: answer("The script.", TEXT, kind="text/javascript"),
                304: answer("The one you have is still right."),
                404: answer("There is no such script.", TEXT, kind="text/plain"),
            },
        ),
    },
    "/.well-known/gpc.json": {
        "get": operation(
            TAG,
            "gpcSupport",
            "Say that Global Privacy Control is respected",
            security=OPEN,
            answers={
                200: answer(
                    "The statement.", record({"gpc": BOOLEAN, "lastUpdate": TEXT}, ("lastUpdate",)), {"gpc": True}
                ),
            },
        ),
    },
}
