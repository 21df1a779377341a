"""
Which site a request to the sites API is about, and the texts its clients know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from dashboard.api.access import ApiError, key_of
from dashboard.context import Context
from dashboard.stats.answer import in_thread
from warehouse.registry.sites import Site

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
NOT_FOUND = "Site could not be found"


async def site_for(context: Context, request: Request, domain: object, purpose: str) -> Site:
    """
    Find the site that a request names in its fields.

    Args:
        purpose: what it is for, such as `to create a goal`.

    Raises:
        ApiError: no key for sites, no site named, or none that the key is good for.
    """
    key = await key_of(context, request, "sites")
    if not isinstance(domain, str) or not domain:
        raise ApiError(400, f"Parameter `site_id` is required {purpose}")
    site = await in_thread(context.registry.sites.find, domain)
    if site is None or not key.allows("sites", site.id):
        raise ApiError(404, NOT_FOUND)
    return site


async def site_in_path(context: Context, request: Request) -> Site:
    """
    Find the site that a request names in its address.

    Raises:
        ApiError: as for `site_for`.
    """
    return await site_for(context, request, request.path_params["domain"], "in the address")


def required(fields: Mapping[str, Any], name: str, purpose: str) -> str:
    """
    Read a text that must be there.

    Raises:
        ApiError: it is not.
    """
    value = fields.get(name)
    if not isinstance(value, str) or not value.strip():
        raise ApiError(400, f"Parameter `{name}` is required {purpose}")
    return value


def optional(fields: Mapping[str, Any], name: str) -> str | None:
    """
    Read a text that may be there; an empty one counts as left out.

    Raises:
        ApiError: it is no text.
    """
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ApiError(400, f"Parameter `{name}` must be a text")
    return value or None


def page_limit(text: str | None) -> int:
    """
    Read how many rows a page of a list has.

    Raises:
        ApiError: no number, or more than `LIMIT_MAX`.
    """
    if text is None:
        return LIMIT_DEFAULT
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= LIMIT_MAX:
        raise ApiError(400, f"limit must be a number from 1 to {LIMIT_MAX}")
    return int(text)
