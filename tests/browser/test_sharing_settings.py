"""
Sharing, people, keys and every setting of a site, done in a real browser as their owners do it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.browser.measured import DESK, EMAIL, PASSWORD, PHONE, Measured, measured
from tests.browser.test_accessibility import violations
from tests.browser.web import Web
from tests.server import run_server
from warehouse.registry.totp import STEP_SECONDS, code_at

pytestmark = [pytest.mark.browser, pytest.mark.server]

SETTINGS = "/sites/site.test/settings"
PERIOD = "period=28d"
SECTIONS = ("funnels", "properties", "shields", "privacy", "sharing", "imports", "danger")
HELD_TO_RULES = tuple(f"{SETTINGS}/{section}" for section in SECTIONS)
"""Held against axe-core's rules here; `test_accessibility` has the others."""
PAGES = (
    *HELD_TO_RULES,
    *(f"{SETTINGS}/general", f"{SETTINGS}/goals", "/sites/site.test/script", "/account", "/people", "/keys", "/docs"),
    "/privacy/site.test",
)


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Measured]:
    with run_server(tmp_path_factory.mktemp("server")) as server:
        made = measured(server, browser)
        yield made
        made.context.close()


def saved(page: Page) -> None:
    expect(page.get_by_role("status").filter(has_text="Saved")).to_be_visible()


def shared_address(page: Page, name: str) -> str:
    """
    Read the address of a shared link off its page.
    """
    row = page.get_by_role("row").filter(has_text=name)
    return row.get_by_role("link").first.inner_text().strip()


def visitors(page: Page) -> str:
    return page.locator(".total-value").first.inner_text().strip()


def test_public_dashboard(site: Measured, browser: Browser) -> None:
    """
    Anybody looks once it is public, with nothing to change and no cookie; and no longer when it is not.
    """
    stranger = site.stranger(browser)
    page = site.open(f"{SETTINGS}/sharing")
    page.get_by_label("Anybody may look").check()
    page.get_by_role("button", name="Save", exact=True).click()
    saved(page)
    site.open(f"/site.test?{PERIOD}", stranger)
    assert "120" == visitors(stranger)
    expect(stranger.get_by_role("link", name="Sign in")).to_be_visible()
    expect(stranger.locator(".note-menu")).to_have_count(0)
    assert [] == stranger.context.cookies()
    page.get_by_label("Anybody may look").uncheck()
    page.get_by_role("button", name="Save", exact=True).click()
    saved(page)
    stranger.reload()
    expect(stranger.get_by_label("Password")).to_be_visible()
    stranger.context.close()


def test_shared_link_with_password_end_and_segment(site: Measured, browser: Browser) -> None:
    """
    A link asks for its password, shows its segment alone, and leads nowhere once it is removed.
    """
    page = site.open(f"{SETTINGS}/sharing")
    form = page.locator("form").filter(has=page.get_by_role("button", name="Save segment"))
    form.get_by_role("textbox", name="Name").fill("Swedes")
    form.get_by_label("Where").select_option("country")
    form.get_by_label("is", exact=True).fill("SE")
    form.get_by_role("button").click()
    saved(page)
    form = page.locator("form").filter(has=page.get_by_role("button", name="Make a link"))
    form.get_by_role("textbox", name="Name").fill("Press")
    form.get_by_label("Password").fill("only for the press")
    form.get_by_label("Ends after").fill((datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%d"))
    form.get_by_label("Limited to").select_option(label="Swedes")
    form.get_by_role("button").click()
    saved(page)
    address = shared_address(page, "Press")
    stranger = site.stranger(browser)
    stranger.goto(f"{address}?{PERIOD}")
    stranger.get_by_label("Password").fill("something else entirely")
    stranger.get_by_role("button", name="Open").click()
    expect(stranger.get_by_role("alert")).to_contain_text("wrong")
    stranger.get_by_label("Password").fill("only for the press")
    stranger.get_by_role("button", name="Open").click()
    expect(stranger.locator(".totals")).to_be_visible()
    # The top of a page is there before its scripts; without them keys do nothing.
    stranger.wait_for_load_state()
    stranger.keyboard.press("t")
    stranger.wait_for_url(re.compile("period=28d"))
    assert "60" == visitors(stranger)
    expect(stranger.locator("#panel-locations .row-name", has_text="Norway")).to_have_count(0)
    assert [] == stranger.context.cookies()
    page.get_by_role("row").filter(has_text="Press").get_by_role("button", name="Remove").click()
    saved(page)
    assert 404 == site.status(address, stranger)
    stranger.context.close()


def test_embedded_view(site: Measured, browser: Browser, axe: str) -> None:
    """
    A link stands in another site's page, in the theme it asks for, and moves about inside its frame.
    """
    page = site.open(f"{SETTINGS}/sharing")
    form = page.locator("form").filter(has=page.get_by_role("button", name="Make a link"))
    form.get_by_role("textbox", name="Name").fill("Partner")
    form.get_by_role("button").click()
    saved(page)
    row = page.get_by_role("row").filter(has_text="Partner")
    row.get_by_text("Show in a page").click()
    code = row.locator("code", has_text="<iframe").inner_text()
    with Web() as web:
        web.pages["/"] = (
            f"<!doctype html><html lang=en><title>x</title><main>{code.replace('theme=light', 'theme=dark')}"
        )
        stranger = site.stranger(browser, viewport=DESK)
        stranger.goto(web.origin("partner.test") + "/")
        frame = stranger.frame_locator("iframe")
        expect(frame.locator(".totals")).to_be_visible()
        expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
        expect(frame.get_by_role("link", name="Sign in")).to_be_hidden()
        frame.locator(".period-menu summary").first.click()
        frame.get_by_role("link", name="Last 28 days").click()
        expect(frame.locator(".total-value").first).to_have_text("120")
        expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
        stranger.context.close()
    alone = site.stranger(browser, viewport=PHONE)
    alone.goto(shared_address(page, "Partner") + f"?{PERIOD}&embed=true&theme=light")
    assert [] == violations(alone, axe)
    alone.context.close()


def test_people_and_their_roles(site: Measured, browser: Browser) -> None:
    """
    An invitation is a link that works once; a viewer looks, an editor changes, and a removed person is out at once.
    """
    page = site.open("/people")
    page.get_by_label("E-mail").fill("eve@site.test")
    page.get_by_role("button", name="Make an invitation").click()
    invitation = page.locator("#invitation").inner_text().strip()
    eve = site.stranger(browser)
    eve.goto(invitation)
    eve.get_by_label("Password").fill("another sentence to remember")
    eve.get_by_role("button").first.click()
    expect(eve.get_by_text("site.test", exact=True).first).to_be_visible()
    site.open(f"/site.test?{PERIOD}", eve)
    expect(eve.locator(".note-menu")).to_have_count(0)
    assert 403 == site.status(f"{site.base}{SETTINGS}/goals", eve)
    page.get_by_label("Role of eve@site.test").select_option("editor")
    page.get_by_role("row").filter(has_text="eve@").get_by_role("button", name="Save").click()
    saved(page)
    site.open(f"{SETTINGS}/goals", eve)
    expect(eve.get_by_role("link", name="Reset and delete")).to_have_count(0)
    page.get_by_role("row").filter(has_text="eve@").get_by_role("button", name="Remove").click()
    saved(page)
    eve.reload()
    assert "/login" in eve.url
    eve.context.close()


def test_second_factor_and_sign_ins(site: Measured, browser: Browser) -> None:
    """
    With a second factor a password alone is not enough; other places where one is signed in can be ended.
    """
    page = site.open("/account")
    secret = page.locator("code.secret").inner_text().strip()
    page.get_by_label("Code").fill(code_at(secret, int(time.time()) // STEP_SECONDS))
    page.get_by_role("button", name="Switch on").click()
    codes = page.locator("code.secret").first.inner_text().split()
    other = site.stranger(browser)
    site.open("/login", other)
    other.get_by_label("E-mail").fill(EMAIL)
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button").first.click()
    other.get_by_label("Code").fill(codes[0])
    other.get_by_role("button").first.click()
    expect(other.get_by_role("heading", name="Your sites")).to_be_visible()
    site.open("/account")
    page.get_by_role("row").get_by_role("button", name="Sign out").first.click()
    saved(page)
    other.reload()
    assert "/login" in other.url
    other.context.close()
    form = page.locator("form").filter(has=page.get_by_role("button", name="Switch off"))
    form.get_by_label("Present password").fill(PASSWORD)
    form.get_by_role("button").click()
    saved(page)


def test_keys(site: Measured) -> None:
    """
    A key is shown once, works, and is dead when it is revoked.
    """
    page = site.open("/keys")
    page.get_by_label("Scope").select_option("stats")
    page.get_by_role("button", name="Make a key").click()
    key = page.locator("#key").inner_text().strip()

    def status() -> int:
        asked = {"params": {"site_id": "site.test"}, "headers": {"Authorization": f"Bearer {key}"}}
        url = f"{site.server.base_url}/api/v1/stats/realtime/visitors"
        return httpx.get(url, trust_env=False, **asked).status_code  # type: ignore[arg-type]  # texts by name

    assert 200 == status()
    site.open("/keys")
    expect(page.locator("#key")).to_have_count(0)
    page.get_by_role("row").filter(has_text="stats").get_by_role("button", name="Revoke").click()
    saved(page)
    assert 401 == status()


def test_goals_properties_shields_and_privacy(site: Measured) -> None:
    """
    Each setting is kept as it was written, and is seen by what it is about.
    """
    page = site.open(f"{SETTINGS}/goals")
    page.get_by_label("Kind").select_option("page")
    page.get_by_label("Event name or path").fill("/thanks")
    page.get_by_role("button", name="Add goal").click()
    saved(page)
    expect(page.get_by_role("row").filter(has_text="Visit /thanks")).to_be_visible()
    page.get_by_role("row").filter(has_text="Visit /thanks").get_by_role("button", name="Remove").click()
    saved(page)
    expect(page.get_by_text("Visit /thanks")).to_have_count(0)
    site.open(f"{SETTINGS}/properties")
    page.get_by_label("Name of a property").fill("plan")
    page.get_by_role("button", name="Add property").click()
    saved(page)
    site.open(f"{SETTINGS}/shields")
    page.get_by_label("Pages not counted").fill("/admin/**")
    page.get_by_role("button", name="Save").click()
    saved(page)
    expect(page.get_by_label("Pages not counted")).to_have_value("/admin/**")
    site.open(f"{SETTINGS}/privacy")
    page.get_by_label("Fewest visitors a row may show").fill("70")
    page.get_by_label("Compute risk").uncheck()
    page.get_by_role("button", name="Save").click()
    saved(page)
    expect(page.get_by_label("Compute risk")).not_to_be_checked()
    site.open(f"/site.test?{PERIOD}&locations=countries")
    expect(page.locator("#panel-locations").get_by_text("(other)", exact=True)).to_be_visible()
    expect(page.locator("#panel-locations").get_by_text("Sweden")).to_have_count(0)
    site.open(f"{SETTINGS}/privacy")
    page.get_by_label("Fewest visitors a row may show").fill("5")
    page.get_by_role("button", name="Save").click()
    saved(page)


def test_snippet_arrives_and_time_zone_waits(site: Measured) -> None:
    """
    The general page says that visits arrive, and from which day another time zone counts.
    """
    page = site.open(f"{SETTINGS}/general")
    expect(page.get_by_text("Events in the last 7 days")).to_be_visible()
    page.get_by_role("combobox", name="Time zone").select_option("Asia/Tokyo")
    page.locator("form").filter(has=page.get_by_role("combobox", name="Time zone")).get_by_role(
        "button", name="Save"
    ).click()
    saved(page)
    expect(page.get_by_text("days follow Asia/Tokyo")).to_be_visible()
    site.open(f"/site.test?{PERIOD}")
    expect(page.get_by_text("days follow Asia/Tokyo")).to_be_visible()


@pytest.mark.parametrize(("locale", "size", "scheme"), [("en-GB", DESK, "light"), ("sv-SE", PHONE, "dark")])
def test_every_page_in_both_languages(
    site: Measured, browser: Browser, axe: str, locale: str, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    """
    No page overflows or breaks a rule of axe-core, in English on a light desk and in Swedish on a dark phone.
    """
    state = site.context.storage_state()
    context = browser.new_context(storage_state=state, viewport=size, locale=locale, color_scheme=scheme)
    page = context.new_page()
    for path in PAGES:
        site.open(path, page)
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert (path, 0) == (path, page.evaluate(overflow))
        if path in HELD_TO_RULES:
            assert (path, []) == (path, violations(page, axe))
    context.close()


def test_rename_reset_and_delete(site: Measured) -> None:
    """
    After a rename the old name still counts; a reset empties the site; a deletion leaves no page and no row.
    """
    page = site.open(f"{SETTINGS}/general")
    page.get_by_role("textbox", name="Domain").fill("new.test")
    page.get_by_role("button", name="Rename").click()
    saved(page)
    site.server.await_site("new.test")
    beacon = {"n": "pageview", "d": "site.test", "u": "https://site.test/"}
    headers = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"}
    url = f"{site.server.base_url}/api/event"
    answer = httpx.post(url, json=beacon, headers=headers, trust_env=False)
    assert (202, None) == (answer.status_code, answer.headers.get("x-daysalt-dropped"))
    site.open("/sites/new.test/settings/danger")
    form = page.locator("form").filter(has=page.get_by_role("button", name="Reset statistics"))
    form.get_by_label("Type new.test to confirm").fill("something")
    form.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("nothing was deleted")
    form.get_by_label("Type new.test to confirm").fill("new.test")
    form.get_by_role("button").click()
    saved(page)
    site.open("/new.test?period=28d")
    form = page.locator("form").filter(has=page.get_by_role("button", name="Delete the site"))
    site.open("/sites/new.test/settings/danger")
    form.get_by_label("Type new.test to confirm").fill("new.test")
    form.get_by_role("button").click()
    expect(page.get_by_role("heading", name="Your sites")).to_be_visible()
    assert 404 == site.status(f"{site.base}/new.test", page)
