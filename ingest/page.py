"""
Hop 3, the page: what is kept of an address. Host, path and campaign parameters; every other query value ends here, and
so does personal data in what is kept.

Pure and cached by address. Raises `WireError` for what is no address.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

from ingest.decode import URL_BYTES_MAX, WireError
from ingest.hit import Page
from ingest.scrub import Scrubbed, scrub
from ingest.url import CONTROLS, NO_HOST, split_url, without_www

if TYPE_CHECKING:
    from tldextract import TLDExtract

PAGES_MAX = 20_000
"""Parsed addresses kept in memory, at most 2 kB of text each; `read_page.cache_info()` counts hits and misses."""
HOSTS_MAX = 10_000
QUERY_FIELDS_MAX = 200
"""Fields of a query that are looked at."""

# In the order they are looked for; the first that is there is the tag. Source: Plausible's events API.
SOURCE_TAGS = ("utm_source", "source", "ref")
CAMPAIGN = ("utm_medium", "utm_campaign", "utm_content", "utm_term")
CLICK_IDS = ("gclid", "gbraid", "wbraid", "msclkid", "fbclid", "twclid")


# The snapshot inside the package: never the network, no cache on disk. Private suffixes count, so that two sites of
# one hosting domain (a.github.io, b.github.io) are different roots.
@lru_cache(1)
def _suffixes() -> TLDExtract:
    # Imported at first use: it brings a whole HTTP client along, which the store process need not hold.
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


# Most addresses: nothing in them to decode, to remove or to put in lower case. The long way reads them the same.
_PLAIN_URL = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)+)(/[A-Za-z0-9/_.-]*)\Z")


@lru_cache(PAGES_MAX)
def read_page(url: str, hash_mode: bool) -> Page:
    """
    Read the address of a page.

    Args:
        url: as sent, at most 2000 bytes.
        hash_mode: the fragment is part of the path.

    Raises:
        WireError: field `url`; answer 400.
    """
    if len(url) > URL_BYTES_MAX:
        raise WireError("url", "must be a valid url")
    plain = _PLAIN_URL.match(url)
    if plain is not None:
        hostname = without_www(plain[1])
        pathname, kinds = scrub(plain[2])
        return Page(hostname, pathname, registrable_domain(hostname), scrubbed=kinds)
    parts = split_url(url)
    if parts.scheme == "data":
        raise WireError("url", "scheme is not allowed")
    hostname = without_www(parts.host) or NO_HOST
    pathname, kinds = kept_path(parts.path, parts.fragment if hash_mode else "")
    root = registrable_domain(hostname)
    if not parts.query:
        return Page(hostname, pathname, root, scrubbed=kinds)
    fields = _query(parts.query)
    tag = next((name for name in SOURCE_TAGS if name in fields), None)
    campaign = [_kept_tag(fields.get(name, "")) for name in (tag or "", *CAMPAIGN)]
    source, medium, name, content, term = (value.text for value in campaign)
    return Page(
        hostname,
        pathname,
        root,
        utm_source=source,
        utm_medium=medium,
        utm_campaign=name,
        utm_content=content,
        utm_term=term,
        click_id=next((name for name in CLICK_IDS if name in fields), ""),
        tagged=tag is not None,
        scrubbed=sum((value.kinds for value in campaign), kinds),
    )


def kept_path(path: str, fragment: str) -> Scrubbed:
    """
    Decide what of a path is kept: the one place to change when less shall be.

    Args:
        path: percent-encoded, as sent.
        fragment: percent-encoded without `#`; empty without hash mode. Its own query (`#/search?q=`) is a query like
            any other and never kept.
    """
    decoded = unquote(path, errors="replace").translate(CONTROLS).rstrip() or "/"
    if not fragment:
        return scrub(decoded)
    route = unquote(fragment.partition("?")[0], errors="replace").translate(CONTROLS).rstrip()
    return scrub(f"{decoded}#{route}" if route else decoded)


@lru_cache(HOSTS_MAX)
def registrable_domain(hostname: str) -> str:
    """
    Find the part of a hostname that someone registered (`example.co.uk`), by the public suffix list.

    Returns:
        The hostname itself where there is no such part: an address literal, `(none)`, `localhost`, a suffix.
    """
    if "." not in hostname or _is_literal(hostname):
        return hostname
    parts = _suffixes()(hostname)
    if parts.suffix:
        return parts.top_domain_under_public_suffix or hostname
    # The list's default rule is `*`: an unlisted ending (`.test`, `.internal`) is a suffix of one label.
    labels = hostname.split(".")[-2:]
    return ".".join(labels) if all(labels) else hostname


def _is_literal(hostname: str) -> bool:
    if not hostname[-1].isdigit() and ":" not in hostname:
        return False
    try:
        ip_address(hostname)
    except ValueError:
        return False
    return True


def _kept_tag(value: str) -> Scrubbed:
    if value[:1] == " " and value[1:2].isdigit():
        # `+` means a space in a query, and also begins a phone number.
        phone = scrub("+" + value[1:], numbers=False)
        if phone.kinds:
            return phone
    return scrub(value, numbers=False)


def _query(query: str) -> dict[str, str]:
    """
    Read the fields of a query; of one given twice the last counts.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        # More fields than anyone's campaign has.
        pairs = parse_qsl("&".join(query.split("&", QUERY_FIELDS_MAX)[:QUERY_FIELDS_MAX]), keep_blank_values=True)
    return {name: value.translate(CONTROLS) for name, value in pairs}
