"""
The day of a moment is the site's, however often and in whatever order it is asked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from ingest.imports.local_days import LocalDays
from warehouse.site_days import SiteDays, ZoneChange

CHANGE = ZoneChange("America/New_York", "Asia/Tokyo", date(2026, 3, 10), 1_773_115_200_000)
"""2026-03-10 begins at midnight in New York, 04:00 UTC, after the one in Tokyo."""
ZONES = (
    SiteDays("Etc/UTC"),
    SiteDays("America/Havana"),
    SiteDays("Asia/Kathmandu"),
    SiteDays("Asia/Tokyo", (CHANGE,)),
)


@given(st.sampled_from(ZONES), st.lists(st.integers(1_600_000_000, 1_790_000_000), min_size=1, max_size=30))
def test_days_are_those_of_the_site(days: SiteDays, moments: list[int]) -> None:
    """
    What is remembered of days changes no answer, nor do clock changes or a change of the time zone.
    """
    remembered = LocalDays(days)
    expected = [(days.day_of(datetime.fromtimestamp(ts, UTC)) - date(1970, 1, 1)).days for ts in moments]

    assert expected == [remembered.day_of(ts) for ts in moments]
    assert expected == [remembered.day_of(ts) for ts in moments]
