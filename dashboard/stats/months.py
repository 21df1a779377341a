"""
Which months are added up, and whether they still are what their days are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from warehouse.client import Warehouse

Pair = tuple[date, int]
"""A day and a build that counts for it."""


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


def known_months(warehouse: Warehouse, site_id: int) -> dict[date, tuple[int, str]]:
    """
    List the newest build of each month that was added up, with what it was made of.
    """
    rows = warehouse.query(
        "SELECT month, max(build), argMax(made_of, build) FROM rollup_month_builds WHERE site_id = {site:UInt32}"
        " GROUP BY month",
        {"site": site_id},
    )
    return {month: (int(build), _text(digest)) for month, build, digest in rows}


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
