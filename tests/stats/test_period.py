"""
Periods in a site's time zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.stats.period import Period, PeriodError, resolve
from warehouse.days import day_start, local_day


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


NOON = at("2026-05-08T12:00:00+00:00")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("day", "2026-05-08", "2026-05-08"),
        ("7d", "2026-05-01", "2026-05-07"),
        ("3d", "2026-05-05", "2026-05-07"),
        ("month", "2026-05-01", "2026-05-08"),
        ("6mo", "2025-11-01", "2026-04-30"),
        ("12mo", "2025-05-01", "2026-04-30"),
        ("year", "2026-01-01", "2026-05-08"),
    ],
)
def test_named_ranges(name: str, first: str, last: str) -> None:
    """
    `Nd` and `Nmo` are full days and months before today's; `day`, `month` and `year` end today.
    """
    period = resolve(name, "Etc/UTC", NOON)

    assert (date.fromisoformat(first), date.fromisoformat(last)) == (period.first, period.last)


def test_day_follows_the_time_zone() -> None:
    """
    At 02:00 UTC it is still yesterday in New York.
    """
    period = resolve("day", "America/New_York", at("2024-01-02T02:00:00+00:00"))

    assert date(2024, 1, 1) == period.first


@pytest.mark.parametrize("wrong", ["", "d", "0d", "-1d", "7", "7x", "99999d", "999mo", "DAY", "7d; DROP TABLE events"])
def test_unknown_range(wrong: str) -> None:
    """
    A range that is none is refused by name.
    """
    with pytest.raises(PeriodError, match="Invalid date range"):
        resolve(wrong, "Etc/UTC", NOON)


def test_pair_in_the_wrong_order() -> None:
    """
    A pair must not end before it begins.
    """
    with pytest.raises(PeriodError):
        resolve(("2026-05-02", "2026-05-01"), "Etc/UTC", NOON)


def test_whole_days_said_in_seconds_are_days() -> None:
    """
    Midnight to the last second is the same period as the dates.
    """
    period = resolve(("2026-03-29T00:00:00+01:00", "2026-03-29T23:59:59+02:00"), "Europe/Stockholm", NOON)

    assert Period("custom", "Europe/Stockholm", date(2026, 3, 29), date(2026, 3, 29)) == period


def test_hours_of_the_day_clocks_go_forward() -> None:
    """
    The hour that does not exist has no bucket.
    """
    labels = resolve(("2026-03-29", "2026-03-29"), "Europe/Stockholm", NOON).labels("hour")

    assert len(labels) == 23
    assert "2026-03-29 02:00:00" not in labels


def test_hours_of_the_day_clocks_go_back() -> None:
    """
    The hour that comes twice is one bucket.
    """
    labels = resolve(("2026-10-25", "2026-10-25"), "Europe/Stockholm", NOON).labels("hour")

    assert 24 == len(labels) == len(set(labels))


def test_today_is_labelled_up_to_now() -> None:
    """
    Hours that lie ahead have no label.
    """
    assert resolve("day", "Etc/UTC", NOON).labels("hour")[-1] == "2026-05-08 12:00:00"


def test_first_week_is_named_after_the_first_day() -> None:
    """
    Weeks start on Monday; a first partial week is clipped.
    """
    labels = resolve(("2020-12-20", "2021-01-07"), "Etc/UTC", NOON).labels("week")

    assert labels == ("2020-12-20", "2020-12-21", "2020-12-28", "2021-01-04")


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("day", "2026-05-07", "2026-05-07"),
        ("7d", "2026-04-24", "2026-04-30"),
        ("month", "2026-04-01", "2026-04-08"),
        ("6mo", "2025-05-01", "2025-10-31"),
        ("year", "2025-01-01", "2025-05-08"),
    ],
)
def test_previous(name: str, first: str, last: str) -> None:
    """
    The period before has the same length, or is the same part of the month or year before.
    """
    previous = resolve(name, "Etc/UTC", NOON).previous()

    assert (date.fromisoformat(first), date.fromisoformat(last)) == (previous.first, previous.last)


def test_previous_of_24_hours() -> None:
    """
    The 24 hours before end where these begin.
    """
    period = resolve("24h", "Etc/UTC", NOON)

    assert period.start == period.previous().end


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("America/Havana", "2023-11-05", "2023-11-05T05:00:00"),
        ("America/Asuncion", "2024-03-24", "2024-03-24T03:00:00"),
        ("Africa/Cairo", "2024-04-26", "2024-04-25T22:00:00"),
        ("Europe/Stockholm", "2026-03-29", "2026-03-28T23:00:00"),
    ],
)
def test_day_start(zone: str, day: str, start: str) -> None:
    """
    A day begins once, also where its midnight comes twice or never.
    """
    began = day_start(date.fromisoformat(day), ZoneInfo(zone))

    assert datetime.fromisoformat(start).replace(tzinfo=UTC) == began
    assert date.fromisoformat(day) == local_day(began, ZoneInfo(zone))
