"""
Risk ids: one key a UTC day, 128 bits, nothing in common with visitor ids or with the next day.
"""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

from ingest.keys.day_keys import DAY_MS
from ingest.keys.event_id_keys import EventIdKeys
from ingest.keys.keyring import Keyring
from ingest.keys.risk_keys import RiskKeys
from ingest.keys.salts import SaltCalendar
from ingest.risk_id import RISK_ID_BYTES, RiskIds
from tests.clocks import FakeClock

MIDNIGHT_MS = 20_780 * DAY_MS
V4 = ip_address("203.0.113.77").packed
V6 = ip_address("2001:db8:aaaa:bbbb::1234").packed


def make(tmp_path: Path, clock: FakeClock) -> tuple[Keyring, RiskKeys, RiskIds]:
    keyring = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)
    keys, ids = RiskKeys(keyring, SaltCalendar(keyring, clock, lambda _: None)), RiskIds()
    ids.install(keys.living())
    return keyring, keys, ids


def test_an_address_has_one_id_a_day(tmp_path: Path) -> None:
    """
    The same address is the same all day, another one on the next, and never the same as another address.
    """
    clock = FakeClock(MIDNIGHT_MS)
    _, keys, ids = make(tmp_path, clock)
    morning = ids.risk_id(V4, clock.now_ms())
    evening = ids.risk_id(V4, clock.now_ms() + DAY_MS - 1)
    other = ids.risk_id(V6, clock.now_ms())
    clock.advance(ms=DAY_MS)
    ids.install(keys.living())

    assert morning is not None and len(morning) == RISK_ID_BYTES
    assert morning == evening
    assert 3 == len({morning, other, ids.risk_id(V4, clock.now_ms())})


def test_networks_have_ids_of_their_own(tmp_path: Path) -> None:
    """
    Addresses of one /56 share its id and nothing else; a network's id is never an address's.
    """
    _, _, ids = make(tmp_path, FakeClock(MIDNIGHT_MS))
    neighbour = ip_address("2001:db8:aaaa:bbff::1").packed
    far = ip_address("2001:db8:aaab::1").packed
    at = MIDNIGHT_MS

    assert ids.network_id(V6, 56, at) == ids.network_id(neighbour, 56, at)
    assert ids.network_id(V6, 56, at) != ids.network_id(far, 56, at)
    assert 4 == len({ids.risk_id(V6, at), *(ids.network_id(V6, bits, at) for bits in (48, 56, 128))})
    assert ids.network_id(bytes(4), 24, at) != ids.network_id(bytes(16), 24, at)


def test_without_the_days_key_there_is_no_id(tmp_path: Path) -> None:
    """
    Nothing is hashed without a key: for another day, and after the key is over.
    """
    clock = FakeClock(MIDNIGHT_MS)
    _, _, ids = make(tmp_path, clock)
    known = ids.risk_id(V4, MIDNIGHT_MS)
    ids.forget_expired(MIDNIGHT_MS + 2 * DAY_MS)

    assert known is not None
    assert (None, None) == (ids.risk_id(V4, MIDNIGHT_MS + DAY_MS), ids.risk_id(V4, MIDNIGHT_MS))


def test_a_key_dies_a_day_after_its_day(tmp_path: Path) -> None:
    """
    At the end of the next day it is destroyed, and a clock set back does not bring it to life again.
    """
    clock = FakeClock(MIDNIGHT_MS)
    _, keys, _ = make(tmp_path, clock)
    clock.advance(ms=2 * DAY_MS - 1)
    early = keys.destroy_due()
    clock.advance(ms=1)
    due = keys.destroy_due()
    clock.wall_ms = MIDNIGHT_MS

    assert ([], ["2026-11-23"]) == (early, [key_id.day for key_id in due])
    assert [] == keys.living()


def test_nothing_dies_while_the_clock_is_not_believed(tmp_path: Path) -> None:
    """
    A clock that leaps 60 days ahead destroys nothing, and the day goes on under its key.
    """
    clock = FakeClock(MIDNIGHT_MS)
    _, keys, _ = make(tmp_path, clock)
    clock.wall_ms += 60 * DAY_MS

    assert [] == keys.destroy_due()
    assert [20_780] == [key.day for key in keys.living()]


def test_its_key_is_its_own(tmp_path: Path) -> None:
    """
    No other kind of key of the day is the same.
    """
    clock = FakeClock(MIDNIGHT_MS)
    keyring, keys, _ = make(tmp_path, clock)
    calendar = SaltCalendar(keyring, clock, lambda _: None)
    others = [*EventIdKeys(keyring, calendar).living(), *calendar.salts(["Etc/UTC"])]

    assert 3 == len({keys.living()[0].key, *(key.key for key in others)})
