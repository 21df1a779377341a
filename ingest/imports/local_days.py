"""
The local day of many moments, asked in any order: the boundaries of a day are computed once.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from warehouse.site_days import SiteDays

_DAY_SECONDS = 86_400
_DAY_0 = date(1970, 1, 1).toordinal()


class LocalDays:
    """
    The days of one site, also where its time zone changed.
    """

    def __init__(self, days: SiteDays) -> None:
        self._days = days
        self._known: dict[int, list[tuple[int, int, int]]] = {}
        self._last = (0, 0, 0)

    def day_of(self, ts: int) -> int:
        """
        Tell the local day of a moment, in days since 1970-01-01.

        Args:
            ts: epoch seconds UTC.
        """
        start, end, day = self._last
        if start <= ts < end:
            return day
        for known in self._known.setdefault(ts // _DAY_SECONDS, []):
            if known[0] <= ts < known[1]:
                self._last = known
                return known[2]
        found = self._days.day_of(datetime.fromtimestamp(ts, UTC))
        following = date.fromordinal(found.toordinal() + 1)
        self._last = (
            int(self._days.start_of(found).timestamp()),
            int(self._days.start_of(following).timestamp()),
            found.toordinal() - _DAY_0,
        )
        self._known[ts // _DAY_SECONDS].append(self._last)
        return self._last[2]
