"""
What a page can ask of the tracker: options, properties, exclusions, its own rewriting, and a site's own script.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from ingest.tracker.scripts import shared_integrity
from tests.browser.test_tracker import PASS_TIME, STUB, TALL, document, sentinel, tag
from tests.browser.test_tracker_acts import acts
from tests.browser.web import Collector, Web

pytestmark = pytest.mark.browser

SNIPPET = (
    "<script>window.plausible=window.plausible||function(){(plausible.q=plausible.q||[]).push(arguments)},"
    "plausible.init=plausible.init||function(i){plausible.o=i||{}};plausible.init({OPTIONS})</script>"
)
"""What the reference's users have in their pages, with the address of their own script."""
CALLED = (
    "name => new Promise(done => plausible(name, {callback: answer => done(answer === undefined ? null : answer)}))"
)


def own_page(page: Page, site: Web, collector: Collector, options: str, body: str = "", *, kind: str = "async") -> None:
    """
    Open a page with a site's own script and the snippet that starts it.
    """
    site.pages["/"] = document(own_tag(collector, kind) + SNIPPET.replace("{OPTIONS}", options), body)
    page.goto(site.origin("site.test") + "/")


def warnings(page: Page) -> list[str]:
    """
    Collect what the page's console is warned of from now on.
    """
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "warning" else None)
    return said


def own_tag(collector: Collector, kind: str = "async") -> str:
    return f'<script {kind} src="{collector.origin("stats.test")}/js/pa-own.js"></script>'


@pytest.mark.parametrize("kind", ["async", "defer", ""])
def test_own_script_starts_with_the_snippet(page: Page, site: Web, collector: Collector, kind: str) -> None:
    """
    The site's own script needs no attribute: it knows the site, and calls from before it came are not lost.
    """

    early = "<script>plausible('Early', {props: {a: '1'}})</script>"
    script = own_tag(collector, kind)
    snippet = SNIPPET.replace("{OPTIONS}", "")
    # Without async or defer it runs at once, so the snippet stands before it.
    site.pages["/"] = document(script + snippet + early if kind else snippet + early + script)
    page.goto(site.origin("site.test") + "/")
    (pageview,) = collector.expect(1)
    (event,) = collector.expect(1, "Early")

    assert (pageview["d"], event["d"], event["p"]) == ("site.test", "site.test", {"a": "1"})
    assert page.evaluate("plausible.l") is True


def test_own_script_needs_no_snippet(page: Page, site: Web, collector: Collector) -> None:
    """
    With one line and no inline script, where a page's policy allows none, it starts by itself.
    """

    site.pages["/"] = document(own_tag(collector, "defer"))
    page.goto(site.origin("site.test") + "/")

    assert collector.expect(1)[0]["d"] == "site.test"


def test_own_script_waits_for_a_late_start(page: Page, site: Web, collector: Collector) -> None:
    """
    Loaded asynchronously it waits for the page's own call with its options; what is called meanwhile comes after.
    """

    site.pages["/"] = document(own_tag(collector))
    page.goto(site.origin("site.test") + "/")
    page.wait_for_function("!!(window.plausible && plausible.init)")
    page.evaluate("plausible('Early')")
    before = list(collector.beacons)
    page.evaluate("plausible.init({customProperties: {late: 'yes'}})")
    collector.expect(1, "Early")
    collector.expect(1)  # beacons travel side by side: either may come first

    assert before == []
    assert {one["n"]: one["p"] for one in collector.beacons} == {"pageview": {"late": "yes"}, "Early": {"late": "yes"}}


def test_second_start_only_warns(page: Page, site: Web, collector: Collector) -> None:
    """
    Snippets pasted twice, or a second `init`, change nothing and say so in the console.
    """

    said = warnings(page)
    own_page(page, site, collector, "{customProperties: {a: '1'}}")
    collector.expect(1)
    page.evaluate("plausible.init({customProperties: {a: '2'}, domain: 'other.test'})")
    page.evaluate(
        """() => new Promise(done => {
            const tag = document.createElement('script')
            tag.src = document.scripts[0].src
            tag.onload = done
            document.head.append(tag)
        })"""
    )
    page.evaluate(CALLED, "x")

    assert len(collector.named("pageview")) == 1
    assert [(one["p"], one["d"]) for one in collector.named("x")] == [({"a": "1"}, "site.test")]
    assert said == ["Ignoring init"]


def test_site_of_own_script_stays(page: Page, site: Web, collector: Collector) -> None:
    """
    A page cannot turn a site's own script to another site.
    """

    own_page(page, site, collector, "{domain: 'other.test'}")

    assert collector.expect(1)[0]["d"] == "site.test"


def test_options_of_init(page: Page, site: Web, collector: Collector) -> None:
    """
    Endpoint, hash routing, links, files with their endings and forms, as the reference names them.
    """

    options = (
        f"{{endpoint: '{collector.origin('stats.test')}/elsewhere/api/event', hashBasedRouting: true, "
        "outboundLinks: true, fileDownloads: {fileExtensions: ['xyz']}, formSubmissions: true}"
    )
    body = (
        '<a href="https://other.test/">out</a> <a href="/a.xyz">file</a> <a href="/a.pdf">none</a>'
        '<form onsubmit="return false"><input required><button>send</button></form>'
        '<form novalidate onsubmit="return false"><input required><button>also</button></form>'
        "<script>addEventListener('click', event => event.target.tagName == 'A' && event.preventDefault())</script>"
    )
    own_page(page, site, collector, options, body)
    (pageview,) = collector.expect(1)
    for text in ("out", "file", "none", "send", "also"):
        page.click(f"text={text}")
    page.fill("input >> nth=0", "x")
    page.click("text=send")
    page.evaluate("location.hash = '#/two'")
    collector.expect(2)

    names = sorted(name for name, _ in acts(page, collector, 4))
    assert names == ["File Download", "Form: Submission", "Form: Submission", "Outbound Link: Click"]
    assert pageview["h"] == 1
    assert {one.path for one in collector.requests if one.method == "POST"} == {"/elsewhere/api/event"}


def test_forms_are_not_counted_unasked(page: Page, site: Web, collector: Collector) -> None:
    """
    Without the option a sent form is no event, and one sent by a script never is.
    """

    body = '<form action="#" onsubmit="return false"><button>send</button></form>'
    own_page(page, site, collector, "", body)
    collector.expect(1)
    page.click("text=send")
    sentinel(page, collector)

    assert collector.named("Form: Submission") == []


def test_pageviews_by_hand(page: Page, site: Web, collector: Collector) -> None:
    """
    With `autoCapturePageviews: false` only what the page tells is counted; other events still are.
    """

    own_page(page, site, collector, "{autoCapturePageviews: false, outboundLinks: true}", TALL)
    page.wait_for_function("plausible.l")
    page.evaluate("history.pushState({}, '', '/one')")
    sentinel(page, collector)
    automatic = collector.named("pageview")
    page.evaluate("plausible('pageview', {url: 'https://site.test/two?a=1', interactive: false})")

    assert automatic == []
    assert collector.expect(1)[0]["u"] == "https://site.test/two"


@pytest.mark.parametrize(
    ("custom", "given", "expected"),
    [
        ("{a: '1'}", "", {"a": "1"}),
        ("{a: '1', b: '1'}", "{props: {a: '2'}}", {"a": "2", "b": "1"}),
        ("name => ({kind: name})", "", {"kind": "Event"}),
        ("name => undefined", "", None),
        ("'text'", "{props: {a: '2'}}", {"a": "2"}),
        ("undefined", "", None),
    ],
)
def test_custom_properties(
    page: Page, site: Web, collector: Collector, custom: str, given: str, expected: dict[str, str] | None
) -> None:
    """
    Fixed or from a function, they go with every event; what an event brings itself wins; what is no object is ignored.
    """

    own_page(page, site, collector, f"{{customProperties: {custom}}}")
    collector.expect(1)
    page.evaluate(f"plausible('Event', {given or 'undefined'})")

    assert collector.expect(1, "Event")[0].get("p") == expected


def test_transform_request(page: Page, site: Web, collector: Collector) -> None:
    """
    The page may rewrite or cancel what is sent. It sees the whole address, what it leaves in it is still stripped, and
    engagement follows the rewritten pageview.
    """

    transform = """payload => {
        window.seen = (window.seen || []).concat(payload.u)
        if (payload.n === 'Secret') return null
        payload.u = payload.u.replace('/?id=5', '/item/5?id=5')
        payload.p = Object.assign({more: 'yes'}, payload.p)
        return payload
    }"""
    site.pages["/"] = document(own_tag(collector) + SNIPPET.replace("{OPTIONS}", f"{{transformRequest: {transform}}}"))
    origin = site.origin("site.test")
    page.goto(origin + "/?id=5")
    (pageview,) = collector.expect(1)
    cancelled = page.evaluate(CALLED, "Secret")
    page.evaluate(PASS_TIME, 4000)
    page.evaluate("history.pushState({}, '', '/next')")
    collector.expect(2)
    (engagement,) = collector.expect(1, "engagement")

    assert cancelled is None
    assert collector.named("Secret") == []
    assert (pageview["u"], pageview["p"]) == (origin + "/item/5", {"more": "yes"})
    assert (engagement["u"], engagement["p"]) == (origin + "/item/5", {"more": "yes"})
    assert page.evaluate("seen[0]") == origin + "/?id=5"


@pytest.mark.parametrize(("options", "expected"), [("", ["Ignoring Event: localhost"] * 2), ("{logging: false}", [])])
def test_ignored_events_are_said_in_the_console(
    page: Page, site: Web, collector: Collector, options: str, expected: list[str]
) -> None:
    """
    Who looks for their missing pageview finds the reason, unless they asked for silence.
    """

    said = warnings(page)
    site.pages["/"] = document(own_tag(collector) + SNIPPET.replace("{OPTIONS}", options))
    page.goto(site.origin("localhost") + "/")
    page.wait_for_function("plausible.l")
    page.evaluate(CALLED, "x")

    assert said == expected
    assert collector.beacons == []


@pytest.mark.parametrize(
    ("attributes", "counted"),
    [
        ('data-exclude="/blog*, /rule/*, /deep/**"', ["/", "/rule", "/rule/a/b", "/blog/a"]),
        ('data-include="/blog*, /deep/**"', ["/blog", "/blogger/", "/deep/a/b"]),
        ('data-include="/deep/**" data-exclude="/deep/a/*"', []),
    ],
)
def test_exclusions(page: Page, site: Web, collector: Collector, attributes: str, counted: list[str]) -> None:
    """
    Pages named by `data-exclude`, or not by `data-include`, are no pageviews and have no engagement; `*` is a step.
    """

    paths = ["/", "/blog", "/blogger/", "/blog/a", "/rule", "/rule/a", "/rule/a/b", "/deep/a/b"]
    site.pages["/"] = document("", TALL)
    page.goto(site.origin("site.test") + "/")
    page.evaluate("path => history.replaceState({}, '', path)", paths[0])
    page.evaluate(
        """([source, attributes]) => {
            const holder = document.createElement('div')
            holder.innerHTML = `<script ${attributes}></script>`
            const tag = document.createElement('script')
            for (const {name, value} of holder.firstChild.attributes) tag.setAttribute(name, value)
            tag.src = source
            tag.dataset.domain = 'site.test'
            return new Promise(done => { tag.onload = done; document.head.append(tag) })
        }""",
        [f"{collector.origin('stats.test')}/js/script.exclusions.js", attributes],
    )
    for path in paths[1:]:
        page.evaluate("path => history.pushState({}, '', path)", path)
    collector.wait(lambda: len(collector.named("pageview")) >= len(counted), "the pages that count")
    sentinel(page, collector)

    origin = site.origin("site.test")
    assert sorted(one["u"].removeprefix(origin) for one in collector.named("pageview")) == sorted(counted)
    assert {one["u"].removeprefix(origin) for one in collector.named("engagement")} <= set(counted)


def test_exclusion_by_hash(page: Page, site: Web, collector: Collector) -> None:
    """
    In hash mode the fragment is part of what a rule is held against.
    """

    site.pages["/"] = document(tag(collector, "script.hash.exclusions", 'defer data-exclude="/#/secret/*"'))
    page.goto(site.origin("site.test") + "/#/open")
    collector.expect(1)
    page.evaluate("location.hash = '#/secret/1'")
    page.evaluate("location.hash = '#/shut'")
    urls = [one["u"] for one in collector.expect(2)]

    assert urls == [site.origin("site.test") + "/#/open", site.origin("site.test") + "/#/shut"]


def test_properties_from_attributes(page: Page, site: Web, collector: Collector) -> None:
    """
    `event-*` attributes of the tag go with every event; props and the older `meta` of a call win.
    """

    site.pages["/"] = document(
        STUB + tag(collector, "script.pageview-props.tagged-events", 'defer event-author="Ann" event-logged_in="no"')
    )
    page.goto(site.origin("site.test") + "/")
    collector.expect(1)
    page.evaluate("plausible('A', {props: {logged_in: 'yes'}}); plausible('B', {meta: {author: 'Bo'}})")
    collector.wait(lambda: len(collector.beacons) >= 3, "both events")
    props: dict[str, Any] = {one["n"]: one["p"] for one in collector.beacons}

    assert props["pageview"] == {"author": "Ann", "logged_in": "no"}
    assert props["A"] == {"author": "Ann", "logged_in": "yes"}
    assert props["B"] == {"author": "Bo", "logged_in": "no"}


def test_404_by_hand(page: Page, site: Web, collector: Collector) -> None:
    """
    A page that was not found says so with one call, as everywhere.
    """

    site.pages["/none"] = document(
        STUB + tag(collector) + "<script>plausible('404', {props: {path: '/none'}})</script>"
    )
    page.goto(site.origin("site.test") + "/none")

    assert collector.expect(1, "404")[0]["p"] == {"path": "/none"}


@pytest.mark.parametrize(("wrong", "expected"), [(False, 1), (True, 0)])
def test_integrity(page: Page, site: Web, collector: Collector, wrong: bool, expected: int) -> None:
    """
    The line with the hash works, from another host, and with another hash the browser runs nothing.
    """

    integrity = shared_integrity() if not wrong else "sha384-" + "A" * 64
    pinned = tag(collector, attributes=f'integrity="{integrity}" crossorigin="anonymous"')
    site.pages["/"] = document(pinned)
    page.goto(site.origin("site.test") + "/")

    assert page.evaluate("!!window.daysalt") is not wrong
    if expected:
        collector.expect(expected)
    assert len(collector.named("pageview")) == expected
