"""
Funnels and segments on a site's page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape

from dashboard.context import Context
from dashboard.stats.funnel import funnel_visitors
from dashboard.stats.period import resolve
from dashboard.stats.query import Filter, Viewer
from tests.pages.browsing import TODAY, Browser, browser, form_token, signed_in
from tests.pages.test_reports import cells, shop
from tests.stats.rows import Happening, moment
from warehouse.registry.sites import Site


def test_funnel_panel(context: Context) -> None:
    """
    Each step has its visitors, and their share of the step before and of the first one.
    """
    site = funnel_site(context)

    assert [["Visit /blog/**", "5", "–", "100%"], ["Purchase", "3", "60%", "60%"]] == cells(
        signed_in(context), f"/{site.domain}?goals=funnels"
    )


def test_funnel_compared(context: Context) -> None:
    """
    Beside each step stands its share in the period that is compared with.
    """
    day = "2026-11-21"
    happenings = [Happening(moment(f"{day}T02:00:00"), f"b{number}", page="/blog/b") for number in range(4)]
    happenings += [Happening(moment(f"{day}T02:05:00"), "b0", "Purchase")]
    site = funnel_site(context, more=happenings)

    assert [["Visit /blog/**", "5", "–", "100%", "100%"], ["Purchase", "3", "60%", "60%", "25%"]] == cells(
        signed_in(context), f"/{site.domain}?goals=funnels&period=day"
    )


def test_steps_are_in_order_within_a_visit(context: Context) -> None:
    """
    Somebody who bought before reading, or in another visit, did not take the second step.
    """
    happenings = [
        Happening(moment(f"{TODAY}T01:00:00"), "early", "Purchase"),
        Happening(moment(f"{TODAY}T01:01:00"), "early", page="/blog/b"),
        Happening(moment(f"{TODAY}T02:00:00"), "twice", page="/blog/b"),
        Happening(moment(f"{TODAY}T04:00:00"), "twice", "Purchase"),
    ]
    site = funnel_site(context, more=happenings)

    assert [7, 3] == counts(context, site)


def test_funnel_of_filtered_visits(context: Context) -> None:
    """
    A filter on a page chooses visits that saw it; the steps may be on other pages.
    """
    site = funnel_site(context)

    assert [5, 3] == counts(context, site, Filter("is", "event:page", ("/",)))
    assert [0, 0] == counts(context, site, Filter("is", "visit:country", ("SE",)))


def test_few_are_withheld(context: Context) -> None:
    """
    Steps of fewer than `k` visitors are withheld; the first one is a goal, which signed-in people see in full.
    """
    site = funnel_site(context, k=4)
    small = funnel_site(context, k=6, domain="small.test")

    assert [5, None] == counts(context, site)
    assert [5, None] == counts(context, small)
    assert [None, None] == counts(context, small, viewer=Viewer.PUBLIC)
    assert [None, None] == counts(context, small, Filter("is", "event:page", ("/blog/a",)))


def test_funnel_as_file(context: Context) -> None:
    """
    A funnel has its CSV like every panel.
    """
    site = funnel_site(context)
    text = signed_in(context).get(f"/{site.domain}?goals=funnels&details=goals&format=csv").text

    assert ["goal,visitors,step_rate,funnel_rate", "Visit /blog/**,5,,100.0", "Purchase,3,60.0,60.0", ""] == text.split(
        "\r\n"
    )


def test_segment_is_saved_and_looked_through(context: Context) -> None:
    """
    What is filtered is saved under a name, without a script, and then filters as it did.
    """
    site = shop(context)
    client = signed_in(context)
    html = client.get("/shop.test?f=page~:blog").text
    view = unescape(re.findall(r'name="view" value="([^"]*)"', html)[0])
    saved = client.post(
        "/sites/shop.test/segments", data={"form_token": form_token(html), "name": "Readers", "view": view}
    )
    segment = context.registry.segments.all(site.id)[0]
    shown = client.get(saved.headers["location"]).text

    assert 303 == saved.status_code
    assert [["contains", "event:page", ["blog"], {"case_sensitive": False}]] == segment.filters
    assert "5" == first_total(client, saved.headers["location"])
    assert "<strong>Readers</strong>" in shown


def test_segments_are_for_members(context: Context) -> None:
    """
    The public can neither look through a segment nor save one.
    """
    site = shop(context)
    context.registry.sites.change("shop.test", public=True)
    segment = context.registry.segments.add(site.id, "Readers", [["is", "event:page", ["/blog/a"]]])
    public = browser(context)
    viewer = signed_in(context, role="viewer")
    html = viewer.get("/shop.test?f=page:/").text
    refused = viewer.post("/sites/shop.test/segments", data={"form_token": form_token(html), "name": "x", "view": ""})

    assert "10" == first_total(public, f"/shop.test?segment={segment.id}")
    assert "5" == first_total(viewer, f"/shop.test?segment={segment.id}")
    assert "10" == first_total(viewer, "/shop.test?segment=999")
    assert "Readers" not in public.get("/shop.test").text
    assert 'name="view"' not in html
    assert 403 == refused.status_code


def funnel_site(context: Context, *, k: int = 1, domain: str = "shop.test", more: Sequence[Happening] = ()) -> Site:
    """
    The shop with a funnel from reading to buying.
    """
    site = shop(context, k=k, domain=domain, more=more)
    goals = {goal.display_name: goal.id for goal in context.registry.goals.all(site.id)}
    context.registry.funnels.add(site.id, "Buy", [goals["Visit /blog/**"], goals["Purchase"]])
    return site


def counts(context: Context, site: Site, *filters: Filter, viewer: Viewer = Viewer.MEMBER) -> list[int | float | None]:
    """
    Count the steps of the shop's funnel today.
    """
    goals = {goal.id: goal for goal in context.registry.goals.all(site.id)}
    steps = [goals[number] for number in context.registry.funnels.all(site.id)[0].goal_ids]
    period = resolve("day", "Etc/UTC", context.clock.now_ms())
    return funnel_visitors(context, site, period, steps, filters, viewer)


def first_total(client: Browser, path: str) -> str:
    """
    Read the number of visitors.
    """
    return re.findall(r'class="total-value"[^>]*>([^<]*)<', client.get(path).text)[0]
