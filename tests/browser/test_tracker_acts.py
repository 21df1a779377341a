"""
What the tracker sees people do without a line of code: links elsewhere, files, forms, elements named by class.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.test_tracker import document, sentinel, tag
from tests.browser.web import Collector, Web

pytestmark = pytest.mark.browser

ALL = "script.outbound-links.file-downloads.tagged-events"
STAY = "<script>addEventListener('click', event => event.preventDefault())</script>"
"""Keeps the page where it is, after the tracker has seen the click."""


def opened(page: Page, site: Web, collector: Collector, body: str, name: str = ALL, *, stay: bool = True) -> None:
    """
    Open a page with that body and a variant of the script, and wait for its pageview.
    """
    site.pages["/"] = document(tag(collector, name) + (STAY if stay else ""), body)
    page.goto(site.origin("site.test") + "/")
    collector.expect(1)


def acts(page: Page, collector: Collector, count: int = 0) -> list[tuple[str, Any]]:
    """
    Wait for so many events beside pageviews and engagement, and give name and props of all that came.
    """
    # Beacons travel side by side: the sentinel may overtake.
    collector.wait(lambda: len(sent(collector)) >= count, f"{count} events")
    sentinel(page, collector)
    return sent(collector)


def sent(collector: Collector) -> list[tuple[str, Any]]:
    kept = [one for one in collector.beacons if one["n"] not in ("pageview", "engagement", "sentinel")]
    return [(one["n"], one.get("p")) for one in kept]


def test_outbound_link(page: Page, site: Web, collector: Collector) -> None:
    """
    A click on a link to another host, or inside one, is an event with the address, its query left behind.
    """

    opened(page, site, collector, '<a href="https://other.test/a?token=1&utm_source=s#part"><b>go <i>there</i></b></a>')
    page.click("i")

    assert acts(page, collector, 1) == [
        ("Outbound Link: Click", {"url": "https://other.test/a?utm_source=s#part"}),
    ]


def test_outbound_link_is_sent_although_the_page_is_left(page: Page, site: Web, collector: Collector) -> None:
    """
    The click leads away at once, and is counted nevertheless.
    """

    target = site.origin("other.test") + "/there"
    site.pages["/there"] = document("")
    opened(page, site, collector, f'<a href="{target}">go</a>', "script.outbound-links", stay=False)
    page.click("text=go")
    page.wait_for_url(target)

    assert collector.expect(1, "Outbound Link: Click")[0]["p"] == {"url": target}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ({"button": "middle"}, 1),
        ({"button": "right"}, 0),
        ({"modifiers": ["Control"]}, 1),
        ({"modifiers": ["Shift"]}, 1),
    ],
)
def test_ways_to_click(page: Page, site: Web, collector: Collector, kind: dict[str, Any], expected: int) -> None:
    """
    The middle button and the keys that open a tab or a window count, the menu does not.
    """

    opened(page, site, collector, '<a href="https://other.test/">go</a>')
    page.click("text=go", **kind)

    assert len(acts(page, collector, expected)) == expected


@pytest.mark.parametrize(
    "body",
    [
        '<a href="/inside">x</a>',
        '<a href="mailto:a@b.test">x</a>',
        '<a href="tel:123">x</a>',
        "<a>x</a>",
        "<span>x</span>",
        '<a href="javascript:void 0">x</a>',
        '<svg width="40" height="20"><a href="https://other.test/"><text y="15">x</text></a></svg>',
    ],
)
def test_what_is_no_outbound_link(page: Page, site: Web, collector: Collector, body: str) -> None:
    """
    Links within the site, to a mailbox or a phone, and what is no link sends nothing and breaks nothing.
    """

    opened(page, site, collector, body)
    page.click("text=x")

    assert acts(page, collector) == []


@pytest.mark.parametrize("name", ["script", "script.tagged-events"])
def test_links_are_not_counted_unasked(page: Page, site: Web, collector: Collector, name: str) -> None:
    """
    Without their variant neither links nor files are events.
    """

    opened(page, site, collector, '<a href="https://other.test/">go</a> <a href="/a.pdf">file</a>', name)
    page.click("text=go")
    page.click("text=file")

    assert acts(page, collector) == []


@pytest.mark.parametrize(
    ("attributes", "href", "expected"),
    [
        ("defer", "/a/report.pdf?download=1#page", "/a/report.pdf"),
        ("defer", "/a/report.zip", "/a/report.zip"),
        ("defer", "/a/image.iso", None),
        ("defer", "/a/pdf", None),
        ("defer", "/?file=a.pdf", None),
        ('defer add-file-types="iso, deb"', "/image.deb", "/image.deb"),
        ('defer add-file-types="iso, deb"', "/image.pdf", "/image.pdf"),
        ('defer file-types="iso,tar.xz"', "/image.tar.xz", "/image.tar.xz"),
        ('defer file-types="iso,tar.xz"', "/image.pdf", None),
    ],
)
def test_file_download(
    page: Page, site: Web, collector: Collector, attributes: str, href: str, expected: str | None
) -> None:
    """
    A click on a file of the usual kinds, of more kinds, or of other kinds is a download; never with its query.
    """

    script = tag(collector, "script.file-downloads", attributes)
    site.pages["/"] = document(script + STAY, f'<a href="{href}">x</a>')
    page.goto(site.origin("site.test") + "/")
    page.click("text=x")

    url = site.origin("site.test") + (expected or "")
    assert acts(page, collector, expected is not None) == ([("File Download", {"url": url})] if expected else [])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<b class="plausible-event-name=Sign+up">x</b>', ("Sign up", None)),
        ('<b class="a plausible-event-name--Buy plausible-event-plan=so+big b">x</b>', ("Buy", {"plan": "so big"})),
        ('<p class="plausible-event-name=Up"><i><b><u>x</u></b></i></p>', ("Up", None)),
        ('<p class="plausible-event-name=Up"><i><b><u><s>x</s></u></b></i></p>', None),
        ('<b class="plausible-event-name=">x</b>', None),
        ('<b class="plausible-event-plan=large">x</b>', None),
        ('<button class="plausible-event-name=Press">x</button>', ("Press", None)),
        ('<a class="plausible-event-name=Go" href="/a?b=1">x</a>', ("Go", {"url": "/a"})),
        ('<a class="plausible-event-name=Go" href="https://other.test/"><i>x</i></a>', ("Go", {"url": "https://other.test/"})),
        ('<a class="plausible-event-name=Get" href="/a.pdf">x</a>', ("Get", {"url": "/a.pdf"})),
        ('<svg class="plausible-event-name=Draw" width="40" height="20"><text y="15">x</text></svg>', ("Draw", None)),
    ],
)  # fmt: skip
def test_tagged_element(
    page: Page, site: Web, collector: Collector, body: str, expected: tuple[str, dict[str, str] | None] | None
) -> None:
    """
    A class names the event of an element or of what stands up to three levels in it; one act is one event.
    """

    opened(page, site, collector, body)
    page.click("text=x")

    if expected and expected[1] and expected[1].get("url", "").startswith("/"):
        expected = (expected[0], {"url": site.origin("site.test") + expected[1]["url"]})
    assert acts(page, collector, expected is not None) == ([expected] if expected else [])


def test_tagged_revenue(page: Page, site: Web, collector: Collector) -> None:
    """
    Classes give the money of an event too.
    """

    classes = "plausible-event-name=Buy plausible-revenue-amount=10.29 plausible-revenue-currency=EUR"
    opened(page, site, collector, f'<b class="{classes}">x</b>')
    page.click("text=x")
    (beacon,) = collector.expect(1, "Buy")

    assert beacon["$"] == {"amount": "10.29", "currency": "EUR"}


SENT = '<form action="/sent" {form}><input name="mail" value="{value}" {field}><button {button}>x</button></form>'


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"form": 'class="plausible-event-name=Order plausible-event-kind=new"'}, [("Order", {"kind": "new"})]),
        ({"button": 'class="plausible-event-name=Press"'}, []),
        ({}, []),
    ],
)
def test_tagged_form(
    page: Page, site: Web, collector: Collector, parts: dict[str, str], expected: list[tuple[str, object]]
) -> None:
    """
    A form with a name counts once, when it is sent, not when somebody clicks into it.
    """

    site.pages["/sent"] = document("")
    body = SENT.format_map({"form": "", "value": "", "field": "", "button": ""} | parts)
    opened(page, site, collector, body, stay=False)
    page.click("input")
    before = acts(page, collector)
    page.click("button")
    page.wait_for_url("**/sent?*")
    collector.wait(lambda: len(collector.beacons) >= 2 + len(expected), "the form")

    assert before == []
    assert sent(collector) == expected


def test_made_up_clicks_break_nothing(page: Page, site: Web, collector: Collector) -> None:
    """
    An event that a page's own code sends to its document or window is no click on anything, and no error.
    """

    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    opened(page, site, collector, "")
    page.evaluate("() => { document.dispatchEvent(new Event('click')); dispatchEvent(new Event('click')) }")

    assert acts(page, collector) == []
    assert errors == []
