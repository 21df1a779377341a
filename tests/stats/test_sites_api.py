"""
The sites API: goals, properties, shared links, settings and shields by key.
"""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.context import Context
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment

BUY = {"site_id": "api.test", "goal_type": "event", "event_name": "Buy", "currency": "EUR"}


@pytest.fixture
def key(context: Context) -> str:
    context.registry.sites.add("api.test")
    return context.registry.keys.add("sites")[1]


def call(context: Context, key: str, method: str, path: str, body: object = None, **extra: Any) -> tuple[int, Any]:
    arguments: dict[str, Any] = extra if body is None else {"json": body, **extra}
    response = ask_http(context, method, f"/api/v1/sites/{path}", key=key, **arguments)
    return response.status_code, response.json()


def test_a_goal_is_found_or_created(context: Context, key: str) -> None:
    """
    The answer has everything about the goal; asking again gives the same; deleting takes it away.
    """
    status, made = call(context, key, "PUT", "goals", {**BUY, "custom_props": {"plan": "gold"}, "display_name": "Gold"})

    assert 200 == status
    assert {
        "domain": "api.test", "id": made["id"], "display_name": "Gold", "goal_type": "event", "event_name": "Buy",
        "page_path": None, "currency": "EUR", "scroll_threshold": None, "custom_props": {"plan": "gold"},
    } == made  # fmt: skip
    assert (200, made) == call(context, key, "PUT", "goals", {**BUY, "custom_props": {"plan": "gold"}})
    del made["domain"]
    listed = {"goals": [made], "meta": {"after": None, "before": None, "limit": 100}}
    assert (200, listed) == call(context, key, "GET", "goals", params={"site_id": "api.test"})
    gone = call(context, key, "DELETE", f"goals/{made['id']}", {"site_id": "api.test"})
    assert (200, {"deleted": True}) == gone
    again = call(context, key, "DELETE", f"goals/{made['id']}", {"site_id": "api.test"})
    assert (404, {"error": "Goal could not be found"}) == again


@pytest.mark.parametrize("kind", ["page", "scroll"])
def test_a_scroll_goal_has_two_names(context: Context, key: str, kind: str) -> None:
    """
    A page with a threshold is a scroll goal, and `scroll` is accepted for it.
    """
    body = {"site_id": "api.test", "goal_type": kind, "page_path": "/blog", "scroll_threshold": 60}

    _, made = call(context, key, "PUT", "goals", body)

    assert ("page", 60, "Scroll 60% on /blog") == (made["goal_type"], made["scroll_threshold"], made["display_name"])


def test_goals_come_a_page_at_a_time(context: Context, key: str) -> None:
    """
    Cursors lead forwards and backwards through all of them.
    """
    for name in "abcde":
        call(context, key, "PUT", "goals", {**BUY, "event_name": name})
    site = {"site_id": "api.test", "limit": "2"}

    first = call(context, key, "GET", "goals", params=site)[1]
    second = call(context, key, "GET", "goals", params={**site, "after": first["meta"]["after"]})[1]
    back = call(context, key, "GET", "goals", params={**site, "before": second["meta"]["before"]})[1]

    assert ["a", "b"] == [goal["event_name"] for goal in first["goals"]]
    assert ["c", "d"] == [goal["event_name"] for goal in second["goals"]]
    assert first["goals"] == back["goals"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "text"),
    [
        ("PUT", "goals", {}, 400, "Parameter `site_id` is required to create a goal"),
        ("PUT", "goals", {"site_id": "no.test"}, 404, "Site could not be found"),
        ("PUT", "goals", {"site_id": "api.test"}, 400, "Parameter `goal_type` is required to create a goal"),
        ("PUT", "goals", {**BUY, "event_name": ""}, 400, "Parameter `event_name` is required to create a goal"),
        ("PUT", "goals", {**BUY, "goal_type": "page"}, 400, "Parameter `page_path` is required to create a goal"),
        ("PUT", "goals", {**BUY, "goal_type": "x"}, 400, "'x' is not a kind of goal: use event, page or scroll"),
        ("PUT", "goals", {**BUY, "currency": 5}, 400, "Parameter `currency` must be a text"),
        ("DELETE", "goals/1", {}, 400, "Parameter `site_id` is required to delete a goal"),
        ("DELETE", "goals/x", {"site_id": "api.test"}, 404, "Goal could not be found"),
        ("PUT", "custom-props", {"site_id": "api.test"}, 400,
         "Parameter `property` is required to create a custom property"),
        ("PUT", "shared-links", {"site_id": "api.test"}, 400, "Parameter `name` is required to create a shared link"),
        ("PUT", "shared-links", {"site_id": "api.test", "name": "a", "expires_at": "soon"}, 400,
         "expires_at must be a time such as 2027-01-31T12:00:00Z"),
        ("PUT", "no.test/settings", {"k": 1}, 404, "Site could not be found"),
        ("PUT", "api.test/settings", {"k": 0}, 400, "k is 0, but must be a whole number from 1 to 100"),
        ("PUT", "api.test/settings", {"shields": {}}, 400,
         "'shields' is not a setting of a site: use timezone, k, public, vault, risk, signals, datacenter, preset"),
        ("PUT", "api.test/shields", {"ip": "1.2.3.4"}, 400, "the ip shield must be a list of texts"),
        ("PUT", "api.test/shields", {"ip": ["1.2.3"]}, 400, "an entry of the ip shield is neither an address nor a"
         " network such as 192.0.2.0/24"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(
    context: Context, key: str, method: str, path: str, body: dict[str, Any], status: int, text: str
) -> None:
    """
    Each refusal says which parameter and what is allowed.
    """
    assert (status, {"error": text}) == call(context, key, method, path, body)


def test_keys_of_other_scopes_and_sites(context: Context, key: str) -> None:
    """
    Only keys for sites may, and one for a single site only there.
    """
    context.registry.sites.add("other.test")
    stats, other = context.registry.keys.add("stats")[1], context.registry.keys.add("sites", site="other.test")[1]
    for path in ("goals", "custom-props", "shared-links", "api.test/settings", "api.test/shields"):
        assert 401 == call(context, stats, "PUT", path, {**BUY, "property": "a", "name": "b"})[0]
        assert 404 == call(context, other, "PUT", path, {**BUY, "property": "a", "name": "b"})[0]


def test_properties(context: Context, key: str) -> None:
    """
    Declared once, shown with the site, and taken back.
    """
    for _ in range(2):
        declared = call(context, key, "PUT", "custom-props", {"site_id": "api.test", "property": "title"})
        assert (200, {"created": True}) == declared
    listed = call(context, key, "GET", "custom-props", params={"site_id": "api.test"})
    assert (200, {"custom_properties": [{"property": "title"}]}) == listed
    assert ["title"] == call(context, key, "GET", "api.test")[1]["custom_properties"]
    gone = call(context, key, "DELETE", "custom-props/title", params={"site_id": "api.test"})
    assert (200, {"deleted": True}) == gone
    assert [] == call(context, key, "GET", "api.test")[1]["custom_properties"]


def test_shared_links(context: Context, key: str) -> None:
    """
    One link per name, with its address; it can be removed by name.
    """
    body = {"site_id": "api.test", "name": "Press kit", "expires_at": "2099-01-01T00:00:00Z"}

    _, made = call(context, key, "PUT", "shared-links", body)

    assert made["url"].startswith("http://stats.test/share/")
    assert ("Press kit", "2099-01-01T00:00:00+00:00", False) == (
        made["name"], made["expires_at"], made["password_protected"]
    )  # fmt: skip
    assert (200, made) == call(context, key, "PUT", "shared-links", body)
    assert [made] == call(context, key, "GET", "shared-links", params={"site_id": "api.test"})[1]["shared_links"]
    assert 200 == call(context, key, "DELETE", "shared-links/Press%20kit", {"site_id": "api.test"})[0]
    assert 404 == call(context, key, "DELETE", "shared-links/Press%20kit", {"site_id": "api.test"})[0]


def test_settings(context: Context, key: str) -> None:
    """
    What is named is changed and answered; the preset switches vault and risk off.
    """
    wanted = {"k": 1, "public": True, "signals": "drop", "datacenter": "drop", "preset": "cnil"}

    status, answer = call(context, key, "PUT", "api.test/settings", wanted)

    everything = {"domain": "api.test", "timezone": "Etc/UTC", "vault": False, "risk": False, **wanted,
                  "next_timezone": None}  # fmt: skip
    assert (200, everything) == (status, answer)
    assert (200, everything) == call(context, key, "GET", "api.test/settings")


def test_shields(context: Context, key: str) -> None:
    """
    Each kind that is named is replaced, the others stay.
    """
    call(context, key, "PUT", "api.test/shields", {"ip": ["192.0.2.1", "198.51.100.0/24"], "country": ["se"]})

    status, answer = call(context, key, "PUT", "api.test/shields", {"page": ["/admin/**"], "country": []})

    shields = {"ip": ["192.0.2.1", "198.51.100.0/24"], "country": [], "page": ["/admin/**"], "hostname": []}
    assert (200, shields) == (status, answer)
    assert (200, shields) == call(context, key, "GET", "api.test/shields")


def test_a_domain_with_a_path(context: Context, key: str) -> None:
    """
    A site that is part of a host is reached with its slash written as %2F.
    """
    context.registry.sites.add("api.test/blog")

    assert (200, "api.test/blog") == _domain(call(context, key, "GET", "api.test%2Fblog"))
    assert (200, "api.test/blog") == _domain(call(context, key, "PUT", "api.test%2Fblog/settings", {"k": 2}))


def _domain(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["domain"]


@pytest.mark.parametrize(
    "form",
    [
        {"data": {"site_id": "api.test", "goal_type": "event", "event_name": "Signup", "custom_props": '{"a": "b"}'}},
        {"files": {"site_id": (None, '"api.test"'), "goal_type": (None, "event"), "event_name": (None, "Signup"),
                   "custom_props": (None, '{"a": "b"}')}},
    ],
)  # fmt: skip
def test_forms(context: Context, key: str, form: dict[str, Any]) -> None:
    """
    Clients that send forms, as the documentation's curl examples do, are understood.
    """
    status, made = call(context, key, "PUT", "goals", **form)

    assert (200, "Signup", {"a": "b"}) == (status, made["event_name"], made["custom_props"])


@pytest.mark.parametrize(
    "sent",
    [
        (b"{", {}), (b"[]", {}), (b"\xff\xfe", {}), (b"x" * 300_000, {}),
        (b"a=%ff&b", {"content-type": "multipart/form-data"}),
        (b"\xff", {"content-type": "application/x-www-form-urlencoded"}),
    ],
)  # fmt: skip
def test_bodies_that_are_nothing(context: Context, key: str, sent: tuple[bytes, dict[str, str]]) -> None:
    """
    A body that cannot be read is refused with a sentence, whatever it is.
    """
    response = ask_http(context, "PUT", "/api/v1/sites/goals", key=key, sent_headers=sent[1], content=sent[0])

    assert response.status_code in (400, 413)
    assert response.json()["error"]


def test_revenue_of_goals(context: Context, key: str) -> None:
    """
    Each goal's revenue is counted in its own currency, and written as the stats API does.
    """
    site = context.registry.sites.change("api.test", k=1)
    call(context, key, "PUT", "goals", BUY)
    call(context, key, "PUT", "goals", {**BUY, "event_name": "Rent", "currency": "SEK"})
    call(context, key, "PUT", "goals", {**BUY, "event_name": "Signup", "currency": None})
    at = moment("2026-05-08T10:00:00")
    paid = [("Buy", "1000.00", "EUR"), ("Buy", "500.50", "EUR"), ("Buy", "7.00", "USD"), ("Rent", "90.00", "SEK")]
    insert(
        context.warehouse,
        site.id,
        [
            Happening(at, str(index), name=name, revenue=(amount, code))
            for index, (name, amount, code) in enumerate(paid)
        ]
        + [Happening(at, "free", name="Signup")],
    )
    stats = context.registry.keys.add("stats")[1]
    query = {"site_id": "api.test", "metrics": ["visitors", "total_revenue", "average_revenue"], "date_range": "all"}

    by_goal = ask_http(context, "POST", "/api/v2/query", key=stats, json={**query, "dimensions": ["event:goal"]}).json()
    buy = {**query, "filters": [["is", "event:goal", ["Buy"]]]}
    one = ask_http(context, "POST", "/api/v2/query", key=stats, json=buy).json()
    both = {**query, "filters": [["is", "event:goal", ["Buy", "Rent"]]]}
    mixed = ask_http(context, "POST", "/api/v2/query", key=stats, json=both).json()

    euros = {"value": 1500.5, "currency": "EUR", "short": "€1.5K", "long": "€1,500.50"}
    average = {"value": 750.25, "currency": "EUR", "short": "€750.2", "long": "€750.25"}
    assert {"dimensions": ["Buy"], "metrics": [3, euros, average]} in by_goal["results"]
    assert {"dimensions": ["Signup"], "metrics": [1, None, None]} in by_goal["results"]
    assert [3, euros, average] == one["results"][0]["metrics"]
    assert [4, None, None] == mixed["results"][0]["metrics"]
    assert "no_single_revenue_currency" == mixed["meta"]["metric_warnings"]["total_revenue"]["code"]
