"""
`POST /api/v2/query` beyond its black-box cases: what clients of the reference send and match on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from dashboard.context import Context
from dashboard.stats.answer import answer
from dashboard.stats.query import StatsQuery
from tests.clocks import FakeClock
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment

DAY = ["2021-01-01", "2021-01-01"]


def ask(context: Context, **question: Any) -> tuple[int, Any]:
    """
    Ask about three visitors from two countries, two of whom saw `/buy` and one of whom bought.
    """
    site = context.registry.sites.find("query.test") or context.registry.sites.add("query.test", k=1)
    if not context.registry.goals.all(site.id):
        context.registry.goals.add(site.id, kind="event", event_name="Buy")
        at = moment("2021-01-01T10:00:00")
        swede, dane = {"country": "SE"}, {"country": "DK"}
        insert(
            context.warehouse,
            site.id,
            [
                Happening(at, "a", page="/buy", attributes=swede),
                Happening(at.replace(minute=1), "a", name="Buy", page="/buy", attributes=swede, props={"plan": "x"}),
                Happening(at, "b", page="/buy", attributes=swede),
                Happening(at, "c", page="/", attributes=dane),
            ],
        )
    body = {"site_id": "query.test", "metrics": ["visitors"], "date_range": DAY, **question}
    answer = ask_http(context, "POST", "/api/v2/query", key=context.registry.keys.add("stats")[1], json=body)
    return answer.status_code, answer.json()


def rows(answer: tuple[int, Any]) -> list[tuple[Any, ...]]:
    assert 200 == answer[0], answer
    return [(*row["dimensions"], *row["metrics"]) for row in answer[1]["results"]]


def test_group_conversion_rate_is_of_each_row(context: Context) -> None:
    """
    `conversion_rate` is of everybody, `group_conversion_rate` of those with the row's own values.
    """
    metrics = ["visitors", "conversion_rate", "group_conversion_rate"]
    goal = [["is", "event:goal", ["Buy"]]]

    assert [("SE", 1, 33.33, 50.0)] == rows(ask(context, metrics=metrics, dimensions=["visit:country"], filters=goal))
    assert [("/buy", 1, 33.33, 50.0)] == rows(ask(context, metrics=metrics, dimensions=["event:page"], filters=goal))
    assert [("Buy", "SE", 1, 33.33, 50.0)] == rows(
        ask(context, metrics=metrics, dimensions=["event:goal", "visit:country"])
    )
    assert [("Buy", 1, 33.33, 33.33)] == rows(ask(context, metrics=metrics, dimensions=["event:goal"]))
    assert [(1, 33.33, 33.33)] == rows(ask(context, metrics=metrics, filters=goal))


def test_conversions_over_time(context: Context) -> None:
    """
    By day too, `conversion_rate` is of everybody in the range and `group_conversion_rate` of the day; the older
    interface has the day's.
    """
    site = context.registry.sites.add("days.test", k=1)
    context.registry.goals.add(site.id, kind="event", event_name="Buy")
    for day, visitors, buyers in (("2026-11-20", 4, 2), ("2026-11-21", 6, 3)):
        names = [("pageview", visitors), ("Buy", buyers)]
        insert(
            context.warehouse,
            site.id,
            [Happening(moment(f"{day}T10:00:00"), f"v{n}", name=name) for name, count in names for n in range(count)],
            first=int(day[-2:]) * 100,
        )
    key = context.registry.keys.add("stats")[1]
    question = {"site_id": "days.test", "date_range": ["2026-11-20", "2026-11-21"], "dimensions": ["time:day"]}
    question |= {"metrics": ["conversion_rate", "group_conversion_rate"], "filters": [["is", "event:goal", ["Buy"]]]}
    newer = ask_http(context, "POST", "/api/v2/query", key=key, json=question).json()["results"]
    given = {"site_id": "days.test", "period": "custom", "date": "2026-11-20,2026-11-21"}
    given |= {"metrics": "conversion_rate", "filters": "event:goal==Buy"}
    older = ask_http(context, "GET", "/api/v1/stats/timeseries", key=key, params=given).json()["results"]
    given["property"] = "event:page"
    split = ask_http(context, "GET", "/api/v1/stats/breakdown", key=key, params=given).json()["results"]

    assert [[20, 50], [30, 50]] == [row["metrics"] for row in newer]
    assert [50, 50] == [row["conversion_rate"] for row in older]
    assert [{"page": "/", "conversion_rate": 50}] == split


@pytest.mark.parametrize(("bounced", "visits", "shown"), [(249, 250, 99), (1, 250, 1), (250, 250, 100), (0, 250, 0)])
def test_bounce_rate_is_100_only_if_it_is(context: Context, bounced: int, visits: int, shown: int) -> None:
    """
    Whole percent, but all and none are said of nothing else.
    """
    site = context.registry.sites.add("bounce.test", k=1)
    at = moment("2026-11-20T10:00:00")
    stayed = [Happening(at.replace(minute=1), f"v{number}") for number in range(visits - bounced)]
    insert(context.warehouse, site.id, [*(Happening(at, f"v{number}") for number in range(visits)), *stayed])
    result = answer(context, site, StatsQuery(("bounce_rate",), ("2026-11-20", "2026-11-20")))

    assert shown == result.rows[0].metrics[0]


def test_places_have_names(context: Context) -> None:
    """
    `visit:country_name` groups, sorts and filters by names, and the answer's question can be sent again.
    """
    asked = {"dimensions": ["visit:country_name"], "order_by": [["visit:country_name", "asc"]]}
    answer = ask(context, **asked)
    again = ask(context, **{name: answer[1]["query"][name] for name in ("dimensions", "order_by", "filters")})

    assert [("Denmark", 1), ("Sweden", 2)] == rows(answer) == rows(again)
    for filters, visitors in (
        ([["is", "visit:country_name", ["Sweden"]]], 2),
        ([["is_not", "visit:country_name", ["Sweden"]]], 1),
        ([["contains", "visit:country_name", ["mark"]]], 1),
        ([["contains_not", "visit:country_name", ["DEN"], {"case_sensitive": False}]], 0),
        ([["or", [["is", "visit:country_name", ["Denmark"]], ["is", "visit:country", ["SE"]]]]], 3),
        ([["is", "visit:country_name", ["Atlantis"]]], 0),
    ):
        assert [(visitors,)] == rows(ask(context, filters=filters)), filters
    assert 200 == ask(context, dimensions=["visit:region_name", "visit:city_name"])[0]


def test_calendar_ranges_are_whole(context: Context, clock: FakeClock) -> None:
    """
    `month` and `year` go to their last day; with `trim_relative_date_range` they end today.
    """
    clock.wall_ms = int(datetime.fromisoformat("2021-01-10T12:00:00+00:00").timestamp() * 1000)
    found: list[int] = []
    for name, dimension in (("month", "time:day"), ("year", "time:month")):
        for trim in (False, True):
            include = {"time_labels": True, "trim_relative_date_range": trim}
            status, answer = ask(context, date_range=name, dimensions=[dimension], include=include)
            assert 200 == status
            found.append(len(answer["meta"]["time_labels"]))

    assert [31, 10, 12, 1] == found


NESTED = ["is", "event:goal", ["Buy"]]
REFUSED = [
    ({"metrics": ["group_conversion_rate"]}, "Metric `group_conversion_rate` can only be queried with event:goal"),
    ({"filters": [["or", [NESTED, NESTED]]]}, "Dimension `event:goal` can only be filtered at the top level."),
    ({"filters": [["not", ["is", "event:hostname", ["x"]]]]}, "Dimension `event:hostname` can only be filtered at the"),
    (
        {"filters": [["has_done", ["has_done", ["is", "event:page", ["/"]]]]]},
        "Invalid filters. Behavioral filters (has_done, has_not_done) cannot be nested.",
    ),
    (
        {"filters": [["has_done", ["is", "visit:source", ["x"]]]]},
        "Invalid filters. Behavioral filters (has_done, has_not_done) can only be used with event dimension filters.",
    ),
    ({"filters": [["is", "visit:country", ["USA"]]]}, "visit:country needs to be a valid 2-letter country code."),
    ({"filters": [["is", "event:goal", ["No"]]]}, "https://plausible.io/docs/stats-api#filtering-by-goals"),
    ({"order_by": [["events", "desc"]]}, "Invalid order_by entry '{:events, :desc}'. Entry is not a queried metric or"),
    ({"order_by": [["visit:os", "asc"]]}, "Invalid order_by entry '{\"visit:os\", :asc}'. Entry is not a queried"),
    ({"include": {"comparisons": True}}, "Schema does not allow additional properties."),
    ({"filters": [["matches", "visit:country_name", ["S.*"]]]}, "Operator `matches` is not supported for filters on"),
]


@pytest.mark.parametrize(("sent", "text"), REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_what_is_refused_and_how(context: Context, sent: dict[str, Any], text: str) -> None:
    """
    Each refusal is 400 with the text that clients know.
    """
    status, answer = ask(context, **sent)

    assert 400 == status and text in answer["error"], answer


def test_goals_may_stand_in_has_done(context: Context) -> None:
    """
    Below `has_done` and `has_not_done` goals and hostnames may be filtered by.
    """
    assert [(1,)] == rows(ask(context, filters=[["has_done", ["is", "event:goal", ["Buy"]]]]))
    assert [(2,)] == rows(ask(context, filters=[["has_not_done", ["is", "event:goal", ["Buy"]]]]))
