"""
The analysts' page on a running server: two owners, an address, its reasons, its days, and what the audit log says.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import ordinary_user_agent
from tests.browser.test_accessibility import address, violations
from tests.browser.test_whole_road import set_up
from tests.server import Server, run_server

pytestmark = [pytest.mark.browser, pytest.mark.server]

ANNA, BO, PASSWORD = "anna@site.test", "bo@site.test", "another sentence to remember"
CRAWLER = "198.51.100.77"
SEEN_SECONDS_MAX = 30
VAULT_SECONDS_MAX = 60
ALIKE = 20
"""Looks in a row at which the number of rows is the same: figures are up to a second old."""


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("server")) as started:
        yield started


def owner(browser: Browser, server: Server, email: str, link: str) -> Page:
    page = browser.new_context(locale="en-GB").new_page()
    page.goto(link)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button")
    page.goto(address(server) + "/risk")
    assert email[:1].upper() == page.locator(".person").inner_text()
    return page


def crawl(server: Server, user_agent: str) -> None:
    headers = {"User-Agent": user_agent, "X-Forwarded-For": CRAWLER}
    with httpx.Client(base_url=server.base_url, headers=headers, trust_env=False) as client:
        for number in range(40):
            beacon = {"n": "pageview", "d": "site.test", "u": f"https://site.test/p/{number}"}
            client.post("/api/event", json=beacon).raise_for_status()


def check(server: Server) -> dict[str, object]:
    with httpx.Client(base_url=server.base_url, trust_env=False) as client:
        sent = {"ip": CRAWLER, "site": "site.test"}
        answer = client.post(
            "/api/risk/v1/check", json=sent, headers={"Authorization": f"Bearer {server.admin_key}"}
        ).raise_for_status()
        return answer.json()


def await_vault(server: Server, hits: int) -> None:
    """
    Wait until so many hits are in the vault's table, that of the canary beside them; it is written every ten seconds.
    """
    ends = time.monotonic() + VAULT_SECONDS_MAX
    flushed, alike = -1.0, 0
    while alike < ALIKE:
        assert time.monotonic() < ends, "the hits are not in the vault"
        time.sleep(0.1)
        rows = server.metric("daysalt_vault_rows_flushed_total")
        waits = server.metric("daysalt_vault_hits_total") < hits or rows < 2 or rows != flushed
        flushed, alike = rows, 0 if waits else alike + 1


def invited(page: Page, server: Server, email: str) -> str:
    page.goto(address(server) + "/people")
    form = page.locator("section", has=page.locator("#invite-title"))
    form.locator("input[name=email]").fill(email)
    form.locator("select[name=role]").select_option("owner")
    form.locator("button").click()
    return page.locator("#invitation").inner_text()


def look_up(page: Page) -> None:
    page.fill("input[name=ticket]", "FRAUD-17")
    page.fill("form:has(input[name=ticket]) input[name=password]", PASSWORD)
    page.get_by_role("button", name="Look up the days").click()


def test_two_owners_and_an_address(server: Server, browser: Browser, axe: str) -> None:
    """
    One assesses and asks for days, the other approves; the pages keep the rules of accessibility, no request line holds
    the address, and the audit log knows who asked, keys counted together, and no address either.
    """
    first = browser.new_context().new_page()
    set_up(first, server, address(server))
    crawl(server, ordinary_user_agent(browser))
    ends = time.monotonic() + SEEN_SECONDS_MAX
    asked = 1
    while check(server)["evidence"]["events_24h"] != 40:  # type: ignore[index]  # an object of JSON
        assert time.monotonic() < ends, "the crawl is not in the risk windows"
        asked += 1
        time.sleep(0.1)
    anna = owner(browser, server, ANNA, invited(first, server, ANNA))
    bo = owner(browser, server, BO, invited(first, server, BO))
    urls: list[str] = []
    anna.on("request", lambda request: urls.append(request.url))

    anna.fill("input[name=address]", CRAWLER)
    anna.get_by_role("button", name="Assess", exact=True).click()
    expect(anna.locator(".reasons")).to_contain_text("Page after page is taken once and not read.")
    assert [] == violations(anna, axe)
    look_up(anna)
    expect(anna.locator(".done")).to_contain_text("waits for an hour")
    bo.reload()
    assert CRAWLER not in bo.content()
    assert [] == violations(bo, axe)
    bo.fill("input[name=password]", PASSWORD)
    bo.get_by_role("button", name="Approve").click()
    expect(bo.locator(".done")).to_contain_text("Approved.")
    await_vault(server, 40)
    look_up(anna)
    expect(anna.locator(".seen-days")).to_contain_text("40")
    assert [] == violations(anna, axe)

    assert urls and not [url for url in urls if CRAWLER in url]
    for page in (first, anna, bo):
        page.context.close()
    assert 0 == server.stop()
    log = (server.data_dir / "audit.log").read_text()
    entries = [json.loads(line) for line in log.splitlines()]
    told = [(entry["actor"], entry["action"], entry["count"]) for entry in entries]
    assert (ANNA, "risk.check", 1) in told and (ANNA, "vault.request", None) in told
    assert (BO, "vault.approve", None) in told and (ANNA, "vault.read", None) in told
    by_keys = [count for actor, action, count in told if actor.startswith("key ") and action == "risk.check"]
    assert asked == sum(by_keys) and len(by_keys) <= 2
    assert CRAWLER not in log and CRAWLER not in server.output.read_text()
