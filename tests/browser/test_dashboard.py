"""
The dashboard in a real browser: every report, filter and picker, as the people who choose it would use it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.measured import DESK, PHONE, Measured, measured
from tests.browser.test_accessibility import violations
from tests.server import run_server

pytestmark = [pytest.mark.browser, pytest.mark.server]

PERIOD = "period=28d"
REPORTS = {
    "sources": {"Channels": "Organic Search", "Sources": "Google", "Referrers": "news.test/story",
                "Campaigns": "spring"},
    "pages": {"Top pages": "/pricing", "Entry": "/", "Exit": "/thanks", "Hosts": "site.test"},
    "locations": {"Map": "Sweden", "Countries": "Norway", "Regions": "Sweden, AB", "Cities": "(not set)"},
    "devices": {"Browsers": "Firefox", "Systems": "Android", "Screens": "Desktop"},
    "goals": {"Goals": "Purchase", "Events": "Purchase", "Properties": "pro"},
}  # fmt: skip
"""A row that each tab must hold."""
METRICS = ("Visitors", "Visits", "Pageviews", "Views per visit", "Bounce rate", "Visit duration", "Events")


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    with run_server(tmp_path_factory.mktemp("server")) as server:
        made = measured(server, browser)
        yield made
        made.context.close()


def panel(page: Page, key: str) -> Locator:
    return page.locator(f"#panel-{key}")


def total(page: Page, title: str) -> str:
    """
    Read a headline number.
    """
    card = page.locator(".total").filter(has=page.locator(".total-title", has_text=re.compile(f"^{title}$")))
    return card.locator(".total-value").inner_text().strip()


def choose(page: Page, menu: str, item: str) -> None:
    """
    Open a menu and follow a link in it.
    """
    page.locator(menu).locator("summary").click()
    with page.expect_response(re.compile(r"/site\.test\?")):
        page.locator(menu).get_by_role("link", name=item, exact=True).click()
    expect(page.locator("#dashboard.htmx-request, .htmx-swapping, .htmx-settling")).to_have_count(0)


@pytest.mark.parametrize("key", REPORTS)
def test_every_report(site: Measured, key: str) -> None:
    """
    Each tab of each panel opens in place, with its rows.
    """
    page = site.open(f"/site.test?{PERIOD}")
    for title, row in REPORTS[key].items():
        panel(page, key).get_by_role("link", name=title, exact=True).click()
        expect(panel(page, key).get_by_role("link", name=title, exact=True)).to_have_attribute("aria-current", "true")
        expect(panel(page, key).locator(".row-name", has_text=re.compile(f"^\\s*{re.escape(row)}$"))).to_be_visible()
    page.reload()
    expect(panel(page, key).locator(".row-name").last).to_be_visible()


def test_campaigns_have_all_five(site: Measured) -> None:
    """
    Below the campaigns are the other four parameters.
    """
    page = site.open(f"/site.test?{PERIOD}&sources=campaigns")
    for name, row in (("utm_source", "letter"), ("utm_medium", "email"), ("utm_content", "top"), ("utm_term", "salt")):
        panel(page, "sources").get_by_role("link", name=name, exact=True).click()
        expect(panel(page, "sources").get_by_role("link", name=row, exact=True)).to_be_visible()


def test_rows_filter_and_the_address_keeps_it(site: Measured) -> None:
    """
    Rows filter when they are clicked, filters add up, are in the address, and go one by one.
    """
    page = site.open(f"/site.test?{PERIOD}")
    assert "120" == total(page, "Visitors")
    panel(page, "pages").get_by_role("link", name="/pricing", exact=True).click()
    expect(page.locator(".chip")).to_have_count(1)
    assert "80" == total(page, "Visitors")
    panel(page, "devices").get_by_role("link", name="Firefox", exact=True).click()
    expect(page.locator(".chip")).to_have_count(2)
    expect(panel(page, "devices").get_by_text("130", exact=True)).to_be_visible()
    assert "f=page%3A%2Fpricing&f=browser%3AFirefox" in page.url
    assert "40" == total(page, "Visitors")
    page.get_by_role("link", name="Remove this filter").first.click()
    expect(page.locator(".chip")).to_have_count(1)
    page.go_back()
    expect(page.locator(".chip")).to_have_count(2)


@pytest.mark.parametrize(
    ("how", "value", "visitors"),
    [("is", "/pricing", "80"), ("is not", "/pricing", "120"), ("contains", "pric", "80"), ("matches", "^/tha", "40")],
)
def test_filter_form(site: Measured, how: str, value: str, visitors: str) -> None:
    """
    The form filters by anything: is, is not, contains, matches.
    """
    page = site.open(f"/site.test?{PERIOD}")
    page.keyboard.press("f")
    page.locator(".filter-form").get_by_label("What").select_option("page")
    page.locator(".filter-form").get_by_label("How").select_option(how)
    page.locator(".filter-form").get_by_label("Value").fill(value)
    page.get_by_role("button", name="Add filter").click()
    expect(page.locator(".chip strong")).to_have_text(value)
    assert visitors == total(page, "Visitors")


def test_goal_filter_shows_conversions(site: Measured) -> None:
    """
    A goal shows its conversions, its revenue, and where those who reached it came from.
    """
    page = site.open(f"/site.test?{PERIOD}")
    panel(page, "goals").get_by_role("link", name="Purchase", exact=True).click()
    expect(page.locator(".chip")).to_have_count(1)

    assert ["40", "40", "33%", "€800"] == [
        total(page, title) for title in ("Visitors", "Events", "Conversion rate", "Revenue")
    ]
    expect(panel(page, "sources").get_by_role("columnheader", name="Rate")).to_be_visible()
    expect(panel(page, "sources").locator("tbody tr").first).to_contain_text("33%")


def test_every_metric_and_interval(site: Measured) -> None:
    """
    The graph draws each metric and each interval that the period has.
    """
    page = site.open(f"/site.test?{PERIOD}")
    for metric in METRICS:
        choose(page, ".metric-menu", metric)
        expect(page.locator(".metric-menu summary")).to_have_text(metric)
        expect(page.locator(".plot canvas")).to_be_visible()
    for interval in ("Weeks", "Hours", "Days"):
        page.get_by_role("navigation", name="Interval").get_by_role("link", name=interval).click()
        expect(page.get_by_role("navigation", name="Interval").get_by_role("link", name=interval)).to_have_attribute(
            "aria-current", "true"
        )
    choose(page, ".period-menu:not(.compare-menu)", "Yesterday")
    page.get_by_role("navigation", name="Interval").get_by_role("link", name="Minutes").click()
    expect(page.locator(".graph-table tbody tr")).to_have_count(24 * 60)


def test_periods_by_menu_date_and_key(site: Measured) -> None:
    """
    Periods come from a menu, from two dates, from a letter, and from a stretch dragged over the graph.
    """
    page = site.open("/site.test")
    for key, period in (("w", "7d"), ("t", "28d"), ("y", "year"), ("e", "yesterday"), ("a", "all"), ("d", "day")):
        page.keyboard.press(key)
        page.wait_for_url(re.compile(f"period={period}"))
    choose(page, ".period-menu:not(.compare-menu)", "Last 28 days")
    page.wait_for_url(re.compile("period=28d"))
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("period=custom"))


def test_comparisons(site: Measured) -> None:
    """
    The period before, the same days a year before, the same weekdays, chosen days, or none.
    """
    page = site.open("/site.test?period=7d")
    expect(page.locator(".key-before")).to_be_visible()
    choose(page, ".compare-menu", "Same weekdays")
    page.wait_for_url(re.compile("weekdays=same"))
    page.locator(".compare-menu summary").click()
    page.locator(".compare-menu").get_by_label("From").fill("2026-01-01")
    page.locator(".compare-menu").get_by_label("To").fill("2026-01-07")
    page.get_by_role("button", name="Compare").click()
    page.wait_for_url(re.compile("compare=custom"))
    choose(page, ".compare-menu", "Year before")
    page.wait_for_url(re.compile("compare=year"))
    choose(page, ".compare-menu", "No comparison")
    page.wait_for_url(re.compile("compare=none"))
    expect(page.locator(".key-before")).to_have_count(0)


def test_notes(site: Measured) -> None:
    """
    A note is written by a key, stands in the graph, its tooltip and the list, and is changed and removed there.
    """
    page = site.open(f"/site.test?{PERIOD}")
    page.keyboard.press("n")
    page.locator(".note-menu").get_by_role("textbox", name="Note").fill("New prices")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".note-text")).to_have_text("New prices")
    expect(page.locator(".marks circle")).to_have_count(1)
    box = page.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 40)
    expect(page.locator(".tooltip-note")).to_contain_text("New prices")
    page.get_by_label("Change the note “New prices”").click()
    page.locator(".note-edit").get_by_role("textbox", name="Note").fill("Lower prices")
    page.locator(".note-edit").get_by_role("button", name="Save").click()
    expect(page.locator(".note-text")).to_have_text("Lower prices")
    page.get_by_label("Change the note “Lower prices”").click()
    page.locator(".note-edit").get_by_role("button", name="Remove").click()
    expect(page.locator(".note")).to_have_count(0)


def test_journeys(site: Measured) -> None:
    """
    Before and after a page; a step leads on, and any page can be typed.
    """
    page = site.open(f"/site.test?{PERIOD}&pages=journeys&at=/pricing")
    before, after = panel(page, "pages").locator(".way").all()
    expect(before.get_by_role("link", name="/", exact=True)).to_be_visible()
    expect(after.get_by_text("Purchase")).to_be_visible()
    expect(after.get_by_text("Left here")).to_be_visible()
    before.get_by_role("link", name="/", exact=True).click()
    expect(panel(page, "pages").get_by_label("Before and after")).to_have_value("/")
    expect(panel(page, "pages").locator(".way").first.get_by_text("Entered here")).to_be_visible()
    panel(page, "pages").get_by_label("Before and after").fill("/thanks")
    page.keyboard.press("Enter")
    expect(panel(page, "pages").locator(".way").first.get_by_text("Purchase")).to_be_visible()
    assert "at=%2Fthanks" in page.url


def test_details_search_sort_and_file(site: Measured) -> None:
    """
    Every row: found while one types, sorted by a click, and downloaded as shown.
    """
    page = site.open(f"/site.test?{PERIOD}&details=pages")
    rows = page.locator("#rows-found .row-name")
    expect(rows).to_have_text(["/", "/pricing", "/thanks"])
    page.get_by_role("columnheader", name="Page", exact=True).get_by_role("link").click()
    page.wait_for_url(re.compile("sort=name"))
    page.get_by_role("columnheader", name="Page", exact=True).get_by_role("link").click()
    page.wait_for_url(re.compile("sort=name%3Adesc"))
    expect(rows).to_have_text(["/thanks", "/pricing", "/"])
    page.get_by_role("searchbox").press_sequentially("i")
    expect(rows).to_have_text(["/pricing"])
    page.wait_for_url(re.compile("search=i"))
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = list(csv.reader(download.value.path().read_text(encoding="utf-8").splitlines()))

    assert ["/pricing"] == [line[0] for line in lines[1:]]
    assert ["page", "visitors", "pageviews"] == lines[0][:3]


def test_segments(site: Measured) -> None:
    """
    What is filtered is saved under a name and looked through again.
    """
    page = site.open(f"/site.test?{PERIOD}&f=country:SE")
    page.keyboard.press("f")
    page.get_by_label("Save these filters as a segment").fill("Swedes")
    page.get_by_role("button", name="Save segment").click()
    expect(page.locator(".chip strong")).to_have_text("Swedes")
    # The top of a page is there before its scripts; without them keys do nothing.
    page.wait_for_load_state()
    page.get_by_role("link", name="Remove this filter").click()
    expect(page.locator(".chip")).to_have_count(0)
    page.keyboard.press("f")
    page.locator(".filter-list").get_by_role("link", name="Swedes").click()
    expect(page.locator(".chip strong")).to_have_text("Swedes")
    assert "60" == total(page, "Visitors")


def test_files(site: Measured) -> None:
    """
    The graph, each report and everything at once can be downloaded.
    """
    page = site.open(f"/site.test?{PERIOD}")
    for link, suffix in ((page.locator(".graph-file"), ".csv"), (page.get_by_role("link", name="ZIP"), ".zip")):
        with page.expect_download() as download:
            link.click()
        assert download.value.suggested_filename.endswith(suffix)


def test_from_nothing_to_a_compared_funnel(site: Measured) -> None:
    """
    The newcomer's path: with goals there, a funnel is seven clicks away, and its comparison is on the page.
    """
    page = site.open(f"/site.test?{PERIOD}")
    clicks = 0

    def click(target: Locator) -> None:
        nonlocal clicks
        clicks += 1
        target.click()

    click(panel(page, "goals").get_by_role("link", name="Funnels", exact=True))
    click(panel(page, "goals").get_by_role("link", name="Add a funnel"))
    page.get_by_label("Name").fill("Sale")
    page.get_by_label("Step 1").fill("/pricing")
    page.get_by_label("Step 2").fill("Purchase")
    click(page.get_by_role("button", name="Add funnel"))
    expect(page.get_by_role("status")).to_contain_text("Saved")
    click(page.get_by_role("link", name="Dashboard", exact=True))
    click(panel(page, "goals").get_by_role("link", name="Funnels", exact=True))
    expect(panel(page, "goals").locator("tbody tr")).to_have_count(2)

    assert clicks <= 5
    assert ["Visit /pricing", "Purchase"] == panel(page, "goals").locator(".row-name").all_inner_texts()


def test_live_view(site: Measured) -> None:
    """
    Who is there now, minute by minute, without a reload.
    """
    page = site.open("/site.test?period=live")
    expect(page.locator(".graph-table tbody tr")).to_have_count(30)
    expect(page.locator("[data-live]")).to_have_count(1)


def test_nothing_moves_and_nothing_comes_from_elsewhere(site: Measured) -> None:
    """
    A dashboard that loads does not shift, weighs less than 150 KB, and asks nobody else for anything.
    """
    page = site.context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(
        "window.shifts = 0; new PerformanceObserver(list => { for (const one of list.getEntries()) window.shifts +="
        " one.value }).observe({type: 'layout-shift', buffered: true})"
    )
    site.open(f"/site.test?{PERIOD}", page)
    expect(page.locator(".plot canvas")).to_be_visible()
    page.wait_for_load_state("networkidle")
    sent = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".reduce((sum, one) => sum + one.transferSize, 0)"
    )

    assert 0 == round(page.evaluate("window.shifts"), 2)
    assert {site.base} == {"/".join(url.split("/")[:3]) for url in asked}
    assert sent < 150_000
    page.close()


def test_keys_work_while_a_page_arrives(site: Measured, browser: Browser) -> None:
    """
    A reader need not wait for the last panel, nor for the scripts that draw: one letter changes the period before.
    """
    page = site.context.new_page()
    page.route("**/uplot.*.js", lambda route: None)
    page.goto(f"{site.base}/site.test?{PERIOD}", wait_until="commit")
    expect(page.locator(".totals")).to_be_visible()
    for _ in range(200):
        page.keyboard.press("d")
        if "period=day" in page.url:
            break
        page.wait_for_timeout(50)
    assert "period=day" in page.url
    page.close()


def test_works_without_javascript(site: Measured, browser: Browser) -> None:
    """
    Without a script: the numbers, the graph, tabs, filters, sorting, searching and pages of rows.
    """
    state = site.context.storage_state()
    context = browser.new_context(java_script_enabled=False, storage_state=state, viewport=DESK, locale="en-GB")
    page = context.new_page()
    site.open(f"/site.test?{PERIOD}", page)
    assert "120" == total(page, "Visitors")
    expect(page.locator(".series .line").first).to_have_attribute("d", re.compile("^M"))
    panel(page, "devices").get_by_role("link", name="Systems").click()
    expect(panel(page, "devices").get_by_role("link", name="Android")).to_be_visible()
    page.locator(".filter-menu summary").click()
    page.locator(".filter-form").get_by_label("What").select_option("country")
    page.locator(".filter-form").get_by_label("Value").fill("SE")
    page.get_by_role("button", name="Add filter").click()
    assert "60" == total(page, "Visitors")
    site.open(f"/site.test?{PERIOD}&details=pages", page)
    page.get_by_role("searchbox").fill("price")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("No row holds")).to_be_visible()
    site.open(f"/site.test?{PERIOD}&pages=journeys", page)
    panel(page, "pages").get_by_label("Before and after").fill("/thanks")
    panel(page, "pages").get_by_role("button", name="Show").click()
    expect(panel(page, "pages").get_by_text("40 visitors")).to_be_visible()
    context.close()


VIEWS = (
    f"/site.test?{PERIOD}",
    f"/site.test?{PERIOD}&pages=journeys&goals=props&f=page:/pricing",
    f"/site.test?{PERIOD}&details=pages",
    "/site.test?period=day",
    "/glossary",
)


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("sv", "dark")])
def test_every_view_for_everybody(
    site: Measured,
    browser: Browser,
    axe: str,
    language: str,
    scheme: str,
) -> None:
    """
    In both languages and appearances, on a desk and a phone: nothing overflows, and axe-core finds nothing.
    """
    locale = "sv-SE" if language == "sv" else "en-GB"
    context = browser.new_context(storage_state=site.context.storage_state(), viewport=PHONE, locale=locale)
    page = context.new_page()
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in VIEWS:
        page.set_viewport_size(PHONE)
        site.open(path, page)
        assert 0 == page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"), path
        page.set_viewport_size(DESK)
        assert 0 == page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"), path
        assert language == page.evaluate("document.documentElement.lang")
        assert [] == violations(page, axe), path
    context.close()
