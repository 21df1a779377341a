"""
The four shields, set over the API and felt by a running collector within the five seconds that were promised.
"""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tests.ingest.collectors import CHROME
from tests.server import SITE_DEADLINE_S, Server, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]

SWEDISH, OTHER = "198.51.100.7", "203.0.113.77"
RULES: list[tuple[dict[str, list[str]], str, str, str]] = [
    ({"ip": [OTHER]}, "https://site1.test/", OTHER, "ip_blocked"),
    ({"ip": ["198.51.100.0/25"]}, "https://site1.test/", SWEDISH, "ip_blocked"),
    ({"ip": ["2001:db8::/32"]}, "https://site1.test/", "2001:db8:1::5", "ip_blocked"),
    ({"country": ["SE"]}, "https://site1.test/", SWEDISH, "country_blocked"),
    ({"country": ["ZZ"]}, "https://site1.test/", OTHER, "country_blocked"),
    ({"page": ["/admin/**"]}, "https://site1.test/admin/a/b", OTHER, "page_blocked"),
    ({"hostname": ["site1.test", "*.site1.test"]}, "https://localhost/", OTHER, "hostname_not_allowed"),
]


def reason(server: Server, url: str, address: str) -> str:
    answer = httpx.post(
        f"{server.base_url}/api/event",
        json={"n": "pageview", "u": url, "d": "site1.test"},
        headers={"User-Agent": CHROME, "X-Forwarded-For": address},
        trust_env=False,
    )
    assert 202 == answer.status_code
    return answer.headers.get("x-daysalt-dropped", "")


def await_reason(server: Server, expected: str, url: str, address: str) -> None:
    ends = time.monotonic() + SITE_DEADLINE_S
    while reason(server, url, address) != expected:
        assert time.monotonic() < ends, f"not {expected!r} after {SITE_DEADLINE_S} s"
        time.sleep(0.1)


def test_shields_reach_a_running_collector(tmp_path: Path) -> None:
    """
    Each rule drops with its own reason soon after it was set, spares the rest, and is gone soon after it was taken off.
    """
    countries = tmp_path / "country.mmdb"
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": {"iso_code": "SE"}})
    writer.to_db_file(str(countries))
    with (
        run_server(tmp_path, geo_db=str(countries)) as server,
        httpx.Client(
            base_url=server.base_url, trust_env=False, headers={"Authorization": f"Bearer {server.admin_key}"}
        ) as client,
    ):
        assert 200 == client.post("/api/v1/sites", json={"domain": "site1.test"}).status_code
        server.await_site("site1.test")
        for rules, url, address, expected in RULES:
            answer = client.put(
                "/api/v1/sites/site1.test/shields", json={"ip": [], "country": [], "page": [], "hostname": [], **rules}
            )
            assert 200 == answer.status_code, answer.text
            await_reason(server, expected, url, address)
            spared = SWEDISH if address == OTHER else OTHER
            if expected in ("ip_blocked", "country_blocked"):
                assert "" == reason(server, url, spared)
            else:
                assert "" == reason(server, "https://site1.test/open", address)
        client.put("/api/v1/sites/site1.test/shields", json={"ip": [], "country": [], "page": [], "hostname": []})
        await_reason(server, "", "https://localhost/", OTHER)
        ends = time.monotonic() + 10
        while True:
            totals = client.get("/api/v1/sites/site1.test/dropped").json()["totals"]
            if {"ip_blocked", "country_blocked", "page_blocked", "hostname_not_allowed"} <= set(totals):
                break
            assert time.monotonic() < ends, totals
            time.sleep(0.2)
