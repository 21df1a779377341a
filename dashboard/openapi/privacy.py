"""
What a site processes and the proofs that its promises are kept, for programs; and this document.
"""

from __future__ import annotations

from dashboard.openapi.operations import (
    DOMAIN,
    OPEN,
    TEXT,
    Json,
    Paths,
    answer,
    listing,
    operation,
    record,
    ref,
    refused,
)

TAG = "Privacy"

SCHEMAS: Json = {
    "Policy": record({
        "format": {}, "site": TEXT, "version": {}, "effective_from": {**TEXT, "format": "date"},
        "languages": listing(TEXT), "controller": {"type": ["object", "null"]},
        "authorities": listing({"type": "object"}), "settings": {"type": "object"},
        "processing": listing({"type": "object"}), "visitor_storage": {"type": "object"},
        "recipients": listing({"type": "object"}), "automated_decisions": {"const": False},
        "rights": listing({}), "links": {"type": "object", "additionalProperties": TEXT},
    }),
    "Proofs": record({"format": {}, "site": TEXT, "records": listing({"type": "object"})}),
}  # fmt: skip

_NO_SITE = refused("There is no such site here.", "there is no such site here")

PATHS: Paths = {
    "/privacy/{domain}/policy.json": {
        "get": operation(
            TAG,
            "policy",
            "A site's privacy policy",
            text="Purposes, legal bases, periods and settings in force. `/privacy/{domain}` is the same for people.",
            security=OPEN,
            parameters=[DOMAIN],
            answers={200: answer("The policy.", ref("Policy")), 404: _NO_SITE},
        ),
    },
    "/privacy/{domain}/retention-proof": {
        "get": operation(
            TAG,
            "retentionProof",
            "The signed chain of destroyed keys",
            text="A browser gets a page; everybody else, and `?format=json`, the whole chain.",
            security=OPEN,
            parameters=[DOMAIN],
            answers={
                200: {
                    "description": "The chain.",
                    "content": {"application/json": {"schema": ref("Proofs")}, "text/html": {"schema": TEXT}},
                },
                404: _NO_SITE,
            },
        ),
    },
    "/openapi.json": {
        "get": operation(
            TAG,
            "specification",
            "This document",
            security=OPEN,
            answers={200: answer("OpenAPI 3.1.", {"type": "object"})},
        ),
    },
}
