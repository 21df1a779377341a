"""
Our pages held against WCAG 2.2 A and AA by axe-core, in both appearances.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import ordinary_user_agent
from tests.browser.test_whole_road import set_up
from tests.server import Server, run_server

pytestmark = [pytest.mark.browser, pytest.mark.server]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
COUNTED_SECONDS_MAX = 10
FOR_ANYBODY = ("/login", "/docs", "/privacy/site.test", "/privacy/site.test/retention-proof", "/privacy/site.test/me")
SIGNED_IN = (
    "/",
    "/site.test",
    "/sites/site.test/script",
    "/sites/site.test/settings/general",
    "/sites/site.test/settings/goals",
    "/sites/site.test/settings/funnels",
    "/sites/site.test/settings/properties",
    "/sites/site.test/settings/shields",
    "/sites/site.test/settings/privacy",
    "/sites/site.test/settings/sharing",
    "/sites/site.test/settings/imports",
    "/sites/site.test/settings/danger",
    "/glossary",
    "/account",
    "/people",
    "/keys",
    "/risk",
)


@pytest.fixture(scope="module")
def server(axe: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def owner(server: Server, browser: Browser) -> Iterator[Page]:
    """
    A page whose owner is signed in, and a site that somebody has visited.
    """
    context = browser.new_context()
    page = context.new_page()
    set_up(page, server, address(server))
    with httpx.Client(base_url=server.base_url, trust_env=False) as client:
        beacon = {"n": "pageview", "d": "site.test", "u": "https://site.test/pricing"}
        client.post("/api/event", json=beacon, headers={"User-Agent": ordinary_user_agent(browser)}).raise_for_status()
        asked: dict[str, Any] = {
            "params": {"site_id": "site.test"},
            "headers": {"Authorization": f"Bearer {server.admin_key}"},
        }
        ends = time.monotonic() + COUNTED_SECONDS_MAX
        while client.get("/api/v1/stats/realtime/visitors", **asked).json() != 1:
            assert time.monotonic() < ends, "the visit is not counted"
            time.sleep(0.1)
    yield page
    context.close()


@pytest.fixture(scope="module")
def anybody(owner: Page, browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def address(server: Server) -> str:
    return server.base_url.replace("127.0.0.1", "stats.test")


def violations(page: Page, axe: str) -> list[tuple[str, list[str]]]:
    """
    List the rules that a page breaks, each with the places: with everything unfolded, then each menu as it opens.
    """
    page.evaluate("document.querySelectorAll('main details:not(.menu)').forEach(one => { one.open = true })")
    page.evaluate(axe)
    found = page.evaluate(
        """async rules => {
            const found = (await axe.run({runOnly: rules})).violations;
            for (const menu of document.querySelectorAll('details.menu')) {
                menu.open = true;
                found.push(...(await axe.run(menu, {runOnly: rules})).violations);
                menu.open = false;
            }
            return found;
        }""",
        RULES,
    )
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found]


def test_the_rules_find_what_is_wrong(browser: Browser, axe: str) -> None:
    """
    The checks below are not blind: a picture without words and pale text are found.
    """
    context = browser.new_context()
    page = context.new_page()
    page.set_content(
        '<!doctype html><html lang="en"><title>x</title><main><img src="data:,"><p style="color:#ccc">pale</p></main>'
    )

    assert ["color-contrast", "image-alt"] == sorted(rule for rule, _ in violations(page, axe))
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*FOR_ANYBODY, *SIGNED_IN])
def test_pages_can_be_used_by_all(
    server: Server, owner: Page, anybody: Page, axe: str, path: str, scheme: Literal["light", "dark"]
) -> None:
    """
    No page breaks a rule that a program can check.
    """
    page = anybody if path in FOR_ANYBODY else owner
    page.emulate_media(color_scheme=scheme)
    answer = page.goto(address(server) + path)

    assert answer is not None
    assert (200, address(server) + path) == (answer.status, page.url)
    assert [] == violations(page, axe)
