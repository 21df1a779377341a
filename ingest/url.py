"""
Takes an address of a page or referrer apart. Hop 2; pure, never fails: any text has a reading.

The standard library's `urlsplit` is not used here: it raises on odd hosts and removes characters, and a beacon's
address is whatever a stranger sent.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NO_HOST = "(none)"
"""Hostname of an address that has none: `file:`, `about:`, a relative path. Source: Plausible's events API."""

# Source: RFC 3986, appendix B. Every text matches.
_PARTS = re.compile(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.DOTALL)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*\Z")
# C0 controls and DEL never belong in a host or path; they would break logs, CSV and terminals further down.
CONTROLS: dict[int, None] = dict.fromkeys((*range(32), 127))


class Url(NamedTuple):
    """
    The parts as sent; `scheme` and `host` in lower case, `host` without user, port and brackets. Empty when absent.
    """

    scheme: str
    host: str
    path: str
    query: str
    fragment: str


def split_url(text: str) -> Url:
    """
    Take an address apart.
    """
    match = _PARTS.match(text.strip())
    assert match is not None
    scheme, authority, path, query, fragment = match.groups(default="")
    if scheme and not _SCHEME.match(scheme):
        # Not a scheme but a path with a colon in it, such as `1:2`.
        scheme, path = "", f"{scheme}:{path}" if not authority else path
    return Url(scheme.lower(), _host(authority), path, query, fragment)


def without_www(host: str) -> str:
    """
    Remove one leading `www.`, as site owners think of their address.
    """
    return host.removeprefix("www.")


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2].translate(CONTROLS).strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].removesuffix(".")
