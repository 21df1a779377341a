"""
Keys, statuses and texts of the JSON answers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dashboard.api.access import INVALID_KEY, MISSING_KEY, MISSING_SITE
from dashboard.context import Context
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment
from warehouse.client import QueryTimeout, Warehouse, WarehouseUnavailable

QUERY: dict[str, Any] = {"site_id": "api.test", "metrics": ["visitors"], "date_range": "all"}


def key_for(context: Context, scope: str = "stats", *, site: str | None = None) -> str:
    return context.registry.keys.add(scope, site=site)[1]


def post(context: Context, key: str, **changes: Any) -> tuple[int, Any]:
    body = {name: value for name, value in {**QUERY, **changes}.items() if value is not ...}
    response = ask_http(context, "POST", "/api/v2/query", key=key, json=body)
    return response.status_code, response.json()


def test_no_key(context: Context) -> None:
    """
    Without a key: 401, and what is missing.
    """
    assert (401, {"error": MISSING_KEY}) == post(context, "")


@pytest.mark.parametrize("scope", ["ingest", "sites", "risk", "privacy"])
def test_key_of_another_scope(context: Context, scope: str) -> None:
    """
    A key for something else reads no stats.
    """
    context.registry.sites.add("api.test")

    assert (401, {"error": INVALID_KEY}) == post(context, key_for(context, scope))


def test_key_of_another_site(context: Context) -> None:
    """
    A key for one site reads no other, and does not learn whether it exists.
    """
    context.registry.sites.add("api.test")
    context.registry.sites.add("mine.test")
    key = key_for(context, site="mine.test")

    assert (401, {"error": INVALID_KEY}) == post(context, key)
    assert (401, {"error": INVALID_KEY}) == post(context, key, site_id="nowhere.test")
    assert 200 == post(context, key, site_id="mine.test")[0]


def test_no_site(context: Context) -> None:
    """
    Without a site: 400, and what is missing.
    """
    assert (400, {"error": MISSING_SITE}) == post(context, key_for(context), site_id=...)


def test_previous_domain_still_answers(context: Context) -> None:
    """
    A renamed site is found by the domain it had.
    """
    context.registry.sites.add("api.test")
    context.registry.sites.rename("api.test", "new.test")

    assert 200 == post(context, key_for(context))[0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"metrics": []}, "#/metrics: Expected a minimum of 1 items but got 0."),
        ({"metrics": "visitors"}, "#/metrics: Type mismatch. Expected Array but got String."),
        ({"metrics": ["visitors", 5]}, "#/metrics/1: Invalid metric 5"),
        ({"metrics": ...}, "#: Required property metrics was not present."),
        ({"surprise": 1}, "#/surprise: Schema does not allow additional properties."),
        ({"date_range": ["2021-01-02", "2021-01-01"]}, '#/date_range: Invalid date range ["2021-01-02", "2021-01-01"]'),
        ({"date_range": 7}, "#/date_range: Invalid date range 7"),
        ({"filters": [["is", "event:page"]]}, '#/filters/0: Invalid filter ["is", "event:page"]'),
        ({"filters": [["foo", "event:page", ["/"]]]}, '#/filters/0: Invalid filter ["foo", "event:page", ["/"]]'),
        ({"filters": [["not", [["is", "a"]]]]}, '#/filters/0/1: Invalid filter [["is", "a"]]'),
        ({"dimensions": ["event:props:"]}, '#/dimensions/0: Invalid dimension "event:props:"'),
        ({"dimensions": ["time:second"]}, '#/dimensions/0: Invalid dimension "time:second"'),
        ({"pagination": {"limit": 10_001}}, "#/pagination/limit: Expected the value to be <= 10000"),
        ({"include": {"time_labels": True}}, "Invalid include.time_labels: requires a time dimension."),
    ],
)
def test_bad_question(context: Context, changes: dict[str, Any], text: str) -> None:
    """
    A wrong question is 400 with the place and the value.
    """
    context.registry.sites.add("api.test")

    assert (400, {"error": text}) == post(context, key_for(context), **changes)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000, b'"x"'])
def test_bad_body(context: Context, body: bytes) -> None:
    """
    A body that is no JSON object is 400, whatever it is.
    """
    response = ask_http(context, "POST", "/api/v2/query", key=key_for(context), content=body)

    assert 400 == response.status_code


class BrokenWarehouse(Warehouse):
    """
    A store that only fails.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__("chdb:///nowhere")
        self._error = error

    def query(self, *arguments: object, **named: object) -> list[tuple[Any, ...]]:
        raise self._error


@pytest.mark.parametrize(
    ("error", "status"),
    [(QueryTimeout("too slow"), 504), (WarehouseUnavailable("connection refused by 10.0.0.1"), 503)],
)
def test_broken_store(context: Context, error: Exception, status: int) -> None:
    """
    A slow or absent store is said, not hidden behind a 500, and its address stays inside.
    """
    context.registry.sites.add("api.test")
    broken = replace(context, warehouse=BrokenWarehouse(error))

    found, answer = post(broken, key_for(context), date_range="7d")

    assert status == found
    assert "10.0.0.1" not in answer["error"]


def test_realtime_is_a_bare_number(context: Context) -> None:
    """
    The live number is an integer and nothing else.
    """
    context.registry.sites.add("api.test")

    response = ask_http(
        context, "GET", "/api/v1/stats/realtime/visitors", key=key_for(context), params={"site_id": "api.test"}
    )

    assert (200, 0) == (response.status_code, response.json())


def test_small_cells_reach_the_api(context: Context) -> None:
    """
    The gate is the same for keys: too few visitors are null, with the warning.
    """
    site = context.registry.sites.add("api.test")
    insert(context.warehouse, site.id, [Happening(moment("2021-01-01T00:00:00"), page="/only")])

    status, answer = post(context, key_for(context), filters=[["is", "event:page", ["/only"]]])

    assert (200, [None]) == (status, answer["results"][0]["metrics"])
    assert "small_cell" == answer["meta"]["metric_warnings"]["visitors"]["code"]


def test_sites_by_key(context: Context) -> None:
    """
    Create, list, show, rename and remove a site.
    """
    key = key_for(context, "sites")
    new = {"domain": "one.test", "timezone": "Europe/Stockholm"}

    assert new == ask_http(context, "POST", "/api/v1/sites", key=key, json=new).json()
    assert [new] == ask_http(context, "GET", "/api/v1/sites", key=key).json()["sites"]
    assert 5 == ask_http(context, "GET", "/api/v1/sites/one.test", key=key).json()["k"]
    renamed = ask_http(context, "PUT", "/api/v1/sites/one.test", key=key, json={"domain": "two.test"}).json()
    assert {**new, "domain": "two.test"} == renamed
    assert {"deleted": True} == ask_http(context, "DELETE", "/api/v1/sites/two.test", key=key).json()
    assert 404 == ask_http(context, "GET", "/api/v1/sites/two.test", key=key).status_code


def test_sites_are_not_for_stats_keys(context: Context) -> None:
    """
    A key for stats neither sees nor makes sites, and one for a single site makes none.
    """
    context.registry.sites.add("api.test")
    new = {"domain": "new.test"}

    assert 401 == ask_http(context, "GET", "/api/v1/sites", key=key_for(context)).status_code
    one = key_for(context, "sites", site="api.test")
    assert 401 == ask_http(context, "POST", "/api/v1/sites", key=one, json=new).status_code
    assert ["api.test"] == [
        site["domain"] for site in ask_http(context, "GET", "/api/v1/sites", key=one).json()["sites"]
    ]


def test_site_list_in_pages(context: Context) -> None:
    """
    Pages of sites follow each other by domain.
    """
    for name in "abc":
        context.registry.sites.add(f"{name}.test")
    key = key_for(context, "sites")

    first = ask_http(context, "GET", "/api/v1/sites", key=key, params={"limit": 2}).json()
    rest = ask_http(context, "GET", "/api/v1/sites", key=key, params={"limit": 2, "after": first["meta"]["after"]})

    assert {"after": "b.test", "before": None, "limit": 2} == first["meta"]
    assert ["c.test"] == [site["domain"] for site in rest.json()["sites"]]


def test_bad_site_settings(context: Context) -> None:
    """
    A taken domain, an unknown time zone and a missing domain are 400 with a reason.
    """
    key = key_for(context, "sites")
    context.registry.sites.add("one.test")

    for body in ({"domain": "one.test"}, {"domain": "x.test", "timezone": "Mars/Base"}, {}, {"domain": 5}):
        response = ask_http(context, "POST", "/api/v1/sites", key=key, json=body)

        assert 400 == response.status_code
        assert response.json()["error"]


def test_dropped_by_reason_and_hour(context: Context) -> None:
    """
    Drops of the asked days are summed by hour and reason.
    """
    site = context.registry.sites.add("api.test")
    hours = ["2026-05-07T10:00:00", "2026-05-08T10:00:00", "2026-05-08T10:00:00", "2026-05-08T11:00:00"]
    context.warehouse.insert(
        "drops",
        {
            "site_id": [site.id] * 4,
            "hour": [moment(hour) for hour in hours],
            "reason": ["bot", "bot", "bot", "no_visit"],
            "hits": [9, 1, 2, 4],
        },
    )
    days = {"from": "2026-05-08", "to": "2026-05-08"}

    answer = ask_http(context, "GET", "/api/v1/sites/api.test/dropped", key=key_for(context), params=days).json()

    assert {"bot": 3, "no_visit": 4} == answer["totals"]
    assert [
        {"hour": "2026-05-08T10:00:00Z", "reason": "bot", "hits": 3},
        {"hour": "2026-05-08T11:00:00Z", "reason": "no_visit", "hits": 4},
    ] == answer["dropped"]
    days["from"] = "2026-05-09"
    response = ask_http(context, "GET", "/api/v1/sites/api.test/dropped", key=key_for(context), params=days)
    assert 400 == response.status_code
