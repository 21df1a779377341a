"""
The black-box cases of the statistics once more: fed through `POST /api/v1/import`, asked through the stats API.
"""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.context import Context
from tests.clocks import FakeClock
from tests.imports.importing import ndjson
from tests.stats.asking import ask_http
from tests.stats.test_cases import ATTRIBUTES, CASES, ELSEWHERE, WAITING, check, take_over


def as_line(event: dict[str, Any], now: str) -> dict[str, Any]:
    """
    Write an event of a case as a line.
    """
    attributes = {ATTRIBUTES.get(name, name): value for name, value in event.get("attrs", {}).items()}
    return {
        "timestamp": event["t"] + "Z" if "t" in event else now,
        "visitor": None if "user" not in event else str(event["user"]),
        "name": event["name"],
        "url": f"https://{event.get('host', 'site1.test')}{event['page']}",
        "referrer": "",
        "props": event.get("props", {}),
        "attrs": attributes,
        **({"scroll_depth": event["sd"]} if "sd" in event else {}),
        **({"engagement_ms": event["e"]} if "e" in event else {}),
    }


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any], context: Context, clock: FakeClock, tmp_path: Path) -> None:
    """
    A case's answer is what the case says when its events were imported, in whatever order of their times.
    """
    waiting = WAITING.get(case["id"]) or ELSEWHERE.get(case["id"])
    if waiting:
        pytest.skip(waiting)
    given = case.get("given", {})
    if "now" in given:
        clock.wall_ms = int(datetime.fromisoformat(given["now"]).timestamp() * 1000)
    site = context.registry.sites.add("site1.test", timezone=given.get("timezone", "Etc/UTC"), k=1)
    for goal in given.get("goals", []):
        context.registry.goals.add(site.id, kind="event" if "event_name" in goal else "page", **goal)
    _, key = context.registry.keys.add("all")
    now = datetime.fromtimestamp(clock.wall_ms / 1000).astimezone().isoformat()
    lines = [as_line(event, now) for event in case["events"]]
    if len({line["timestamp"] for line in lines}) == len(lines):
        # Only where times say what came first: of two things in one second the earlier line did.
        random.Random(case["id"]).shuffle(lines)

    answer = ask_http(context, "POST", "/api/v1/import?site_id=site1.test", key=key, content=ndjson(lines))

    ahead = sum(datetime.fromisoformat(line["timestamp"]).timestamp() * 1000 > clock.wall_ms for line in lines)
    assert (len(lines) - ahead, ahead) == (answer.json()["imported"], len(answer.json()["rejected"]))
    take_over(context, site, given.get("imported_pages", []), tmp_path)
    query = case["query"]
    if "path" in query:
        sent = query.get("headers", {}).get("Authorization", "Bearer good").removeprefix("Bearer ")
        used = "" if case["title"] == "no key" else key if sent == "good" else sent
        parameters = {"site_id": "site1.test", **query["params"]}
        response = ask_http(context, "GET", query["path"], key=used, params=parameters)
    else:
        response = ask_http(context, "POST", "/api/v2/query", key=key, json=query)
    check(case["expect"], response.status_code, response.json())
