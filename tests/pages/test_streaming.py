"""
A dashboard is read while it is made: its top is sent first, and what takes long is waited for where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import anyio
import pytest
from starlette.types import Message

from dashboard.app import build_app
from dashboard.context import Context
from dashboard.pages import overview, rows
from dashboard.pages import site as page
from dashboard.stats.query import StatsQuery, StatsResult, Viewer
from tests.clocks import FakeClock
from tests.pages.browsing import signed_in, site_with_visits
from warehouse.client import WarehouseUnavailable
from warehouse.registry.sites import Site

PANELS = ("sources", "pages", "locations", "devices", "goals")
SWAPPED = {"HX-Request": "true", "HX-Boosted": "true", "HX-Target": "dashboard"}


class HastyClock(FakeClock):
    """
    A clock that is a second further whenever somebody looks at it.
    """

    def monotonic_ms(self) -> int:
        self.steady_ms += 1000
        return self.steady_ms


def pieces(context: Context, path: str) -> list[str]:
    """
    Open a page of a public site and keep what is sent, piece by piece.
    """
    found: list[str] = []

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body" and message["body"]:
            found.append(message["body"].decode())

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": [(b"host", b"stats.test")], "http_version": "1.1", "scheme": "http",
        "client": ("127.0.0.1", 1), "server": ("stats.test", 80),
    }  # fmt: skip
    anyio.run(build_app(context), scope, receive, send)
    return found


def test_the_top_is_sent_before_anything_is_counted(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A browser has the styles and the site's name to paint before anybody is counted, then the bar and the periods while
    the numbers are being asked; then comes one panel after the other.
    """
    site_with_visits(context)
    context.registry.sites.change("site1.test", public=True)
    asked: list[str] = []
    for name, module, whole in (("headline", overview, overview.headline), ("present", page, page.present_visitors)):

        def noted(*arguments: object, name: str = name, whole: Callable[..., object] = whole) -> object:
            asked.append(name)
            return whole(*arguments)

        monkeypatch.setattr(module, whole.__name__, noted)

    found = pieces(context, "/site1.test")

    assert ["present", "headline"] == asked
    assert "/static/app." in found[0] and "site1.test</span>" in found[0] and 'class="live"' not in found[0]
    assert 'class="live"' in found[1] and 'id="main"' in found[1] and 'class="totals"' not in found[1]
    assert 'class="totals"' in found[2]
    where = [next(at for at, piece in enumerate(found) if f'id="panel-{key}"' in piece) for key in PANELS]
    assert where == sorted(set(where)) and where[0] > 1
    assert found[-1].rstrip().endswith("</html>")


def test_pieces_are_the_whole_page(context: Context) -> None:
    """
    What a script swaps in, which is made at once, is what a browser reads piece by piece.
    """
    site_with_visits(context)
    client = signed_in(context)

    streamed, swapped = (client.get("/site1.test", headers=headers).text for headers in ({}, SWAPPED))

    assert streamed == swapped
    assert 'aria-busy="true"' not in streamed
    assert "<!--" not in streamed


def test_a_swapped_page_does_not_wait_for_slow_panels(context: Context) -> None:
    """
    Panels that are not there in time are shown waiting, and each fetches itself without cutting off another one;
    without a script nothing waits.
    """
    site_with_visits(context)
    client = signed_in(replace(context, clock=HastyClock()))

    html = client.get("/site1.test?f=page%3A%2F", headers=SWAPPED).text

    # Without a `hx-sync` of its own a panel would share the dashboard's, and only the last one's request would live.
    itself = r'id="(panel-\w+)" hx-sync="this:replace"[^>]*aria-busy="true" hx-get="([^"]*)" hx-trigger="load"'
    waiting = re.findall(itself, html)
    assert [f"panel-{key}" for key in PANELS] == [name for name, _ in waiting]
    assert 'class="totals"' in html
    assert 'aria-busy="true"' not in client.get("/site1.test?f=page%3A%2F").text
    for name, address in waiting:
        alone = client.get(address.replace("&amp;", "&"), headers={"HX-Request": "true", "HX-Target": name}).text
        assert f'id="{name}"' in alone and 'aria-busy="true"' not in alone


def test_a_store_that_goes_away_meanwhile_is_said(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What was sent stays; the numbers and panels that are missing say why.
    """

    def away(context: Context, site: Site, query: StatsQuery, viewer: Viewer = Viewer.MEMBER) -> StatsResult:
        raise WarehouseUnavailable("connection refused by 10.0.0.1")

    site_with_visits(context)
    client = signed_in(context)
    monkeypatch.setattr(rows, "answer", away)
    monkeypatch.setattr("dashboard.pages.headline.answer", away)

    response = client.get("/site1.test")

    assert 200 == response.status_code
    assert 1 + len(PANELS) == response.text.count("The store is not answering right now")
    assert "10.0.0.1" not in response.text
    assert response.text.rstrip().endswith("</html>")
