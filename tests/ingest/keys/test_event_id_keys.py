"""
Keys for event ids: one a day, found across midnight, destroyed 25 hours after their day.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.event_id_hashes import CARRIED, EventIdHasher
from ingest.keys.day_keys import DAY_MS
from ingest.keys.event_id_keys import AFTER_MS, PURPOSE, EventIdKeys
from ingest.keys.keyring import Keyring
from ingest.keys.salts import AHEAD_MS, SaltCalendar
from ingest.pseudonymize import NoSalt
from tests.clocks import FakeClock

MIDNIGHT_MS = 20_780 * DAY_MS


def make(tmp_path: Path, clock: FakeClock) -> tuple[Keyring, EventIdKeys]:
    keyring = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)
    return keyring, EventIdKeys(keyring, SaltCalendar(keyring, clock, lambda _: None))


def hashes(keys: EventIdKeys, clock: FakeClock, site_id: int = 1, event_id: str = "order-1") -> tuple[int, int, int]:
    hasher = EventIdHasher()
    hasher.install(keys.living())
    return CARRIED.unpack(hasher.carried(site_id, event_id, clock.now_ms()))


def test_a_key_for_the_day_and_the_next_when_near(tmp_path: Path) -> None:
    """
    No key is made for a day that is over; the next one's is there before midnight.
    """
    clock = FakeClock(MIDNIGHT_MS + 1000)
    _, keys = make(tmp_path, clock)
    first = [key.day for key in keys.living()]
    clock.advance(ms=DAY_MS - AHEAD_MS)

    assert ([20_780], [20_780, 20_781]) == (first, [key.day for key in keys.living()])


def test_a_repeat_is_found_across_midnight(tmp_path: Path) -> None:
    """
    What an id is under its day's key is carried by its repeat on the next day, and by no other id or site.
    """
    clock = FakeClock(MIDNIGHT_MS - 1000)
    _, keys = make(tmp_path, clock)
    keys.living()
    today, before, received = hashes(keys, clock)
    clock.advance(seconds=DAY_MS // 1000)
    later = hashes(keys, clock)

    assert (0, (MIDNIGHT_MS - 1000) // 1000) == (before, received)
    assert today == later[1] != later[0]
    assert today not in {*hashes(keys, clock, site_id=2), *hashes(keys, clock, event_id="order-2")}


def test_a_key_is_destroyed_25_hours_after_its_day(tmp_path: Path) -> None:
    """
    At the moment it is over it goes for good, and a collector lets it go, too.
    """
    clock = FakeClock(MIDNIGHT_MS - 1000)
    keyring, keys = make(tmp_path, clock)
    hasher = EventIdHasher()
    hasher.install(keys.living())
    for _ in range(25):
        clock.advance(seconds=3600)
        assert [] == keys.destroy_due()
    clock.advance(seconds=1)
    hasher.forget_expired(clock.now_ms())

    assert ["2026-11-22"] == [key_id.day for key_id in keys.destroy_due()]
    assert ["2026-11-23"] == [key_id.day for key_id in keyring.ids(PURPOSE)]
    assert AFTER_MS == 25 * 3600 * 1000
    with pytest.raises(NoSalt):
        hasher.carried(1, "order-1", MIDNIGHT_MS - 1000)


def test_nothing_is_destroyed_while_the_clock_is_not_believed(tmp_path: Path) -> None:
    """
    A clock that leaps by more than two days destroys no key.
    """
    clock = FakeClock(MIDNIGHT_MS)
    _, keys = make(tmp_path, clock)
    keys.living()
    clock.wall_ms += 5 * DAY_MS

    assert [] == keys.destroy_due()
