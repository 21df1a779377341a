"""
Sends every case to one running server over HTTP, each for a site of its own, and reads back what the store has of it.

Requests of a case that are apart in time go through the batch endpoint, which lets an event say when it happened; all
others are beacons.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from tests.ingest.cases import CASES_FILE
from tests.server import Server, run_server
from warehouse.clock import SystemClock
from warehouse.registry.database import Registry

ROOT = Path(__file__).parent.parent.parent
IDS = "salts turn with the calendar, which no request moves; see test_rotation"
ELSEWHERE = {"EV-267": IDS, "EV-268": IDS}
# A case that contradicts the contract, or asks for what it has no way to ask for.
DIFFERENT = {
    "EV-007": "the contract says 413 for a body over 64 KiB",
    "EV-072": "the contract has no limit of a site's events that one could set to 0",
    "EV-073": "the contract has no limit of a site's events that one could set to 1",
    "EV-119": "no rates of exchange are fetched: an amount is kept in the currency it was sent in",
}
SHIELDS = {
    "shield_ip": "ip", "shield_country": "country", "shield_page": "page", "shield_hostname_allow": "hostname",
}  # fmt: skip
# The drain's tables as rows of JSON, read by a process of its own: the engine allows one store per process.
DUMP = """
import json, sys
from warehouse.client import Warehouse
warehouse, rows = Warehouse(sys.argv[1]), {}
for table in ("events", "drops"):
    names = [name for name, in warehouse.query(
        "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {t:String}", {"t": table})]
    rows[table] = [dict(zip(names, row)) for row in warehouse.query(f"SELECT {', '.join(names)} FROM {table}")]
names = ("site_id", "visit_id", "start", "end", "pageviews", "events", "interactions", "entry", "exit")
rows["visits"] = [dict(zip(names, row)) for row in warehouse.query(
    "SELECT site_id, visit_id, min(start), max(end), max(pageviews), max(events), max(interactions), min(entry), "
    "max(exit) FROM visits GROUP BY site_id, visit_id")]
warehouse.close()
json.dump(rows, sys.stdout, default=str)
"""


@dataclass(slots=True)
class Told:
    """
    What the server made of one case: its answers, and the rows of its sites.
    """

    answers: list[httpx.Response] = field(default_factory=list[httpx.Response])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    visits: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    drops: dict[str, int] = field(default_factory=dict[str, int])


def all_cases() -> list[dict[str, Any]]:
    """
    Give every case, its sites renamed so that no two cases share one.
    """
    cases: list[dict[str, Any]] = []
    for case in json.loads(CASES_FILE.read_text(encoding="utf-8"))["cases"]:
        text = json.dumps(case)
        for number in ("1", "2"):
            text = text.replace(f"site{number}.test", f"{case['id'].lower()}-{number}.test")
        cases.append(json.loads(text))
    return cases


def play(tmp_path: Path) -> dict[str, Told]:
    """
    Send all cases and give what came of each, by its id.
    """
    cases = [case for case in all_cases() if case["id"] not in ELSEWHERE]
    countries = tmp_path / "country.mmdb"
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    writer.insert_network(IPSet(["216.160.83.0/24"]), {"country": {"iso_code": "US"}})
    writer.to_db_file(str(countries))
    with run_server(tmp_path, geo_db=str(countries), ip_type_header="X-Plausible-IP-Type") as server:
        site_ids = _add_sites(server, cases)
        told = {case["id"]: _send(server, case) for case in cases}
        assert 0 == server.stop(), server.said()
    store = f"chdb://{server.data_dir / 'warehouse'}"
    dumped = subprocess.run(
        [sys.executable, "-c", DUMP, store], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert 0 == dumped.returncode, dumped.stderr
    rows = json.loads(dumped.stdout)
    case_of = {site_id: case_id for case_id, ids in site_ids.items() for site_id in ids}
    for row in rows["events"]:
        told[case_of[row["site_id"]]].events.append(row)
    for row in rows["visits"]:
        told[case_of[row["site_id"]]].visits.append(row)
    for row in rows["drops"]:
        drops = told[case_of[row["site_id"]]].drops
        drops[row["reason"]] = drops.get(row["reason"], 0) + row["hits"]
    for one in told.values():
        one.events.sort(key=lambda row: (row["ts"], row["seq"]))
    return told


def _add_sites(server: Server, cases: list[dict[str, Any]]) -> dict[str, list[int]]:
    registry = Registry(f"sqlite:///{server.data_dir / 'registry.sqlite'}", SystemClock())
    # Noon, so that half an hour ago was the same day.
    offset = 12 - datetime.fromtimestamp(time.time(), UTC).hour
    zone = f"Etc/GMT{-offset:+d}" if offset else "Etc/UTC"
    ids: dict[str, list[int]] = {}
    for case in cases:
        given = cast("dict[str, Any]", case.get("given", {}))
        name = case["id"].lower()
        for domain in given.get("sites", [f"{name}-1.test"]):
            site = registry.sites.add(domain, timezone=zone, k=1)
            ids.setdefault(case["id"], []).append(site.id)
            shields = {kind: given[asked] for asked, kind in SHIELDS.items() if asked in given}
            if shields:
                registry.sites.change(domain, shields=shields)
    registry.close()
    server.await_site(cases[-1]["id"].lower() + "-1.test")
    return ids


def _send(server: Server, case: dict[str, Any]) -> Told:
    told = Told()
    requests = case["requests"] if "requests" in case else [case["request"]]
    with httpx.Client(base_url=server.base_url, trust_env=False, timeout=30) as client:
        if case["area"] in ("session", "wire.basic") and "requests" in case and not _concurrent(requests):
            told.answers.append(_send_batch(client, server, requests))
            return told
        for request in requests:
            if "concurrent" in request:
                with ThreadPoolExecutor() as threads:
                    together: list[dict[str, Any]] = request["concurrent"]
                    told.answers += threads.map(partial(_send_one, client), together)
            else:
                told.answers.append(_send_one(client, request))
    return told


def _concurrent(requests: list[dict[str, Any]]) -> bool:
    return any("concurrent" in request for request in requests)


def _send_one(client: httpx.Client, request: dict[str, Any]) -> httpx.Response:
    # httpx would name itself; a case without a user agent sends none.
    headers = {"User-Agent": "", "Content-Type": "application/json", **request.get("headers", {})}
    method, path = request.get("method", "POST"), request.get("path", "/api/event")
    if method == "GET":
        return client.get(path)
    if "raw_body_note" in request:
        content = json.dumps({"n": "pageview", "u": "http://a.test/", "d": "a.test", "x": "a" * 1_000_000})
    else:
        content = request["raw_body"] if "raw_body" in request else json.dumps(request["body"])
    return client.request(method, path, content=content.encode(), headers=headers)


def _send_batch(client: httpx.Client, server: Server, requests: list[dict[str, Any]]) -> httpx.Response:
    began_ms = int(time.time() * 1000) - 1000 * max(request["at_s"] for request in requests)
    events = [
        {
            **request["body"],
            "timestamp": began_ms + 1000 * request["at_s"],
            "user_agent": request.get("headers", {}).get("User-Agent", ""),
            "ip": request.get("headers", {}).get("X-Forwarded-For", "203.0.113.7"),
        }
        for request in requests
    ]
    return client.post("/api/events", json=events, headers={"Authorization": f"Bearer {server.admin_key}"})
