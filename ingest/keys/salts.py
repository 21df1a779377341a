"""
The calendar of salts: which salt counts visitors now, per time zone, and which must die.

A salt lives for one local day and `OVERLAP_MS` more, in which it only continues visits that were open at midnight.
Then it is destroyed. Days follow the sites' time zones, daylight saving included: 23, 24 or 25 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from ingest.keys.keyring import KeyId, Keyring
from warehouse.clock import Clock
from warehouse.days import day_start, local_day

PURPOSE = "salt"
OVERLAP_MS = 30 * 60 * 1000
"""A visit's idle limit: nobody's visit runs longer over midnight than this."""
AHEAD_MS = 15 * 60 * 1000
"""Tomorrow's salt is made this long before midnight, so that midnight finds it with every collector."""
ASTRAY_MS = 24 * 3600 * 1000
LEAP_MS_MAX = 48 * 3600 * 1000
"""Wall time further ahead of monotonic time than this is a broken clock, not a day that is over (contract, 5)."""

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, repr=False)
class Salt:
    """
    A salt and its life. Times in epoch milliseconds UTC; `day` in days since 1970-01-01.
    """

    timezone: str
    day: int
    start_ms: int
    end_ms: int
    expires_ms: int
    key: bytes

    def __repr__(self) -> str:
        return f"<Salt of {EPOCH + timedelta(days=self.day)} {self.timezone}>"


def day_bounds(timezone: str, day: date) -> tuple[int, int]:
    """
    Tell when a local day begins and ends, in epoch milliseconds UTC.
    """
    zone = ZoneInfo(timezone)
    start, end = day_start(day, zone), day_start(day + timedelta(days=1), zone)
    return round(start.timestamp() * 1000), round(end.timestamp() * 1000)


class SaltCalendar:
    """
    Makes salts before they are needed and destroys them when they are over.
    """

    def __init__(
        self,
        keyring: Keyring,
        clock: Clock,
        alarm: Callable[[str], None],
        *,
        believed: tuple[int, int] | None = None,
    ) -> None:
        """
        Args:
            alarm: told, in one sentence, what an operator must look at.
            believed: wall and monotonic time, in milliseconds, at which the clock was believed last; now, without it.
        """
        self._keyring = keyring
        self._clock = clock
        self._alarm = alarm
        self._wall_ms, self._steady_ms = believed or (clock.now_ms(), clock.monotonic_ms())
        self._alarmed = False
        if keyring.high_water_ms > clock.now_ms():
            alarm("the clock went backwards since the last start; days that are over stay over")

    @property
    def paused(self) -> bool:
        """
        Destruction is paused: the wall clock leapt ahead of the monotonic one by more than 48 hours.
        """
        leap = (self._clock.now_ms() - self._wall_ms) - (self._clock.monotonic_ms() - self._steady_ms)
        return leap > LEAP_MS_MAX

    @property
    def believed(self) -> tuple[int, int]:
        """
        Wall and monotonic time, in milliseconds, at which the clock was believed last.
        """
        return self._wall_ms, self._steady_ms

    def believe_clock(self) -> None:
        """
        Take the wall clock for right as it is now: somebody looked at it. Ends the pause.
        """
        self._wall_ms, self._steady_ms = self._clock.now_ms(), self._clock.monotonic_ms()

    def now_ms(self) -> int:
        """
        Tell the wall time that is believed, in epoch milliseconds UTC: while `paused`, time goes on from the start at
        its own pace.
        """
        if self.paused:
            return self._wall_ms + self._clock.monotonic_ms() - self._steady_ms
        return self._clock.now_ms()

    def salts(self, timezones: Iterable[str]) -> list[Salt]:
        """
        Give every salt that collectors need now: the day's, the last day's within its overlap, and the next day's
        when it is near. What is missing is made, but never for a day that is over.

        Raises:
            KeyringError: the keyring cannot be written; do not serve those time zones.
        """
        now = self.now_ms()
        found: list[Salt] = []
        for timezone in sorted(set(timezones)):
            today = self._day(timezone, now)
            yesterday = self._salt(timezone, today - timedelta(days=1), make=False)
            if yesterday is not None and now < yesterday.expires_ms:
                found.append(yesterday)
            current = self._salt(timezone, today, make=True)
            assert current is not None
            found.append(current)
            if current.end_ms - now <= AHEAD_MS:
                following = self._salt(timezone, today + timedelta(days=1), make=True)
                assert following is not None
                found.append(following)
        return found

    def destroy_due(self) -> list[KeyId]:
        """
        Destroy every salt whose day and overlap are over.

        Returns:
            What was destroyed now. Nothing while `paused`.
        """
        if self.paused:
            if not self._alarmed:
                self._alarmed = True
                self._alarm("the clock leapt ahead by more than 48 hours: nothing is destroyed until it is confirmed")
            return []
        self._alarmed = False
        now = self.now_ms()
        destroyed: list[KeyId] = []
        for key_id in self._keyring.ids(PURPOSE):
            start, end = day_bounds(key_id.scope, date.fromisoformat(key_id.day))
            over = end + OVERLAP_MS <= now
            # Made while the clock was wrong, for a day nobody has reached: it must not wait there for years.
            astray = start - now > ASTRAY_MS and self._day(key_id.scope, now).isoformat() != key_id.day
            if (over or astray) and self._keyring.destroy(key_id):
                destroyed.append(key_id)
        return destroyed

    def _day(self, timezone: str, now_ms: int) -> date:
        today = local_day(datetime.fromtimestamp(now_ms / 1000, UTC), ZoneInfo(timezone))
        if not self._keyring.destroyed(KeyId(PURPOSE, timezone, today.isoformat())):
            return today
        # The clock went back into a day whose salt is dead. It is not lived through again: the day that had begun
        # goes on, until the clock reaches one that is not over.
        living = [key.day for key in self._keyring.ids(PURPOSE) if key.scope == timezone]
        later = [day for day in map(date.fromisoformat, living) if day > today]
        return min(later, default=today + timedelta(days=1))

    def _salt(self, timezone: str, day: date, *, make: bool) -> Salt | None:
        key_id = KeyId(PURPOSE, timezone, day.isoformat())
        key = self._keyring.get_or_make(key_id) if make else self._keyring.get(key_id)
        if key is None:
            return None
        start, end = day_bounds(timezone, day)
        return Salt(timezone, (day - EPOCH).days, start, end, end + OVERLAP_MS, key)
