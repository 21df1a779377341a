"""
History from elsewhere: sending it, listing what was sent, taking it out again.
"""

from __future__ import annotations

from dashboard.openapi.operations import (
    DAY,
    NO_KEY,
    SITE_ID,
    TEXT,
    WHOLE,
    Json,
    Paths,
    answer,
    in_path,
    listing,
    operation,
    record,
    ref,
    refused,
)  # fmt: skip

TAG = "Import"
_LINE = (
    '{"timestamp":"2021-01-01T00:25:00Z","visitor":"u1","name":"pageview","url":"https://site1.test/",'
    '"attrs":{"country":"SE"}}\n'
)
_IMPORT = {
    "id": "3", "stored": "2026-11-22T10:00:00Z", "format": "ndjson", "file": "", "events": 1, "rejected": 0,
    "first_day": "2021-01-01", "last_day": "2021-01-01",
}  # fmt: skip

SCHEMAS: Json = {
    "Imported": record(
        {
            "imported": WHOLE,
            "rejected": listing(record({"line": WHOLE, "error": TEXT})),
            "repeated": {"description": "Whether the same content had come before."},
            "id": {"type": ["string", "null"], "description": "With it the import can be taken out again."},
            "rejected_count": {**WHOLE, "description": "When more lines were rejected than are listed."},
        },
        ("rejected_count",),
    ),
    "Import": record({
        "id": TEXT, "stored": {**TEXT, "format": "date-time"}, "format": TEXT, "file": TEXT, "events": WHOLE,
        "rejected": WHOLE, "first_day": DAY, "last_day": DAY,
    }),
    "Imports": record({"imports": listing(ref("Import"))}),
    "ImportDeleted": record({"deleted": {"const": True}, "id": TEXT, "events": WHOLE}),
}  # fmt: skip

_REFUSALS: dict[int, Json] = {
    400: refused("The request is wrong, or the file cannot be read at all."),
    401: refused(NO_KEY),
    409: refused("Another import of this site is under way."),
    501: refused("This process has no store to import into."),
    503: refused("The server is stopping or the store is away: send it again."),
}

PATHS: Paths = {
    "/api/v1/import": {
        "post": operation(
            TAG,
            "importEvents",
            "Import events",
            text="A stream of JSON objects, one a line, plain or gzip, of any length. Answered when the days it"
            " touches are exact. The same file counts once; a longer one continues it. Needs a key of scope `sites`"
            " or `ingest`. `visitor` is an opaque label that is never stored.",
            parameters=[SITE_ID],
            body={"required": True, "content": {"application/x-ndjson": {"schema": TEXT, "example": _LINE}}},
            answers={
                200: answer("Imported.", ref("Imported"), {"imported": 1, "rejected": [], "repeated": 0, "id": "3"}),
                **_REFUSALS,
                408: refused("The sender fell silent; nothing was imported."),
                500: refused("The store refused the events and has none of them."),
                507: refused("There is no room; nothing was imported."),
            },
        ),
        "get": operation(
            TAG,
            "listImports",
            "List imports",
            parameters=[SITE_ID],
            answers={200: answer("The oldest first.", ref("Imports"), {"imports": [_IMPORT]}), **_REFUSALS},
        ),
    },
    "/api/v1/import/{id}": {
        "delete": operation(
            TAG,
            "removeImport",
            "Take an import out again",
            parameters=[in_path("id", "Its `id`.", "3"), SITE_ID],
            answers={
                200: answer("Gone.", ref("ImportDeleted"), {"deleted": True, "id": "3", "events": 1}),
                **_REFUSALS,
                404: refused("There is no such import."),
            },
        ),
    },
}
