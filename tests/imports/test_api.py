"""
The routes of imports: who may, what is answered.
"""

from __future__ import annotations

import pytest

from dashboard.context import Context
from tests.imports.importing import line, ndjson
from tests.stats.asking import ask_http
from warehouse.registry.sites import Site

PATH = "/api/v1/import?site_id=site1.test"
CONTENT = ndjson([line("2021-01-01T00:00:00Z"), line("2021-01-01T00:01:00Z")])


@pytest.mark.parametrize(
    ("scope", "status"),
    [("all", 200), ("sites", 200), ("ingest", 200), ("stats", 401), ("risk", 401), ("privacy", 401)],
)
def test_scopes(scope: str, status: int, context: Context, site: Site) -> None:
    """
    Keys for sites and for events may import, keys for reading may not.
    """
    _, key = context.registry.keys.add(scope)

    assert status == ask_http(context, "POST", PATH, key=key, content=CONTENT).status_code


def test_a_key_of_another_site_may_not(context: Context, site: Site) -> None:
    """
    A key of one site imports into no other.
    """
    context.registry.sites.add("site2.test")
    _, key = context.registry.keys.add("sites", site="site2.test")

    assert 401 == ask_http(context, "POST", PATH, key=key, content=CONTENT).status_code


@pytest.mark.parametrize(("path", "status"), [("/api/v1/import", 400), ("/api/v1/import?site_id=nobody.test", 401)])
def test_the_site_must_be_named(path: str, status: int, context: Context, site: Site) -> None:
    """
    A site that is not named or not there is told, before anything is read.
    """
    _, key = context.registry.keys.add("all")

    assert status == ask_http(context, "POST", path, key=key, content=CONTENT).status_code


def test_an_import_is_listed_and_deleted(context: Context, site: Site) -> None:
    """
    What came is listed with its days, and gone from the figures once deleted.
    """
    _, key = context.registry.keys.add("all")
    question = {"site_id": "site1.test", "metrics": ["pageviews"], "date_range": "all"}
    done = ask_http(context, "POST", PATH, key=key, content=CONTENT).json()

    listed = ask_http(context, "GET", PATH, key=key).json()["imports"]
    deleted = ask_http(context, "DELETE", f"/api/v1/import/{done['id']}?site_id=site1.test", key=key)
    again = ask_http(context, "DELETE", f"/api/v1/import/{done['id']}?site_id=site1.test", key=key)
    answer = ask_http(context, "POST", "/api/v2/query", key=key, json=question).json()

    assert [(done["id"], 2, "2021-01-01", "2021-01-01", "ndjson")] == [
        tuple(one[name] for name in ("id", "events", "first_day", "last_day", "format")) for one in listed
    ]
    assert (200, 2, 404) == (deleted.status_code, deleted.json()["events"], again.status_code)
    assert [0] == answer["results"][0]["metrics"]


def test_a_damaged_gzip_is_refused(context: Context, site: Site) -> None:
    """
    What cannot be unpacked is a bad request, and the site is free afterwards.
    """
    _, key = context.registry.keys.add("all")

    damaged = ask_http(context, "POST", PATH, key=key, content=b"\x1f\x8b" + b"x" * 100)
    good = ask_http(context, "POST", PATH, key=key, content=CONTENT)

    assert (400, 200, 2) == (damaged.status_code, good.status_code, good.json()["imported"])


def test_nothing_is_an_empty_import(context: Context, site: Site) -> None:
    """
    An empty stream imports nothing and is no import.
    """
    _, key = context.registry.keys.add("all")

    answer = ask_http(context, "POST", PATH, key=key, content=b"").json()

    assert {"imported": 0, "rejected": [], "repeated": 0, "id": None} == answer
    assert [] == ask_http(context, "GET", PATH, key=key).json()["imports"]


def test_a_process_without_a_store_says_so(context: Context, site: Site) -> None:
    """
    The dashboard alone cannot import, and tells who can.
    """
    _, key = context.registry.keys.add("all")
    alone = Context(context.warehouse, context.registry, context.clock, context.settings)

    assert 501 == ask_http(alone, "POST", PATH, key=key, content=CONTENT).status_code
