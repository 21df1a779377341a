"""
Notes on a site's graph.
"""

from __future__ import annotations

import re
from datetime import date
from html import unescape

from dashboard.context import Context
from dashboard.pages.annotations import marks
from dashboard.pages.languages import locale_of
from tests.pages.browsing import TODAY, browser, form_token, signed_in, site_with_visits
from warehouse.registry.annotations import Annotation

ADDRESS = "/sites/site1.test/annotations"


def note(day: str, text: str = "x") -> Annotation:
    return Annotation(1, 1, date.fromisoformat(day), text, False, 0)


def test_notes_are_written_changed_and_removed(context: Context) -> None:
    """
    An editor writes a note without a script; it stands in the list and in the graph, and goes again.
    """
    site = site_with_visits(context)
    client = signed_in(context, role="editor")
    html = client.get("/site1.test?metric=visits").text
    view = unescape(re.findall(r'name="view" value="([^"]*)"', html)[0])
    sent = {"form_token": form_token(html), "action": "add", "day": TODAY, "note": "<New> prices", "view": view}
    written = client.post(ADDRESS, data=sent)
    shown = client.get(written.headers["location"]).text
    number = re.findall(r'name="id" value="(\d+)"', shown)[0]

    assert (303, "/site1.test?metric=visits") == (written.status_code, written.headers["location"])
    assert '<span class="note-text">&lt;New&gt; prices</span>' in shown
    assert '"notes":{"0":["22 Nov: <New> prices"]}' in unescape(shown)
    assert '<svg class="marks"' in shown
    client.post(ADDRESS, data={**sent, "action": "change", "id": number, "note": "Prices", "public": "1"})
    assert ("Prices", True) == only_note(context, site.id)
    client.post(ADDRESS, data={**sent, "action": "remove", "id": number})
    assert '<svg class="marks"' not in client.get("/site1.test").text


def only_note(context: Context, site_id: int) -> tuple[str, bool]:
    (found,) = context.registry.annotations.between(site_id, date.min, date.max, only_public=False)
    return found.note, found.public


def test_who_sees_and_writes_notes(context: Context) -> None:
    """
    The public sees public notes, viewers all of them, and neither may write any.
    """
    site = site_with_visits(context)
    context.registry.sites.change("site1.test", public=True)
    context.registry.annotations.add(site.id, TODAY, "Fair in Malmö", public=True)
    context.registry.annotations.add(site.id, TODAY, "Price of the fair")
    public, viewer = browser(context), signed_in(context, role="viewer")
    html = viewer.get("/site1.test").text
    refused = viewer.post(ADDRESS, data={"form_token": form_token(html), "action": "add", "day": TODAY, "note": "x"})

    assert "Fair in Malmö" in public.get("/site1.test").text
    assert "Price of the fair" not in public.get("/site1.test").text
    assert "Price of the fair" in html
    assert "note-edit" not in html
    assert 403 == refused.status_code
    assert 403 == public.post(ADDRESS, data={"action": "add", "day": TODAY, "note": "x"}).status_code


def test_wrong_notes_make_a_sentence(context: Context) -> None:
    """
    What is no day, no note or no site is answered in words.
    """
    site_with_visits(context)
    client = signed_in(context)
    token = form_token(client.get("/site1.test").text)
    answers = [
        client.post(address, data={"form_token": token, "day": TODAY, "note": "x", **sent})
        for address, sent in (
            (ADDRESS, {"action": "add", "day": "soon"}),
            (ADDRESS, {"action": "remove", "id": "77"}),
            (ADDRESS, {"action": "burn"}),
            ("/sites/none.test/annotations", {"action": "add"}),
        )
    ]

    assert [400, 400, 404, 404] == [answer.status_code for answer in answers]
    assert "is not a day" in answers[0].text


def test_marks_stand_at_their_bucket() -> None:
    """
    A note stands at its day, at its day's first hour, or at the week it falls in.
    """
    english = locale_of("en")
    days = [f"2026-11-0{day}" for day in range(1, 6)]
    hours = [f"2026-11-0{day} {hour:02d}:00:00" for day in (1, 2) for hour in range(24)]

    assert [(1, "25.00%", ("2 Nov: x",))] == [
        (mark.index, mark.at, mark.texts) for mark in marks([note("2026-11-02")], days, english)
    ]
    assert [24] == [mark.index for mark in marks([note("2026-11-02")], hours, english)]
    assert [1] == [mark.index for mark in marks([note("2026-11-11")], ["2026-11-02", "2026-11-09"], english)]
    assert [] == marks([note("2026-10-11")], ["2026-11-02", "2026-11-09"], english)
    assert ["50%"] == [mark.at for mark in marks([note("2026-11-02")], ["2026-11-02"], english)]
