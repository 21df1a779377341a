"""
Hop 3: what is kept of a page's address.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode import WireError
from ingest.hit import Page
from ingest.page import read_page, registrable_domain
from ingest.url import split_url


@pytest.mark.parametrize(
    ("url", "hostname", "pathname"),
    [
        ("https://www.Example.COM", "example.com", "/"),
        ("https://example.com:8443/a/?q=secret#x", "example.com", "/a/"),
        ("https://user:secret@example.com/a", "example.com", "/a"),
        ("https://example.com./a%20b%20", "example.com", "/a b"),
        ("https://example.com/A/%D8%AC", "example.com", "/A/ج"),
        ("https://example.com/a%2525", "example.com", "/a%25"),
        ("https://example.com/%ff%00", "example.com", "/\N{REPLACEMENT CHARACTER}"),
        ("http://[2001:db8::1]:80/x", "2001:db8::1", "/x"),
        ("http://192.168.0.1", "192.168.0.1", "/"),
        ("file:///android_asset/index.html", "(none)", "/android_asset/index.html"),
        ("about:config", "(none)", "config"),
        ("/no/hostname", "(none)", "/no/hostname"),
        ("app://localhost/login", "localhost", "/login"),
        (" https://example.com/a ", "example.com", "/a"),
    ],
)
def test_hostname_and_pathname(url: str, hostname: str, pathname: str) -> None:
    """Hostname without www., path decoded once, and nothing of query, user or port."""
    page = read_page(url, False)

    assert (page.hostname, page.pathname) == (hostname, pathname)


@pytest.mark.parametrize(
    ("url", "pathname"),
    [
        ("https://example.com/#page-a", "/#page-a"),
        ("https://example.com/app#/s%C3%B6k", "/app#/sök"),
        ("https://example.com/#/search?q=secret", "/#/search"),
        ("https://example.com/a#", "/a"),
    ],
)
def test_hash_mode(url: str, pathname: str) -> None:
    """In hash mode the fragment is part of the path, its own query is not."""

    assert read_page(url, True).pathname == pathname


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("utm_source=a&source=b&ref=c", {"utm_source": "a", "tagged": True}),
        ("source=b&ref=c", {"utm_source": "b", "tagged": True}),
        ("ref=c", {"utm_source": "c", "tagged": True}),
        ("utm_source=&ref=c", {"utm_source": "", "tagged": True}),
        ("utm_source", {"utm_source": "", "tagged": True}),
        ("utm_medium=m&utm_campaign=c&utm_content=o&utm_term=t",
         {"utm_medium": "m", "utm_campaign": "c", "utm_content": "o", "utm_term": "t"}),
        ("utm_campaign=Something+%22quoted%22", {"utm_campaign": 'Something "quoted"'}),
        ("fbclid=secret&gclid=secret", {"click_id": "gclid"}),
        ("token=secret&utm_medium=m" + "&x=1" * 300, {"utm_medium": "m"}),
        ("token=secret", {}),
    ],
)  # fmt: skip
def test_campaign_parameters(query: str, expected: dict[str, object]) -> None:
    """Of a query only campaign parameters are kept, and of a click id only its name."""

    assert read_page(f"https://example.com/?{query}", False) == Page("example.com", "/", "example.com", **expected)  # type: ignore[arg-type]  # the table's values fit their fields


@pytest.mark.parametrize("url", ["data:text/html,x", "DATA:x", "https://example.com/" + "a" * 2000])
def test_refused(url: str) -> None:
    """A data: address and one beyond the limit are refused here, too."""
    with pytest.raises(WireError) as caught:
        read_page(url, False)

    assert caught.value.field == "url"


@pytest.mark.parametrize(
    ("hostname", "expected"),
    [
        ("app.example.com", "example.com"), ("a.b.example.co.uk", "example.co.uk"), ("a.github.io", "a.github.io"),
        ("192.168.0.1", "192.168.0.1"), ("2001:db8::1", "2001:db8::1"), ("(none)", "(none)"),
        ("localhost", "localhost"), ("co.uk", "co.uk"), ("site1.test", "site1.test"), ("a.site1.test", "site1.test"),
        ("..", ".."), ("web.node1", "web.node1"), ("a.web.node1", "web.node1"),
    ],
)  # fmt: skip
def test_registrable_domain(hostname: str, expected: str) -> None:
    """The root is what someone registered; what has none stays as it is."""

    assert registrable_domain(hostname) == expected


@given(st.text(max_size=300), st.booleans())
def test_any_text_has_a_page(url: str, hash_mode: bool) -> None:
    """Any text is read or refused, and what is kept has no control characters."""
    try:
        page = read_page(url, hash_mode)
    except WireError:
        return

    assert page.hostname and page.pathname and page.registrable_domain
    assert "\x00" not in page.hostname + page.pathname


@given(st.text())
def test_any_text_has_parts(text: str) -> None:
    """Taking an address apart never fails."""

    assert len(split_url(text)) == 5


def test_cache_counts() -> None:
    """The cache is bounded and counts its hits."""
    read_page("https://cache.test/a", False)
    before = read_page.cache_info()
    read_page("https://cache.test/a", False)
    after = read_page.cache_info()

    assert (after.hits - before.hits, after.maxsize) == (1, 20_000)
