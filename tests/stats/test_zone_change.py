"""
Questions over a change of a site's time zone.
"""

from __future__ import annotations

from typing import Any

from dashboard.context import Context
from tests.clocks import FakeClock
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment


def test_past_days_keep_their_boundaries(context: Context, clock: FakeClock) -> None:
    """
    Hours of days before the change are read by the old zone, later ones by the new; asking again gives the same.
    """
    site = context.registry.sites.add("api.test", timezone="Etc/UTC", k=1)
    insert(context.warehouse, site.id, [Happening(moment("2026-11-22T10:30:00"), "before")], "Etc/UTC")
    stats, sites = context.registry.keys.add("stats")[1], context.registry.keys.add("sites")[1]
    answer = ask_http(
        context, "PUT", "/api/v1/sites/api.test/settings", key=sites, json={"timezone": "Europe/Stockholm"}
    ).json()
    assert ("Etc/UTC", {"timezone": "Europe/Stockholm", "from": "2026-11-23"}) == (
        answer["timezone"], answer["next_timezone"]
    )  # fmt: skip
    clock.advance(seconds=2 * 24 * 3600)
    insert(context.warehouse, site.id, [Happening(moment("2026-11-23T10:30:00"), "after")], "Europe/Stockholm")
    query: dict[str, Any] = {
        "site_id": "api.test", "metrics": ["pageviews"], "dimensions": ["time:hour"],
        "date_range": ["2026-11-22", "2026-11-23"], "include": {"time_labels": True},
    }  # fmt: skip

    found = ask_http(context, "POST", "/api/v2/query", key=stats, json=query).json()
    again = ask_http(context, "POST", "/api/v2/query", key=stats, json=found["query"]).json()

    assert ["2026-11-22 10:00:00", "2026-11-23 11:00:00"] == [row["dimensions"][0] for row in found["results"]]
    assert ["2026-11-22T00:00:00+00:00", "2026-11-23T23:59:59+01:00"] == found["query"]["date_range"]
    assert found["results"] == again["results"]
    labels = found["meta"]["time_labels"]
    assert [f"2026-11-22 {hour:02d}:00:00" for hour in range(24)] == labels[:24]
    assert "2026-11-23 01:00:00" == labels[24]


def test_a_site_without_events_changes_at_once(context: Context) -> None:
    """
    Nothing has boundaries yet.
    """
    context.registry.sites.add("api.test", timezone="Etc/UTC")
    key = context.registry.keys.add("sites")[1]

    answer = ask_http(
        context, "PUT", "/api/v1/sites/api.test/settings", key=key, json={"timezone": "Asia/Tokyo"}
    ).json()

    assert ("Asia/Tokyo", None) == (answer["timezone"], answer["next_timezone"])
