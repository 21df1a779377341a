"""
The black-box cases of `cases_stats.json`: events in, answer out, through the HTTP routes.

Their visits come from `tests.stats.rows`, written apart from the drain, so that the two check each other.
"""

from __future__ import annotations

import csv
import io
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.context import Context
from ingest.imports.importer import Importer
from tests.clocks import FakeClock
from tests.imports.exports import take_totals, zipped
from tests.stats.asking import ask_http
from tests.stats.rolled import build_all
from tests.stats.rows import Happening, insert, moment
from warehouse.registry.sites import Site

CASES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("cases_stats.json").read_text("utf-8"))["cases"]

WAITING: dict[str, str] = {}
"""Cases whose part of Daysalt is not there yet."""
ELSEWHERE = {
    "ST-125": "the same person on two days is two visitors here, so 3 visitors instead of 2: ids live one day",
}
CHANNELS = {"Google": "Organic Search"}
ATTRIBUTES: dict[str, str] = {
    "referrer_source": "source",
    "country_code": "country",
    "city_geoname_id": "city",
    "operating_system": "os",
    "operating_system_version": "os_version",
    "screen_size": "device",
}


def happening(event: dict[str, Any], now: datetime) -> Happening:
    """
    Read one event of a case.
    """
    given: dict[str, str | int] = event.get("attrs", {})
    attributes = {ATTRIBUTES.get(name, name): value for name, value in given.items()}
    if attributes.get("source"):
        attributes["channel"] = CHANNELS.get(str(attributes["source"]), "")
    return Happening(
        at=moment(event["t"]) if "t" in event else now,
        who=str(event["user"]) if "user" in event else None,
        name=event["name"],
        page=event["page"],
        host=event.get("host", "site1.test"),
        props=event.get("props", {}),
        attributes=attributes,
        depth=event.get("sd", 255),
        engagement_ms=event.get("e", 0),
    )


def take_over(context: Context, site: Site, pages: list[dict[str, Any]], tmp_path: Path) -> None:
    """
    Import daily totals of pages, as an export has them.
    """
    if not pages:
        return
    file = io.StringIO()
    writer = csv.DictWriter(file, ["date", "page", *sorted({name for row in pages for name in row} - {"date", "page"})])
    writer.writeheader()
    writer.writerows(pages)
    importer = Importer(tmp_path, context.warehouse, context.clock, resting=threading.Lock())
    take_totals(importer, context, site, zipped({"imported_pages.csv": file.getvalue()}), tmp_path)


@pytest.mark.parametrize("plan", ["rows", "rollups"])
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case: dict[str, Any], plan: str, context: Context, clock: FakeClock, tmp_path: Path) -> None:
    """
    A case's answer is what the case says, read from rows or from rollups.
    """
    if case["id"] in WAITING or case["id"] in ELSEWHERE:
        pytest.skip(WAITING.get(case["id"], "") or ELSEWHERE[case["id"]])
    given = case.get("given", {})
    if "now" in given:
        clock.wall_ms = int(datetime.fromisoformat(given["now"]).timestamp() * 1000)
    now = datetime.fromtimestamp(clock.wall_ms / 1000, UTC)
    zone = given.get("timezone", "Etc/UTC")
    site = context.registry.sites.add("site1.test", timezone=zone, k=1)
    for goal in given.get("goals", []):
        kind = "event" if "event_name" in goal else "page"
        context.registry.goals.add(site.id, kind=kind, **goal)
    insert(context.warehouse, site.id, [happening(event, now) for event in case["events"]], zone)
    take_over(context, site, given.get("imported_pages", []), tmp_path)
    if plan == "rollups":
        build_all(context, site)
    _, plain = context.registry.keys.add("stats")

    query = case["query"]
    if "path" in query:
        sent = query.get("headers", {}).get("Authorization", "Bearer good").removeprefix("Bearer ")
        key = "" if case["title"] == "no key" else plain if sent == "good" else sent
        parameters = {"site_id": "site1.test", **query["params"]}
        response = ask_http(context, "GET", query["path"], key=key, params=parameters)
        check(case["expect"], response.status_code, response.json())
        return

    response = ask_http(context, "POST", "/api/v2/query", key=plain, json=query)

    check(case["expect"], response.status_code, response.json())
    if response.status_code == 200:
        again = ask_http(context, "POST", "/api/v2/query", key=plain, json=response.json()["query"])

        assert response.json()["results"] == again.json()["results"]


def check(expected: dict[str, Any], status: int, answer: dict[str, Any]) -> None:
    """
    Compare an answer with what a case says of it.
    """
    assert expected.get("status", 200) == status, answer
    if "results" in expected:
        assert expected["results"] == answer["results"]
    if "json" in expected:
        assert expected["json"] == answer
    if "error_contains" in expected:
        assert expected["error_contains"] in answer["error"]
    if "time_labels" in expected:
        assert expected["time_labels"] == answer["meta"]["time_labels"]
    if "time_labels_count" in expected:
        assert expected["time_labels_count"] == len(answer["meta"]["time_labels"])
    if "total_rows" in expected:
        assert expected["total_rows"] == answer["meta"]["total_rows"]
    if "metric_warnings" in expected:
        assert expected["metric_warnings"] == answer["meta"]["metric_warnings"]
    if "rows" in expected:
        assert expected["rows"] == len(answer["results"])
    for name in [name for name in expected if name.startswith("row") and name != "rows"]:
        assert expected[name] == answer["results"][int(name.removeprefix("row"))]
