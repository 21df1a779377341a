"""
Hop 3, the origin: referrer, source and channel of a hit. Pure and cached.

A referrer's query and fragment are never kept, nor personal data in its path.
"""

from __future__ import annotations

from functools import lru_cache

from ingest.channel import channel_of
from ingest.hit import Origin, Page
from ingest.personal import Kind
from ingest.scrub import scrub
from ingest.sources import source_of_app, source_of_host, source_of_tag
from ingest.url import CONTROLS, split_url, without_www

REFERRERS_MAX = 20_000
"""Parsed referrers kept in memory; `read_referrer.cache_info()` counts hits and misses."""

ANDROID_APP = "android-app"
PAID_CLICKS = {("Google", "gclid"): "(gclid)", ("Bing", "msclkid"): "(msclkid)"}
"""Medium that a paid click without one is given. Source: Plausible's events API."""


def read_origin(page: Page, referrer: str) -> Origin:
    """
    Find where a visit came from: the campaign tag, else the referrer; an empty tag is a tag, too.
    """
    kept, referrer_source, kinds = read_referrer(referrer, page.hostname)
    source = source_of_tag(page.utm_source) if page.tagged else referrer_source
    medium = page.utm_medium or implied_medium(source, page.click_id)
    channel = channel_of(source, medium, page.utm_campaign, page.utm_source, page.click_id)
    return Origin(kept, source, channel, kinds)


def implied_medium(source: str, click_id: str) -> str:
    """
    Give the medium that a click parameter stands for; empty for none.
    """
    return PAID_CLICKS.get((source, click_id), "") if click_id else ""


@lru_cache(REFERRERS_MAX)
def read_referrer(referrer: str, page_hostname: str) -> tuple[str, str, tuple[Kind, ...]]:
    """
    Read a referrer as seen from a page.

    Returns:
        What is kept of it (host and path; an app with its scheme), its source, and what was replaced in it; empty
        texts when it is none: another scheme, no host, this page's own host, or localhost.
    """
    if not referrer:
        return "", "", ()
    parts = split_url(referrer)
    host = without_www(parts.host)
    if not host or host in (page_hostname, "localhost"):
        return "", "", ()
    path, kinds = scrub(parts.path.translate(CONTROLS).rstrip().rstrip("/"))
    if parts.scheme == ANDROID_APP:
        return f"{ANDROID_APP}://{host}{path}", source_of_app(host) or host, kinds
    if parts.scheme not in ("http", "https"):
        return "", "", ()
    return host + path, source_of_host(host), kinds
