"""
Geometry of the charts, and how numbers are written.
"""

from __future__ import annotations

import re

import pytest

from dashboard.charts.line import Value, label_ticks, line, nice_top
from dashboard.charts.numbers import change, metric_text
from dashboard.charts.world_map import world_map, world_shapes
from dashboard.pages.languages import locale_of


@pytest.mark.parametrize(
    ("values", "expected"), [([], 4), ([0, None], 4), ([3], 4), ([5], 8), ([9], 12), ([1366], 2000), ([40_000], 40_000)]
)
def test_top_of_the_axis(values: list[Value], expected: float) -> None:
    """
    The axis ends at a round number that holds every value.
    """
    assert expected == nice_top(values)


def test_line() -> None:
    """
    A series runs from edge to edge; a missing value is a gap; a bucket that is not over is apart.
    """
    assert "M0,100L500,50L1000,0" == line([0, 5, 10], 10).path
    assert "M0,50M1000,0" == line([5, None, 10], 10).path
    assert (("0.00%", "50.00%"), ("100.00%", "0.00%")) == line([5, None, 10], 10).dots
    assert ("M0,100L500,50", "M500,50L1000,0") == (
        line([0, 5, 10], 10, unfinished=True).path,
        line([0, 5, 10], 10, unfinished=True).unfinished,
    )
    assert (("50%", "50.00%"),) == line([5], 10).dots


@pytest.mark.parametrize("count", [1, 2, 7, 24, 28, 31, 91, 365])
def test_labels(count: int) -> None:
    """
    However many buckets there are, at most eight are named, beginning with the first.
    """
    ticks = label_ticks([str(number) for number in range(count)])

    assert 1 <= len(ticks) <= 8
    assert "0" == ticks[0].label


def test_map() -> None:
    """
    The strongest shade is the most visited country's; nobody's country has none; every shape has a path.
    """
    world = world_map({"SE": 1000, "NO": 3, "ZZ": 5})
    shades = {country.code: country.shade for country in world.countries}

    assert (5, 0) == (shades["SE"], shades["FR"])
    assert 0 < shades["NO"] < 5
    assert set(re.findall(r'<path id="(\w+)" d="M', world_shapes())) == set(shades)
    assert {"SE", "US", "RU", "FJ", "XK"} <= set(shades)
    assert (1, 3, 10, 60, 200) == world.steps


def test_map_of_nobody() -> None:
    """
    Without visitors nothing is shaded.
    """
    assert {0} == {country.shade for country in world_map({}).countries}


@pytest.mark.parametrize(
    ("value", "metric", "english", "swedish"),
    [
        (1434, "visitors", "1,434", "1\xa0434"), (29_512, "visitors", "29.5K", "29,5\xa0tn"),
        (None, "visits", "–", "–"),
        (61, "bounce_rate", "61%", "61\xa0%"), (2.5, "views_per_visit", "2.5", "2,5"),
        (59, "visit_duration", "59s", "59s"),
        (125, "visit_duration", "2m 05s", "2m 05s"), (3700, "visit_duration", "1h 01m", "1h 01m"),
    ],
)  # fmt: skip
def test_numbers(value: Value, metric: str, english: str, swedish: str) -> None:
    """
    Numbers are written with their unit in the reader's language.
    """
    assert english == metric_text(value, metric, locale_of("en"))
    assert swedish == metric_text(value, metric, locale_of("sv")).replace("\u202f", "\xa0").replace(" %", "\xa0%")


@pytest.mark.parametrize(
    ("now", "before", "metric", "expected"),
    [(12, 10, "visitors", 0.2), (5, 0, "visitors", 1.0), (0, 0, "visits", None), (None, 3, "visits", None),
     (60, 62, "bounce_rate", -0.02), (3, None, "visits", None)],
)  # fmt: skip
def test_change(now: Value, before: Value, metric: str, expected: float | None) -> None:
    """
    Change is a share of the period before; of the bounce rate, the points.
    """
    assert expected == change(now, before, metric)
