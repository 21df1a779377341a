"""
Days of a site across a change of its time zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from warehouse.site_days import SiteDays, plan_change

ZONES = ("Etc/UTC", "Europe/Stockholm", "America/New_York", "Pacific/Auckland", "Asia/Kathmandu", "Pacific/Honolulu")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ms(text: str) -> int:
    return round(at(text).timestamp() * 1000)


def test_eastwards() -> None:
    """From New York to Stockholm the first new day begins where New York's day ends, and is six hours shorter."""
    change = plan_change("America/New_York", "Europe/Stockholm", ms("2026-01-10T15:00:00"))
    days = SiteDays("Europe/Stockholm", (change,))

    assert (date(2026, 1, 11), ms("2026-01-11T05:00:00")) == (change.first_day, change.effective_ms)
    assert [date(2026, 1, 10), date(2026, 1, 11), date(2026, 1, 12)] == [
        days.day_of(at(moment)) for moment in ("2026-01-11T04:59:59", "2026-01-11T05:00:00", "2026-01-11T23:00:00")
    ]
    assert at("2026-01-11T05:00:00") == days.start_of(date(2026, 1, 11))
    assert at("2026-01-11T23:00:00") == days.start_of(date(2026, 1, 12))


def test_westwards() -> None:
    """From Stockholm to New York the first new day begins at Stockholm's midnight, and is six hours longer."""
    change = plan_change("Europe/Stockholm", "America/New_York", ms("2026-01-10T15:00:00"))
    days = SiteDays("America/New_York", (change,))

    assert (date(2026, 1, 11), ms("2026-01-11T05:00:00")) == (change.first_day, change.effective_ms)
    assert [date(2026, 1, 10), date(2026, 1, 11), date(2026, 1, 11), date(2026, 1, 12)] == [
        days.day_of(at(moment))
        for moment in ("2026-01-10T22:59:59", "2026-01-10T23:00:00", "2026-01-11T05:00:00", "2026-01-12T05:00:00")
    ]
    assert at("2026-01-10T23:00:00") == days.start_of(date(2026, 1, 11))


def test_the_midnight_lies_ahead_in_both() -> None:
    """Where it is tomorrow already, the change waits for the midnight after."""
    change = plan_change("Etc/UTC", "Pacific/Auckland", ms("2026-01-10T15:00:00"))

    assert date(2026, 1, 12) == change.first_day


@given(st.sampled_from(ZONES), st.sampled_from(ZONES), st.integers(min_value=1_700_000_000, max_value=1_800_000_000))
def test_every_moment_has_one_day(before: str, after: str, now: int) -> None:
    """Whatever the zones: days follow each other, and a moment lies between its day's start and the next one's."""
    change = plan_change(before, after, now * 1000)
    days = SiteDays(after, (change,))
    moments = [datetime.fromtimestamp(now + step * 900, UTC) for step in range(4 * 24 * 4)]

    found = [days.day_of(moment) for moment in moments]

    assert change.effective_ms > now * 1000
    assert all(0 <= (later - earlier).days <= 1 for earlier, later in pairwise(found))
    assert all(days.start_of(day) <= moment for day, moment in zip(found, moments, strict=True))


def test_which_changes_matter() -> None:
    """A period knows the changes it runs over, and a site the one that lies ahead."""
    change = plan_change("Etc/UTC", "Europe/Stockholm", ms("2026-01-10T15:00:00"))
    days = SiteDays("Europe/Stockholm", (change,))

    assert (change,) == days.changes_within(date(2026, 1, 1), date(2026, 1, 11))
    assert () == days.changes_within(date(2026, 1, 11), date(2026, 1, 31))
    assert change == days.next_change(ms("2026-01-10T16:00:00"))
    assert days.next_change(change.effective_ms) is None
    assert ("Etc/UTC", "Europe/Stockholm") == (days.zone_of(date(2026, 1, 10)), days.zone_of(date(2026, 1, 11)))
