"""
Looking at pages as a browser without JavaScript does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import anyio
import httpx
from starlette.applications import Starlette

from dashboard.app import build_app
from dashboard.context import Context
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site

EMAIL = "anna@site1.test"
PASSWORD = "a sentence is easy to remember"
TODAY = "2026-11-22"
"""The day the fake clock stands at, 11:30 UTC."""


class Browser:
    """
    A browser in process: keeps cookies, follows no redirect, runs no script.
    """

    def __init__(self, app: Starlette, base_url: str, language: str) -> None:
        self._app = app
        self._base_url = base_url
        self._language = language
        self.cookies = httpx.Cookies()

    def get(
        self, path: str, *, params: Mapping[str, str | None] | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return self._send("GET", path, params, None, headers)

    def post(self, path: str, *, data: Mapping[str, str], headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self._send("POST", path, None, data, headers)

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | None] | None,
        data: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url=self._base_url, cookies=self.cookies) as client:
                sent = {"Accept-Language": self._language, **(headers or {})}
                response = await client.request(method, path, params=params, data=data, headers=sent)
                self.cookies = client.cookies
                return response

        return anyio.run(send)


def browser(context: Context, *, language: str = "en", base_url: str = "") -> Browser:
    """
    Open a browser that is not signed in.
    """
    if base_url:
        context = replace(context, settings=replace(context.settings, base_url=base_url))
    return Browser(build_app(context), base_url or "http://stats.test", language)


def signed_in(context: Context, *, language: str = "en", base_url: str = "", role: str = "owner") -> Browser:
    """
    Open a browser and sign in with the form.
    """
    _, token = context.registry.users.add(EMAIL, role)
    context.registry.users.accept(token, PASSWORD)
    client = browser(context, language=language, base_url=base_url)
    response = client.post("/login", data={"email": EMAIL, "password": PASSWORD})
    assert 303 == response.status_code
    return client


def form_token(html: str) -> str:
    """
    Find the token that a page's forms carry.
    """
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', html)
    assert found is not None
    return found[1]


def site_with_visits(context: Context, domain: str = "site1.test") -> Site:
    """
    A site that ten visitors saw today, six of them from Sweden by a search engine.
    """
    site = context.registry.sites.add(domain)
    swedes = {"country": "SE", "browser": "Firefox", "source": "Google", "channel": "Organic Search"}
    others = {"country": "NO", "browser": "Chrome", "channel": "Direct"}
    happenings: list[Happening] = []
    for number in range(10):
        attributes = swedes if number < 6 else others
        at = moment(f"{TODAY}T{number:02d}:10:00")
        happenings.append(Happening(at, f"v{number}", page="/", attributes=attributes))
        happenings.append(Happening(at.replace(minute=12), f"v{number}", page="/pricing", attributes=attributes))
    insert(context.warehouse, site.id, happenings)
    return site
