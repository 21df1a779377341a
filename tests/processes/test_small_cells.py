"""
The gate for small cells on a really running server: from beacons to every surface that answers about them.
"""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.processes.family import until
from tests.server import Server, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(120)]

DOMAIN, CROWD, RARE = "site1.test", "Chrome", "Opera"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
TAB = "period=day&details=devices&devices=browsers"
ALONE = [["is", "visit:browser", [RARE]]]


def test_one_visitor_shows_on_no_surface(tmp_path: Path) -> None:
    """
    Of six people alike and one with a browser of their own, page, API, CSV and shared link name only what six have, and
    tell nothing under a filter for the one; with k=1, the control, all of them name the one.
    """
    with run_server(tmp_path) as server, httpx.Client(base_url=server.base_url, trust_env=False) as client:
        client.headers["accept-language"] = "en"
        key = {"authorization": f"Bearer {server.admin_key}"}
        shared = made(server, client, key)
        for number in range(6):
            beacon(client, f"198.51.100.{number}", AGENT)
        beacon(client, "203.0.113.9", f"{AGENT} OPR/105.0.0.0")
        until(lambda: '"metrics":[7]' in asked(client, key, "v2 total"), "the seven are not counted")
        folded = {name: asked(client, key, name, shared) for name in SURFACES}
        alone = asked(client, key, "v2 filtered")
        assert 200 == client.put(f"/api/v1/sites/{DOMAIN}/settings", headers=key, json={"k": 1}).status_code
        control = {name: asked(client, key, name, shared) for name in SURFACES}
        told = asked(client, key, "v2 filtered")

    everywhere = dict.fromkeys(SURFACES, (True, False))
    assert everywhere == {name: (named(CROWD, text), named(RARE, text)) for name, text in folded.items()}
    everywhere = dict.fromkeys(SURFACES, (True, True))
    assert everywhere == {name: (named(CROWD, text), named(RARE, text)) for name, text in control.items()}
    assert ('"metrics":[null]' in alone, "small_cell" in alone) == (True, True), alone
    assert '"metrics":[1]' in told, told


SURFACES: dict[str, str] = {
    "v2": "",
    "v1": f"/api/v1/stats/breakdown?site_id={DOMAIN}&period=day&property=visit:browser",
    "page": f"/{DOMAIN}?period=day",
    "every row": f"/{DOMAIN}?{TAB}",
    "file": f"/{DOMAIN}?{TAB}&format=csv",
    "shared": "/share/SLUG?period=day",
    "shared file": f"/share/SLUG?{TAB}&format=csv",
}
"""Where browsers are told of, without a filter."""


def made(server: Server, client: httpx.Client, key: dict[str, str]) -> str:
    """
    Add the site, public, with a shared link.

    Returns:
        The link's slug.
    """
    assert 200 == client.post("/api/v1/sites", headers=key, data={"domain": DOMAIN}).status_code
    assert 200 == client.put(f"/api/v1/sites/{DOMAIN}/settings", headers=key, json={"public": True}).status_code
    link = client.put("/api/v1/sites/shared-links", headers=key, data={"site_id": DOMAIN, "name": "Press"})
    server.await_site(DOMAIN)
    return str(link.json()["url"]).rpartition("/")[2]


def named(browser: str, text: str) -> bool:
    """
    Tell whether a browser is named; a page also has the word "Operating".
    """
    return re.search(rf"\b{browser}\b", text) is not None


def beacon(client: httpx.Client, address: str, agent: str) -> None:
    """
    Send one pageview as a browser would.
    """
    sent = {"n": "pageview", "d": DOMAIN, "u": f"https://{DOMAIN}/"}
    answer = client.post("/api/event", json=sent, headers={"user-agent": agent, "x-forwarded-for": address})
    assert 202 == answer.status_code


def asked(client: httpx.Client, key: dict[str, str], name: str, slug: str = "") -> str:
    """
    Give the text that a surface answers with.
    """
    if name.startswith("v2"):
        question: dict[str, object] = {"site_id": DOMAIN, "metrics": ["visitors"], "date_range": "day"}
        if name == "v2":
            question["dimensions"] = ["visit:browser"]
        if name == "v2 filtered":
            question["filters"] = ALONE
        answer = client.post("/api/v2/query", headers=key, json=question)
    else:
        # Of pages the key is nothing: whoever looks is a stranger.
        sent = key if name == "v1" else {}
        answer = client.get(SURFACES[name].replace("SLUG", slug), headers=sent)
    assert 200 == answer.status_code, (name, answer.status_code, answer.text[:200])
    return answer.text
