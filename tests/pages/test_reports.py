"""
Goals, properties and filters of every kind on a site's page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

import pytest

from dashboard.context import Context
from dashboard.pages.filters import prop_filter, split_key, written
from dashboard.pages.view import read_view
from tests.pages.browsing import TODAY, Browser, browser, signed_in
from tests.stats.rolled import build_all
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site


def shop(context: Context, *, k: int = 1, domain: str = "shop.test", more: Sequence[Happening] = ()) -> Site:
    """
    Ten visitors see `/`, five also `/blog/a`, three of these buy for 20 euros each with the plan `pro`.
    """
    context.registry.sites.add(domain)
    site = context.registry.sites.change(domain, k=k)
    context.registry.goals.add(site.id, kind="event", event_name="Purchase", currency="EUR")
    context.registry.goals.add(site.id, kind="page", page_path="/blog/**")
    happenings: list[Happening] = [*more]
    for number in range(10):
        at = moment(f"{TODAY}T{number:02d}:10:00")
        happenings.append(Happening(at, f"v{number}", page="/"))
        if number < 5:
            happenings.append(Happening(at.replace(minute=11), f"v{number}", page="/blog/a"))
        if number < 3:
            paid = Happening(
                at.replace(minute=12), f"v{number}", "Purchase", "/", props={"plan": "pro"}, revenue=("20.00", "EUR")
            )
            happenings.append(paid)
    insert(context.warehouse, site.id, happenings)
    return site


def cells(client: Browser, path: str) -> list[list[str]]:
    """
    Read the goals panel: name and numbers of each row.
    """
    part = client.get(path).text.split('id="panel-goals"')[1].split("</section>")[0]
    return [
        [
            *re.findall(r'class="row-name[^"]*"[^>]*>([^<]*)<', row),
            *(unescape(text) for text in re.findall(r'<td class="count[^>]*>([^<]*)<', row)),
        ]
        for row in part.split("<tr>")[2:]
    ]


def visitors(client: Browser, query: str) -> str:
    """
    Read the number of visitors under some filters.
    """
    return re.findall(r'class="total-value"[^>]*>([^<]*)<', client.get(f"/shop.test?{query}").text)[0]


def test_goals(context: Context) -> None:
    """
    Goals show who reached them, how often, their rate and what they brought in.
    """
    shop(context)

    assert [["Visit /blog/**", "5", "5", "50%", "–"], ["Purchase", "3", "3", "30%", "€60.00"]] == cells(
        signed_in(context), "/shop.test"
    )


def test_goal_filter(context: Context) -> None:
    """
    Clicking a goal filters by it; one that was removed since is forgotten.
    """
    shop(context)
    client = signed_in(context)
    html = client.get("/shop.test").text
    link = unescape(re.findall(r'href="/shop.test\?([^"]*f=goal%3APurchase[^"]*)"', html)[0])

    assert "3" == visitors(client, link)
    assert "10" == visitors(client, "f=goal:Gone")


def test_properties(context: Context) -> None:
    """
    Properties are found by themselves, and their values filter.
    """
    shop(context)
    client = signed_in(context)

    assert [["pro", "3", "3"]] == [row for row in cells(client, "/shop.test?goals=props&prop=plan") if row[0] == "pro"]
    assert "f=prop.plan%3Apro" in client.get("/shop.test?goals=props").text
    assert "3" == visitors(client, "f=prop.plan:pro")


def test_properties_of_few_are_not_named(context: Context) -> None:
    """
    A property that fewer than `k` visitors carry is not named, and the public sees declared ones alone.
    """
    site = shop(context, k=5)
    context.registry.sites.change("shop.test", public=True)

    assert "No properties yet" in signed_in(context).get("/shop.test?goals=props").text
    context.registry.sites.change("shop.test", k=1)
    assert "No properties yet" in browser(context).get("/shop.test?goals=props").text
    context.registry.properties.add(site.id, "plan")
    assert "f=prop.plan%3Apro" in browser(context).get("/shop.test?goals=props").text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("f=page:/", "10"), ("f=page!:/", "5"), ("f=page~:BLOG", "5"), ("f=page!~:/b", "10"), ("f=page*:^/bl.g", "5"),
        ("f=goal!:Purchase", "7"), ("f=goal~:blog", "5"), ("f=goal:Purchase&f=goal:Visit /blog/**", "5"),
        ("f=entry_page:/&f=goal:Purchase", "3"), ("f=entry_page!*:^/$", "0"),
    ],
)  # fmt: skip
def test_operators(context: Context, query: str, expected: str) -> None:
    """
    Signs in the address are operators; the same key twice means either value, different keys mean both.
    """
    shop(context)

    assert expected == visitors(signed_in(context), query)


def test_bad_filters_harm_nothing(context: Context) -> None:
    """
    A pattern that is none makes a sentence, and unknown names count as not given.
    """
    shop(context)
    client = signed_in(context)
    response = client.get("/shop.test?f=page*:(")

    assert 200 == response.status_code
    assert "cannot be combined with the chosen filters" in response.text
    assert "10" == visitors(client, "f=nothing:x&f=goal*:x&f=prop.:x")


def test_filter_form(context: Context) -> None:
    """
    The form needs no script: what it sends becomes the address that a link would have.
    """
    shop(context)
    client = signed_in(context)
    html = client.get("/shop.test?period=day").text
    response = client.get("/shop.test?period=day&filter=page&sign=~&value=blog&key=")
    prop = client.get("/shop.test?filter=prop&sign=!&value=pro&key=plan")

    assert '<form class="filter-form" method="get" action="/shop.test">' in html
    assert 303 == response.status_code
    assert "/shop.test?period=day&f=page~%3Ablog" == response.headers["location"].replace("%7E", "~")
    assert "/shop.test?f=prop.plan%21%3Apro" == prop.headers["location"]


def test_odd_property_names_survive() -> None:
    """
    A property's key may hold every sign that the address uses.
    """
    key = prop_filter("a:b~!*") + "!"

    assert (prop_filter("a:b~!*"), "!") == split_key(key)
    assert [["is_not", "event:props:a:b~!*", ["x:y"]]] == [
        written(tree) for tree in read_view({"f": f"{key}:x:y"}, "day").conditions()
    ]


def test_goals_as_file(context: Context) -> None:
    """
    Each panel links to its CSV, with the columns that it shows.
    """
    shop(context)
    client = signed_in(context)
    part = client.get("/shop.test").text.split('id="panel-goals"')[1].split("</section>")[0]
    link = unescape(re.findall(r'href="([^"]*format=csv)"', part)[0])

    assert (
        "goal,visitors,events,conversion_rate,total_revenue,average_revenue" == client.get(link).text.split("\r\n")[0]
    )


def test_rates_of_closed_days(context: Context) -> None:
    """
    A goal's rate is the same whether its day is read row by row or from rollups.
    """
    site = shop(context)
    client = signed_in(context)
    before = cells(client, "/shop.test")
    build_all(context, site)

    assert before == cells(client, "/shop.test")
    assert ["50%", "30%"] == [row[3] for row in before]
