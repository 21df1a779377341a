"""
A site's page: empty, full, filtered, public, and without JavaScript.
"""

from __future__ import annotations

import re
from html import unescape

import pytest

from dashboard.context import Context
from dashboard.stats.query import StatsQuery, StatsResult, Viewer
from tests.pages.browsing import TODAY, Browser, browser, signed_in, site_with_visits
from tests.stats.rows import Happening, insert, moment
from warehouse.client import QueryTimeout
from warehouse.registry.sites import Site


def totals(client: Browser, path: str) -> list[str]:
    """
    Read the six headline numbers of a page.
    """
    return [unescape(text) for text in re.findall(r'class="total-value"[^>]*>([^<]*)<', client.get(path).text)]


def rows(html: str, panel: str) -> list[tuple[str, str]]:
    """
    Read a panel's rows: name and first number.
    """
    part = html.split(f'id="panel-{panel}"')[1].split("</section>")[0]
    names = re.findall(r'class="row-name[^"]*"[^>]*>([^<]*)<', part)
    counts = re.findall(r'<td class="count"[^>]*>([^<]*)<', part)
    return list(zip(map(unescape, names), counts, strict=True))


def test_empty_state(context: Context) -> None:
    """
    Before the first event: the snippet, and what was dropped and why.
    """
    site = context.registry.sites.add("site1.test")
    hour = context.clock.now_ms() // 1000 // 3600 * 3600
    context.warehouse.insert(
        "drops", {"site_id": [site.id], "hour": [hour], "reason": ["bot"], "hits": [7], "batch": [1]}
    )
    html = signed_in(context).get("/site1.test").text

    assert "Waiting for your first visit" in html
    assert '<script defer data-domain="site1.test" src="http://stats.test/js/script.js"></script>' in unescape(html)
    assert "A robot, by its own words" in html
    assert '<td class="count">7</td>' in html


def test_the_empty_state_starts_over(context: Context) -> None:
    """
    With the first visit the page that waited is told to open anew, as a page of its own; nothing is counted for it.
    """
    site = context.registry.sites.add("site1.test")
    client = signed_in(context)
    waits = {"HX-Request": "true", "HX-Target": "waiting"}
    assert "Waiting for your first visit" in client.get("/site1.test", headers=waits).text
    insert(context.warehouse, site.id, [Happening(moment("2026-11-22T10:00:00"), who="u")])

    response = client.get("/site1.test", headers=waits)

    assert ("true", "") == (response.headers["HX-Refresh"], response.text)


def test_dashboard(context: Context) -> None:
    """
    The first day's numbers, rows and graph are on the page without any script.
    """
    site_with_visits(context)
    client = signed_in(context)
    html = client.get("/site1.test").text

    assert ["10", "10", "20", "2.0", "0%", "2m 00s"] == totals(client, "/site1.test")
    assert [("Organic Search", "6"), ("Direct", "4")] == rows(html, "sources")
    assert [("/", "10"), ("/pricing", "10")] == rows(html, "pages")
    assert ("Sweden", "6") == rows(html, "locations")[0]
    assert 'class="line" d="M' in html
    assert 12 == html.split("Show as a table")[1].split("</table>")[0].count('<th scope="row">')


def test_filter(context: Context) -> None:
    """
    Clicking a row is a link that filters everything; the filter is shown and can be taken off.
    """
    site_with_visits(context)
    context.registry.sites.change("site1.test", k=1)
    client = signed_in(context)
    html = client.get("/site1.test").text
    link = unescape(re.findall(r'href="([^"]*f=country%3ASE[^"]*)"', html)[0])
    filtered = client.get(link).text

    assert "6" == totals(client, link)[0]
    assert [("Organic Search", "6")] == rows(filtered, "sources")
    assert 'aria-label="Remove this filter"' in filtered


@pytest.mark.parametrize("query", ["f=channel:Direct", "f=source:Direct / None", "f=page:/pricing", "f=browser:Chrome"])
def test_filters_find_their_row(context: Context, query: str) -> None:
    """
    Every kind of row finds its visitors again, those without a source too.
    """
    site_with_visits(context)
    context.registry.sites.change("site1.test", k=1)
    expected = "10" if "page" in query else "4"

    assert expected == totals(signed_in(context), f"/site1.test?{query}")[0]


def test_withheld(context: Context) -> None:
    """
    A filtered number about too few visitors is withheld, and the page says so.
    """
    site_with_visits(context)
    client = signed_in(context)
    html = client.get("/site1.test?f=country:NO").text

    assert ["–"] * 6 == totals(client, "/site1.test?f=country:NO")
    assert "Some numbers are withheld" in html


def test_other_is_explained(context: Context) -> None:
    """
    Folded rows are one row that cannot be clicked, with a sentence.
    """
    site_with_visits(context)
    html = signed_in(context).get("/site1.test").text

    assert ("(other)", "4") == rows(html, "locations")[-1]
    assert "rows with too few visitors to be shown alone" in html
    assert "f=country%3A%28other%29" not in html


def test_hostile_names(context: Context) -> None:
    """
    Whatever a page calls itself is text and stays text.
    """
    site = site_with_visits(context)
    hostile = '/"><script>alert(1)</script>{{7*7}}%27'
    insert(context.warehouse, site.id, [Happening(moment(f"{TODAY}T09:00:00"), page=hostile)])
    html = signed_in(context).get("/site1.test").text

    assert "<script>alert" not in html
    assert hostile in [name for name, _ in rows(html, "pages")]


def test_csv(context: Context) -> None:
    """
    A panel's rows come as CSV, and no cell is a formula.
    """
    site = site_with_visits(context)
    insert(context.warehouse, site.id, [Happening(moment(f"{TODAY}T09:00:00"), page="=1+1")])
    response = signed_in(context).get("/site1.test?details=pages&format=csv")

    assert response.headers["content-type"].startswith("text/csv")
    assert ["page,visitors,pageviews", "/,10,10", "/pricing,10,10", "'=1+1,1,1"] == [
        ",".join(line.split(",")[:3]) for line in response.text.splitlines()
    ]


def test_details(context: Context) -> None:
    """
    A panel's page has every row.
    """
    site_with_visits(context)
    html = signed_in(context).get("/site1.test?details=locations&locations=countries").text

    assert "Sweden" in html and "format=csv" in html


def test_panel_alone(context: Context) -> None:
    """
    A tab clicked with scripts on gets its panel and nothing else, from the same address.
    """
    site_with_visits(context)
    html = signed_in(context).get("/site1.test?pages=entry", headers={"HX-Target": "panel-pages"}).text

    assert html.lstrip().startswith('<section class="card panel panel-pages"')
    assert "panel-sources" not in html


def test_live(context: Context) -> None:
    """
    The number of visitors present is text of its own.
    """
    site = site_with_visits(context)
    insert(context.warehouse, site.id, [Happening(moment(f"{TODAY}T11:28:00"), "now")])

    assert "1" == signed_in(context).get("/site1.test?live=1").text


@pytest.mark.parametrize(
    "query",
    [
        *(f"period={name}" for name in ("day", "yesterday", "24h", "7d", "28d", "91d", "month", "lastmonth")),
        *(f"period={name}" for name in ("year", "12mo", "all", "nonsense")),
        "period=custom&from=2026-11-22&to=2026-11-01", "period=custom&from=x&to=", "period=7d&interval=hour",
        "metric=visit_duration", "metric=bounce_rate&f=event:pageview", "f=page:/&f=nonsense:1&f=", "sources=utm_term",
        "locations=cities&pages=exit&devices=sizes", "details=goals&page=99999", "interval=month&period=all",
    ],
)  # fmt: skip
def test_every_address_opens(context: Context, query: str) -> None:
    """
    Every period, tab and metric opens, and so does an address that makes no sense.
    """
    site_with_visits(context)

    assert 200 == signed_in(context).get(f"/site1.test?{query}").status_code


def test_private_site(context: Context) -> None:
    """
    Without a sign-in, a private site and none at all look the same.
    """
    site_with_visits(context)
    client = browser(context)

    assert (303, "/login?next=%2Fsite1.test") == _where(client, "/site1.test")
    assert (303, "/login?next=%2Fsite9.test") == _where(client, "/site9.test")


def test_public_site(context: Context) -> None:
    """
    A public site is open to everybody, folds every row below k, and shows no other site.
    """
    site_with_visits(context)
    context.registry.sites.add("secret.test")
    context.registry.sites.change("site1.test", public=True)
    html = browser(context).get("/site1.test").text

    assert [("Organic Search", "6")] == rows(html, "sources")[:1]
    assert "secret.test" not in html and "form_token" not in html


def test_unknown_site(context: Context) -> None:
    """
    A signed-in person is told that there is no such site.
    """
    response = signed_in(context).get("/site9.test/deep/path")

    assert 404 == response.status_code
    assert "no such page or site" in response.text


def test_slow_panel(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A panel whose question takes too long says so; the rest of the page lives.
    """
    from dashboard.pages import rows as panel_rows

    quick = panel_rows.answer

    def slow(context: Context, site: Site, query: StatsQuery, viewer: Viewer = Viewer.MEMBER) -> StatsResult:
        if query.dimensions == ("visit:browser",):
            raise QueryTimeout("the question ran longer than 15 seconds")
        return quick(context, site, query, viewer)

    monkeypatch.setattr(panel_rows, "answer", slow)
    site_with_visits(context)
    html = signed_in(context).get("/site1.test").text

    assert "This question took too long" in html.split('id="panel-devices"')[1]
    assert [("/", "10"), ("/pricing", "10")] == rows(html, "pages")


def test_base_path(context: Context) -> None:
    """
    With a base path every link begins with it, whether the proxy takes it off or not.
    """
    site_with_visits(context)
    client = signed_in(context, base_url="https://site1.test/stats")
    for html in (client.get("/stats/site1.test").text, client.get("/stats/").text):
        links = re.findall(r'(?:href|src|action|hx-get)="(/[^"]*)"', html)
        assert links and all(link.startswith("/stats/") for link in links)


def test_site_list(context: Context) -> None:
    """
    Every site is a card with the visitors of the last 24 hours.
    """
    site_with_visits(context)
    html = signed_in(context).get("/").text

    assert 'href="/site1.test"' in html
    assert "<strong>10</strong> visitors" in html


def _where(client: Browser, path: str) -> tuple[int, str]:
    response = client.get(path)
    return response.status_code, response.headers["location"]


def test_what_came_and_was_not_counted(context: Context) -> None:
    """
    Beneath the panels: of how many hits how many were dropped, and why; for the owner, in both languages.
    """
    site = site_with_visits(context)
    hour = context.clock.now_ms() // 1000 // 3600 * 3600
    for reason, hits in (("bot", 1280), ("spam_referrer", 20)):
        context.warehouse.insert(
            "drops", {"site_id": [site.id], "hour": [hour], "reason": [reason], "hits": [hits], "batch": [1]}
        )
    client = signed_in(context)
    english, swedish = (
        " ".join(unescape(client.get(f"/site1.test?lang={language}").text).split()) for language in ("en", "sv")
    )
    context.registry.sites.change("site1.test", public=True)

    assert "Of 1,320 hits, 1,300 were dropped: 1,280 robots, 20 with spam referrers." in english
    assert "A robot, by its own words in the user agent." in english
    assert "Av 1 320 träffar räknades 1 300 inte: 1 280 robotar, 20 med skräphänvisning." in swedish
    assert "were dropped" not in browser(context).get("/site1.test").text
    assert "were dropped" not in client.get("/site1.test?page=is:/").text
