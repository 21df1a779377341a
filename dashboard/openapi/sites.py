"""
Sites, their settings and shields, and what was dropped.
"""

from __future__ import annotations

from dashboard.openapi.operations import (
    BOOLEAN,
    DAY,
    DOMAIN,
    NO_KEY,
    TEXT,
    TEXT_OR_NULL,
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
from warehouse.registry.site_settings import SHIELD_KINDS

TAG = "Sites"
_SETTINGS: Json = {
    "timezone": {**TEXT, "description": "IANA name; a change applies from a midnight ahead."},
    "k": {**WHOLE, "minimum": 1, "maximum": 100, "description": "Visitors a row must have to be told."},
    "public": {**BOOLEAN, "description": "Anybody may see the dashboard."},
    "vault": {**BOOLEAN, "description": "Addresses are kept, encrypted, for some weeks."},
    "risk": {**BOOLEAN, "description": "Addresses may be assessed."},
    "signals": {"enum": ["count", "drop"], "description": "What happens to hits with GPC or DNT."},
    "datacenter": {"enum": ["keep", "drop"], "description": "What happens to hits from data centres."},
    "preset": {"type": ["string", "null"], "description": "`cnil` switches vault and risk off."},
}
_NEXT: Json = {"type": ["object", "null"], "properties": {"timezone": TEXT, "from": DAY}}
META = record({"after": TEXT_OR_NULL, "before": TEXT_OR_NULL, "limit": WHOLE})
_SITE = {"domain": "site1.test", "timezone": "Europe/Stockholm"}
_SHOWN = {
    **_SITE,
    "k": 5,
    "public": False,
    "vault": True,
    "risk": True,
    "signals": "count",
    "datacenter": "keep",
    "preset": "",
    "next_timezone": None,
}
_SHIELDS = {"ip": ["192.0.2.0/24"], "country": [], "page": ["/admin/**"], "hostname": []}
SCHEMAS: Json = {
    "Site": record({"domain": TEXT, "timezone": TEXT}),
    "SiteList": record({"sites": listing(ref("Site")), "meta": META}),
    "Settings": record({"domain": TEXT, **_SETTINGS, "next_timezone": _NEXT}),
    "SettingsChange": {**record(_SETTINGS, required=()), "additionalProperties": False},
    "SiteWithSettings": record(
        {"domain": TEXT, **_SETTINGS, "next_timezone": _NEXT, "custom_properties": listing(TEXT)}
    ),
    "Shields": record({kind: listing(TEXT) for kind in SHIELD_KINDS}),
    "ShieldsChange": record({kind: listing(TEXT) for kind in SHIELD_KINDS}, required=()),
    "Dropped": record(
        {
            "from": DAY,
            "to": DAY,
            "totals": {"type": "object", "additionalProperties": WHOLE},
            "dropped": listing(record({"hour": {**TEXT, "format": "date-time"}, "reason": TEXT, "hits": WHOLE})),
        }
    ),
    "Deleted": record({"deleted": {"const": True}}),
}

REFUSALS: dict[int, Json] = {
    400: refused("Something in the request is wrong.", "Parameter `domain` is required to create a site"),
    401: refused(NO_KEY),
    404: refused("There is no such site for this key, or nothing of that name.", "Site could not be found"),
    503: refused("The store is not answering at the moment; try again after `Retry-After`."),
}
WITH_BODY = {**REFUSALS, 413: refused("The body is too large.")}
_ALL_SITES = {status: given for status, given in REFUSALS.items() if status != 404}
PAGE = [
    parameter("limit", "Rows of a page.", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
    parameter("after", "The `meta.after` of the page before."),
    parameter("before", "The `meta.before` of the page after."),
]
GONE = answer("Gone.", ref("Deleted"), {"deleted": True})

PATHS: Paths = {
    "/api/v1/sites": {
        "get": operation(
            TAG,
            "listSites",
            "List sites",
            text="All operations on sites need a key of scope `sites`.",
            parameters=PAGE,
            answers={
                200: answer(
                    "By domain.",
                    ref("SiteList"),
                    {"sites": [_SITE], "meta": {"after": None, "before": None, "limit": 100}},
                ),
                **_ALL_SITES,
            },
        ),
        "post": operation(
            TAG,
            "createSite",
            "Add a site",
            body=body(record({"domain": TEXT, "timezone": TEXT_OR_NULL}, ("timezone",)), _SITE),
            answers={200: answer("Added.", ref("Site"), _SITE), **_ALL_SITES, 413: refused("The body is too large.")},
        ),
    },
    "/api/v1/sites/{domain}": {
        "get": operation(
            TAG,
            "showSite",
            "Show a site with its settings",
            parameters=[DOMAIN],
            answers={
                200: answer("The site.", ref("SiteWithSettings"), {**_SHOWN, "custom_properties": ["plan"]}),
                **REFUSALS,
            },
        ),
        "put": operation(
            TAG,
            "renameSite",
            "Give a site another domain",
            parameters=[DOMAIN],
            body=body(record({"domain": TEXT}), {"domain": "site2.test"}),
            answers={200: answer("Renamed.", ref("Site"), {**_SITE, "domain": "site2.test"}), **WITH_BODY},
        ),
        "delete": operation(
            TAG,
            "removeSite",
            "Remove a site and everything counted for it",
            parameters=[DOMAIN],
            answers={200: GONE, **REFUSALS},
        ),
    },
    "/api/v1/sites/{domain}/settings": {
        "get": operation(
            TAG,
            "showSettings",
            "Show settings",
            parameters=[DOMAIN],
            answers={200: answer("The settings in force.", ref("Settings"), _SHOWN), **REFUSALS},
        ),
        "put": operation(
            TAG,
            "changeSettings",
            "Change settings",
            text="What is named is changed, all of it or nothing.",
            parameters=[DOMAIN],
            body=body(ref("SettingsChange"), {"k": 10, "public": True}, required=False),
            answers={
                200: answer("The settings now.", ref("Settings"), {**_SHOWN, "k": 10, "public": True}),
                **WITH_BODY,
            },
        ),
    },
    "/api/v1/sites/{domain}/shields": {
        "get": operation(
            TAG,
            "showShields",
            "Show what is kept out",
            parameters=[DOMAIN],
            answers={200: answer("Rules by kind.", ref("Shields"), _SHIELDS), **REFUSALS},
        ),
        "put": operation(
            TAG,
            "changeShields",
            "Change what is kept out",
            text="Each kind that is named gets the entries given; others stay.",
            parameters=[DOMAIN],
            body=body(ref("ShieldsChange"), _SHIELDS, required=False),
            answers={200: answer("The rules now.", ref("Shields"), _SHIELDS), **WITH_BODY},
        ),
    },
    "/api/v1/sites/{domain}/dropped": {
        "get": operation(
            TAG,
            "dropped",
            "What was dropped, by reason and hour",
            text="With a key of scope `sites` or `stats`.",
            parameters=[
                DOMAIN,
                parameter("from", "First local day; missing: six days before the last.", DAY),
                parameter("to", "Last local day; missing: today.", DAY),
            ],
            answers={
                200: answer(
                    "The oldest hour first.",
                    ref("Dropped"),
                    {
                        "from": "2026-11-20",
                        "to": "2026-11-21",
                        "totals": {"bot": 3},
                        "dropped": [{"hour": "2026-11-20T09:00:00Z", "reason": "bot", "hits": 3}],
                    },
                ),
                **REFUSALS,
                504: refused("The question took too long."),
            },
        ),
    },
}
