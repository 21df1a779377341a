"""
Which months and other stretches of days are added up, and whether they still are what their days are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from warehouse.client import Warehouse

Pair = tuple[date, int]
"""A day and a build that counts for it."""
Stretch = tuple[date, date]
"""Days from the first to the last, both inside."""


class Sum(NamedTuple):
    """
    What a stretch was added up under: the number of its build, and the digest of the builds it was made of.
    """

    build: int
    made_of: str


def month_of(day: date) -> date:
    """
    Name a day's month by its first day.
    """
    return day.replace(day=1)


def days_of(month: date) -> list[date]:
    """
    List the days of a month.
    """
    days = [month + timedelta(days=number) for number in range(31)]
    return [day for day in days if day.month == month.month]


def month_stretch(month: date) -> Stretch:
    """
    Give a month's first and last day.
    """
    return month, days_of(month)[-1]


def is_month(stretch: Stretch) -> bool:
    """
    Tell whether a stretch is a whole month.
    """
    return stretch == month_stretch(month_of(stretch[0]))


def made_of(pairs: Iterable[Pair]) -> str:
    """
    Put the builds of a month's days into 32 letters, to be compared.
    """
    text = "".join(f"{day.isoformat()} {build}\n" for day, build in sorted(pairs))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def whole_months(days: Mapping[date, Sequence[int]]) -> dict[date, list[Pair]]:
    """
    Pick the months all of whose days are there.

    Args:
        days: the builds that count, of each day that has a whole one.
    """
    found: dict[date, list[Pair]] = {}
    for month in sorted({month_of(day) for day in days}):
        dates = days_of(month)
        if all(day in days for day in dates):
            found[month] = [(day, build) for day in dates for build in days[day]]
    return found


def known_sums(warehouse: Warehouse, site_id: int) -> dict[Stretch, Sum]:
    """
    List the newest build of each stretch of days that was added up, with what it was made of.
    """
    rows = warehouse.query(
        "SELECT month, last, max(build), argMax(made_of, build) FROM rollup_month_builds WHERE site_id = {site:UInt32}"
        " GROUP BY month, last",
        {"site": site_id},
    )
    return {(first, last): Sum(int(build), _text(digest)) for first, last, build, digest in rows}


def longest(known: Mapping[Stretch, Sum], days: Mapping[date, Sequence[int]]) -> tuple[Stretch, int] | None:
    """
    Find the longest stretch that lies in these days and still is what they are, and the build it is under.

    Args:
        days: the builds that count, of each day that has a whole one.
    """
    for stretch in sorted(known, key=lambda one: one[1] - one[0], reverse=True):
        pairs = pairs_of(stretch, days)
        if pairs is not None and known[stretch].made_of == made_of(pairs):
            return stretch, known[stretch].build
    return None


def pairs_of(stretch: Stretch, days: Mapping[date, Sequence[int]]) -> list[Pair] | None:
    """
    List the days of a stretch with their builds; None when a day is missing.
    """
    first, last = stretch
    if first not in days or last not in days:
        return None
    dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [(day, build) for day in dates for build in days[day]] if all(day in days for day in dates) else None


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
