"""
Vault keys: one for each site and UTC day, dead at day + 45, 00:00 UTC, and never made again.
"""

from __future__ import annotations

import json
from pathlib import Path

from ingest.keys.day_keys import DAY_MS
from ingest.keys.keyring import Keyring
from ingest.keys.salts import SaltCalendar
from ingest.keys.vault_keys import VaultKeys
from tests.clocks import FakeClock

DAY = 20_780
DAYS = 45


def make(tmp_path: Path, clock: FakeClock, days: int = DAYS) -> VaultKeys:
    keyring = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)
    return VaultKeys(keyring, SaltCalendar(keyring, clock, lambda _: None), days)


def test_each_site_and_day_has_a_key_of_its_own(tmp_path: Path) -> None:
    """
    Keys differ by site and by day, and asking again gives the same.
    """
    clock = FakeClock(DAY * DAY_MS)
    keys = make(tmp_path, clock)
    first, second = keys.make([(1, DAY), (2, DAY)])
    clock.advance(ms=DAY_MS)
    third = keys.make([(1, DAY + 1)])[0]

    assert 3 == len({first, second, third} - {None})
    assert [first, second] == keys.make([(1, DAY), (2, DAY)])
    assert [(1, DAY, first), (2, DAY, second), (1, DAY + 1, third)] == keys.living()


def test_a_day_is_alive_until_day_45_midnight(tmp_path: Path) -> None:
    """
    Its last millisecond is the one before D+45 00:00:00 UTC; from then on it is due.
    """
    clock = FakeClock(DAY * DAY_MS)
    keys = make(tmp_path, clock)
    keys.make([(1, DAY)])
    clock.advance(ms=DAYS * DAY_MS - 1)
    before = (keys.alive(DAY), keys.due_days(), keys.oldest_days())
    clock.advance(ms=1)

    assert (True, [], 44) == before
    assert (False, [DAY], []) == (keys.alive(DAY), keys.due_days(), keys.living())


def test_a_destroyed_day_stays_destroyed(tmp_path: Path) -> None:
    """
    Its keys go with one tombstone, and neither a clock set back nor a longer period brings it to life.
    """
    clock = FakeClock(DAY * DAY_MS)
    keys = make(tmp_path, clock, days=2)
    keys.make([(site, DAY) for site in range(1, 4)])
    clock.advance(ms=2 * DAY_MS)
    destroyed = keys.destroy_day(DAY)
    again = keys.destroy_day(DAY)
    del keys
    clock.wall_ms = DAY * DAY_MS
    longer = make(tmp_path, clock)
    kept = json.loads((tmp_path / "keys" / "keyring.json").read_text())["tombstones"]

    assert (3, []) == (len(destroyed), again)
    assert ["vault:*:2026-11-23"] == [row["id"] for row in kept]
    assert (False, [None]) == (longer.alive(DAY), longer.make([(1, DAY)]))


def test_no_key_for_a_day_outside(tmp_path: Path) -> None:
    """
    None for tomorrow, for a day that is due, and for any day when the vault is switched off.
    """
    clock = FakeClock(DAY * DAY_MS)
    keys = make(tmp_path, clock)

    assert [None, None] == keys.make([(1, DAY + 1), (1, DAY - DAYS)])
    assert not keys.days()
    del keys
    assert [None] == make(tmp_path, clock, days=0).make([(1, DAY)])


def test_a_removed_sites_keys_die_at_once(tmp_path: Path) -> None:
    """
    They are not made again, and the keys of others are not touched.
    """
    clock = FakeClock(DAY * DAY_MS)
    keys = make(tmp_path, clock)
    _, kept = keys.make([(1, DAY), (2, DAY)])

    assert 1 == len(keys.destroy_site(1))
    assert [None, kept] == keys.make([(1, DAY), (2, DAY)])


def test_a_leap_makes_nothing_due(tmp_path: Path) -> None:
    """
    A clock 60 days ahead makes no day due, and no key for a far day; a real day made under it dies when it is back.
    """
    clock = FakeClock(DAY * DAY_MS)
    keys = make(tmp_path, clock)
    keys.make([(1, DAY)])
    clock.wall_ms += 60 * DAY_MS

    assert [] == keys.due_days()
    assert [None] == keys.make([(1, DAY + 60)])
    assert keys.alive(DAY)


def test_a_day_made_under_a_wrong_clock_does_not_wait(tmp_path: Path) -> None:
    """
    Started with a clock that is a year ahead, put right later: the key of the far day is due at once.
    """
    clock = FakeClock((DAY + 365) * DAY_MS)
    keys = make(tmp_path, clock)
    keys.make([(1, DAY + 365)])
    clock.wall_ms = DAY * DAY_MS

    assert [DAY + 365] == keys.due_days()
