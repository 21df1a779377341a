"""
The page of a site's imports.
"""

from __future__ import annotations

import re

from dashboard.context import Context
from tests.clocks import FakeClock
from tests.imports.importing import line, ndjson, take_in
from tests.pages.browsing import Browser, form_token, signed_in
from tests.stats.asking import ask_http
from warehouse.registry.sites import Site

PATH = "/sites/site1.test/settings/imports"
FILE = [line("2026-11-20T10:00:00Z", f"u{number}") for number in range(6)]


def remove(client: Browser, number: str) -> str:
    token = form_token(client.get(PATH).text)
    answer = client.post(PATH, data={"form_token": token, "action": "remove", "id": number})
    return answer.text if answer.status_code == 400 else str(answer.status_code)


def test_imports_are_listed_and_taken_out(context: Context, site: Site, clock: FakeClock) -> None:
    """
    With days, counts and number, the newest first; one that another continues after stays until that is gone.
    """
    importing = context.importing
    assert importing is not None
    client = signed_in(context)
    assert "Nothing was imported yet." in client.get(PATH).text
    first = ndjson(FILE)
    take_in(importing, site, first)  # pyright: ignore[reportArgumentType] - the one the context was made with
    clock.advance(seconds=60)
    grown = first + ndjson([line("2026-11-21T10:00:00Z", "u9"), {"neither": 1}])
    take_in(importing, site, grown)  # pyright: ignore[reportArgumentType] - likewise
    html = client.get(PATH).text
    later, earlier = re.findall(r"<code>([0-9a-f]{10})</code>", html)

    assert "20 Nov 2026" in html and "21 Nov 2026" in html
    assert [("1", "1"), ("6", "0")] == re.findall(r'class="count">(\d+)</td>\s*<td class="count">(\d+)</td>', html)
    assert f"Import {later} continues after {earlier}: remove {later} first" in remove(client, earlier)
    assert ["303", "303"] == [remove(client, later), remove(client, earlier)]
    assert "There is no such import here" in remove(client, earlier)
    assert [(0,)] == context.warehouse.query(
        "SELECT count() FROM events WHERE site_id = {site:UInt32}", {"site": site.id}
    )


def test_an_import_under_way_is_told(context: Context, site: Site) -> None:
    """
    While one is being read the page says so, and nothing can be taken out.
    """
    importing = context.importing
    assert importing is not None
    take_in(importing, site, ndjson(FILE))  # pyright: ignore[reportArgumentType] - the one the context was made with
    client = signed_in(context, language="sv")
    (number,) = [row.id for row in importing.listed(site.id)]
    receiving = importing.begin(site)
    assert receiving is not None
    busy, refused = client.get(PATH).text, remove(client, number)
    receiving.abandon()

    assert "En import pågår." in busy and "En import till webbplatsen pågår: försök igen när den är klar" in refused
    assert "En import pågår." not in client.get(PATH).text
    _, key = context.registry.keys.add("sites")
    listed = ask_http(context, "GET", "/api/v1/import", key=key, params={"site_id": "site1.test"}).json()
    assert [number] == [one["id"] for one in listed["imports"]]
