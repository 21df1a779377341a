"""
The older interface beyond its black-box cases.
"""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.api.legacy import change
from dashboard.context import Context
from dashboard.stats.query import Value
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment

DAY = {"period": "day", "date": "2021-01-01"}


def get(context: Context, path: str, **parameters: str) -> tuple[int, Any]:
    site = context.registry.sites.add("old.test", k=1)
    pages = ("/a", "/a", "/blog/1", "/b|c")
    insert(
        context.warehouse,
        site.id,
        [Happening(moment("2021-01-01T10:00:00"), page=page, props={"plan": page[1:]}) for page in pages],
    )
    key = context.registry.keys.add("stats")[1]
    sent = {"site_id": "old.test", **parameters}
    response = ask_http(context, "GET", f"/api/v1/stats/{path}", key=key, params=sent)
    return response.status_code, response.json()


def test_breakdown_by_page(context: Context) -> None:
    """
    Rows carry the property without its prefix, page by page.
    """
    answer = get(context, "breakdown", **DAY, property="event:page", metrics="visitors,pageviews", limit="1", page="2")

    assert (200, {"results": [{"page": "/blog/1", "visitors": 1, "pageviews": 1}]}) == answer


def test_breakdown_by_property(context: Context) -> None:
    """
    A custom property is named by its key.
    """
    status, answer = get(context, "breakdown", **DAY, property="event:props:plan", filters="event:page==/a")

    assert (200, [{"plan": "a", "visitors": 2}]) == (status, answer["results"])


@pytest.mark.parametrize(
    ("filters", "visitors"),
    [
        ("event:page==/a", 2),
        ("event:page!=/a", 2),
        ("event:page==/a|/blog/1", 3),
        ("event:page==/blog/*", 1),
        (r"event:page==/b\|c", 1),
        ("event:page==/a;visit:source==Direct / None", 2),
    ],
)
def test_filters_as_text(context: Context, filters: str, visitors: int) -> None:
    """
    `|` is or, `;` is and, `*` stands for text, a backslash takes the meaning away.
    """
    answer = get(context, "aggregate", **DAY, filters=filters)

    assert (200, {"results": {"visitors": {"value": visitors}}}) == answer


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("breakdown", {}),
        ("breakdown", {"property": "nonsense"}),
        ("breakdown", {"property": "event:page", "limit": "1001"}),
        ("breakdown", {"property": "event:page", "page": "0"}),
        ("aggregate", {"period": "sometimes"}),
        ("aggregate", {"period": "custom", "date": "2021-01-02,2021-01-01"}),
        ("aggregate", {"period": "custom", "date": "2021-01-02"}),
        ("aggregate", {"compare": "yesterday"}),
        ("aggregate", {"metrics": "visitors,visitors"}),
        ("aggregate", {"metrics": ""}),
        ("aggregate", {"filters": "nothing"}),
        ("timeseries", {"interval": "minute"}),
    ],
)
def test_bad_parameters(context: Context, path: str, parameters: dict[str, str]) -> None:
    """
    A wrong parameter is 400 with a sentence.
    """
    status, answer = get(context, path, **parameters)

    assert 400 == status
    assert answer["error"].strip()


@pytest.mark.parametrize(
    ("metric", "before", "now", "expected"),
    [
        ("visitors", 0, 5, 100),
        ("visitors", 0, 0, 0),
        ("visitors", 4, 5, 25),
        ("visitors", 5, 0, -100),
        ("bounce_rate", 100, 50, -50),
        ("visit_duration", None, 5, None),
    ],
)
def test_change(metric: str, before: Value, now: Value, expected: Value) -> None:
    """
    Changes are percent, for rates points, and 100 from nothing to something.
    """
    assert expected == change(metric, before, now)


REFUSED = [
    ({"period": "91d"}, "Error parsing `period` parameter: invalid period `91d`."),
    ({"period": "custom", "date": "2021-01-01"}, "Invalid format for `date` parameter. When using a custom period"),
    ({"period": "custom", "date": "2021-01-01,soon"}, "two ISO-8601 formatted dates joined by a comma."),
    ({"metrics": "visitors,visitors"}, "Metrics cannot be queried multiple times."),
    ({"metrics": "scroll_depth"}, "The metric `scroll_depth` is not recognized."),
    ({"metrics": "conversion_rate"}, "Metric `conversion_rate` can only be queried in a goal breakdown or with a goal"),
    ({"metrics": "views_per_visit", "property": "event:page"}, "`views_per_visit` is not supported in breakdown"),
    (
        {"metrics": "bounce_rate", "property": "event:goal"},
        "Session metric `bounce_rate` cannot be queried for breakdo",
    ),
    (
        {"metrics": "visits", "filters": "event:name==Buy"},
        "Session metric `visits` cannot be queried when using a filter on `event:name`.",
    ),
    ({"metrics": "time_on_page", "property": "visit:source"}, "`time_on_page` is not supported in breakdown queries"),
    ({"metrics": "time_on_page", "filters": "event:name==x"}, "`time_on_page` cannot be queried when filtering by"),
    ({"filters": "event:goal==Register"}, "The goal `Register` is not configured for this site."),
    ({"filters": "event:goal==Visit /x"}, "The pageview goal for the pathname `/x` is not configured for this site."),
    ({"limit": "1001", "property": "event:page"}, "Please provide limit as a number between 1 and 1000."),
    ({"page": "0", "property": "event:page"}, "Please provide page as a positive number."),
    ({"property": "event:none"}, "Invalid property 'event:none'. Please provide a valid property for the breakdown"),
]


@pytest.mark.parametrize(("sent", "text"), REFUSED, ids=[text[:40] for _, text in REFUSED])
def test_what_is_refused_and_how(context: Context, sent: dict[str, str], text: str) -> None:
    """
    Each refusal is 400 with the text that clients of the older interface know.
    """
    given = {**DAY, "property": "visit:source", **sent}
    status, answer = get(context, "breakdown", **given)

    assert 400 == status and text in answer["error"]


def test_session_metrics_have_no_series_by_events(context: Context) -> None:
    """
    Of a series and a total, only the filters matter; a property is none of theirs.
    """
    assert 200 == get(context, "timeseries", **DAY, metrics="bounce_rate", property="event:goal")[0]
