"""
A server with an owner and a measured site, for tests that look at its pages in a browser.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.browser.test_whole_road import set_up
from tests.server import Server

EMAIL = "owner@site.test"
PASSWORD = "a sentence is easy to remember"
PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1400, height=900)
DAYS = 10
A_DAY = 12
"""Visitors on each of the `DAYS` days before today."""

_SWEDES: dict[str, str] = {
    "source": "Google", "channel": "Organic Search", "country": "SE", "region": "SE-AB", "browser": "Firefox",
    "browser_version": "130", "os": "Windows", "os_version": "11", "device": "Desktop",
}  # fmt: skip
_NORWEGIANS: dict[str, str] = {
    "source": "news.test", "channel": "Referral", "referrer": "news.test/story", "country": "NO", "region": "NO-03",
    "browser": "Chrome", "browser_version": "131", "os": "Android", "os_version": "14", "device": "Mobile",
    "utm_campaign": "spring", "utm_source": "letter", "utm_medium": "email", "utm_content": "top", "utm_term": "salt",
}  # fmt: skip


@dataclass(slots=True)
class Measured:
    """
    The server under the host name that the browser sees, and its owner's signed-in browser.
    """

    server: Server
    base: str
    context: BrowserContext
    page: Page

    def api(self, method: str, path: str, body: object = None, **params: str) -> Any:
        """
        Ask the API with the key that may do everything.
        """
        headers = {"Authorization": f"Bearer {self.server.admin_key}"}
        with httpx.Client(base_url=self.server.base_url, headers=headers, trust_env=False, timeout=60) as client:
            answer = client.request(method, path, params=params, json=body)
            answer.raise_for_status()
            return answer.json() if answer.content else None

    def open(self, path: str, page: Page | None = None) -> Page:
        """
        Open an address of ours.
        """
        page = page or self.page
        response = page.goto(self.base + path)
        assert response is not None and response.status == 200, f"{path}: {response and response.status}"
        return page

    def status(self, address: str, page: Page) -> int:
        """
        Tell with which status an address is answered.
        """
        response = page.goto(address)
        assert response is not None
        return response.status

    def stranger(self, browser: Browser, **options: Any) -> Page:
        """
        Open a browser nobody is signed in with; close its `context` after use.
        """
        return browser.new_context(**options).new_page()


def measured(server: Server, browser: Browser) -> Measured:
    """
    Sign the owner up, and bring ten days of visits to the site.
    """
    base = server.base_url.replace("127.0.0.1", "stats.test")
    context = browser.new_context(viewport=DESK, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(15_000)
    expect.set_options(timeout=15_000)
    set_up(page, server, base)
    made = Measured(server, base, context, page)
    goal: dict[str, Any] = {"site_id": "site.test", "goal_type": "event", "event_name": "Purchase", "currency": "EUR"}
    made.api("PUT", "/api/v1/sites/goals", goal)
    made.api("PUT", "/api/v1/sites/goals", {"site_id": "site.test", "goal_type": "page", "page_path": "/pricing"})
    content = "".join(json.dumps(line) + "\n" for line in _lines(datetime.now(UTC)))
    headers = {"Authorization": f"Bearer {server.admin_key}"}
    with httpx.Client(base_url=server.base_url, headers=headers, trust_env=False, timeout=120) as client:
        answer = client.post("/api/v1/import", params={"site_id": "site.test"}, content=content)
        assert [] == answer.raise_for_status().json()["rejected"]
    return made


def _lines(now: datetime) -> list[dict[str, Any]]:
    """
    Each visitor sees `/`, two of three `/pricing`, every third buys; six are from Sweden, six from Norway.
    """
    found: list[dict[str, Any]] = []
    for day in range(1, DAYS + 1):
        for number in range(A_DAY):
            at = (now - timedelta(days=day)).replace(hour=8 + number, minute=0, second=0, microsecond=0)
            shared = {"visitor": f"v{number}", "attrs": _SWEDES if number % 2 else _NORWEGIANS}

            def one(name: str, path: str, minute: int, at: datetime = at, **fields: Any) -> None:
                moment = (at + timedelta(minutes=minute)).isoformat()
                found.append({"timestamp": moment, "name": name, "url": f"https://site.test{path}", **shared, **fields})  # noqa: B023 - called before the next turn

            one("pageview", "/", 0)
            if number % 3:
                one("pageview", "/pricing", 1)
            if number % 3 == 1:
                paid = {"amount": "20.00", "currency": "EUR"}
                one("Purchase", "/pricing", 2, props={"plan": "pro" if number % 2 else "free"}, revenue=paid)
                one("pageview", "/thanks", 3)
    return found
