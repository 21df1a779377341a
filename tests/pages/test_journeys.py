"""
Journeys: what people did before and after a page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from dashboard.context import Context
from dashboard.stats.journey import Journey, Step, journey
from dashboard.stats.period import resolve
from dashboard.stats.query import Filter, Viewer
from tests.pages.browsing import TODAY, signed_in
from tests.pages.test_reports import shop
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site


def walk(who: str, *steps: str, hour: int = 12) -> list[Happening]:
    """
    One visit, a step a minute; a step without a slash is an event.
    """
    found: list[Happening] = []
    for minute, step in enumerate(steps):
        at = moment(f"{TODAY}T{hour:02d}:{minute:02d}:00")
        is_page = step.startswith("/")
        found.append(Happening(at, who, "pageview" if is_page else step, step if is_page else "/"))
    return found


def walked(context: Context, happenings: Sequence[Happening], *, k: int = 1) -> Site:
    context.registry.sites.add("walk.test")
    site = context.registry.sites.change("walk.test", k=k)
    insert(context.warehouse, site.id, happenings)
    return site


def around(context: Context, site: Site, page: str, *filters: Filter, viewer: Viewer = Viewer.MEMBER) -> Journey:
    period = resolve("day", "Etc/UTC", context.clock.now_ms())
    return journey(context, site, period, page, filters, viewer)


def test_steps_around_a_page(context: Context) -> None:
    """
    Each visitor is counted once a step; a reload is none, the visit's ends are steps, and events are told from pages.
    """
    site = walked(
        context,
        [
            *walk("a", "/", "/shop", "/shop", "/cart", "/shop", "/cart"),
            *walk("b", "/shop", "Search", "/cart"),
            *walk("b", "/", "/shop", hour=15),
            *walk("c", "/elsewhere"),
        ],
    )
    found = around(context, site, "/shop")

    assert 2 == found.visitors
    assert {("page", "/", 2), ("page", "/cart", 1), ("edge", "", 1)} == set(told(found.before))
    assert ("page", "/", 2) == told(found.before)[0]
    assert {("page", "/cart", 1), ("event", "Search", 1), ("edge", "", 1)} == set(told(found.after))
    assert (0, (), ()) == (around(context, site, "/none").visitors, *ends(around(context, site, "/none")))


def told(steps: tuple[Step, ...]) -> list[tuple[str, str, int | float | None]]:
    return [(step.kind, step.name, step.visitors) for step in steps]


def ends(found: Journey) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    return found.before, found.after


def test_filters_choose_visits(context: Context) -> None:
    """
    A filter on another page leaves the visits that saw it, whole.
    """
    site = walked(context, [*walk("a", "/", "/shop", "/cart"), *walk("b", "/shop", "/faq")])
    found = around(context, site, "/shop", Filter("is", "event:page", ("/cart",)))

    assert 1 == found.visitors
    assert [("page", "/cart", 1)] == told(found.after)


def test_few_are_folded_and_withheld(context: Context) -> None:
    """
    Steps of fewer than `k` go into one row, which is withheld while it is about fewer than `k`; so is a page of few.
    """
    many = [one for number in range(6) for one in walk(f"v{number}", "/", "/shop", "/cart")]
    few = [one for number in range(2) for one in walk(f"w{number}", "/", "/shop", f"/rare{number}")]
    none = [one for number in range(9) for one in walk(f"n{number}", "/lonely" if number < 3 else "/")]
    site = walked(context, [*many, *few, *none], k=5)
    found = around(context, site, "/shop")

    assert 8 == found.visitors
    assert [("page", "/", 8)] == told(found.before)
    assert [("page", "/cart", 6), ("other", "", None)] == told(found.after)
    assert Journey("/lonely", None, (), ()) == around(context, site, "/lonely")


def test_enough_rare_steps_are_one_row(context: Context) -> None:
    """
    Rare steps of `k` visitors together are shown as one row.
    """
    common = [one for number in range(6) for one in walk(f"v{number}", "/shop", "/cart")]
    rare = [one for number in range(5) for one in walk(f"w{number}", "/shop", f"/rare{number}")]
    others = [one for number in range(6) for one in walk(f"x{number}", "/")]
    site = walked(context, [*common, *rare, *others], k=5)

    assert [("page", "/cart", 6), ("other", "", 5)] == told(around(context, site, "/shop").after)


def test_journeys_tab(context: Context) -> None:
    """
    The tab begins at the page most seen, a filtered page or the asked one; each step leads on, and there is a file.
    """
    shop(context)
    client = signed_in(context)
    html = client.get("/shop.test?pages=journeys").text
    panel = html.split('id="panel-pages"')[1].split("</section>")[0]

    assert 'name="at" list="journey-pages" value="/"' in panel
    assert "pages=journeys&at=%2Fblog%2Fa" in unescape(panel)
    assert [">/blog/a<"] == re.findall(r">/blog/a<", panel)
    assert 'value="/blog/a" required' in client.get("/shop.test?pages=journeys&f=page:/blog/a").text
    text = client.get("/shop.test?pages=journeys&at=/blog/a&details=pages&format=csv").text
    assert [
        "page,way,kind,step,visitors",
        "/blog/a,before,page,/,5",
        "/blog/a,after,event,Purchase,3",
        "/blog/a,after,edge,,2",
        "",
    ] == text.split("\r\n")
    assert "Nobody saw this page" in client.get("/shop.test?pages=journeys&at=/none").text
    assert 'class="ways"' in client.get("/shop.test?pages=journeys&details=pages").text
