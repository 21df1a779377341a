"""
What a client's headers say against its user agent: pure, and cheap enough to be asked for a sample of all hits.

Only contradictions count that no browser people use can produce; a header that is merely rare says nothing.
Sources: Fetch Metadata (https://www.w3.org/TR/fetch-metadata/), UA Client Hints
(https://wicg.github.io/ua-client-hints/) and the Origin header of the Fetch standard. The first two are sent in secure
contexts only: a page on plain http owes none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from ingest.bots import USER_AGENT_LENGTH_MAX, is_bot
from ingest.risk.observation import Mark

AGENTS_MAX = 20_000
"""User agents read and remembered."""
HINTS_SINCE_CHROME = 89
FETCH_METADATA_SINCE_CHROME, FETCH_METADATA_SINCE_FIREFOX = 80, 90
ANCIENT_CHROME, ANCIENT_FIREFOX = 70, 60
"""Majors of 2018: so old that the web has ceased to work in them."""

_LIBRARY = re.compile(
    r"curl/|wget/|python|aiohttp|httpx|urllib|scrapy|go-http|okhttp|java/|apache-httpclient|libwww|perl|ruby|php"
    r"|axios|node-fetch|undici|got \(|guzzle|postman|insomnia|httpie|powershell|dart:io|dart/|rust|reqwest|locust",
    re.IGNORECASE,
)
_HEADLESS = re.compile(r"headless|phantomjs|puppeteer|playwright|slimerjs", re.IGNORECASE)
_CHROME = re.compile(r"\bChrome/([0-9]{1,3})\.")
_FIREFOX = re.compile(r"\bFirefox/([0-9]{1,3})\.")
_HINTED_CHROMIUM = re.compile(r'"Chromium";\s*v="([0-9]{1,3})')
_ANCIENT = re.compile(r"\bMSIE |\bTrident/|\bOpera/[0-9]|\bPresto/")


class Client(NamedTuple):
    """
    What a user agent says of itself.
    """

    checksum: int
    marks: int
    chrome: int
    """Major of a Chromium that sends hints; 0 for everything else, WebViews too."""
    firefox: int
    browser: bool


@lru_cache(AGENTS_MAX)
def read_client(user_agent: str) -> Client:
    """
    Read a user agent; only its first 512 characters count.
    """
    text = user_agent[:USER_AGENT_LENGTH_MAX]
    checksum = crc32(text.encode("utf-8", "surrogatepass"))
    if not text.strip():
        return Client(checksum, Mark.EMPTY_AGENT, 0, 0, browser=False)
    marks = 0
    if _HEADLESS.search(text):
        marks = Mark.HEADLESS
    elif is_bot(text):
        marks = Mark.LIBRARY if _LIBRARY.search(text) else Mark.DECLARED_BOT
    elif not text.startswith(("Mozilla/", "Opera/")) and _LIBRARY.search(text):
        marks = Mark.LIBRARY
    found = _CHROME.search(text)
    chrome = int(found[1]) if found and "; wv)" not in text else 0
    fox = _FIREFOX.search(text)
    firefox = int(fox[1]) if fox else 0
    if _ANCIENT.search(text) or 0 < chrome < ANCIENT_CHROME or 0 < firefox < ANCIENT_FIREFOX:
        marks |= Mark.ANCIENT_AGENT
    return Client(checksum, marks, chrome, firefox, browser=text.startswith("Mozilla/") and marks == 0)


def look(client: Client, headers: Sequence[tuple[bytes, bytes]], url: str, *, pixel: bool) -> int:
    """
    Hold a hit's headers against its user agent and page.

    Args:
        url: of the page.
        pixel: came by GET, so it owes no Origin.

    Returns:
        `Mark.LOOKED` with the marks of what was found.
    """
    if not client.browser:
        return Mark.LOOKED
    sent = dict(headers)
    marks = Mark.LOOKED
    hints = sent.get(b"sec-ch-ua", b"")
    if b"HeadlessChrome" in hints:
        marks |= Mark.HEADLESS
    if _impossible(client, sent, hints, https=url[:8].lower() == "https://"):
        marks |= Mark.HEADERS_IMPOSSIBLE
    if not pixel and _origin_wrong(sent.get(b"origin"), url):
        marks |= Mark.ORIGIN_WRONG
    return marks


def _impossible(client: Client, sent: dict[bytes, bytes], hints: bytes, *, https: bool) -> bool:
    if b"accept-language" not in sent:
        return True
    if hints:
        # Firefox and Safari send no hints; a Chromium's own number is in both places.
        if not client.chrome:
            return True
        hinted = _HINTED_CHROMIUM.search(hints.decode("latin-1"))
        return hinted is not None and int(hinted[1]) != client.chrome
    if not https:
        return False
    if client.chrome >= HINTS_SINCE_CHROME:
        return True
    fetching = client.chrome >= FETCH_METADATA_SINCE_CHROME or client.firefox >= FETCH_METADATA_SINCE_FIREFOX
    return fetching and b"sec-fetch-mode" not in sent


def _origin_wrong(origin: bytes | None, url: str) -> bool:
    if origin is None:
        return True
    if origin == b"null":
        return False
    told, page = _host(origin.decode("latin-1")), _host(url)
    return bool(told and page) and not (told == page or told.endswith("." + page) or page.endswith("." + told))


@lru_cache(AGENTS_MAX)
def _host(url: str) -> str:
    rest = url.partition("://")[2]
    for end in "/?#":
        rest = rest.partition(end)[0]
    host = rest.rpartition("@")[2].lower()
    return host.removeprefix("www.") if host.startswith("[") else host.partition(":")[0].removeprefix("www.")
