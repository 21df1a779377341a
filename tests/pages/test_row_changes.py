"""
What stands beside a row's numbers: how they changed where a comparison was chosen, and the exit rate of a page.
"""

from __future__ import annotations

import csv
import io
import re

import pytest

from dashboard.charts.numbers import change_text
from dashboard.context import Context
from dashboard.pages.changes import change_of
from dashboard.pages.languages import locale_of
from dashboard.stats.query import Value
from tests.pages.browsing import browser, signed_in
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site

RANGE = "period=custom&from=2026-11-20&to=2026-11-20"


def shop(context: Context, *, k: int = 1) -> Site:
    """
    The day before yesterday: ten visits to `/`, six of which go on to `/basket` and four of those to `/thanks`. The
    day before: five to `/`, of which one goes on to `/gone`.
    """
    site = context.registry.sites.change(context.registry.sites.add("shop.test").domain, k=k, public=True)
    found: list[Happening] = []
    for day, pages in (
        ("2026-11-20", {0: 10, 1: 6, 2: 4}),
        ("2026-11-19", {0: 5, 3: 1}),
    ):
        names = ("/", "/basket", "/thanks", "/gone")
        found += [
            Happening(moment(f"{day}T10:0{step}:00"), f"v{number}", page=names[step])
            for step, count in pages.items()
            for number in range(count)
        ]
    insert(context.warehouse, site.id, found)
    return site


def cells(html: str) -> dict[str, list[str]]:
    """
    Read the table of rows: each name with the texts of its numbers, without the pictures.
    """
    found: dict[str, list[str]] = {}
    for row in re.findall(r"<tr>(.*?)</tr>", html, flags=re.S):
        name = re.search(r'class="row-name[^"]*"[^>]*>([^<]*)<', row)
        if name:
            texts = re.findall(r"<td[^>]*>(.*?)</td>", row, flags=re.S)
            plain = [re.sub(r"<svg.*?</svg>|<[^>]*>", "", text, flags=re.S) for text in texts]
            found[name[1]] = [" ".join(text.split()) for text in plain]
    return found


def test_exit_rate(context: Context) -> None:
    """
    Of a page's views, the share after which the visit ended, in panel, details and file, in any order.
    """
    shop(context)
    client = signed_in(context)
    address = f"/shop.test?{RANGE}&details=pages&pages=exit&compare=none"
    panel = client.get(f"/shop.test?{RANGE}&pages=exit&compare=none", headers={"hx-target": "panel-pages"}).text
    details = client.get(f"{address}&sort=exit_rate:asc").text
    rows = list(csv.reader(io.StringIO(client.get(f"{address}&format=csv").text)))

    assert {"/": "40%", "/basket": "33%", "/thanks": "100%"} == {name: row[2] for name, row in cells(panel).items()}
    assert ["/basket", "/", "/thanks"] == list(cells(details))
    assert ["exit_page", "visitors", "visits", "exit_rate", "bounce_rate", "visit_duration"] == rows[0]
    assert {"/": "40.0", "/basket": "33.3", "/thanks": "100"} == {row[0]: row[3] for row in rows[1:]}


def test_folded_pages_have_no_exit_rate(context: Context) -> None:
    """
    On a public view, pages with fewer than `k` visitors are one row, about which nothing is measured.
    """
    shop(context, k=5)
    html = browser(context).get(f"/shop.test?{RANGE}&pages=exit&details=pages&compare=none").text

    assert {"(other)"} == cells(html).keys()
    assert "–" == cells(html)["(other)"][2]


def test_rows_change_where_a_comparison_is_chosen(context: Context) -> None:
    """
    Each number says how it changed; what was not there before grew from nothing. Unasked, rows are alone.
    """
    shop(context)
    client = signed_in(context)
    address = f"/shop.test?{RANGE}&details=pages"
    chosen = cells(client.get(f"{address}&compare=previous").text)
    panel = client.get(f"/shop.test?{RANGE}&compare=previous", headers={"hx-target": "panel-pages"}).text

    assert "10100% more than in the period before" == chosen["/"][0]
    assert "40%40 pp less than in the period before" == chosen["/"][2]
    assert "6100% more than in the period before" == chosen["/basket"][0]
    assert 'title="10 · Before: 5"' in panel and "10100% more" in cells(panel)["/"][0] and "10" == cells(panel)["/"][1]
    assert "10" == cells(client.get(address).text)["/"][0]
    assert "10" == cells(client.get(f"{address}&compare=none").text)["/"][0]


def test_what_may_have_been_folded_has_no_change(context: Context) -> None:
    """
    With rows folded before, nobody can tell whether a new row was among them, nor what `(other)` was.
    """
    shop(context, k=5)
    rows = cells(browser(context).get(f"/shop.test?{RANGE}&details=pages&compare=previous").text)

    assert "10100% more than in the period before" == rows["/"][0]
    assert "6" == rows["/basket"][0].replace("\xa0", "").replace("&nbsp;", "").strip()
    assert "more" not in "".join(rows["(other)"])


@pytest.mark.parametrize(
    ("metric", "now", "before", "expected"),
    [
        ("visitors", 12, 10, ("20%", "up", True)),
        ("visitors", 0, 10, ("100%", "down", False)),
        ("visitors", 3, 0, ("100%", "up", True)),
        ("visitors", 0, 0, ("", None, False)),
        ("visitors", None, 10, ("", None, False)),
        ("visitors", 1_000_001, 1_000_000, ("<0.1%", "same", False)),
        ("bounce_rate", 40, 55, ("15\xa0pp", "down", True)),
        ("exit_rate", 40.4, 40.3, ("0.1\xa0pp", "up", False)),
        ("conversion_rate", 3, 2, ("1\xa0pp", "up", True)),
    ],
)
def test_change(metric: str, now: Value, before: Value, expected: tuple[str, str | None, bool]) -> None:
    """
    Counts change by percent, rates by percentage points; of some, less is better.
    """
    found = change_of(metric, now, before, "", locale_of("en"))

    assert expected == (found.change_text, found.direction, found.is_good)
    assert "1,5\xa0p.e." == change_text(-0.015, "bounce_rate", locale_of("sv"))
