"""
Hop 3: where a visit came from.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hit import Origin, Page
from ingest.origin import read_origin, read_referrer
from ingest.page import read_page
from ingest.sources import category_of, source_of_host


def origin(url: str, referrer: str = "") -> Origin:
    return read_origin(read_page(url, False), referrer)


@pytest.mark.parametrize(
    ("referrer", "kept"),
    [
        ("https://www.other.test/a/?q=secret#x", "other.test/a"), ("https://other.test", "other.test"),
        ("https://other.test:81/", "other.test"), ("https://u:p@other.test/x", "other.test/x"),
        ("android-app://com.example.app/", "android-app://com.example.app"),
        ("https://example.com/a", ""), ("https://www.example.com", ""), ("http://localhost/x", ""),
        ("ftp://other.test", ""), ("other.test", ""), ("https:///x", ""), ("", ""), ("javascript:alert(1)", ""),
    ],
)  # fmt: skip
def test_kept_referrer(referrer: str, kept: str) -> None:
    """Host and path of another site are kept, never a query; own pages are no referrers."""

    assert read_referrer(referrer, "example.com")[0] == kept


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("google.com", "Google"), ("google.co.uk", "Google"), ("images.google.se", "Google"),
        ("google.evil.test", "google.evil.test"),
        ("mail.google.com", "Gmail"), ("gemini.google.com", "Gemini"), ("l.facebook.com", "Facebook"),
        ("m.facebook.com", "Facebook"),
        ("t.co", "X (Twitter)"), ("x.com", "X (Twitter)"), ("dropbox.com", "dropbox.com"), ("old.reddit.com", "Reddit"),
        ("en.m.wikipedia.org", "Wikipedia"), ("notofficeapps.live.com", "notofficeapps.live.com"),
        ("yandex.ru", "Yandex"), ("ya.ru", "Yandex"), ("claude.ai", "Claude"), ("chatgpt.com", "ChatGPT"),
        ("de.search.yahoo.com", "Yahoo!"), ("youtu.be", "Youtube"), ("se.linkedin.com", "LinkedIn"),
        ("other.test", "other.test"),
    ],
)  # fmt: skip
def test_named_hosts(host: str, source: str) -> None:
    """Known hosts have a name, a look-alike keeps its own."""

    assert source_of_host(host) == source


@pytest.mark.parametrize(
    ("url", "referrer", "source"),
    [
        ("https://e.test/?utm_source=FB", "", "Facebook"), ("https://e.test/?ref=producthunt", "", "Product Hunt"),
        ("https://e.test/?utm_source=Newsletter", "https://google.com", "Newsletter"),
        ("https://e.test/?utm_source=", "https://google.com", ""), ("https://e.test/", "https://google.com", "Google"),
        ("https://e.test/", "android-app://com.reddit.frontpage/", "Reddit"),
        ("https://e.test/", "android-app://com.unknown.app/", "com.unknown.app"), ("https://e.test/", "", ""),
    ],
)  # fmt: skip
def test_source(url: str, referrer: str, source: str) -> None:
    """A campaign tag, even an empty one, wins over the referrer."""

    assert origin(url, referrer).source == source


def test_everything_at_once() -> None:
    """Referrer, source and channel are found together."""
    expected = Origin("google.com", "Google", "Paid Search")

    assert origin("https://e.test/?gclid=1", "https://www.google.com/?q=secret") == expected


def test_hosts_without_a_name_have_a_kind() -> None:
    """A host that is listed by kind only lends it to what is below it."""

    assert [category_of("temu.com"), category_of("share.temu.com"), category_of("other.test"), category_of("")] == [
        "shopping", "shopping", "", "",
    ]  # fmt: skip


@given(st.text(max_size=200))
def test_any_referrer_is_read(referrer: str) -> None:
    """No referrer makes an error, and no query is ever kept."""
    found = read_origin(Page("e.test", "/", "e.test"), referrer)

    assert "?" not in found.referrer and "#" not in found.referrer
