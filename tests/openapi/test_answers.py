"""
The specification against a real server: good and bad requests are answered as it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from dashboard.openapi.document import document
from tests.ingest.collectors import CHROME
from tests.openapi.schema import faults
from tests.processes.family import until
from tests.server import Server, run_server
from warehouse.clock import SystemClock
from warehouse.registry.api_keys import SCOPES
from warehouse.registry.database import Registry

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

DOMAIN = "described.test"
SITE = {"site_id": DOMAIN}
BEACON = {"n": "pageview", "d": DOMAIN, "u": f"https://{DOMAIN}/"}
QUESTION = {**SITE, "metrics": ["visitors", "total_revenue"], "date_range": "7d", "dimensions": ["time:day"]}
LINE = f'{{"timestamp":"2021-01-01T00:25:00Z","visitor":"u1","name":"pageview","url":"https://{DOMAIN}/"}}\n'

CASES: list[tuple[str, str, dict[str, str], dict[str, Any], int]] = [
    ("post", "/api/event", {}, {"json": BEACON}, 202),
    ("post", "/api/event", {}, {"json": {"d": DOMAIN}}, 400),
    ("post", "/api/events", {}, {"json": [BEACON, {}]}, 202),
    ("post", "/api/events", {}, {"content": b"neither"}, 400),
    ("post", "/api/debug/event", {}, {"json": BEACON}, 200),
    ("post", "/api/debug/event", {}, {"json": {}}, 400),
    ("get", "/pixel.gif", {}, {"params": {"d": DOMAIN, "u": f"https://{DOMAIN}/"}}, 200),
    ("get", "/js/{name}", {"name": "script.js"}, {}, 200),
    ("get", "/js/{name}", {"name": "none.css"}, {}, 404),
    ("get", "/.well-known/gpc.json", {}, {}, 200),
    ("get", "/api/error", {}, {}, 200),
    ("get", "/api/system", {}, {}, 200),
    ("post", "/api/v2/query", {}, {"json": QUESTION}, 200),
    ("post", "/api/v2/query", {}, {"json": {**QUESTION, "metrics": ["none"]}}, 400),
    ("get", "/api/v1/stats/realtime/visitors", {}, {"params": SITE}, 200),
    ("get", "/api/v1/stats/realtime/visitors", {}, {}, 400),
    ("get", "/api/v1/stats/aggregate", {}, {"params": {**SITE, "compare": "previous_period"}}, 200),
    ("get", "/api/v1/stats/aggregate", {}, {"params": {**SITE, "period": "none"}}, 400),
    ("get", "/api/v1/stats/timeseries", {}, {"params": SITE}, 200),
    ("get", "/api/v1/stats/timeseries", {}, {"params": {**SITE, "interval": "none"}}, 400),
    ("get", "/api/v1/stats/breakdown", {}, {"params": {**SITE, "property": "event:page"}}, 200),
    ("get", "/api/v1/stats/breakdown", {}, {"params": SITE}, 400),
    ("get", "/api/v1/sites", {}, {}, 200),
    ("get", "/api/v1/sites", {}, {"params": {"limit": "0"}}, 400),
    ("post", "/api/v1/sites", {}, {"json": {"domain": "second.test"}}, 200),
    ("post", "/api/v1/sites", {}, {"json": {}}, 400),
    ("get", "/api/v1/sites/{domain}", {"domain": DOMAIN}, {}, 200),
    ("get", "/api/v1/sites/{domain}", {"domain": "none.test"}, {}, 404),
    ("put", "/api/v1/sites/{domain}", {"domain": "second.test"}, {"json": {"domain": "third.test"}}, 200),
    ("delete", "/api/v1/sites/{domain}", {"domain": "third.test"}, {}, 200),
    ("get", "/api/v1/sites/{domain}/settings", {"domain": DOMAIN}, {}, 200),
    ("put", "/api/v1/sites/{domain}/settings", {"domain": DOMAIN}, {"json": {"k": 3}}, 200),
    ("put", "/api/v1/sites/{domain}/settings", {"domain": DOMAIN}, {"json": {"none": 3}}, 400),
    ("get", "/api/v1/sites/{domain}/shields", {"domain": DOMAIN}, {}, 200),
    ("put", "/api/v1/sites/{domain}/shields", {"domain": DOMAIN}, {"json": {"ip": ["192.0.2.1"]}}, 200),
    ("put", "/api/v1/sites/{domain}/shields", {"domain": DOMAIN}, {"json": {"ip": ["none"]}}, 400),
    ("get", "/api/v1/sites/{domain}/dropped", {"domain": DOMAIN}, {}, 200),
    ("get", "/api/v1/sites/{domain}/dropped", {"domain": DOMAIN}, {"params": {"from": "none"}}, 400),
    ("put", "/api/v1/sites/goals", {}, {"json": {**SITE, "goal_type": "event", "event_name": "Buy"}}, 200),
    ("put", "/api/v1/sites/goals", {}, {"json": SITE}, 400),
    ("get", "/api/v1/sites/goals", {}, {"params": SITE}, 200),
    ("delete", "/api/v1/sites/goals/{goal_id}", {"goal_id": "none"}, {"params": SITE}, 404),
    ("put", "/api/v1/sites/custom-props", {}, {"json": {**SITE, "property": "plan"}}, 200),
    ("get", "/api/v1/sites/custom-props", {}, {"params": SITE}, 200),
    ("delete", "/api/v1/sites/custom-props/{property}", {"property": "plan"}, {"params": SITE}, 200),
    ("put", "/api/v1/sites/shared-links", {}, {"json": {**SITE, "name": "For you"}}, 200),
    ("get", "/api/v1/sites/shared-links", {}, {"params": SITE}, 200),
    ("delete", "/api/v1/sites/shared-links/{name}", {"name": "For you"}, {"params": SITE}, 200),
    ("delete", "/api/v1/sites/shared-links/{name}", {"name": "For you"}, {"params": SITE}, 404),
    ("get", "/api/v1/stats/journey", {}, {"params": {**SITE, "page": "/"}}, 200),
    ("get", "/api/v1/stats/journey", {}, {"params": SITE}, 400),
    ("get", "/api/v1/stats/funnel", {}, {"params": {**SITE, "funnel": "none"}}, 400),
    ("put", "/api/v1/sites/annotations", {}, {"json": {**SITE, "day": "2026-11-21", "note": "New prices"}}, 200),
    ("put", "/api/v1/sites/annotations", {}, {"json": {**SITE, "day": "soon", "note": "New prices"}}, 400),
    ("get", "/api/v1/sites/annotations", {}, {"params": {**SITE, "from": "2026-11-01"}}, 200),
    ("get", "/api/v1/sites/annotations", {}, {"params": {**SITE, "from": "soon"}}, 400),
    ("delete", "/api/v1/sites/annotations/{id}", {"id": "1"}, {"params": SITE}, 200),
    ("delete", "/api/v1/sites/annotations/{id}", {"id": "1"}, {"params": SITE}, 404),
    ("post", "/api/v1/import", {}, {"params": SITE, "content": LINE + "neither\n"}, 200),
    ("post", "/api/v1/import", {}, {"content": LINE}, 400),
    ("get", "/api/v1/import", {}, {"params": SITE}, 200),
    ("delete", "/api/v1/import/{id}", {"id": "none"}, {"params": SITE}, 404),
    ("get", "/privacy/{domain}/policy.json", {"domain": DOMAIN}, {}, 200),
    ("get", "/privacy/{domain}/policy.json", {"domain": "none.test"}, {}, 404),
    ("get", "/privacy/{domain}/retention-proof", {"domain": DOMAIN}, {}, 200),
    ("post", "/api/risk/v1/check", {}, {"json": {"ip": "203.0.113.9", "site": DOMAIN}}, 200),
    ("post", "/api/risk/v1/check", {}, {"json": {}}, 400),
    ("get", "/api/risk/v1/assessments/{id}", {"id": "none"}, {}, 404),
    ("post", "/api/risk/v1/feedback", {}, {"json": {"assessment_id": "none", "verdict": "maybe"}}, 400),
    ("get", "/api/risk/v1/visits", {}, {"params": {"site": DOMAIN, "window": "1h"}}, 200),
    ("get", "/api/risk/v1/visits", {}, {"params": {"window": "1h"}}, 400),
    ("get", "/health/live", {}, {}, 200),
    ("get", "/health/ready", {}, {}, 200),
    ("get", "/metrics", {}, {}, 200),
    ("get", "/openapi.json", {}, {}, 200),
]


SCOPES_OF = {
    "/api/events": {"ingest"},
    "/api/debug/event": {"ingest"},
    "/api/v2/query": {"stats"},
    "/api/v1/stats/": {"stats"},
    "/api/v1/sites/{domain}/dropped": {"stats", "sites"},
    "/api/v1/sites": {"sites"},
    "/api/v1/import": {"sites", "ingest"},
    "/api/risk/v1/": {"risk"},
}
"""The scopes that open an operation, by the longest beginning of its path that is listed here."""
OF_NO_SITE = {
    ("get", "/api/v1/sites"): 200,
    ("get", "/api/risk/v1/assessments/{id}"): 404,
    ("post", "/api/risk/v1/feedback"): 400,
    ("post", "/api/events"): 202,
    ("post", "/api/debug/event"): 200,
}
"""Operations that name no site, and how they answer a key of another one: with nothing of this one."""


def operations() -> list[tuple[str, str]]:
    """
    List what the document has behind keys.
    """
    return [
        (method, path)
        for path, methods in document("")["paths"].items()
        for method, operation in methods.items()
        if operation["security"]
    ]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with run_server(tmp_path_factory.mktemp("described"), parts=("store", "risk")) as started:
        made = ask(started, "post", "/api/v1/sites", json={"domain": DOMAIN})
        assert made.is_success, made.text
        started.await_site(DOMAIN)
        risk = {"ip": "203.0.113.9"}
        until(lambda: ask(started, "post", "/api/risk/v1/check", json=risk).is_success, "risk checks are answered")
        yield started


def ask(server: Server, method: str, path: str, **sent: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {server.admin_key}", "User-Agent": CHROME}
    return httpx.request(method.upper(), server.base_url + path, headers=headers, timeout=30, trust_env=False, **sent)


def described(answer: httpx.Response, method: str, path: str) -> list[str]:
    """
    List in what an answer differs from its description.
    """
    found = document("")
    given = found["paths"][path][method]["responses"][str(answer.status_code)]
    kind = answer.headers.get("content-type", "").partition(";")[0]
    assert kind in given["content"], f"{kind} is not described"
    value = answer.json() if kind == "application/json" else answer.text
    return list(faults(found, given["content"][kind]["schema"], value))


@pytest.mark.parametrize(("method", "path", "parts", "sent", "status"), CASES)
def test_answers_are_as_described(
    server: Server, method: str, path: str, parts: dict[str, str], sent: dict[str, Any], status: int
) -> None:
    """
    Status, kind and every field of a real answer stand in the specification.
    """
    answer = ask(server, method, path.format(**parts), **sent)

    assert status == answer.status_code, answer.text
    assert [] == described(answer, method, path)


@pytest.mark.parametrize(("method", "path"), operations())
def test_keys_are_needed_where_the_document_says(server: Server, method: str, path: str) -> None:
    """
    Without a key each such operation answers 401, with one sentence.
    """
    address = server.base_url + path.replace("{", "").replace("}", "")
    answer = httpx.request(method.upper(), address, params=SITE, json=SITE, timeout=30, trust_env=False)

    assert 401 == answer.status_code
    assert [] == described(answer, method, path)


@pytest.fixture(scope="module")
def keys(server: Server) -> dict[tuple[str, str], str]:
    """
    A key of each scope for every site and for another one, known to the collectors.
    """
    assert ask(server, "post", "/api/v1/sites", json={"domain": "other.test"}).is_success
    registry = Registry(f"sqlite:///{server.data_dir / 'registry.sqlite'}", SystemClock())
    made = {
        (scope, site): registry.keys.add(scope, site=site or None)[1] for site in ("", "other.test") for scope in SCOPES
    }
    registry.close()

    def known() -> bool:
        asked = [(key, "/api/events") for (scope, _), key in made.items() if scope == "ingest"]
        asked += [(made["risk", ""], "/api/risk/v1/feedback")]
        return all(401 != with_key(server, key, "post", path, {}, {"json": []}).status_code for key, path in asked)

    until(known, "the collectors know the keys")
    server.await_site("other.test")
    return made


def with_key(
    server: Server, key: str, method: str, path: str, parts: dict[str, str], sent: dict[str, Any]
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "User-Agent": CHROME}
    address = server.base_url + path.format(**parts)
    return httpx.request(method.upper(), address, headers=headers, timeout=30, trust_env=False, **sent)


@pytest.mark.parametrize(("method", "path"), operations())
def test_a_key_opens_what_its_scope_says(
    server: Server, keys: dict[tuple[str, str], str], method: str, path: str
) -> None:
    """
    Keys of other scopes and of other sites are refused, whatever they ask for; those of the operation's are let in.
    An operation that is new is missing in the table, and fails.
    """
    beginning = max((one for one in SCOPES_OF if path.startswith(one)), key=len)
    opened = SCOPES_OF[beginning] | {"all"}
    # The first one is what goes well, but nothing is removed here that others need.
    parts, sent = next((parts, sent) for verb, address, parts, sent, _ in CASES if (verb, address) == (method, path))
    if method == "delete" and "{domain}" in path:
        parts = {"domain": DOMAIN}
    for scope in SCOPES:
        if scope not in opened:
            assert 401 == with_key(server, keys[scope, ""], method, path, parts, sent).status_code, scope
    for scope in opened:
        answer = with_key(server, keys[scope, "other.test"], method, path, parts, sent)
        # The risk API says of which field it is; it tells nothing of a site that is none of the key's.
        expected = {OF_NO_SITE.get((method, path), 400 if path.startswith("/api/risk/") else 401)}
        expected |= {404} if path.startswith("/api/v1/sites/") else set()
        assert answer.status_code in expected, (scope, answer.text)
        assert DOMAIN not in answer.text.replace('"DOMAIN"', "") or '"unknown_site"' in answer.text, answer.text
        if method != "delete":
            assert with_key(server, keys[scope, ""], method, path, parts, sent).status_code not in (401, 403), scope


@pytest.mark.parametrize("method", ["patch", "get"])
def test_another_method_is_told_which_ones_there_are(server: Server, method: str) -> None:
    """
    405 comes with every method of the address in `Allow`, whichever of its routes is asked first.
    """
    for path, methods in document("")["paths"].items():
        if not path.startswith(("/api/v1/", "/api/v2/")) or method in methods or "/{" in path:
            continue
        answer = ask(server, method, path)
        if answer.status_code == 405:
            assert {one.upper() for one in methods} <= set(answer.headers["allow"].split(", ")), path
        else:
            # A part of its own, as in `sites/goals`, is also a site's name for another route.
            assert method != "patch", path


@pytest.mark.parametrize("path", ["/pixel.gif", "/health/live", "/metrics", "/openapi.json"])
def test_no_key_is_needed_elsewhere(server: Server, path: str) -> None:
    """
    What the document leaves open is answered without a key.
    """
    assert httpx.get(server.base_url + path, timeout=30, trust_env=False).is_success
