"""
Keys of one UTC day each: random, one for each day, made before they are needed, destroyed a while after their day.

What a kind of key is for, and how long it lives beyond its day, its own module says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ingest.keys.keyring import KeyId, Keyring
from ingest.keys.salts import AHEAD_MS, SaltCalendar
from warehouse.days import DAY_MS, day_number, iso_day

SCOPE = "Etc/UTC"


@dataclass(frozen=True, slots=True, repr=False)
class DayKey:
    """
    The key of one UTC day, in days since 1970-01-01. `expires_ms` in epoch milliseconds UTC.
    """

    day: int
    expires_ms: int
    key: bytes

    def __repr__(self) -> str:
        return f"<DayKey of {iso_day(self.day)}>"


class DayKeys:
    """
    Makes the keys of one kind before they are needed and destroys them when they are over.
    """

    purpose: ClassVar[str]
    after_ms: ClassVar[int]
    """How long after its day a key lives."""

    def __init__(self, keyring: Keyring, calendar: SaltCalendar) -> None:
        """
        Args:
            calendar: says what time it is; while it does not trust the clock, nothing is destroyed here either.
        """
        self._keyring = keyring
        self._calendar = calendar

    def living(self) -> list[DayKey]:
        """
        Give the keys that are needed now: the day's, those of days before that still live, and the next day's when
        it is near.

        Raises:
            KeyringError: the keyring cannot be written.
        """
        now = self._calendar.now_ms()
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
        now = self._calendar.now_ms()
        due = [key_id for key_id in self._keyring.ids(self.purpose) if self._expires_ms(day_number(key_id.day)) <= now]
        return self._keyring.destroy_all(due)

    def _key(self, day: int, *, make: bool) -> DayKey | None:
        key_id = KeyId(self.purpose, SCOPE, iso_day(day))
        # A clock that went back into a day whose key is dead: that day stays without one.
        make = make and not self._keyring.destroyed(key_id)
        key = self._keyring.get_or_make(key_id) if make else self._keyring.get(key_id)
        return None if key is None else DayKey(day, self._expires_ms(day), key)

    def _expires_ms(self, day: int) -> int:
        return (day + 1) * DAY_MS + self.after_ms


def day_keys(rows: Iterable[Mapping[str, Any]]) -> list[DayKey]:
    """
    Read the keys that the keeper gives over its socket.
    """
    return [DayKey(row["day"], row["expires_ms"], bytes.fromhex(row["key"])) for row in rows]
