"""
The tracker in a real browser, sending to a collector that only remembers.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, Request

from tests.browser.conftest import ordinary_user_agent, start_chromium
from tests.browser.web import Collector, Web

pytestmark = pytest.mark.browser

TALL = '<div style="height:4000px">tall</div>'
STUB = (
    "<script>window.plausible=window.plausible||function(){(plausible.q=plausible.q||[]).push(arguments)};"
    "window.daysalt=window.daysalt||function(){(daysalt.q=daysalt.q||[]).push(arguments)}</script>"
)
HIDE = """
    window.shown = false
    Object.defineProperty(document, 'hidden', {get: () => !window.shown})
    Object.defineProperty(document, 'visibilityState', {get: () => window.shown ? 'visible' : 'hidden'})
    window.show = (yes) => {
        window.shown = yes
        document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))
    }
"""
PASS_TIME = "ms => { const now = Date.now.bind(Date); Date.now = () => now() + ms }"


def tag(collector: Collector, name: str = "script", attributes: str = "defer") -> str:
    """
    Write the script tag a site owner pastes.
    """
    source = f"{collector.origin('stats.test')}/js/{name}.js"
    return f'<script {attributes} data-domain="site.test" src="{source}"></script>'


def document(head: str, body: str = "") -> str:
    """
    Write a page.
    """
    return f"<!doctype html><html><head><title>A page</title>{head}</head><body>{body}</body></html>"


def sentinel(page: Page, collector: Collector) -> None:
    """
    Send one more event and wait for it: what was to come before it has come.
    """
    page.evaluate("() => new Promise(sent => daysalt('sentinel', {callback: sent}))")
    collector.wait(lambda: bool(collector.named("sentinel")), "the sentinel")


def test_pageview_on_load(page: Page, site: Web, collector: Collector) -> None:
    """
    Opening a page sends one pageview with the page, the site and an empty referrer, as text that needs no preflight.
    """

    site.pages["/"] = document(tag(collector))
    page.goto(site.origin("site.test") + "/")

    (beacon,) = collector.expect(1)
    sent = next(one for one in collector.requests if one.method == "POST")
    assert beacon == {"n": "pageview", "v": 2, "u": site.origin("site.test") + "/", "d": "site.test", "r": None}
    assert sent.headers["content-type"].startswith("text/plain")
    assert all(one.method != "OPTIONS" for one in collector.requests)


@pytest.mark.parametrize("place", ["defer", "async", "plain", "body", "injected"])
def test_script_works_wherever_it_stands(page: Page, site: Web, collector: Collector, place: str) -> None:
    """
    In the head with defer, async or neither, at the end of the body, or put in by another script.
    """

    plain = tag(collector, attributes="")
    inject = (
        "<script>const tag = document.createElement('script'); tag.dataset.domain = 'site.test';"
        f"tag.src = '{collector.origin('stats.test')}/js/script.js'; document.head.append(tag)</script>"
    )
    site.pages["/"] = {
        "defer": document(tag(collector)),
        "async": document(tag(collector, attributes="async")),
        "plain": document(plain),
        "body": document("", TALL + plain),
        "injected": document("", inject),
    }[place]
    page.goto(site.origin("site.test") + "/")

    assert len(collector.expect(1)) == 1


def test_snippet_twice_is_one_page(page: Page, site: Web, collector: Collector) -> None:
    """
    A theme and a plugin that both bring the tag do not count the page twice.
    """

    site.pages["/"] = document(tag(collector) + tag(collector, "plausible"))
    page.goto(site.origin("site.test") + "/")
    sentinel(page, collector)

    assert len(collector.named("pageview")) == 1


def test_site_key_may_be_left_out(page: Page, site: Web, collector: Collector) -> None:
    """
    Without `data-domain` the collector is left to take the site from the page's address.
    """

    site.pages["/"] = document(f'<script defer src="{collector.origin("stats.test")}/js/script.js"></script>')
    page.goto(site.origin("site.test") + "/")

    assert "d" not in collector.expect(1)[0]


@pytest.mark.parametrize(
    ("source", "attributes", "path"),
    [
        ("/js/script.js", "", "/api/event"),
        ("/stats/js/script.js?v=3", "", "/stats/api/event"),
        ("/js/script.js", 'data-api="/elsewhere/api/event"', "/elsewhere/api/event"),
    ],
)
def test_beacons_go_where_the_script_came_from(
    page: Page, site: Web, collector: Collector, source: str, attributes: str, path: str
) -> None:
    """
    To the script's own origin below its base path, or where `data-api` says.
    """

    address = collector.origin("stats.test") + source
    attributes = attributes.replace('="/', f'="{collector.origin("stats.test")}/')
    site.pages["/"] = document(f'<script defer {attributes} data-domain="site.test" src="{address}"></script>')
    page.goto(site.origin("site.test") + "/")

    collector.expect(1)
    assert [one.path for one in collector.requests if one.method == "POST"] == [path]


def test_history_navigation(page: Page, site: Web, collector: Collector) -> None:
    """
    pushState and the way back are pageviews when the path changed; replaceState and a changed query are none.
    """

    site.pages["/"] = document(tag(collector))
    origin = site.origin("site.test")
    page.goto(origin + "/")
    collector.expect(1)
    page.evaluate("history.pushState({}, '', '/?page=2')")
    page.evaluate("history.replaceState({}, '', '/replaced')")
    page.evaluate("history.replaceState({}, '', '/')")
    page.evaluate("history.pushState({}, '', '/one')")
    collector.expect(2)
    page.go_back()
    collector.expect(3)
    sentinel(page, collector)

    assert [beacon["u"] for beacon in collector.expect(3)] == [origin + "/", origin + "/one", origin + "/"]


def test_hash_mode(page: Page, site: Web, collector: Collector) -> None:
    """
    In hash mode the fragment is the page, by link, by script and by history; a query inside it stays behind.
    """

    site.pages["/"] = document(tag(collector, "script.hash"), '<a href="#/two">two</a>')
    origin = site.origin("site.test")
    page.goto(origin + "/#/one?token=secret")
    collector.expect(1)
    page.click("text=two")
    collector.expect(2)
    page.evaluate("location.hash = '#/three'")
    collector.expect(3)
    page.evaluate("history.pushState({}, '', '#/four')")
    collector.expect(4)
    page.go_back()
    beacons = collector.expect(5)

    assert [beacon["u"].removeprefix(origin) for beacon in beacons] == [
        "/#/one", "/#/two", "/#/three", "/#/four", "/#/three",
    ]  # fmt: skip
    assert {beacon["h"] for beacon in beacons} == {1}


def test_fragment_is_not_sent_without_hash_mode(page: Page, site: Web, collector: Collector) -> None:
    """
    An anchor is no page, and what stands behind `#` may be a secret.
    """

    site.pages["/"] = document(tag(collector))
    page.goto(site.origin("site.test") + "/#access_token=secret")
    page.evaluate("location.hash = 'chapter'")
    sentinel(page, collector)

    assert [beacon["u"] for beacon in collector.beacons] == [site.origin("site.test") + "/"] * 2


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?email=a@b.example&token=1", ""),
        ("?utm_source=news&utm_medium=m&utm_campaign=c&utm_content=d&utm_term=t", None),
        ("?a=1&utm_source=news&b=2&ref=x%26y&source=s&c=3", "?utm_source=news&ref=x%26y&source=s"),
        ("?gclid=Cj0KCQ&x=1", "?gclid=C"),
        ("?x=1&fbclid=IwAR&msclkid=9f8e&wbraid=Zz", "?fbclid=I&msclkid=9&wbraid=Z"),
        ("?utm_id=7&my_utm_source=1&xref=2&utm_source_x=3&userid=4", ""),
        ("?utm_source=&UTM_SOURCE=x", "?utm_source="),
        ("?", ""),
    ],
)
def test_query_is_stripped_before_sending(
    page: Page, site: Web, collector: Collector, query: str, kept: str | None
) -> None:
    """
    Only campaign tags leave the page, and of a click id its name with one character.
    """

    site.pages["/a&b=c"] = document(tag(collector))
    page.goto(site.origin("site.test") + "/a&b=c" + query)

    address = site.origin("site.test") + "/a&b=c" + (query if kept is None else kept)
    assert collector.expect(1)[0]["u"] == address


def test_referrer_is_cut(page: Page, site: Web, collector: Collector) -> None:
    """
    Of the page before, the query stays behind even where the browser would give it.
    """

    site.pages["/"] = document(tag(collector))
    site.pages["/from"] = document(
        '<meta name="referrer" content="unsafe-url">', f'<a href="{site.origin("site.test")}/">go</a>'
    )
    page.goto(site.origin("news.test") + "/from?token=secret")
    page.click("text=go")

    assert collector.expect(1)[0]["r"] == site.origin("news.test") + "/from"


def test_custom_event(page: Page, site: Web, collector: Collector) -> None:
    """
    `daysalt` and `plausible` send an event with props, revenue, interactive and its own page; then say how it went.
    """

    site.pages["/"] = document(tag(collector))
    page.goto(site.origin("site.test") + "/")
    collector.expect(1)
    answer = page.evaluate(
        """() => new Promise(callback => window.daysalt('Buy', {
            props: {plan: 'large', seats: 3}, revenue: {amount: '10.50', currency: 'EUR'}, interactive: false,
            url: 'https://site.test/shop?x=1&utm_source=mail', callback: ({status}) => callback(status)}))"""
    )
    page.evaluate("() => new Promise(callback => window.plausible('Read', {callback}))")
    page.evaluate("() => new Promise(callback => callback(window.plausible('Nothing', null)))")
    (buy,) = collector.expect(1, "Buy")
    (read,) = collector.expect(1, "Read")

    assert answer == 202
    assert buy == {
        "n": "Buy", "v": 2, "u": "https://site.test/shop?utm_source=mail", "d": "site.test", "r": None,
        "p": {"plan": "large", "seats": 3}, "$": {"amount": "10.50", "currency": "EUR"}, "i": False,
    }  # fmt: skip
    assert read == {"n": "Read", "v": 2, "u": site.origin("site.test") + "/", "d": "site.test", "r": None}


def test_events_before_load_are_replayed(page: Page, site: Web, collector: Collector) -> None:
    """
    What was called before the script arrived is sent once it has, under both names, each once.
    """

    site.pages["/"] = document(
        STUB
        + "<script>plausible('Early', {props: {n: 1}}); daysalt('Soon'); plausible('Late')</script>"
        + tag(collector)
    )
    page.goto(site.origin("site.test") + "/")
    sentinel(page, collector)

    assert collector.expect(1, "Early")[0]["p"] == {"n": 1}
    assert len(collector.expect(1, "Soon") + collector.expect(1, "Late") + collector.expect(1)) == 3


def test_callback_hears_of_a_failure(page: Page, site: Web, collector: Collector) -> None:
    """
    The callback is given the status, whatever it is, and the error when nobody answered.
    """

    site.pages["/"] = document(tag(collector))
    page.goto(site.origin("site.test") + "/")
    collector.expect(1)
    collector.status = 400
    status = page.evaluate("() => new Promise(done => daysalt('x', {callback: answer => done(answer.status)}))")
    page.context.set_offline(True)
    error = page.evaluate("() => new Promise(done => daysalt('x', {callback: answer => done(answer.error.name)}))")

    assert (status, error) == (400, "TypeError")


def test_engagement_on_leave(page: Page, site: Web, collector: Collector) -> None:
    """
    Leaving the page reports how long it was looked at and how far it was scrolled, for the page it was.
    """

    site.pages["/"] = document(tag(collector), TALL)
    site.pages["/next"] = document("")
    page.set_viewport_size({"width": 800, "height": 1000})
    page.goto(site.origin("site.test") + "/?utm_source=mail")
    collector.expect(1)
    page.evaluate(PASS_TIME, 5000)
    page.evaluate("() => new Promise(done => { addEventListener('scroll', done); scrollTo(0, 1008) })")
    page.evaluate("scrollTo(0, 0)")
    page.goto(site.origin("site.test") + "/next")
    (beacon,) = collector.expect(1, "engagement")

    assert beacon["u"] == site.origin("site.test") + "/?utm_source=mail"
    assert beacon["sd"] == 50
    assert 5000 <= beacon["e"] < 15000
    assert {"n", "v", "u", "d", "sd", "e"} == set(beacon)


def test_engagement_before_the_next_page_of_an_application(page: Page, site: Web, collector: Collector) -> None:
    """
    The page an application leaves is reported under its own address and props, not under the next one's.
    """

    site.pages["/"] = document(tag(collector, "script.pageview-props", 'defer event-author="Ann"'), TALL)
    origin = site.origin("site.test")
    page.goto(origin + "/")
    collector.expect(1)
    page.evaluate(PASS_TIME, 4000)
    page.evaluate("history.pushState({}, '', '/next')")
    first, second = collector.expect(2)
    (beacon,) = collector.expect(1, "engagement")

    assert (first["u"], second["u"], beacon["u"]) == (origin + "/", origin + "/next", origin + "/")
    assert (first["p"], beacon["p"]) == ({"author": "Ann"}, {"author": "Ann"})
    assert beacon["e"] >= 4000


def test_engagement_is_reported_again_only_for_more(page: Page, site: Web, collector: Collector) -> None:
    """
    After the first report it takes three more seconds, or a deeper scroll, for the next.
    """

    site.pages["/"] = document(tag(collector), TALL)
    page.add_init_script(HIDE + "; window.shown = true")
    page.goto(site.origin("site.test") + "/")
    collector.expect(1)
    page.evaluate("show(false)")
    collector.expect(1, "engagement")
    page.evaluate("() => { show(true); show(false) }")
    page.evaluate("show(true)")
    page.evaluate(PASS_TIME, 3000)
    page.evaluate("show(false)")
    collector.expect(2, "engagement")
    page.evaluate(PASS_TIME, 60000)
    page.evaluate("() => { show(true); show(false) }")
    page.evaluate("() => { show(true); scrollTo(0, document.body.scrollHeight); show(false) }")
    first, timed, scrolled = collector.expect(3, "engagement")

    assert first["e"] < 3000 <= timed["e"] < 10000
    assert first["sd"] == timed["sd"] < scrolled["sd"] == 100
    assert scrolled["e"] < 3000


def test_time_out_of_focus_does_not_count(page: Page, site: Web, collector: Collector) -> None:
    """
    A page beside another window is not looked at.
    """

    site.pages["/"] = document(tag(collector), TALL)
    site.pages["/next"] = document("")
    page.add_init_script("window.focused = true; document.hasFocus = () => window.focused")
    page.goto(site.origin("site.test") + "/")
    collector.expect(1)
    page.evaluate("() => { focused = false; dispatchEvent(new Event('blur')) }")
    collector.expect(1, "engagement")
    page.evaluate(PASS_TIME, 60000)
    page.evaluate("() => { focused = true; dispatchEvent(new Event('focus')) }")
    page.evaluate(PASS_TIME, 4000)
    page.goto(site.origin("site.test") + "/next")
    last = collector.expect(2, "engagement")[-1]

    assert 4000 <= last["e"] < 15000


def test_hidden_page_waits(page: Page, site: Web, collector: Collector) -> None:
    """
    A page opened in the background, or rendered ahead, is viewed when it is seen, once.
    """

    site.pages["/"] = document(tag(collector))
    page.add_init_script(HIDE)
    page.goto(site.origin("site.test") + "/")
    sentinel(page, collector)
    before = len(collector.named("pageview"))
    page.evaluate("show(true)")
    collector.expect(1)
    page.evaluate("() => { show(false); show(true) }")
    sentinel(page, collector)

    assert (before, len(collector.named("pageview"))) == (0, 1)


def test_page_from_the_back_forward_cache(playwright: Playwright, site: Web, collector: Collector) -> None:
    """
    Coming back to a page the browser kept alive is one more pageview of it.
    """

    # The page itself says that it was kept: the driver loses track of a page that leaves and returns.
    kept = "<script>onpageshow = event => event.persisted && daysalt('Kept')</script>"
    site.pages["/"] = document(tag(collector) + kept)
    site.pages["/next"] = document("")
    origin = site.origin("site.test")
    browser = start_chromium(playwright, back_forward_cache=True)
    try:
        page = browser.new_context(user_agent=ordinary_user_agent(browser)).new_page()
        page.goto(origin + "/")
        collector.expect(1)
        page.goto(origin + "/next")
        page.evaluate("() => { setTimeout(() => history.back()) }")
        beacons = collector.expect(2)
        collector.expect(1, "Kept")
    finally:
        browser.close()

    assert [beacon["u"] for beacon in beacons] == [origin + "/", origin + "/"]


def test_manual_variant(page: Page, site: Web, collector: Collector) -> None:
    """
    The manual variant counts only what it is told to, and its engagement follows.
    """

    site.pages["/"] = document(tag(collector, "script.manual"), TALL)
    page.goto(site.origin("site.test") + "/")
    page.evaluate("history.pushState({}, '', '/one')")
    sentinel(page, collector)
    automatic = len(collector.named("pageview"))
    page.evaluate("daysalt('pageview', {u: 'https://site.test/named', props: {a: 'b'}})")
    (beacon,) = collector.expect(1)
    page.evaluate("daysalt('pageview', {u: 'https://site.test/after'})")
    (engagement,) = collector.expect(1, "engagement")

    assert automatic == 0
    assert (beacon["u"], engagement["u"]) == ("https://site.test/named", "https://site.test/named")
    assert (beacon["p"], engagement["p"]) == ({"a": "b"}, {"a": "b"})


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_local_page_is_ignored(page: Page, site: Web, collector: Collector, host: str) -> None:
    """
    Work on the site at home is not traffic; a callback is called with nothing.
    """

    site.pages["/"] = document(tag(collector))
    page.goto(site.origin(host) + "/")
    called = page.evaluate(
        "() => new Promise(done => window.daysalt('x', {callback: answer => done(answer === undefined)}))"
    )

    assert called
    assert collector.beacons == []


def test_local_page_counts_when_asked(page: Page, site: Web, collector: Collector) -> None:
    """
    To try it out, the `local` variant counts local pages too.
    """

    site.pages["/"] = document(tag(collector, "script.local"))
    page.goto(site.origin("localhost") + "/")

    assert len(collector.expect(1)) == 1


@pytest.mark.parametrize("name", ["script", "script.outbound-links"])
def test_owner_who_asked_not_to_be_counted(page: Page, site: Web, collector: Collector, name: str) -> None:
    """
    Who set `plausible_ignore` in their browser, as owners of sites do, is not counted; the flag is only read.
    """

    site.pages["/"] = document(tag(collector, name))
    page.add_init_script("localStorage.plausible_ignore = 'true'")
    page.goto(site.origin("site.test") + "/")
    page.evaluate("() => new Promise(callback => daysalt('x', {callback}))")

    assert collector.beacons == []
    assert page.evaluate("JSON.stringify(localStorage)") == '{"plausible_ignore":"true"}'


@pytest.mark.parametrize(("setting", "expected"), [("", 0), ("window.__plausible = 1", 1)])
def test_driven_browser_is_ignored(page: Page, site: Web, collector: Collector, setting: str, expected: int) -> None:
    """
    A browser that says it is automated is not a visitor, unless a test of the site asks for it.
    """

    site.pages["/"] = document(tag(collector))
    page.add_init_script(f"Object.defineProperty(navigator, 'webdriver', {{get: () => true}}); {setting}")
    page.goto(site.origin("site.test") + "/")
    page.evaluate("() => new Promise(callback => daysalt('x', {callback}))")

    assert len(collector.named("x")) == expected


def test_another_tracker_keeps_its_name(page: Page, site: Web, collector: Collector) -> None:
    """
    Beside a service that already runs under `plausible`, both count, each under its own name.
    """

    site.pages["/"] = document(
        "<script>window.plausible = () => 'theirs'; plausible.l = true</script>" + tag(collector)
    )
    page.goto(site.origin("site.test") + "/")
    collector.expect(1)

    assert page.evaluate("plausible()") == "theirs"
    assert page.evaluate("daysalt.l") is True


def test_works_under_a_strict_content_policy(page: Page, site: Web, collector: Collector) -> None:
    """
    It needs its own file and one connection allowed, nothing inline and no eval.
    """

    stats = collector.origin("stats.test")
    policy = f"default-src 'none'; script-src {stats}; connect-src {stats}"
    site.pages["/"] = document(f'<meta http-equiv="Content-Security-Policy" content="{policy}">' + tag(collector))
    page.goto(site.origin("site.test") + "/")

    assert len(collector.expect(1)) == 1


def test_nothing_is_stored_and_nobody_else_is_asked(
    context: BrowserContext, page: Page, site: Web, collector: Collector
) -> None:
    """
    After pages, events and engagement: no cookie, no storage of any kind, and no host but the two named.
    """

    origin = site.origin("site.test")
    asked: list[Request] = []
    context.on("request", lambda request: asked.append(request))
    site.pages["/"] = document(tag(collector), TALL)
    site.pages["/next"] = document(tag(collector), TALL)
    page.goto(origin + "/")
    page.evaluate("() => { history.pushState({}, '', '/one'); daysalt('Event', {props: {a: 1}}) }")
    page.goto(origin + "/next")
    collector.expect(3)
    stored = page.evaluate(
        """async () => [document.cookie, localStorage.length, sessionStorage.length, window.name,
            (await indexedDB.databases()).length]"""
    )

    assert stored == ["", 0, 0, "", 0]
    assert context.storage_state(indexed_db=True) == {"cookies": [], "origins": []}
    assert {urlsplit(one.url).hostname for one in asked} == {"site.test", "stats.test"}
    assert all("cookie" not in one.headers for one in collector.requests)
