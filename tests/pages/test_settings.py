"""
Settings of a site: every form does what it says, for those who may.
"""

from __future__ import annotations

import httpx
import pytest

from dashboard.context import Context
from dashboard.pages.settings import SECTIONS
from tests.pages.browsing import Browser, browser, form_token, signed_in, site_with_visits

PATH = "/sites/site1.test/settings/"


def send(client: Browser, section: str, action: str, **fields: str) -> httpx.Response:
    token = form_token(client.get(f"{PATH}{section}").text)
    return client.post(f"{PATH}{section}", data={"form_token": token, "action": action, **fields})


def test_every_section_opens(context: Context) -> None:
    """
    Each has its page, in both languages, and leads to the others.
    """
    site_with_visits(context)
    client = signed_in(context)
    for section in SECTIONS:
        response = client.get(f"{PATH}{section}?lang=sv")
        assert 200 == response.status_code
        assert 'aria-current="page"' in response.text and "Inställningar för site1.test" in response.text


def test_settings_are_for_people_who_may(context: Context) -> None:
    """
    Nobody signed out or who only looks gets in, and an editor deletes nothing.
    """
    context.registry.sites.add("site1.test")

    assert "/login" in browser(context).get(f"{PATH}general").headers["location"]
    assert 403 == browser(context).post(f"{PATH}general", data={"action": "rename", "domain": "x.test"}).status_code
    editor = signed_in(context, role="editor")
    assert 403 == editor.get(f"{PATH}danger").status_code
    token = form_token(editor.get(f"{PATH}general").text)
    fields = {"form_token": token, "action": "delete", "confirm": "site1.test"}
    assert 403 == editor.post(f"{PATH}danger", data=fields).status_code
    assert context.registry.sites.find("site1.test") is not None


def test_a_viewer_only_looks(context: Context) -> None:
    """
    Looking is not changing.
    """
    context.registry.sites.add("site1.test")
    viewer = signed_in(context, role="viewer")
    token = form_token(viewer.get("/").text)

    assert 403 == viewer.get(f"{PATH}general").status_code
    fields = {"form_token": token, "action": "rename", "domain": "x.test"}
    assert 403 == viewer.post(f"{PATH}general", data=fields).status_code
    assert 403 == viewer.get("/people").status_code
    assert 403 == viewer.post("/keys", data={"form_token": token, "action": "add", "scope": "all"}).status_code


def test_rename_and_time_zone(context: Context) -> None:
    """
    A new name leads on to its own page; a new time zone waits for midnight and says so.
    """
    site_with_visits(context)
    client = signed_in(context)
    assert 303 == send(client, "general", "rezone", timezone="Europe/Stockholm").status_code
    assert "follow Europe/Stockholm" in client.get(f"{PATH}general").text
    response = send(client, "general", "rename", domain="new.test")

    assert "/sites/new.test/settings/general?saved=1" == response.headers["location"]
    assert "It was called site1.test before" in client.get(response.headers["location"]).text


def test_goals_and_funnels(context: Context) -> None:
    """
    Goals of each kind, a funnel of two, and both removed again.
    """
    site = context.registry.sites.add("site1.test")
    client = signed_in(context)
    send(
        client, "goals", "add", kind="event", target="Buy", currency="eur", custom_props="plan=gold\n", display_name=""
    )
    send(client, "goals", "add", kind="scroll", target="/blog", scroll_threshold="50")
    goals = context.registry.goals.all(site.id)
    assert [("Buy", "EUR", {"plan": "gold"}), ("Scroll 50% on /blog", None, {})] == [
        (goal.display_name, goal.currency, goal.custom_props) for goal in goals
    ]
    wrong = send(client, "goals", "add", kind="scroll", target="/blog", scroll_threshold="500")
    assert 400 == wrong.status_code and "from 1 to 100" in wrong.text
    send(client, "funnels", "add", name="Way", step1="Scroll 50% on /blog", step2="Buy")
    funnels = context.registry.funnels.all(site.id)
    assert [("Way", (goals[1].id, goals[0].id))] == [(funnel.name, funnel.goal_ids) for funnel in funnels]
    assert "Scroll 50% on /blog → Buy" in client.get(f"{PATH}funnels").text
    send(client, "goals", "remove", id=str(goals[0].id))
    assert (goals[1].id,) == context.registry.funnels.all(site.id)[0].goal_ids
    send(client, "funnels", "remove", id=str(funnels[0].id))
    assert [] == context.registry.funnels.all(site.id)


def test_a_funnel_makes_its_goals(context: Context) -> None:
    """
    Steps are typed: a page or an event that is no goal yet becomes one, and nothing is made for a funnel that is none.
    """
    site = site_with_visits(context)
    client = signed_in(context)

    assert '<option value="/pricing"></option>' in client.get(f"{PATH}funnels").text
    assert 400 == send(client, "funnels", "add", name="Way", step1="/pricing", step2="/pricing").status_code
    assert [] == context.registry.goals.all(site.id)
    send(client, "funnels", "add", name="Way", step1="/pricing", step2="Purchase", step3="/thanks")
    goals = {goal.id: goal for goal in context.registry.goals.all(site.id)}
    assert ["Visit /pricing", "Purchase", "Visit /thanks"] == [
        goals[number].display_name for number in context.registry.funnels.all(site.id)[0].goal_ids
    ]


def test_properties_shields_privacy(context: Context) -> None:
    """
    Lists are taken line by line, boxes as ticked; a wrong line changes nothing and stays to be corrected.
    """
    site = context.registry.sites.add("site1.test")
    client = signed_in(context)
    send(client, "properties", "add", name="author")
    send(client, "shields", "change", ip="192.0.2.0/24\n", country="se\nNO", page="", hostname="")
    send(client, "privacy", "change", k="7", preset="", risk="1", signals="drop", datacenter="drop")
    now = context.registry.sites.by_id(site.id)

    assert now is not None
    assert (("192.0.2.0/24",), ("NO", "SE")) == (now.shields.ip, now.shields.country)
    assert (7, False, True, "drop", "drop") == (now.k, now.vault, now.risk, now.signals, now.datacenter)
    assert ["author"] == context.registry.properties.all(site.id)
    wrong = send(client, "shields", "change", ip="nowhere", country="", page="", hostname="")
    assert 400 == wrong.status_code and ">nowhere</textarea>" in wrong.text
    send(client, "properties", "remove", name="author")
    send(client, "privacy", "change", k="7", preset="cnil", vault="1", signals="drop", datacenter="drop")
    later = context.registry.sites.by_id(site.id)
    assert later is not None
    assert (False, False, "cnil") == (later.vault, later.risk, later.preset)


def test_sharing(context: Context) -> None:
    """
    Public or not; a link limited to a segment until a day; both removed again.
    """
    site = context.registry.sites.add("site1.test")
    client = signed_in(context)
    send(client, "sharing", "public", public="1")
    send(client, "sharing", "add_segment", name="Google", filter="source", value="Google")
    segment = context.registry.segments.all(site.id)[0]
    send(client, "sharing", "add", name="Press", password="", expires="2030-01-31", segment=str(segment.id))
    shared = context.registry.shared_links.all(site.id)[0]
    html = client.get(f"{PATH}sharing").text

    assert f"http://stats.test/share/{shared.slug}" in html and "until 2030-02-01" in html
    assert [["is", "visit:source", ["Google"]]] == segment.filters
    assert 400 == send(client, "sharing", "remove_segment", id=str(segment.id)).status_code
    assert 400 == send(client, "sharing", "add", name="x", expires="soon").status_code
    send(client, "sharing", "remove", id=str(shared.id))
    assert [] == context.registry.shared_links.all(site.id)


@pytest.mark.parametrize("action", ["reset", "delete"])
def test_deleting_needs_the_name(context: Context, action: str) -> None:
    """
    Without the site's name typed nothing goes; with it every row does.
    """
    site = site_with_visits(context)
    client = signed_in(context)
    assert 400 == send(client, "danger", action, confirm="yes").status_code
    assert [(20,)] == context.warehouse.query(
        "SELECT count() FROM events WHERE site_id = {site:UInt32}", {"site": site.id}
    )
    assert 303 == send(client, "danger", action, confirm="site1.test").status_code

    for table in ("events", "visits", "drops"):
        rows = context.warehouse.query(
            f"SELECT count() FROM {table} WHERE site_id = {{site:UInt32}}", {"site": site.id}
        )
        assert [(0,)] == rows
    assert (action == "reset") == (context.registry.sites.find("site1.test") is not None)
