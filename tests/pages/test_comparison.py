"""
What a period is compared with, as the address says it.
"""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest

from dashboard.context import Context
from dashboard.pages.comparison import compared
from dashboard.pages.view import read_view
from dashboard.stats.period import Period
from tests.pages.browsing import signed_in, site_with_visits

FEBRUARY = Period("custom", "Etc/UTC", date(2024, 2, 29), date(2024, 3, 6))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ("2024-02-22", "2024-02-28")),
        ({"compare": "year"}, ("2023-02-28", "2023-03-06")),
        ({"compare": "year", "weekdays": "same"}, ("2023-03-02", "2023-03-08")),
        ({"compare": "custom", "compare_from": "2023-05-07", "compare_to": "2023-05-01"}, ("2023-05-01", "2023-05-07")),
        ({"compare": "custom", "compare_from": "soon", "compare_to": "2023-05-01"}, ("2024-02-22", "2024-02-28")),
        ({"compare": "none"}, None),
        ({"compare": "never"}, ("2024-02-22", "2024-02-28")),
        ({"period": "all"}, None),
    ],
)
def test_compared(query: dict[str, str], expected: tuple[str, str] | None) -> None:
    """
    A year before, chosen days, the same weekdays, or nothing; what is wrong counts as not given.
    """
    found = compared(read_view(query, "7d"), FEBRUARY, date(2020, 1, 1))

    assert expected == (found and (found.first.isoformat(), found.last.isoformat()))


def test_weekdays_match() -> None:
    """
    The same weekdays begin on the same day of the week, a whole number of weeks before.
    """
    ten_days = Period("custom", "Etc/UTC", date(2024, 3, 4), date(2024, 3, 13))
    found = compared(read_view({"weekdays": "same"}, "7d"), ten_days, date(2020, 1, 1))

    assert found is not None
    assert (date(2024, 2, 19), date(2024, 2, 28)) == (found.first, found.last)


def test_nothing_before_the_first_day() -> None:
    """
    Days before the first event are not compared with.
    """
    assert compared(read_view({"compare": "year"}, "7d"), FEBRUARY, date(2023, 6, 1)) is None


def test_comparison_menu(context: Context) -> None:
    """
    The menu's links and its form carry the rest of the view along.
    """
    site_with_visits(context)
    html = signed_in(context).get("/site1.test?period=7d&f=page:/").text
    links = [unescape(link) for link in re.findall(r'href="([^"]*compare=[^"]*)"', html)]

    assert "/site1.test?period=7d&f=page%3A%2F&compare=year" in links
    assert "/site1.test?period=7d&f=page%3A%2F&compare=none" in links
    assert '<input type="hidden" name="compare" value="custom">' in html
