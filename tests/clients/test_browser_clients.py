"""
The npm packages of others in a real browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response

from tests.browser.web import Web
from tests.clients.counted import Counted
from tests.clients.fetched import browser_clients
from tests.server import Server, run_server

pytestmark = [pytest.mark.browser, pytest.mark.server]

Make = Callable[[str], Counted]


@pytest.fixture(scope="module")
def packages() -> Path:
    return browser_clients()


@pytest.fixture(scope="module")
def server(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def counted(server: Server) -> Iterator[Make]:
    made: list[Counted] = []

    def make(domain: str) -> Counted:
        made.append(Counted(server, domain))
        return made[-1]

    yield make
    for one in made:
        one.close()


def stats(server: Server) -> str:
    """
    Give the server's address as a page on another host sees it.
    """
    return server.base_url.replace("127.0.0.1", "stats.test")


def serve(site: Web, folder: Path, *names: str) -> None:
    """
    Put files of a package on the web site, under `/lib/` and without their ending, as bundlers would resolve them.
    """
    for name in names:
        site.scripts[f"/lib/{name.removesuffix('.js')}"] = (folder / name).read_text(encoding="utf-8")


def accepted(page: Page) -> list[int]:
    """
    Collect the statuses of all answers to beacons from now on.
    """
    statuses: list[int] = []

    def note(response: Response) -> None:
        if response.url.endswith("/api/event"):
            statuses.append(response.status)

    page.on("response", note)
    return statuses


def test_current_npm_tracker(page: Page, site: Web, server: Server, packages: Path, counted: Make) -> None:
    """
    `@plausible-analytics/tracker`: pageviews, history, links, files, forms, properties, callback and engagement.
    """

    counts = counted("new.test")
    serve(site, packages / "@plausible-analytics" / "tracker", "plausible.js")
    site.pages["/"] = f"""<!doctype html><script type="module">
        import {{init, track}} from '/lib/plausible'
        init({{domain: 'new.test', endpoint: '{stats(server)}/api/event', outboundLinks: true, fileDownloads: true,
            formSubmissions: true, customProperties: {{theme: 'dark'}}}})
        window.buy = () => new Promise(callback => track('Buy',
            {{props: {{plan: 'large'}}, revenue: {{amount: '10.29', currency: 'EUR'}}, callback}}))
        window.ready = true</script>
        <a href="https://other.test/">out</a> <a href="/a.pdf?x=1">file</a> <form><button>send</button></form>
        <script>onclick = event => event.target.tagName != 'A'; onsubmit = () => false</script>"""
    statuses = accepted(page)
    page.goto(site.origin("new.test") + "/?utm_source=news&token=secret")
    page.wait_for_function("window.ready")
    page.click("text=out")
    page.click("text=file")
    page.click("text=send")
    answer = page.evaluate("buy()")
    page.evaluate("history.pushState({}, '', '/two')")

    assert answer == {"status": 202}
    counts.expect("event:name", {
        "pageview": 2, "Outbound Link: Click": 1, "File Download": 1, "Form: Submission": 1, "Buy": 1,
    })  # fmt: skip
    counts.expect("event:page", {"/": 1, "/two": 1}, "pageviews")
    counts.expect("visit:source", {"news": 1}, "visits")
    counts.expect("event:props:plan", {"large": 1, "(none)": 5})
    counts.expect("event:props:theme", {"dark": 6})
    counts.expect(
        "event:props:url", {"https://other.test/": 1}, "events", ["is", "event:name", ["Outbound Link: Click"]]
    )
    counts.expect("event:props:path", {"/": 1}, "events", ["is", "event:name", ["Form: Submission"]])
    assert {202} == set(statuses)


def test_older_npm_tracker(page: Page, site: Web, server: Server, packages: Path, counted: Make) -> None:
    """
    `plausible-tracker`: pageviews and history, events with properties as JSON text, outbound links.
    """

    counts = counted("old.test")
    folder = packages / "plausible-tracker" / "build" / "module"
    serve(site, folder, "index.js", "lib/tracker.js", "lib/request.js")
    site.pages["/"] = f"""<!doctype html><script type="module">
        import Plausible from '/lib/index'
        const tracker = Plausible({{domain: 'old.test', apiHost: '{stats(server)}'}})
        tracker.enableAutoPageviews()
        tracker.enableAutoOutboundTracking()
        window.sign = () => new Promise(callback =>
            tracker.trackEvent('Sign up', {{callback, props: {{plan: 'small'}}}}))
        window.ready = true</script><a href="{site.origin("other.test")}/there" target="_blank">out</a>"""
    site.pages["/there"] = "<!doctype html>there"
    statuses = accepted(page)
    page.goto(site.origin("old.test") + "/")
    page.wait_for_function("window.ready")
    page.evaluate("sign()")
    page.evaluate("history.pushState({}, '', '/two')")
    page.click("text=out")

    counts.expect("event:name", {"pageview": 2, "Sign up": 1, "Outbound Link: Click": 1})
    counts.expect("event:page", {"/": 1, "/two": 1}, "pageviews")
    counts.expect("event:props:plan", {"small": 1, "(none)": 3})
    assert {202} == set(statuses)
