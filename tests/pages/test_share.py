"""
Shared links: open to whoever has one, within their limits.
"""

from __future__ import annotations

import re
from html import unescape

from dashboard.context import Context
from tests.clocks import FakeClock
from tests.pages.browsing import browser, signed_in, site_with_visits
from tests.pages.test_site import totals

GOOGLE = [["is", "visit:source", ["Google"]]]


def test_a_shared_view_is_the_dashboard(context: Context) -> None:
    """
    Whoever has the address sees the numbers, gets no cookie, and stays inside the link.
    """
    site = site_with_visits(context)
    shared = context.registry.shared_links.add(site.id, "Press")
    client = browser(context)
    response = client.get(f"/share/{shared.slug}?lang=sv&theme=dark")
    links = [unescape(link) for link in re.findall(r'href="(/share/[^"]*)"', response.text)]

    assert ["10", "10", "20", "2.0", "0%", "2m 00s"] == totals(client, f"/share/{shared.slug}")
    assert 'data-theme="dark"' in response.text and "Besökare" in response.text
    assert links and all("lang=sv" in link and "theme=dark" in link for link in links)
    assert "set-cookie" not in response.headers
    assert 'href="/site1.test' not in response.text


def test_the_owner_sees_what_others_see(context: Context) -> None:
    """
    Signed in or not, a shared view is the public one.
    """
    site = site_with_visits(context)
    shared = context.registry.shared_links.add(site.id, "Press")

    assert "form_token" not in signed_in(context).get(f"/share/{shared.slug}").text


def test_no_link_leads_nowhere(context: Context, clock: FakeClock) -> None:
    """
    Unknown, removed and ended links are one and the same page.
    """
    site = site_with_visits(context)
    ended = context.registry.shared_links.add(site.id, "Soon", expires_ms=clock.now_ms() + 1000)
    removed = context.registry.shared_links.add(site.id, "Gone")
    context.registry.shared_links.remove(site.id, removed.id)
    clock.advance(seconds=2)
    client = browser(context)

    for slug in ("nothing", ended.slug, removed.slug, "..%2f..%2fetc%2fpasswd"):
        response = client.get(f"/share/{slug}")
        assert 404 == response.status_code or "/login" in response.headers["location"]
        assert "Besökare" not in response.text and "total-value" not in response.text


def test_a_password_opens_for_a_day(context: Context, clock: FakeClock) -> None:
    """
    The password is asked for first; what it opens is in the address and ends by itself.
    """
    site = site_with_visits(context)
    shared = context.registry.shared_links.add(site.id, "Board", password="only for the board")
    client = browser(context)
    path = f"/share/{shared.slug}"

    assert "This view has a password" in client.get(path).text
    assert "total-value" not in client.get(f"{path}?live=1").text
    assert 401 == client.post(path, data={"password": "wrong"}).status_code
    opened = client.post(path, data={"password": "only for the board"})
    assert 303 == opened.status_code
    assert "total-value" in client.get(opened.headers["location"]).text
    assert "set-cookie" not in opened.headers
    clock.advance(seconds=2 * 24 * 3600)
    assert "This view has a password" in client.get(opened.headers["location"]).text


def test_passwords_cannot_be_tried_out(context: Context) -> None:
    """
    After ten wrong ones the link waits, whoever asks.
    """
    site = site_with_visits(context)
    shared = context.registry.shared_links.add(site.id, "Board", password="only for the board")
    statuses = [
        browser(context).post(f"/share/{shared.slug}", data={"password": f"wrong {number}"}).status_code
        for number in range(11)
    ]

    assert [401] * 10 + [429] == statuses


def test_a_segment_cannot_be_taken_off(context: Context) -> None:
    """
    A link limited to a segment shows that and no more, whatever the address says.
    """
    site = site_with_visits(context)
    context.registry.sites.change(site.domain, k=1)
    segment = context.registry.segments.add(site.id, "Google", GOOGLE)
    shared = context.registry.shared_links.add(site.id, "Agency", segment_id=segment.id)
    client = browser(context)
    path = f"/share/{shared.slug}"

    assert ["6", "6", "12"] == totals(client, path)[:3]
    assert ["6", "6", "12"] == totals(client, f"{path}?held=&segment=")[:3]
    assert "" == client.get(f"{path}?live=1").text
    csv = client.get(f"{path}?details=locations&format=csv").text
    assert "SE,6" in csv and "NO" not in csv


def test_ranges_of_the_public_are_whole_days(context: Context) -> None:
    """
    A sliding window of 24 hours is snapped to the day, and at most three filters are combined.
    """
    site = site_with_visits(context)
    shared = context.registry.shared_links.add(site.id, "Press")
    html = browser(context).get(f"/share/{shared.slug}?period=24h&f=a:b").text
    many = "&".join(f"f={name}:x" for name in ("country", "browser", "source", "channel", "page"))

    assert f"/share/{shared.slug}?period=24h" not in html and ">Today<" in html
    assert 3 == browser(context).get(f"/share/{shared.slug}?{many}").text.count('class="chip"')


def test_only_embeds_may_be_framed(context: Context) -> None:
    """
    Other sites may show a shared view inside theirs when it is asked for, and nothing else of Daysalt.
    """
    site = site_with_visits(context)
    context.registry.sites.change(site.domain, public=True)
    shared = context.registry.shared_links.add(site.id, "Press")
    client = browser(context)
    embedded = client.get(f"/share/{shared.slug}?embed=true&theme=light")

    assert "frame-ancestors *" in embedded.headers["content-security-policy"]
    assert "x-frame-options" not in embedded.headers
    assert "unsafe" not in embedded.headers["content-security-policy"]
    assert '<body class="embedded">' in embedded.text
    for path in (f"/share/{shared.slug}", "/site1.test?embed=true", "/login?embed=true"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "DENY" == headers["x-frame-options"]
