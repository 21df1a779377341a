"""
Site keys: the name a site has in the snippet, the API and the address of its dashboard.
"""

from __future__ import annotations

import re

from warehouse.registry.errors import RegistryError

SITE_KEY_CHARS_MAX = 253
"""The longest host name (RFC 1035); a key with port or path shares the limit."""

RESERVED = frozenset(
    {
        "account",
        "api",
        "docs",
        "health",
        "js",
        "keys",
        "people",
        "risk",
        "login",
        "logout",
        "metrics",
        "openapi.json",
        "pixel.gif",
        "privacy",
        "setup",
    }
    | {"share", "sites", "static", ".well-known"}
)
"""First parts of addresses that Daysalt answers itself; a dashboard at `/{domain}` could not be reached there."""

_SHAPE = re.compile(r"^(?P<host>[\w-]+(?:\.[\w-]+)*)(?::\d{1,5})?(?:/[\w.~%-]+)*$")


def site_key(text: str) -> str:
    """
    Write a domain the one way: lower case, without scheme, `www.` and trailing slash. Never refuses.
    """
    key = text.strip().lower()
    for scheme in ("https://", "http://"):
        key = key.removeprefix(scheme)
    return key.removeprefix("www.").rstrip("/")


def checked_site_key(text: str) -> str:
    """
    Check that a text can be a site's name and write it the one way.

    Returns:
        Such as `example.com`, `example.com/blog` or `localhost:8080`.

    Raises:
        RegistryError: it is no such text; the sentence says what is allowed.
    """
    key = site_key(text)
    if not key:
        raise RegistryError("the domain is empty: give one such as example.com")
    if len(key) > SITE_KEY_CHARS_MAX:
        raise RegistryError(f"the domain has {len(key)} characters: at most {SITE_KEY_CHARS_MAX} are allowed")
    if not _SHAPE.fullmatch(key):
        raise RegistryError(f"{key!r} cannot be a site: give a domain such as example.com or example.com/blog")
    if key.split("/", 1)[0] in RESERVED:
        raise RegistryError(f"{key!r} is an address of Daysalt itself: give the site's domain, such as example.com")
    return key
