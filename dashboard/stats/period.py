"""
Periods: the days a question is about, in the site's time zone, and the buckets they are drawn in.

Days are salt days, so a period of whole days is a range of the `day` column and knows no clock changes. Only `24h`,
`realtime` and pairs of datetimes look at seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from warehouse.days import day_start, local_day
from warehouse.site_days import SiteDays, ZoneChange

DAYS_MAX = 5_000
"""Longest `Nd`; beyond it a question is a typing mistake."""
MONTHS_MAX = 100
REALTIME_MINUTES = 30
INTERVALS = ("minute", "hour", "day", "week", "month")
LABELS_MAX = 20_000
"""Most buckets of one series, for example two years of hours."""

_RELATIVE = re.compile(r"^([1-9][0-9]{0,3})(d|mo)$")


class PeriodError(Exception):
    """
    No such period. The text names the value.
    """


@dataclass(frozen=True, slots=True)
class Period:
    """
    A range of time for one site.

    Attributes:
        name: as asked for (`7d`, `month`, ... or `custom`).
        timezone: the site's.
        first, last: local days, both inside.
        start, end: UTC instants (end not inside) when seconds matter, else None.
        clipped_hour: the last hour to label on the last day (0..23), for a day that is not over.
        changes: of the site's time zone; days before one follow the zone of then.
    """

    name: str
    timezone: str
    first: date
    last: date
    start: datetime | None = None
    end: datetime | None = None
    clipped_hour: int | None = None
    changes: tuple[ZoneChange, ...] = ()

    @property
    def site_days(self) -> SiteDays:
        """
        Which time zone each day follows.
        """
        return SiteDays(self.changes[-1].after if self.changes else self.timezone, self.changes)

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def interval(self) -> str:
        """
        Choose the interval of dimension `time`: minutes live, hours within a day, months beyond half a year, else days.
        """
        if self.name == "realtime":
            return "minute"
        if self.start is not None and self.end is not None and self.end - self.start <= timedelta(hours=48):
            return "hour"
        if self.days == 1:
            return "hour"
        if self.name in ("6mo", "12mo", "year") or self.days > 200:
            return "month"
        return "day"

    def previous(self) -> Period:
        """
        The period of the same length right before.
        """
        if self.start is not None and self.end is not None:
            length = self.end - self.start
            zone = ZoneInfo(self.timezone)
            start = self.start - length
            return Period(
                "custom",
                self.timezone,
                local_day(start, zone),
                local_day(self.start - timedelta(seconds=1), zone),
                start,
                self.start,
                changes=self.changes,
            )
        if self.first.day == 1 and (self.name in ("month", "year") or self.name.endswith("mo")):
            months = 12 if self.name == "year" else int(self.name[:-2]) if self.name.endswith("mo") else 1
            first = months_before(self.first, months)
            # Compare the same part: on the 10th, the month before is looked at up to its 10th too.
            last = min(first + (self.last - self.first), self.first - timedelta(days=1))
            if self.name.endswith("mo"):
                last = self.first - timedelta(days=1)
            return Period("custom", self.timezone, first, last, changes=self.changes)
        length_days = timedelta(days=self.days)
        first, last = self.first - length_days, self.last - length_days
        return Period("custom", self.timezone, first, last, None, None, self.clipped_hour, self.changes)

    def by_hours(self) -> Period:
        """
        Widen a range of seconds to whole hours, so that two of them do not differ by minutes; others stay.
        """
        if self.start is None or self.end is None or self.name == "realtime":
            return self
        zone = ZoneInfo(self.timezone)
        start = self.start.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        end = (self.end - timedelta(microseconds=1)).astimezone(zone).replace(minute=0, second=0, microsecond=0)
        return replace(self, start=start.astimezone(UTC), end=end.astimezone(UTC) + timedelta(hours=1))

    def labels(self, interval: str) -> tuple[str, ...]:
        """
        Name every bucket, oldest first: `2021-01-01`, or `2021-01-01 10:00:00` for hours and minutes.

        A first week that began before the period is named after the period's first day.

        Raises:
            PeriodError: more than `LABELS_MAX` buckets; ask for a longer interval.
        """
        if interval in ("hour", "minute"):
            return self._clock_labels(interval)
        labels: list[str] = []
        day = self.first
        while day <= self.last:
            labels.append(day.isoformat())
            if interval == "day":
                day += timedelta(days=1)
            elif interval == "week":
                day += timedelta(days=7 - day.weekday())
            else:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        if interval == "month":
            labels[0] = self.first.replace(day=1).isoformat()
        return tuple(labels)

    def _clock_labels(self, interval: str) -> tuple[str, ...]:
        zone = ZoneInfo(self.timezone)
        step = timedelta(hours=1) if interval == "hour" else timedelta(minutes=1)
        if (interval == "hour" and self.days * 24 > LABELS_MAX) or (
            interval == "minute" and self.days * 1440 > LABELS_MAX
        ):
            raise PeriodError(f"more than {LABELS_MAX} buckets of one {interval}; ask for a longer interval")
        if self.start is None and self.site_days.changes_within(self.first - timedelta(days=1), date.max):
            return self._changing_labels(interval)
        start = self.start or day_start(self.first, zone)
        end = self.end or day_start(self.last + timedelta(days=1), zone)
        if self.start is None and self.clipped_hour is not None:
            end = min(end, day_start(self.last, zone) + timedelta(hours=25))
        # Steps are taken in UTC by quarter hours at most, so that zones like +05:45 and doubled hours come out once.
        form = "%Y-%m-%d %H:00:00" if interval == "hour" else "%Y-%m-%d %H:%M:00"
        labels: dict[str, None] = {}
        small = min(step, timedelta(minutes=15))
        moment = start.replace(second=0, microsecond=0)
        minutes = "00" if interval == "hour" else "59"
        clipped = self.clipped_hour is not None
        last_label = f"{self.last.isoformat()} {self.clipped_hour:02d}:{minutes}:00" if clipped else None
        while moment < end:
            label = moment.astimezone(zone).strftime(form)
            if last_label is not None and self.start is None and label > last_label:
                break
            labels[label] = None
            moment += small
        return tuple(labels)

    def _changing_labels(self, interval: str) -> tuple[str, ...]:
        # Day by day: a day follows one zone, and the one at a change is longer or shorter.
        labels: dict[str, None] = {}
        form = "%H:00:00" if interval == "hour" else "%H:%M:00"
        step = timedelta(minutes=15 if interval == "hour" else 1)
        day = self.first
        while day <= self.last:
            zone = ZoneInfo(self.site_days.zone_of(day))
            moment, end = self.site_days.start_of(day), self.site_days.start_of(day + timedelta(days=1))
            while moment < end:
                local = moment.astimezone(zone)
                hour = local.strftime(form) if local.date() == day else "00:00:00"
                if day == self.last and self.clipped_hour is not None and int(hour[:2]) > self.clipped_hour:
                    break
                labels[f"{day.isoformat()} {hour}"] = None
                moment += step
            day += timedelta(days=1)
        return tuple(sorted(labels))


def months_before(day: date, months: int) -> date:
    """
    The first day of the month that lies so many months before.
    """
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def resolve(
    date_range: str | tuple[str, str] | Period,
    timezone: str,
    now_ms: int,
    *,
    today: str | None = None,
    changes: tuple[ZoneChange, ...] = (),
    whole_calendar: bool = False,
) -> Period:
    """
    Turn a named range or a pair into a `Period`. `all` is resolved by whoever knows the first day.

    Args:
        timezone: the site's, in force now.
        today: the day to look back from (`YYYY-MM-DD`); the local day of `now_ms` when None.
        changes: of the site's time zone.
        whole_calendar: `month` and `year` go to their last day, though it lies ahead.

    Raises:
        PeriodError: no such range, or a pair in the wrong order.

    Source: the stats API's documentation: `Nd` and `Nmo` are full days and months before today's.
    """
    if isinstance(date_range, Period):
        return date_range
    period = replace(_resolved(date_range, timezone, now_ms, today, changes), changes=changes)
    if whole_calendar and period.name == "month":
        return replace(period, last=months_before(period.first, -1) - timedelta(days=1))
    if whole_calendar and period.name == "year":
        return replace(period, last=date(period.first.year, 12, 31))
    return period


def _resolved(
    date_range: str | tuple[str, str], timezone: str, now_ms: int, today: str | None, changes: tuple[ZoneChange, ...]
) -> Period:
    zone = ZoneInfo(timezone)
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    local_now = now.astimezone(zone)
    if isinstance(date_range, tuple):
        return _pair(date_range, timezone, changes)
    base = local_day(now, zone) if today is None else parse_day(today)
    is_today = base == local_day(now, zone)
    hour = local_now.hour if is_today else None
    if date_range == "day":
        return Period("day", timezone, base, base, clipped_hour=hour)
    if date_range == "24h":
        start = now - timedelta(hours=24)
        return Period("24h", timezone, local_day(start, zone), local_day(now, zone), start, now + timedelta(seconds=1))
    if date_range == "realtime":
        start = (now - timedelta(minutes=REALTIME_MINUTES - 1)).replace(second=0, microsecond=0)
        return Period(
            "realtime", timezone, local_day(start, zone), local_day(now, zone), start, now + timedelta(seconds=1)
        )
    if date_range == "month":
        last = base if is_today else months_before(base, -1) - timedelta(days=1)
        return Period("month", timezone, base.replace(day=1), last)
    if date_range == "year":
        last = base if is_today else date(base.year, 12, 31)
        return Period("year", timezone, date(base.year, 1, 1), last)
    if date_range == "all":
        return Period("all", timezone, base, base)
    match = _RELATIVE.match(date_range)
    if match and match[2] == "d" and int(match[1]) <= DAYS_MAX:
        return Period(date_range, timezone, base - timedelta(days=int(match[1])), base - timedelta(days=1))
    if match and match[2] == "mo" and int(match[1]) <= MONTHS_MAX:
        return Period(date_range, timezone, months_before(base, int(match[1])), base.replace(day=1) - timedelta(days=1))
    raise PeriodError(f'Invalid date range "{date_range}"')


def parse_day(text: str) -> date:
    """
    Read `YYYY-MM-DD`.

    Raises:
        PeriodError: not a date.
    """
    try:
        if len(text) != 10:
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise PeriodError(f'Invalid date "{text}"') from None


def _pair(pair: tuple[str, str], timezone: str, changes: tuple[ZoneChange, ...]) -> Period:
    shown = f'["{pair[0]}", "{pair[1]}"]'
    zone = ZoneInfo(timezone)
    try:
        if len(pair[0]) == 10 and len(pair[1]) == 10:
            first, last = date.fromisoformat(pair[0]), date.fromisoformat(pair[1])
            if first > last:
                raise PeriodError(f"Invalid date range {shown}")
            return Period("custom", timezone, first, last)
        start, end = (_instant(text, zone) for text in pair)
    except ValueError:
        raise PeriodError(f"Invalid date range {shown}") from None
    if start > end:
        raise PeriodError(f"Invalid date range {shown}")
    # Both instants are inside, as with dates.
    after = end + timedelta(seconds=1)
    days = SiteDays(changes[-1].after if changes else timezone, changes)
    first, last = days.day_of(start), days.day_of(end)
    if start == days.start_of(first) and after == days.start_of(last + timedelta(days=1)):
        # Whole days said in seconds, as in the `query` of an answer: counted by day like the answer was.
        return Period("custom", timezone, first, last)
    return Period("custom", timezone, first, last, start, after)


def _instant(text: str, zone: tzinfo) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)
