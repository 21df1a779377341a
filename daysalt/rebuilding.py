"""
Build the rollups of a site's closed days anew, a month at a time, so that progress can be told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from dashboard.stats.period import PeriodError, parse_day
from daysalt.closer import Closer
from warehouse.client import Warehouse
from warehouse.registry.database import Registry

DAYS_AT_ONCE = 31


class RebuildError(Exception):
    """
    Nothing can be rebuilt. The text is one sentence that says what to do.
    """


@dataclass(frozen=True, slots=True)
class RebuildProgress:
    """
    How many days are done, of how many.
    """

    what: str
    done: int
    total: int


def rebuild(
    warehouse: Warehouse, registry: Registry, closer: Closer, domain: str, first: str, last: str
) -> Iterator[RebuildProgress]:
    """
    Count closed days anew from their rows.

    Args:
        first, last: ISO dates, or empty for the first and the last closed day.

    Raises:
        RebuildError: no such site or date, or no closed day between the two.
    """
    site = registry.sites.find(domain)
    if site is None:
        raise RebuildError(f"there is no site {domain}: see `daysalt site list`")
    closing = closer.closing_day(site)
    try:
        begin = parse_day(first) if first else None
        end = min(parse_day(last), closing) if last else closing
    except PeriodError as error:
        raise RebuildError(f"{error}: write it as YYYY-MM-DD") from None
    found = warehouse.query(
        "SELECT day FROM events WHERE site_id = {site:UInt32} ORDER BY site_id, day LIMIT 1", {"site": site.id}
    )
    earliest: date = found[0][0] if found else end + timedelta(days=1)
    begin = earliest if begin is None else max(begin, earliest)
    if begin > end:
        raise RebuildError(
            f"{site.domain} has no closed day with events in that range: the last closed day is {closing}"
        )
    sealed = [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
    sealed = [day for day in sealed if closer.is_sealed(site, day)]
    if sealed:
        raise RebuildError(
            f"{sealed[0]} of {site.domain} is sealed, its rows are not what they were: choose later days with --from"
        )
    total = (end - begin).days + 1
    done = 0
    while begin <= end:
        until = min(end, begin + timedelta(days=DAYS_AT_ONCE - 1))
        done += closer.rebuild(site, begin, until)
        begin = until + timedelta(days=1)
        yield RebuildProgress("days", done, total)
