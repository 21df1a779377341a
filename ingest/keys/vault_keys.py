"""
The keys of the vault: one for each site and UTC day, random, destroyed when the day's addresses are due.

A key is made when the first row of its site and day is about to be written, so a quiet site has none. A day is
destroyed as a whole, with one tombstone, and no key of it is made again. Source of the period:
`DAYSALT_IP_RETENTION_DAYS`; day D is due at D + that many days, 00:00 UTC, so that its oldest row is never older.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingest.keys.keyring import KeyId, Keyring
from ingest.keys.salts import SaltCalendar
from ingest.vault.row import VAULT_SITE
from warehouse.days import DAY_MS, day_number, iso_day

PURPOSE = "vault"
ALL_SITES = "*"
"""Scope of the tombstone of a day."""
SITES_MAX = 20_000
"""Keys asked for at once; more than there can be sites on two days."""


class VaultKeys:
    """
    Makes the keys of the vault when they are needed, and destroys them by day.
    """

    def __init__(self, keyring: Keyring, calendar: SaltCalendar, retention_days: int) -> None:
        """
        Args:
            retention_days: 0 switches the vault off: no key is made, and every day is due.
        """
        self._keyring = keyring
        self._calendar = calendar
        self._retention_days = retention_days

    def today(self) -> int:
        """
        Tell the UTC day that is believed to be now, in days since 1970-01-01.
        """
        return self._calendar.now_ms() // DAY_MS

    def alive(self, day: int) -> bool:
        """
        Tell whether rows of a day may be written and read: not due, not destroyed, not in the future.
        """
        return day <= self.today() < day + self._retention_days and not self._destroyed(day)

    def make(self, wanted: Sequence[tuple[int, int]]) -> list[bytes | None]:
        """
        Give the keys of (site id, day) in the order asked for; those that were never made are made, on disk first.

        Returns:
            None in the place of a day that is not alive.

        Raises:
            KeyringError: the keyring cannot be written.
        """
        assert len(wanted) <= SITES_MAX
        days = {day: self.alive(day) for _, day in wanted}
        ids = [_key_id(site_id, day) if days[day] else None for site_id, day in wanted]
        # The key of a removed site is dead before its day is.
        usable = [key_id for key_id in ids if key_id is not None and not self._keyring.destroyed(key_id)]
        keys = dict(zip(usable, self._keyring.get_or_make_all(usable), strict=True))
        return [None if key_id is None else keys.get(key_id) for key_id in ids]

    def living(self) -> list[tuple[int, int, bytes]]:
        """
        List what can be read now: site id, day and key, the oldest day first.

        Raises:
            KeyringError: a wrapped key does not open.
        """
        found = [(day_number(key_id.day), int(key_id.scope), key_id) for key_id in self._keyring.ids(PURPOSE)]
        alive = {day: self.alive(day) for day, _, _ in found}
        rows: list[tuple[int, int, bytes]] = []
        for day, site_id, key_id in sorted(found, key=lambda row: row[:2]):
            key = self._keyring.get(key_id) if alive[day] else None
            if key is not None:
                rows.append((site_id, day, key))
        return rows

    def days(self) -> list[int]:
        """
        List the days that have a key, the oldest first, also those that are due.
        """
        return sorted({day_number(key_id.day) for key_id in self._keyring.ids(PURPOSE)})

    def due_days(self) -> list[int]:
        """
        List the days that must be destroyed now, the oldest first; none while the clock is not believed.
        """
        if self._calendar.paused:
            return []
        today = self.today()
        # A day nobody has reached was made under a wrong clock: it must not wait there for years.
        return [day for day in self.days() if day + self._retention_days <= today or day > today + 1]

    def destroy_day(self, day: int) -> list[KeyId]:
        """
        Destroy the keys of every site for a day, for good, synced before this returns.

        Returns:
            The keys there were.

        Raises:
            KeyringError: the keyring cannot be written; the keys are still there.
        """
        iso = iso_day(day)
        due = [key_id for key_id in self._keyring.ids(PURPOSE) if key_id.day == iso]
        return self._keyring.destroy_all(due, mark=_mark(day))

    def destroy_site(self, site_id: int) -> list[KeyId]:
        """
        Destroy every key of a site that was removed.
        """
        return self._keyring.destroy_all([key for key in self._keyring.ids(PURPOSE) if key.scope == str(site_id)])

    def oldest_days(self) -> int:
        """
        Tell the age in days of the oldest day that holds an address of anybody; 0 when there is none, or only today's.
        """
        ages = [
            self.today() - day_number(key_id.day)
            for key_id in self._keyring.ids(PURPOSE)
            if key_id.scope != str(VAULT_SITE)
        ]
        return max(0, *ages) if ages else 0

    def _destroyed(self, day: int) -> bool:
        return self._keyring.destroyed(_mark(day))


def _key_id(site_id: int, day: int) -> KeyId:
    return KeyId(PURPOSE, str(site_id), iso_day(day))


def _mark(day: int) -> KeyId:
    return KeyId(PURPOSE, ALL_SITES, iso_day(day))
