"""
Headers against user agents: contradictions no browser produces, and none found where browsers are merely different.
"""

from __future__ import annotations

from random import Random

import pytest

from daysalt.trial import browsers
from ingest.risk.client import look, read_client
from ingest.risk.observation import Mark
from tests.ingest.risk.sights import CHROME, HEADERS

PAGE = "https://site.test/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0"


def without(name: bytes) -> tuple[tuple[bytes, bytes], ...]:
    return tuple(pair for pair in HEADERS if pair[0] != name)


@pytest.mark.parametrize("seed", range(40))
def test_real_browsers_contradict_nothing(seed: int) -> None:
    """
    No browser of the trial's people, but those that rewrite headers, is marked.
    """
    rng = Random(seed)
    for browser in (browsers.desktop(rng), browsers.phone(rng)):
        marks = look(read_client(browser.user_agent), browser.beacon_headers("https://site.test"), PAGE, pixel=False)
        assert Mark.LOOKED == marks


@pytest.mark.parametrize(
    ("user_agent", "headers", "marks"),
    [
        (CHROME, without(b"sec-ch-ua"), Mark.HEADERS_IMPOSSIBLE),
        (CHROME, without(b"accept-language"), Mark.HEADERS_IMPOSSIBLE),
        (CHROME.replace("131", "120"), HEADERS, Mark.HEADERS_IMPOSSIBLE),
        (FIREFOX, HEADERS, Mark.HEADERS_IMPOSSIBLE),
        (CHROME, without(b"origin"), Mark.ORIGIN_WRONG),
        (CHROME, (*without(b"origin"), (b"origin", b"https://evil.test")), Mark.ORIGIN_WRONG),
        (CHROME, (*without(b"origin"), (b"origin", b"null")), 0),
        (CHROME, (*without(b"origin"), (b"origin", b"https://www.site.test:8443")), 0),
    ],
)
def test_contradictions(user_agent: str, headers: tuple[tuple[bytes, bytes], ...], marks: int) -> None:
    """
    Each contradiction is marked as what it is.
    """
    assert Mark.LOOKED | marks == look(read_client(user_agent), headers, PAGE, pixel=False)


def test_plain_http_owes_no_hints() -> None:
    """
    Client hints and fetch metadata are sent in secure contexts only.
    """
    headers = tuple(pair for pair in HEADERS if not pair[0].startswith(b"sec-"))

    assert Mark.LOOKED == look(read_client(CHROME), headers, "http://site.test/", pixel=False)


@pytest.mark.parametrize(
    ("user_agent", "mark"),
    [
        ("curl/8.5.0", Mark.LIBRARY),
        ("python-requests/2.31", Mark.LIBRARY),
        ("", Mark.EMPTY_AGENT),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Mark.DECLARED_BOT),
        (CHROME.replace("Chrome", "HeadlessChrome"), Mark.HEADLESS),
        ("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1)", Mark.ANCIENT_AGENT),
        (CHROME, 0),
    ],
)
def test_user_agents_are_told_apart(user_agent: str, mark: int) -> None:
    """
    What a user agent says of itself is one mark.
    """
    assert mark == read_client(user_agent).marks
