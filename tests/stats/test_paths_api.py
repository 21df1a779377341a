"""
Funnels, journeys and notes by key.
"""

from __future__ import annotations

from typing import Any

from dashboard.context import Context
from tests.pages.test_funnels import funnel_site
from tests.stats.asking import ask_http


def call(context: Context, scope: str, method: str, path: str, **arguments: Any) -> tuple[int, Any]:
    key = context.registry.keys.add(scope)[1]
    response = ask_http(context, method, f"/api/v1/{path}", key=key, **arguments)
    return response.status_code, response.json()


def test_funnel(context: Context) -> None:
    """
    A funnel's steps, as on the page; an unknown one says which there are.
    """
    site = funnel_site(context)
    name = context.registry.funnels.all(site.id)[0].name
    asked = {"site_id": site.domain, "period": "day", "funnel": name}

    steps = [{"goal": "Visit /blog/**", "visitors": 5}, {"goal": "Purchase", "visitors": 3}]
    assert (200, {"funnel": name, "steps": steps}) == call(context, "stats", "GET", "stats/funnel", params=asked)
    status, refused = call(context, "stats", "GET", "stats/funnel", params={**asked, "funnel": "none"})
    assert (400, f"The site has no funnel `none`. Its funnels: `{name}`.") == (status, refused["error"])
    assert 401 == call(context, "sites", "GET", "stats/funnel", params=asked)[0]


def test_journey(context: Context) -> None:
    """
    What came before and after a page, as on the page.
    """
    site = funnel_site(context)
    asked = {"site_id": site.domain, "period": "day", "page": "/blog/a"}
    answered = {
        "page": "/blog/a",
        "visitors": 5,
        "before": [{"kind": "page", "name": "/", "visitors": 5}],
        "after": [{"kind": "event", "name": "Purchase", "visitors": 3}, {"kind": "edge", "name": "", "visitors": 2}],
    }

    assert (200, answered) == call(context, "stats", "GET", "stats/journey", params=asked)
    assert 400 == call(context, "stats", "GET", "stats/journey", params={**asked, "page": ""})[0]


def test_notes(context: Context) -> None:
    """
    Notes are written, listed by day and deleted.
    """
    context.registry.sites.add("api.test")
    asked = {"site_id": "api.test"}
    sent = {**asked, "day": "2026-11-21", "note": "New prices"}
    status, made = call(context, "sites", "PUT", "sites/annotations", json={**sent, "public": True})

    assert (200, {"id": made["id"], "day": "2026-11-21", "note": "New prices", "public": True}) == (status, made)
    assert {"annotations": [made]} == call(context, "sites", "GET", "sites/annotations", params=asked)[1]
    later = {**asked, "from": "2026-11-22"}
    assert {"annotations": []} == call(context, "sites", "GET", "sites/annotations", params=later)[1]
    assert 400 == call(context, "sites", "PUT", "sites/annotations", json={**sent, "public": 1})[0]
    assert 400 == call(context, "sites", "GET", "sites/annotations", params={**asked, "to": "soon"})[0]
    gone = f"sites/annotations/{made['id']}"
    assert (200, {"deleted": True}) == call(context, "sites", "DELETE", gone, params=asked)
    assert 404 == call(context, "sites", "DELETE", gone, params=asked)[0]
    assert 404 == call(context, "sites", "DELETE", "sites/annotations/x", params=asked)[0]
