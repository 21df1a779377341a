"""
The days of one site: which time zone its days follow, also where it was changed.

A new zone applies from the next midnight that lies ahead in both zones. Days before it keep their boundaries; the first
day by the new zone begins where the last one by the old zone ends, so between the two it is longer or shorter than 24
hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from warehouse.days import day_start, local_day


@dataclass(frozen=True, slots=True)
class ZoneChange:
    """
    One change of a site's time zone.

    Attributes:
        before: the zone of days before `first_day`.
        after: the zone from `first_day` on.
        first_day: the first local day by the new zone.
        effective_ms: from when hits are counted by the new zone, epoch milliseconds UTC.
    """

    before: str
    after: str
    first_day: date
    effective_ms: int


@dataclass(frozen=True, slots=True)
class SiteDays:
    """
    A site's days.

    Attributes:
        timezone: the zone chosen last; with changes ahead it is not in force yet.
        changes: the oldest first.
    """

    timezone: str
    changes: tuple[ZoneChange, ...] = ()

    def zone_at(self, moment_ms: int) -> str:
        """
        Tell the time zone in force at a moment (epoch milliseconds UTC).
        """
        return next((change.before for change in self.changes if moment_ms < change.effective_ms), self.timezone)

    def zone_of(self, day: date) -> str:
        """
        Tell the time zone that a day follows.
        """
        return next((change.before for change in self.changes if day < change.first_day), self.timezone)

    def day_of(self, moment: datetime) -> date:
        """
        Tell the local day that a moment belongs to.
        """
        return local_day(moment, ZoneInfo(self.zone_at(round(moment.timestamp() * 1000))))

    def start_of(self, day: date) -> datetime:
        """
        Tell the first instant of a day, in UTC.
        """
        for change in self.changes:
            if day <= change.first_day:
                return day_start(day, ZoneInfo(change.before))
        return day_start(day, ZoneInfo(self.timezone))

    def changes_within(self, first: date, last: date) -> tuple[ZoneChange, ...]:
        """
        List the changes whose first day lies after `first` and not after `last`.
        """
        return tuple(change for change in self.changes if first < change.first_day <= last)

    def next_change(self, now_ms: int) -> ZoneChange | None:
        """
        Tell the change that lies ahead, if there is one.
        """
        return next((change for change in self.changes if now_ms < change.effective_ms), None)


def plan_change(before: str, after: str, now_ms: int) -> ZoneChange:
    """
    Plan a change of time zone from now on: from the next midnight that lies ahead in both zones.
    """
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    old, new = ZoneInfo(before), ZoneInfo(after)
    first_day = max(local_day(now, old), local_day(now, new)) + timedelta(days=1)
    effective = max(day_start(first_day, old), day_start(first_day, new))
    return ZoneChange(before, after, first_day, round(effective.timestamp() * 1000))
