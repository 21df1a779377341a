"""
The build for browsers older than ES2017, in a browser that has been made to lack what they lack.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.browser.test_tracker import document, tag
from tests.browser.test_tracker_acts import sent
from tests.browser.web import Collector, Web

pytestmark = pytest.mark.browser

LACKING = """
for (let name of ['fetch', 'URL']) delete window[name]
delete Object.assign; delete Element.prototype.closest; delete String.prototype.endsWith
Object.defineProperty(Document.prototype, 'currentScript', {get: () => undefined})
Object.defineProperty(window, 'scrollY', {value: undefined})
"""
OLD = f"<script>{LACKING}</script>"


def test_old_browser_counts(page: Page, site: Web, collector: Collector) -> None:
    """
    Pageviews, history, own events with callback and engagement work without fetch and what came with ES2017.
    """
    body = "<script>plausible('Early', {props: {a: 'b'}, callback: answer => (window.answer = answer.status)})</script>"
    queue = "<script>window.plausible = function () { (plausible.q = plausible.q || []).push(arguments) }</script>"
    site.pages["/"] = document(OLD + queue + tag(collector, "script.compat"), body)
    page.goto(site.origin("site.test") + "/?utm_source=a&token=1")
    collector.expect(1)
    page.evaluate("history.pushState({}, '', '/next')")

    first, second = collector.expect(2)
    early = collector.expect(1, "Early")[0]
    page.wait_for_function("window.answer === 202")

    assert ("site.test", "/?utm_source=a", "/next") == (
        first["d"], first["u"].partition(f":{site.port}")[2], second["u"].partition(f":{site.port}")[2],
    )  # fmt: skip
    assert {"a": "b"} == early["p"]
    assert "/" == collector.expect(1, "engagement")[0]["u"].partition(f":{site.port}")[2][0]


def test_old_browser_waits_before_it_leaves(page: Page, site: Web, collector: Collector) -> None:
    """
    A link in the same tab is followed when its event has arrived.
    """
    target = site.origin("other.test") + "/there"
    site.pages["/there"] = document("")
    site.pages["/"] = document(
        OLD + tag(collector, "script.outbound-links.compat.file-downloads"), f'<a href="{target}">go</a>'
    )
    page.goto(site.origin("site.test") + "/")
    collector.expect(1)
    page.click("text=go")
    page.wait_for_url(target)

    assert [("Outbound Link: Click", {"url": target})] == sent(collector)


def test_old_browser_hears_of_a_failure(page: Page, site: Web, collector: Collector) -> None:
    """
    A collector that cannot be reached is an error for the callback, and the page goes on.
    """
    site.pages["/"] = document(OLD + tag(collector, "script.compat.manual"))
    page.goto(site.origin("site.test") + "/")
    page.route("**/api/event", lambda route: route.abort())
    page.evaluate("plausible('Late', {callback: answer => (window.failed = !!answer.error)})")

    page.wait_for_function("window.failed === true")
