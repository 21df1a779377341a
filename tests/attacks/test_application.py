"""
Attacks 39 to 43 on the application behind the sign-in: injection, stored scripts, formulas, sessions, paths.
"""

from __future__ import annotations

import csv
import io
import re
import socket
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dashboard.context import Context
from tests.clocks import FakeClock
from tests.pages.browsing import EMAIL, PASSWORD, TODAY, browser, form_token, signed_in, site_with_visits
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment
from warehouse.client import Warehouse
from warehouse.registry.database import Registry
from warehouse.settings import load_settings

INJECTIONS = (
    "'", "\\", "`", '"', "' OR 1=1 --", "\\' OR 1=1 --", "{p0:String}", "{x:String}", "/*", "*/", ";", "%", "\0",
    "') UNION ALL SELECT 1, name FROM system.tables --", "' ; DROP TABLE canary; --", "url('http://127.0.0.1:9/')",
    "file('/etc/passwd')", "remote('127.0.0.1','system','one')", "' FORMAT Vertical", "' SETTINGS max_threads=1",
    "executable('id')", "${7*7}", "{{7*7}}",
)  # fmt: skip
SCRIPTS = (
    "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "javascript:alert(1)",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
)  # fmt: skip
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "\r=1+1", "=cmd|' /C calc'!A0")


@pytest.fixture
def context(warehouse: Warehouse, clock: FakeClock, tmp_path: Path) -> Iterator[Context]:
    registry = Registry(f"sqlite:///{tmp_path / 'registry.sqlite'}", clock)
    yield Context(warehouse, registry, clock, load_settings({"DAYSALT_DATA_DIR": str(tmp_path)}))
    registry.close()


@pytest.fixture
def canary(warehouse: Warehouse) -> Iterator[Warehouse]:
    """
    A table that no question may touch.
    """
    warehouse.command("CREATE TABLE canary (song String) ENGINE = Memory")
    warehouse.command("INSERT INTO canary VALUES ('alive')")
    yield warehouse
    assert [("alive",)] == warehouse.query("SELECT song FROM canary")
    warehouse.command("DROP TABLE canary")


def _questions(text: str) -> Iterator[dict[str, Any]]:
    base: dict[str, Any] = {"site_id": "site1.test", "metrics": ["visitors"], "date_range": "all"}
    yield {**base, "site_id": text}
    yield {**base, "metrics": [text]}
    yield {**base, "date_range": text}
    yield {**base, "date_range": [text, text]}
    yield {**base, "dimensions": [text]}
    yield {**base, "dimensions": [f"event:props:{text}"]}
    yield {**base, "dimensions": ["visit:source"], "order_by": [[text, "asc"]]}
    yield {**base, "dimensions": ["visit:source"], "order_by": [["visitors", text]]}
    yield {**base, "pagination": {"limit": text}}
    for operator in ("is", "is_not", "contains", "contains_not", "matches", "matches_not"):
        for dimension in (
            "event:page",
            "visit:source",
            "visit:entry_page",
            "visit:city",
            "event:goal",
            "event:props:a",
        ):
            yield {**base, "filters": [[operator, dimension, [text]]]}
    yield {**base, "filters": [["is", f"event:props:{text}", ["a"]]]}


@pytest.mark.parametrize("text", INJECTIONS)
def test_39_questions_are_no_statements(context: Context, canary: Warehouse, text: str) -> None:
    """
    Whatever is put where in a question: an answer or a refusal, never a broken statement, and nothing else is read.
    """
    site = site_with_visits(context)
    key = context.registry.keys.add("stats")[1]
    context.registry.goals.add(
        site.id,
        kind="page",
        page_path=f"/{text}*",
        display_name=f"goal {text}",
        custom_props={text.strip() or "x": text},
    )
    for question in _questions(text):
        answer = ask_http(context, "POST", "/api/v2/query", key=key, json=question)
        assert answer.status_code in (200, 400, 401), (question, answer.text)
        assert "canary" not in answer.text.replace(text, "") and "root:" not in answer.text
    goals = {
        "site_id": "site1.test",
        "metrics": ["visitors", "events"],
        "date_range": "all",
        "dimensions": ["event:goal"],
    }
    assert 200 == ask_http(context, "POST", "/api/v2/query", key=key, json=goals).status_code
    for name in ("site_id", "period", "date", "metrics", "filters", "property", "limit", "page", "interval", "compare"):
        given = {"site_id": "site1.test", "property": "event:page", name: text}
        for report in ("aggregate", "timeseries", "breakdown"):
            answer = ask_http(context, "GET", f"/api/v1/stats/{report}", key=key, params=given)
            assert answer.status_code in (200, 400, 401), (report, given, answer.text)


@pytest.mark.parametrize("text", INJECTIONS)
def test_39_addresses_and_forms_are_no_statements(context: Context, canary: Warehouse, text: str) -> None:
    """
    The same through pages, their CSV and the sites API.
    """
    site_with_visits(context)
    client = signed_in(context)
    for name in ("period", "from", "to", "interval", "metric", "sources", "details", "page", "lang", "theme"):
        assert 200 == client.get("/site1.test", params={"period": "custom", name: text}).status_code
    for name in ("page", "source", "country", "city", "event"):
        assert 200 == client.get("/site1.test", params={"f": f"{name}:{text}", "details": "pages"}).status_code
        assert (
            200
            == client.get(
                "/site1.test", params={"f": f"{name}:{text}", "details": "pages", "format": "csv"}
            ).status_code
        )
    key = context.registry.keys.add("sites")[1]
    for method, path, body in (
        ("POST", "", {"domain": text}), ("POST", "", {"domain": "a.test", "timezone": text}),
        ("PUT", "/goals", {"site_id": "site1.test", "goal_type": text, "event_name": text}),
        ("PUT", "/site1.test/settings", {"timezone": text, "k": text}),
        ("PUT", "/site1.test/shields", {"ip": [text], "country": [text]}),
    ):  # fmt: skip
        assert 400 == ask_http(context, method, f"/api/v1/sites{path}", key=key, json=body).status_code
    for path, body in (
        ("/goals", {"goal_type": "event", "event_name": f"e{text}"}), ("/custom-props", {"property": f"p{text}"}),
        ("/shared-links", {"name": f"n{text}"}),
    ):  # fmt: skip
        answer = ask_http(context, "PUT", f"/api/v1/sites{path}", key=key, json={"site_id": "site1.test", **body})
        assert answer.status_code in (200, 400)


class _Attributes(HTMLParser):
    """
    Every attribute of a page, as a browser reads it.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("text", SCRIPTS)
def test_40_what_visitors_send_is_text(context: Context, text: str) -> None:
    """
    Paths, referrers, sources, campaigns and names of visitors and owners are shown as text, under a strict policy.
    """
    site = context.registry.sites.add("site1.test")
    attributes = dict.fromkeys(
        ("referrer", "source", "channel", "utm_source", "utm_medium", "utm_campaign", "browser", "country"), text
    )
    sent: dict[str, Any] = {"page": text, "host": text, "attributes": attributes, "props": {text: text}}
    times = [(moment(f"{TODAY}T{hour:02d}:00:00"), f"v{hour}") for hour in range(10)]
    happenings = [Happening(at, who, name=name, **sent) for at, who in times for name in ("pageview", text)]
    insert(context.warehouse, site.id, happenings)
    goal = context.registry.goals.add(site.id, kind="event", event_name=text, display_name=f"goal {text}")
    other = context.registry.goals.add(site.id, kind="page", page_path=f"/{text}")
    context.registry.funnels.add(site.id, text, [goal.id, other.id])
    context.registry.properties.add(site.id, text)
    context.registry.segments.add(site.id, text, [["is", "visit:source", [text]]])
    shared = context.registry.shared_links.add(site.id, text)
    context.registry.sites.change("site1.test", shields={"page": [f"/{text}"], "hostname": [text]})
    client = signed_in(context)
    sections = ("goals", "funnels", "properties", "shields", "sharing")
    pages = [f"/sites/site1.test/settings/{section}" for section in sections]
    pages += [f"/site1.test?sources={tab}&pages={tab}" for tab in ("referrers", "campaigns", "utm_medium", "entry")]
    pages += ["/site1.test?details=sources&sources=referrers", f"/share/{shared.slug}?pages=hosts"]
    for path in pages:
        response = client.get(path)
        assert 200 == response.status_code
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
        assert text not in response.text or text.startswith("javascript:")
        attributes_found = _Attributes(response.text).found
        assert [] == [name for name, _ in attributes_found if name.startswith("on")], path
        targets = [value for name, value in attributes_found if name in ("href", "src", "action")]
        assert [] == [value for value in targets if value.strip().lower().startswith("javascript:")], path
        for island in re.findall(r'data-graph="([^"]*)"', response.text):
            assert "<" not in unescape(island) or "\\u003c" in island or "&lt;" in island


@pytest.mark.parametrize("text", FORMULAS)
def test_41_a_spreadsheet_runs_nothing(context: Context, text: str) -> None:
    """
    What begins like a formula is typed as text, quoted right, and reads back as it was behind the apostrophe.
    """
    site = context.registry.sites.change(context.registry.sites.add("site1.test").domain, k=1)
    at = moment(f"{TODAY}T08:00:00")
    insert(context.warehouse, site.id, [Happening(at, "a", page=text), Happening(at, "b", page='/a,"b";c')])
    content = signed_in(context).get("/site1.test?details=pages&format=csv&period=day").content.decode()
    rows = list(csv.reader(io.StringIO(content, newline="")))

    assert ["page", "visitors"] == rows[0][:2]
    assert {f"'{text}", '/a,"b";c'} == {row[0] for row in rows[1:]}


def test_42_a_sign_in_cannot_be_planted(context: Context) -> None:
    """
    A cookie that was set beforehand is not what signing in goes on with, and the old one ends.
    """
    client = signed_in(context)
    before = client.cookies["daysalt"]
    victim = browser(context)
    victim.cookies.set("daysalt", "planted")
    victim.post("/login", data={"email": EMAIL, "password": PASSWORD})
    client.post("/login", data={"email": EMAIL, "password": PASSWORD})
    stale = browser(context)
    stale.cookies.set("daysalt", before)

    assert "planted" not in {cookie.value for cookie in victim.cookies.jar if cookie.domain}
    assert client.cookies["daysalt"] != before
    assert "/login" in stale.get("/account").headers["location"]


FORMS = (
    "/login", "/login/code", "/logout", "/setup", "/sites", "/account", "/people", "/keys",
    *(f"/sites/site1.test/settings/{section}" for section in ("general", "goals", "shields", "sharing", "danger")),
)  # fmt: skip


@pytest.mark.parametrize("path", FORMS)
def test_42_other_sites_cannot_send_our_forms(context: Context, path: str) -> None:
    """
    Not with a foreign origin, and not without the token of whoever is signed in; nothing changes by being looked at.
    """
    context.registry.sites.add("site1.test")
    client = signed_in(context)
    everything = {"action": "delete", "confirm": "site1.test", "email": EMAIL, "password": PASSWORD, "scope": "all",
                  "domain": "evil.test", "name": "x"}  # fmt: skip
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert 403 == client.post(path, data=everything, headers=headers).status_code
    if path not in ("/login", "/login/code", "/setup"):
        for token in ("", "0" * 64, "\udcff"):
            data = {**everything, "form_token": token.encode("utf-8", "replace").decode()}
            assert 403 == client.post(path, data=data).status_code
    client.get(path, params=everything)

    assert ["site1.test"] == [site.domain for site in context.registry.sites.all()]
    assert [] == context.registry.keys.all() and 200 == client.get("/account").status_code


def test_42_what_is_taken_away_is_gone_at_once(context: Context) -> None:
    """
    A revoked key and a demoted person are refused with their next request, and keys never show up in addresses.
    """
    context.registry.sites.add("site1.test")
    key, plain = context.registry.keys.add("sites")
    client = signed_in(context)
    assert 200 == ask_http(context, "GET", "/api/v1/sites", key=plain).status_code
    assert 401 == ask_http(context, "GET", "/api/v1/sites", params={"key": plain, "api_key": plain}).status_code
    context.registry.keys.revoke(key.id)
    assert 401 == ask_http(context, "GET", "/api/v1/sites", key=plain).status_code
    context.registry.users.add("bo@site1.test", "owner")
    token = form_token(client.get("/keys").text)
    context.registry.users.change_role(EMAIL, "viewer")

    assert 403 == client.post("/keys", data={"form_token": token, "action": "add", "scope": "all"}).status_code


def test_42_passwords_cannot_be_tried_out(context: Context) -> None:
    """
    By account and without anybody's address: ten, then the account waits; another one does not.
    """
    signed_in(context)
    _, token = context.registry.users.add("bo@site1.test")
    context.registry.users.accept(token, PASSWORD)
    tries = [
        browser(context).post("/login", data={"email": EMAIL, "password": f"guess {n}"}).status_code for n in range(11)
    ]

    assert [401] * 10 + [429] == tries
    assert 303 == browser(context).post("/login", data={"email": "bo@site1.test", "password": PASSWORD}).status_code


PATHS = (
    "/static/../../etc/passwd", "/static/..%2f..%2f..%2fetc%2fpasswd", "/static/%2e%2e/%2e%2e/app.py",
    "/static/..\\..\\app.py",
    "/static/%00", "/static//etc/passwd", "/share/../../etc/passwd", "/share/..%2f..%2fregistry.sqlite",
    "/js/../../etc/passwd",
    "/sites/..%2f..%2fetc/settings/general", "/sites/site1.test/settings/..%2f..%2flayout", "/%2e%2e/%2e%2e/etc/passwd",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_43_addresses_are_no_paths(context: Context, path: str) -> None:
    """
    Nothing in an address leads to a file.
    """
    context.registry.sites.add("site1.test")
    response = signed_in(context).get(path)

    assert 404 == response.status_code
    assert "root:" not in response.text and "SQLite" not in response.text and "def build_app" not in response.text


def test_43_no_address_of_a_visitor_is_fetched(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With every connection to an address refused, pages are whole: nothing is fetched for icons, referrers or checks.
    """
    inner = "http://169.254.169.254/latest/meta-data"
    site = context.registry.sites.add("site1.test")
    attributes = {"referrer": inner, "source": inner}
    at = moment(f"{TODAY}T08:00:00")
    insert(context.warehouse, site.id, [Happening(at, f"v{n}", page=inner, attributes=attributes) for n in range(9)])
    client = signed_in(context)

    connect = socket.socket.connect

    def refuse(opened: socket.socket, address: str) -> None:
        # Parts of the server ask each other over sockets in the data directory, which have no address.
        if opened.family != socket.AF_UNIX:
            raise AssertionError("a connection was opened")
        connect(opened, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for path in ("/", "/site1.test?sources=referrers", "/sites/site1.test/settings/general", "/account"):
        assert 200 == client.get(path).status_code
