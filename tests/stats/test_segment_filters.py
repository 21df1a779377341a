"""
Questions that name saved segments.
"""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.context import Context
from tests.stats.asking import ask_http
from tests.stats.rows import Happening, insert, moment

MISSING = "Invalid filters. Some segments don't exist or aren't accessible."


def ask(context: Context, *filters: object) -> Any:
    key = context.registry.keys.add("stats")[1]
    question = {"site_id": "api.test", "metrics": ["visitors"], "date_range": "all", "filters": list(filters)}
    return ask_http(context, "POST", "/api/v2/query", key=key, json=question).json()


def test_a_segment_is_its_filters(context: Context) -> None:
    """
    The answer is that of the filters, which are written out in it; several segments in one filter are alternatives.
    """
    site = context.registry.sites.add("api.test", k=1)
    at = moment("2026-05-08T10:00:00")
    sources = ["Google"] * 3 + ["Bing"] * 2 + ["Qwant"]
    insert(
        context.warehouse,
        site.id,
        [Happening(at, str(number), attributes={"source": source}) for number, source in enumerate(sources)],
    )
    google = [["is", "visit:source", ["Google"]]]
    first = context.registry.segments.add(site.id, "Google", google)
    second = context.registry.segments.add(site.id, "Bing", [["is", "visit:source", ["Bing"]]])

    one = ask(context, ["is", "segment", [first.id]])
    assert ([3], [["and", google]]) == (one["results"][0]["metrics"], one["query"]["filters"])
    assert [5] == ask(context, ["is", "segment", [first.id, second.id]])["results"][0]["metrics"]
    assert [3] == ask(context, ["not", ["is", "segment", [first.id]]])["results"][0]["metrics"]


@pytest.mark.parametrize("values", [[99], ["1"], [True], [], None])
def test_segments_of_others_are_missing(context: Context, values: object) -> None:
    """
    A segment of another site is no more known than one that nobody saved.
    """
    context.registry.sites.add("api.test")
    other = context.registry.sites.add("other.test")
    foreign = context.registry.segments.add(other.id, "Google", [["is", "visit:source", ["Google"]]])

    assert {"error": MISSING} == ask(context, ["is", "segment", values])
    assert {"error": MISSING} == ask(context, ["is", "segment", [foreign.id]])
