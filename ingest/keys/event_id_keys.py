"""
The keys under which `event_id`s of batches are hashed: one for each UTC day, random, with a life of two days.

An id is hashed under the key of the day it is received and looked for under that key and the one of the day before,
so that a repeat is found across midnight. A key therefore lives one day and `AFTER_MS` more; then it is destroyed,
and what is left of an id cannot be computed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from ingest.keys.keyring import KeyId, Keyring
from ingest.keys.salts import AHEAD_MS, SaltCalendar
from warehouse.clock import Clock

PURPOSE = "event_id"
SCOPE = "Etc/UTC"
DAY_MS = 86_400_000
AFTER_MS = 25 * 3600 * 1000
"""How long after its day a key lives: as long as a hash made in its last moment (contract, section 2)."""

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, repr=False)
class EventIdKey:
    """
    The key of one UTC day, in days since 1970-01-01. `expires_ms` in epoch milliseconds UTC.
    """

    day: int
    expires_ms: int
    key: bytes

    def __repr__(self) -> str:
        return f"<EventIdKey of {EPOCH + timedelta(days=self.day)}>"


class EventIdKeys:
    """
    Makes the keys before they are needed and destroys them when they are over.
    """

    def __init__(self, keyring: Keyring, clock: Clock, calendar: SaltCalendar) -> None:
        """
        Args:
            calendar: while it does not trust the clock, nothing is destroyed here either.
        """
        self._keyring = keyring
        self._clock = clock
        self._calendar = calendar

    def living(self) -> list[EventIdKey]:
        """
        Give the keys that collectors need now: the day's, the day before's, and the next day's when it is near.

        Raises:
            KeyringError: the keyring cannot be written.
        """
        now = self._now_ms()
        today = now // DAY_MS
        found = [self._key(today - 1, make=False), self._key(today, make=True)]
        if (today + 1) * DAY_MS - now <= AHEAD_MS:
            found.append(self._key(today + 1, make=True))
        return [key for key in found if key is not None and key.expires_ms > now]

    def destroy_due(self) -> list[KeyId]:
        """
        Destroy every key whose time is over.

        Returns:
            What was destroyed now. Nothing while the calendar of salts is paused.
        """
        if self._calendar.paused:
            return []
        now = self._now_ms()
        due = [
            key_id
            for key_id in self._keyring.ids(PURPOSE)
            if _expires_ms((date.fromisoformat(key_id.day) - EPOCH).days) <= now
        ]
        return [key_id for key_id in due if self._keyring.destroy(key_id)]

    def _now_ms(self) -> int:
        # As for salts: a day that is over is not lived through again.
        return max(self._clock.now_ms(), self._keyring.high_water_ms)

    def _key(self, day: int, *, make: bool) -> EventIdKey | None:
        key_id = KeyId(PURPOSE, SCOPE, (EPOCH + timedelta(days=day)).isoformat())
        key = self._keyring.get_or_make(key_id) if make else self._keyring.get(key_id)
        return None if key is None else EventIdKey(day, _expires_ms(day), key)


def _expires_ms(day: int) -> int:
    return (day + 1) * DAY_MS + AFTER_MS
