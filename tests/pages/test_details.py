"""
Every row of a panel: searched, sorted, in pages, and as a file of exactly that.
"""

from __future__ import annotations

import io
import re
import zipfile
from html import unescape

import pytest

from dashboard.context import Context
from tests.pages.browsing import TODAY, Browser, browser, signed_in, site_with_visits
from tests.pages.test_reports import shop
from tests.stats.rows import Happening, insert, moment


def names(html: str) -> list[str]:
    """
    List the rows' names.
    """
    return [unescape(name) for name in re.findall(r'class="row-name[^"]*"[^>]*>([^<]*)<', html)]


def listed(client: Browser, query: str) -> list[str]:
    """
    List the rows that an address shows.
    """
    return names(client.get(f"/shop.test?{query}").text)


def test_sorting_by_any_column(context: Context) -> None:
    """
    A click sorts by a column, highest first; another turns it around; names sort too, and wrong columns do nothing.
    """
    shop(context)
    client = signed_in(context)
    html = client.get("/shop.test?details=pages").text

    assert ["/", "/blog/a"] == names(html) == listed(client, "details=pages&sort=nothing:asc")
    assert ["/blog/a", "/"] == listed(client, "details=pages&sort=pageviews:asc")
    assert ["/blog/a", "/"] == listed(client, "details=pages&sort=name:desc")
    assert ["/", "/blog/a"] == listed(client, "details=pages&sort=name")
    assert "details=pages&sort=pageviews" in unescape(html)
    assert 'aria-sort="descending"><a class="sorter" href="/shop.test?details=pages&amp;sort=visitors%3Aasc"' in html
    assert ["Visitors", "Pageviews", "Bounce rate", "Time on page", "Scroll depth"] == re.findall(
        r'class="count[^"]*"[^>]*><a class="sorter"[^>]*>([^<]*)<', html
    )


def test_searching(context: Context) -> None:
    """
    A search finds parts of names whatever their case, says when there are none, and goes with the other panels' tabs.
    """
    shop(context)
    client = signed_in(context)

    assert ["/blog/a"] == listed(client, "details=pages&search=BLOG")
    assert "No row holds “x”." in client.get("/shop.test?details=pages&search=x").text
    assert "1–1 of 1" in client.get("/shop.test?details=pages&search=blog").text
    assert "search=blog" not in client.get("/shop.test?details=pages&search=blog").text.split("Dashboard</a>")[0]


def test_names_are_the_readers(context: Context) -> None:
    """
    Countries are found and sorted by the name that is shown, not by their code.
    """
    site_with_visits(context, "shop.test")
    context.registry.sites.change("shop.test", k=1)
    swedish = signed_in(context, language="sv")
    address = "details=locations&locations=countries"

    assert ["Sverige"] == listed(swedish, f"{address}&search=sverige") == listed(swedish, f"{address}&search=se")
    assert ["Sverige", "Norge"] == listed(swedish, f"{address}&sort=name:desc")


def test_a_search_tells_no_more_than_the_list(context: Context) -> None:
    """
    Rare rows stay folded, and the folded row stays last and is not found by what is in it.
    """
    site = shop(context)
    site = context.registry.sites.change("shop.test", k=4)
    cities = ["Oslo"] * 5 + ["Bergen", "Narvik"]
    visits = [
        Happening(moment(f"{TODAY}T10:{minute:02d}:00"), f"c{minute}", attributes={"browser": city})
        for minute, city in enumerate(cities)
    ]
    insert(context.warehouse, site.id, visits, first=500)
    client = signed_in(context)
    address = "details=devices&devices=browsers"

    assert ["(not set)", "Oslo", "(other)"] == listed(client, f"{address}")
    assert ["Oslo", "(not set)", "(other)"] == listed(client, f"{address}&sort=visitors:asc")
    assert [] == listed(client, f"{address}&search=Bergen")


def test_pages_of_rows(context: Context) -> None:
    """
    A hundred rows a page; a page that is none is the first one.
    """
    context.registry.sites.add("shop.test")
    site = context.registry.sites.change("shop.test", k=1)
    insert(
        context.warehouse,
        site.id,
        [Happening(moment(f"{TODAY}T01:00:00"), f"v{number}", page=f"/p{number:03d}") for number in range(130)],
    )
    client = signed_in(context)

    assert 100 == len(listed(client, "details=pages"))
    assert [f"/p{number:03d}" for number in range(100, 130)] == listed(client, "details=pages&page=2")
    assert 100 == len(listed(client, "details=pages&page=none"))
    assert ["/p029", "/p129"] == listed(client, "details=pages&search=29")
    assert "101–130 of 130" in client.get("/shop.test?details=pages&page=2").text
    assert 131 == len(client.get("/shop.test?details=pages&format=csv").text.splitlines())


def test_the_file_is_the_view(context: Context) -> None:
    """
    The file has the columns, the search and the order of what is shown.
    """
    shop(context)
    client = signed_in(context)
    text = client.get("/shop.test?details=pages&sort=name:desc&format=csv").text
    html = client.get("/shop.test?details=pages&sort=name:desc").text

    assert "details=pages&sort=name%3Adesc&format=csv" in unescape(html)
    assert "page,visitors,pageviews,bounce_rate,time_on_page,scroll_depth" == text.splitlines()[0]
    assert ["/blog/a", "/"] == [line.split(",")[0] for line in text.splitlines()[1:]]
    assert 2 == len(client.get("/shop.test?details=pages&search=blog&format=csv").text.splitlines())


def test_wrong_patterns_make_no_file(context: Context) -> None:
    """
    A filter that cannot be answered is said, not written into a file.
    """
    shop(context)
    client = signed_in(context)

    assert 400 == client.get("/shop.test?details=pages&f=page*:(&format=csv").status_code
    assert 400 == client.get("/shop.test?details=pages&pages=journeys&f=page*:(&format=csv").status_code


def test_conversions_of_each_row(context: Context) -> None:
    """
    Under a goal each row has its share of visitors who reached it; the file and the order know it too.
    """
    site = shop(context)
    insert(
        context.warehouse,
        site.id,
        [Happening(moment(f"{TODAY}T11:00:00"), "g", "Purchase", attributes={"source": "Google"})],
        first=500,
    )
    client = signed_in(context)
    text = client.get("/shop.test?details=sources&sources=sources&f=goal:Purchase&sort=group_rate&format=csv").text

    assert ["source,visitors,events,group_rate", "Google,1,1,100.0", "Direct / None,3,3,30.0"] == text.splitlines()


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["Visitors", "Visits", "Pageviews", "Views per visit", "Bounce rate", "Visit duration"]),
        ("f=goal:Purchase", ["Visitors", "Events", "Conversion rate", "Revenue", "Average revenue"]),
        ("f=page:/", ["Visitors", "Visits", "Pageviews", "Bounce rate", "Visit duration", "Scroll depth",
                      "Time on page"]),
    ],
)  # fmt: skip
def test_headline_follows_the_filters(context: Context, query: str, titles: list[str]) -> None:
    """
    The numbers on top are those that the filters leave a meaning.
    """
    shop(context)

    assert titles == re.findall(r'class="total-title">([^<]*)<', signed_in(context).get(f"/shop.test?{query}").text)


@pytest.mark.parametrize(
    ("query", "last"),
    [
        ("metric=events", "18"), ("metric=conversion_rate&f=goal:Purchase", "30%"), ("metric=visit_duration", "48s"),
        ("metric=total_revenue&f=goal:Purchase", "€60.00"), ("metric=average_revenue&f=goal:Purchase", "€20.00"),
        ("metric=bounce_rate", "50%"), ("metric=views_per_visit", "1.5"),
    ],
)  # fmt: skip
def test_every_metric_is_drawn(context: Context, query: str, last: str) -> None:
    """
    Each metric has its graph, and its table says the same.
    """
    shop(context)
    client = browser(context)
    context.registry.sites.change("shop.test", public=True)
    html = client.get(f"/shop.test?period=7d&{query}").text
    assert "cannot be combined" not in html
    html = client.get(f"/shop.test?period=custom&from=2026-11-16&to={TODAY}&{query}").text

    assert last == re.findall(r'<td class="count">([^<]*)<', html)[-1]


@pytest.mark.parametrize(
    ("query", "buckets"),
    [
        ("period=day", 12), ("period=day&interval=minute", 691), ("period=7d", 7), ("period=7d&interval=hour", 168),
        ("period=28d&interval=week", 5), ("period=28d&interval=hour", 672), ("period=12mo", 12),
        ("period=12mo&interval=week", 53), ("period=12mo&interval=day", 365), ("period=live", 30),
    ],
)  # fmt: skip
def test_every_interval_is_drawn(context: Context, query: str, buckets: int) -> None:
    """
    Minutes, hours, days, weeks and months, each where it makes sense.
    """
    shop(context)
    html = signed_in(context).get(f"/shop.test?{query}").text

    assert buckets == html.split('class="graph-table"')[1].split("</table>")[0].count('<th scope="row">')


def test_everything_as_one_file(context: Context) -> None:
    """
    One file holds the graph and every report of the view; it is for those the site belongs to.
    """
    shop(context)
    context.registry.sites.change("shop.test", public=True)
    client = signed_in(context, role="viewer")
    link = unescape(re.findall(r'href="([^"]*format=zip)"', client.get("/shop.test?f=page:/").text)[0])
    response = client.get(link)
    with zipfile.ZipFile(io.BytesIO(response.content)) as files:
        names = set(files.namelist())
        pages = files.read("pages-top.csv").decode()
        graph = files.read("graph.csv").decode()

    assert "application/zip" == response.headers["content-type"]
    assert {"graph.csv", "sources-channels.csv", "devices-os.csv", "goals-goals.csv", "props-1.csv"} <= names
    assert len(names) >= 20
    assert "/,10,10,50,," == pages.splitlines()[1]
    assert "time:hour,visitors,visits,pageviews" == ",".join(graph.splitlines()[0].split(",")[:4])
    assert 403 == browser(context).get("/shop.test?format=zip").status_code
    assert "format=zip" not in browser(context).get("/shop.test").text


def test_conversion_rate_is_of_each_day(context: Context) -> None:
    """
    A day's rate is of that day's visitors, not of the whole period's.
    """
    before = [Happening(moment(f"2026-11-21T0{number}:00:00"), f"b{number}") for number in range(5)]
    shop(context, more=[*before, Happening(moment("2026-11-21T00:05:00"), "b0", "Purchase")])
    client = signed_in(context)
    html = client.get("/shop.test?period=custom&from=2026-11-21&to=2026-11-22&metric=conversion_rate&f=goal:Purchase")

    assert ["20%", "30%"] == re.findall(
        r'<td class="count">([^<]*)<', html.text.split('class="graph-table"')[1].split("</table>")[0]
    )
