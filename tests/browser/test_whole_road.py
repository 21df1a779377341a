"""
The whole road: one command, a script tag, a visit in a real browser, and the number on the dashboard.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, Response, expect

from tests.browser.web import Web
from tests.server import Server, free_port, run_server

pytestmark = [pytest.mark.browser, pytest.mark.server]

FRESH_S = 2
"""How old a number on the dashboard may be (contract, section 2)."""


def test_first_visit_from_a_real_page_to_the_chart(
    tmp_path: Path, context: BrowserContext, page: Page, site: Web
) -> None:
    """
    From the first start to 1 visitor, 1 visit, 3 pageviews, their pages and their source, with nothing left behind.
    """

    asked: list[Request] = []
    context.on("request", lambda request: asked.append(request))
    with run_server(tmp_path) as server:
        stats = server.base_url.replace("127.0.0.1", "stats.test")
        snippet = set_up(page, server, stats)
        assert snippet == f'<script defer data-domain="site.test" src="{stats}/js/script.js"></script>'

        visitor = context.new_page()
        left = visit(visitor, site, snippet)
        numbers_s = see_numbers(context.new_page(), stats, left)
        # The page that waited has turned into the dashboard by itself, somebody live on it.
        expect(page.locator("#live-count")).to_have_text("1", timeout=10_000)
        see_panels(page)

        assert numbers_s <= FRESH_S
        assert nothing_left_behind(context, site)
        assert {urlsplit(one.url).hostname for one in asked} == {"site.test", "news.test", "stats.test"}
        # The address typed into the page's own form is nobody's business, nor is the campaign tag nobody knows.
        assert not [body for one in asked if "a@b.example" in (body := one.post_data or "") or "utm_id" in body]
        assert server.stop() == 0
    with run_server(tmp_path) as server:
        see_numbers(page, server.base_url.replace("127.0.0.1", "stats.test"), time.monotonic())
        see_panels(page)


def test_visit_counts_below_a_base_path(tmp_path: Path, context: BrowserContext, page: Page, site: Web) -> None:
    """
    Where Daysalt lives below a path of another site's address, the snippet, the script and its beacons follow.
    """

    port = str(free_port())
    stats = f"http://stats.test:{port}/numbers"
    with run_server(tmp_path, port=port, base_url=stats) as server:
        snippet = set_up(page, server, stats)
        assert f'src="{stats}/js/script.js"' in snippet
        visitor = context.new_page()
        site.pages["/"] = f"<!doctype html><html><head>{snippet}</head></html>"
        with visitor.expect_response(is_counted) as response:
            visitor.goto(site.origin("site.test") + "/")

        assert response.value.url == f"{stats}/api/event"
        expect(page.locator("#live-count")).to_have_text("1", timeout=10_000)


def set_up(page: Page, server: Server, stats: str) -> str:
    """
    Open the set-up link of the first start, make the account and the site, and copy the snippet.
    """
    token = (server.data_dir / "setup-token").read_text(encoding="ascii").strip()
    page.goto(f"{stats}/setup?token={token}")
    page.get_by_label("E-mail").fill("owner@site.test")
    page.get_by_label("Password").fill("a sentence is easy to remember")
    page.get_by_label("Your first site").fill("site.test")
    page.get_by_role("button", name="Start measuring").click()
    expect(page.get_by_role("heading", name="Waiting for your first visit")).to_be_visible()
    assert page.url == f"{stats}/site.test"
    server.await_site("site.test")
    return page.locator("#snippet").inner_text().strip()


def visit(visitor: Page, site: Web, snippet: str) -> float:
    """
    Come from a link elsewhere, see three pages, one of them by the history API, and leave.

    Returns:
        When it was left, by the monotonic clock.
    """
    origin = site.origin("site.test")
    push = "history.pushState({}, '', '/sign-up?email=a@b.example')"
    site.pages["/story"] = f'<!doctype html><a href="{origin}/?utm_id=1">a good site</a>'
    site.pages["/"] = f'<!doctype html><html><head>{snippet}</head><body><a href="/pricing">pricing</a></body></html>'
    site.pages["/pricing"] = (
        f'<!doctype html><html><head>{snippet}</head><body><button onclick="{push}">sign up</button></body></html>'
    )
    visitor.goto(site.origin("news.test") + "/story")
    for step in ("a good site", "pricing", "sign up"):
        with visitor.expect_response(is_counted):
            visitor.get_by_text(step).click()
    assert visitor.evaluate(
        """async () => [document.cookie, localStorage.length, sessionStorage.length, window.name,
            (await indexedDB.databases()).length]"""
    ) == ["", 0, 0, "", 0]
    visitor.goto("about:blank")
    return time.monotonic()


def is_counted(response: Response) -> bool:
    """
    Tell whether a response is the answer to a pageview, and make sure that it was counted.
    """
    if not response.url.endswith("/api/event") or '"pageview"' not in (response.request.post_data or ""):
        return False
    assert (response.status, response.headers.get("x-daysalt-dropped")) == (202, None)
    return True


def see_numbers(dashboard: Page, stats: str, left: float) -> float:
    """
    Open the dashboard until it shows the whole visit, and check the headline numbers.

    Returns:
        Seconds between the end of the visit and the request that showed it.
    """
    wanted = {"Visitors": "1", "Visits": "1", "Pageviews": "3", "Views per visit": "3.0", "Bounce rate": "0%"}
    while True:
        asked = time.monotonic()
        # The top is sent first; to wait for all panels each time would measure how fast the machine is.
        dashboard.goto(f"{stats}/site.test", wait_until="commit")
        expect(dashboard.locator("#waiting, [data-graph]")).to_be_attached(timeout=30_000)
        titles = dashboard.locator(".total-title").all_inner_texts()
        values = dashboard.locator(".total-value").all_inner_texts()
        shown = {title: value.strip() for title, value in zip(titles, values, strict=True)}
        if {title: shown.get(title) for title in wanted} == wanted:
            return asked - left
        assert asked - left < 5 * FRESH_S, f"the dashboard shows {shown}"
        dashboard.wait_for_timeout(50)


def see_panels(page: Page) -> None:
    """
    Check pages, entry, exit and source.
    """
    # A page's top is there before its panels.
    page.wait_for_load_state()
    pages, sources = page.locator("#panel-pages"), page.locator("#panel-sources")
    assert {name: count(pages, name) for name in ("/", "/pricing", "/sign-up")} == {
        "/": ["1", "1"], "/pricing": ["1", "1"], "/sign-up": ["1", "1"],
    }  # fmt: skip
    pages.get_by_role("link", name="Entry", exact=True).click()
    expect(pages.get_by_role("columnheader", name="Entry page")).to_be_visible()
    assert (names(pages), count(pages, "/")) == (["/"], ["1", "1"])
    pages.get_by_role("link", name="Exit", exact=True).click()
    expect(pages.get_by_role("columnheader", name="Exit page")).to_be_visible()
    assert (names(pages), count(pages, "/sign-up")) == (["/sign-up"], ["1", "1", "100%"])
    sources.get_by_role("link", name="Sources", exact=True).click()
    expect(sources.get_by_role("columnheader", name="Source", exact=True)).to_be_visible()
    assert (names(sources), count(sources, "news.test")) == (["news.test"], ["1"])


def names(panel: Locator) -> list[str]:
    """
    List the rows of a panel.
    """
    texts = panel.locator(".row-name").all_inner_texts()
    return [text.strip() for text in texts]


def count(panel: Locator, name: str) -> list[str]:
    """
    Give the counts in a panel's row.
    """
    rows = panel.locator("tbody tr")
    row = rows.filter(has=rows.page.get_by_text(re.compile(f"^{re.escape(name)}$")))
    return [text.strip() for text in row.locator("td.count").all_inner_texts()]


def nothing_left_behind(context: BrowserContext, site: Web) -> bool:
    """
    Tell whether the visited origins are as they were: no cookie, nothing stored.
    """
    visited = [site.origin("site.test"), site.origin("news.test")]
    stored = {origin["origin"] for origin in context.storage_state(indexed_db=True).get("origins", [])}
    return context.cookies(visited) == [] and not stored & set(visited)
