"""
Salts: random, one per local day, wrapped on disk, dead half an hour after their day, and never made again.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from ingest.keys.keyring import KeyDestroyed, KeyId, Keyring, KeyringError
from ingest.keys.salts import LEAP_MS_MAX, Salt, SaltCalendar
from ingest.midnight import PROBES, SLOTS, TABLE_BYTES, OpenVisitTable
from ingest.pseudonymize import NoSalt, Pseudonymizer, Visitor
from tests.clocks import FakeClock

ZONE = "Europe/Stockholm"


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def open_keyring(tmp_path: Path, clock: FakeClock) -> Keyring:
    return Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)


def calendar_at(tmp_path: Path, clock: FakeClock, alarms: list[str] | None = None) -> SaltCalendar:
    return SaltCalendar(open_keyring(tmp_path, clock), clock, ([] if alarms is None else alarms).append)


def who(
    pseudonymizer: Pseudonymizer, clock: FakeClock, address: str = "203.0.113.77", site: int = 1, agent: str = "UA",
    domain: str = "site1.test",
) -> Visitor:  # fmt: skip
    return pseudonymizer.visitor(
        timezone=ZONE, at_ms=clock.now_ms(), site_id=site, address=ip_address(address), user_agent=agent, domain=domain
    )


def equipped(salts: list[Salt]) -> Pseudonymizer:
    pseudonymizer = Pseudonymizer(OpenVisitTable(bytearray(TABLE_BYTES)))
    pseudonymizer.install(salts)
    return pseudonymizer


def test_a_salt_is_on_disk_wrapped_before_its_first_use(tmp_path: Path, clock: FakeClock) -> None:
    """
    The salt survives a restart, and its bytes are nowhere in the clear.
    """
    (salt,) = calendar_at(tmp_path, clock).salts([ZONE])
    files = b"".join(path.read_bytes() for path in (tmp_path / "keys").iterdir())

    assert 32 == len(salt.key)
    assert salt.key not in files
    assert salt.key.hex().encode() not in files
    assert [salt] == calendar_at(tmp_path, clock).salts([ZONE])
    assert [0o700, 0o600, 0o400] == [
        path.stat().st_mode & 0o777
        for path in (tmp_path / "keys", tmp_path / "keys" / "keyring.json", tmp_path / "keys" / "root.key")
    ]


@pytest.mark.parametrize(
    ("now", "hours"),
    [("2026-03-29T10:00:00", 23), ("2026-10-25T10:00:00", 25), ("2026-11-22T10:00:00", 24)],
)
def test_days_follow_daylight_saving(tmp_path: Path, now: str, hours: int) -> None:
    """
    A local day has as many hours as the clock on the wall says.
    """
    (salt,) = calendar_at(tmp_path, FakeClock(at(now))).salts([ZONE])

    assert hours == (salt.end_ms - salt.start_ms) / 3_600_000


def test_midnight_overlap_and_death(tmp_path: Path) -> None:
    """
    Tomorrow's salt is made ahead; yesterday's lives for 30 minutes more, to the millisecond.
    """
    clock = FakeClock(at("2026-11-22T22:44:59"))  # 23:44:59 in Stockholm
    calendar = calendar_at(tmp_path, clock)
    assert 1 == len(calendar.salts([ZONE]))
    clock.advance(seconds=1)
    today, tomorrow = calendar.salts([ZONE])
    clock.wall_ms = at("2026-11-22T23:29:59.999")
    assert [] == calendar.destroy_due()
    assert [today, tomorrow] == calendar.salts([ZONE])
    clock.advance(ms=1)

    assert [KeyId("salt", ZONE, "2026-11-22")] == calendar.destroy_due()
    assert [tomorrow] == calendar.salts([ZONE])


def test_what_was_due_while_stopped_is_destroyed_at_start(tmp_path: Path, clock: FakeClock) -> None:
    """
    A server that slept for a week destroys what is over before anything else.
    """
    calendar_at(tmp_path, clock).salts([ZONE, "Etc/UTC"])
    clock.wall_ms += 7 * 86_400_000

    assert 2 == len(calendar_at(tmp_path, clock).destroy_due())
    table = json.loads((tmp_path / "keys" / "keyring.json").read_text())
    assert [] == table["keys"]


def test_clock_backwards_brings_nothing_back(tmp_path: Path) -> None:
    """
    With the clock set back into a destroyed day, the latest day known goes on.
    """
    clock, alarms = FakeClock(at("2026-11-22T10:00:00")), list[str]()
    calendar_at(tmp_path, clock).salts([ZONE])
    clock.wall_ms = at("2026-11-23T10:00:00")
    calendar = calendar_at(tmp_path, clock)
    (monday,) = calendar.salts([ZONE])
    calendar.destroy_due()
    clock.wall_ms = at("2026-11-22T12:00:00")

    assert [monday] == calendar.salts([ZONE])
    assert [monday] == calendar_at(tmp_path, clock, alarms).salts([ZONE])
    assert "backwards" in alarms[0]
    with pytest.raises(KeyDestroyed):
        open_keyring(tmp_path, clock).get_or_make(KeyId("salt", ZONE, "2026-11-22"))


def test_clock_leap_pauses_destruction(tmp_path: Path, clock: FakeClock) -> None:
    """
    A wall clock that leaps 60 days while monotonic time stands destroys nothing by itself.
    """
    alarms: list[str] = []
    calendar = calendar_at(tmp_path, clock, alarms)
    calendar.salts([ZONE])
    clock.wall_ms += 60 * 86_400_000

    assert ([], []) == (calendar.destroy_due(), calendar.destroy_due())
    assert 1 == len(alarms)
    clock.steady_ms += 60 * 86_400_000 - LEAP_MS_MAX
    assert 1 == len(calendar.destroy_due())


def test_a_leap_stays_one_for_the_program_that_takes_over(tmp_path: Path, clock: FakeClock) -> None:
    """
    A keeper that becomes a new program goes on from where the clock was believed last; a start believes it anew.
    """
    calendar = calendar_at(tmp_path, clock)
    clock.wall_ms += LEAP_MS_MAX + 1
    keyring = open_keyring(tmp_path / "other", clock)
    states = [
        SaltCalendar(keyring, clock, lambda _: None, believed=believed).paused for believed in (calendar.believed, None)
    ]

    assert (True, [True, False]) == (calendar.paused, states)


def test_a_wrong_clock_set_right_leaves_no_salt_for_years(tmp_path: Path) -> None:
    """
    Whether the clock leapt while running or was wrong at the start, the salt of the far day does not stay in use.
    """
    clock = FakeClock(at("2026-11-22T10:00:00"))
    calendar = calendar_at(tmp_path, clock)
    (before,) = calendar.salts([ZONE])
    clock.wall_ms += 3650 * 86_400_000
    assert [before] == calendar.salts([ZONE])

    booted_wrong = calendar_at(tmp_path, clock)
    booted_wrong.destroy_due()
    (astray,) = booted_wrong.salts([ZONE])
    clock.wall_ms = at("2026-11-22T11:00:00")
    set_right = calendar_at(tmp_path, clock)
    assert [astray] == set_right.salts([ZONE])
    clock.advance(seconds=86_400)
    (fresh,) = set_right.salts([ZONE])

    assert before.day + 1 == fresh.day
    assert [KeyId("salt", ZONE, "2036-11-19")] == set_right.destroy_due()


def test_wrong_root_key_and_moved_keys_are_refused(tmp_path: Path, clock: FakeClock) -> None:
    """
    A wrapped key opens only with its root key and only as what it is.
    """
    open_keyring(tmp_path, clock).get_or_make(KeyId("salt", ZONE, "2026-11-22"))
    path, root = tmp_path / "keys" / "keyring.json", tmp_path / "keys" / "root.key"
    table = json.loads(path.read_text())
    table["keys"][0]["day"] = "2026-11-23"
    path.write_text(json.dumps(table))
    with pytest.raises(KeyringError, match="damaged"):
        open_keyring(tmp_path, clock).get(KeyId("salt", ZONE, "2026-11-23"))
    root.chmod(0o600)
    root.write_text("00" * 32)
    with pytest.raises(KeyringError, match="root key does not open"):
        open_keyring(tmp_path, clock)
    root.chmod(0o644)
    with pytest.raises(KeyringError, match="chmod 400"):
        open_keyring(tmp_path, clock)
    root.unlink()
    with pytest.raises(KeyringError, match="no root key"):
        open_keyring(tmp_path, clock)


def test_ids_differ_by_every_ingredient(tmp_path: Path, clock: FakeClock) -> None:
    """
    Site, address, user agent, domain and day each make another visitor; the rest of a /64 does not.
    """
    pseudonymizer = equipped(calendar_at(tmp_path, clock).salts([ZONE]))
    other_day = equipped(calendar_at(tmp_path / "other", clock).salts([ZONE]))
    six = "2001:db8:aaaa:bbbb::"
    ids = [
        who(pseudonymizer, clock),
        who(pseudonymizer, clock, address="203.0.113.78"),
        who(pseudonymizer, clock, site=2),
        who(pseudonymizer, clock, agent="UAs", domain="ite1.test"),
        who(pseudonymizer, clock, domain="site2.test"),
        who(pseudonymizer, clock, address=six + "1"),
        who(pseudonymizer, clock, address="2001:db8:aaaa:bbbc::1"),
        who(other_day, clock),
    ]

    assert len(ids) == len(set(ids))
    assert who(pseudonymizer, clock) == ids[0]
    assert who(pseudonymizer, clock, address=six + "1234") == ids[5]


def test_no_salt_no_hash(tmp_path: Path, clock: FakeClock) -> None:
    """
    Without a salt for this moment nothing is hashed.
    """
    pseudonymizer = equipped(calendar_at(tmp_path, clock).salts([ZONE]))
    assert pseudonymizer.ready(ZONE, clock.now_ms())
    clock.advance(seconds=86_400 * 2)

    assert not pseudonymizer.ready(ZONE, clock.now_ms())
    with pytest.raises(NoSalt):
        who(pseudonymizer, clock)
    assert 1 == pseudonymizer.forget_expired(clock.now_ms())
    assert 0 == pseudonymizer.forget_expired(clock.now_ms())


def test_a_salt_the_keeper_gives_no_more_has_gone(tmp_path: Path, clock: FakeClock) -> None:
    """
    Whichever way a salt goes, by its own time or because the next answer lacks it, it is counted once as gone; one that
    is given again has not.
    """
    salts = calendar_at(tmp_path, clock).salts([ZONE])
    pseudonymizer = equipped(salts)
    pseudonymizer.install(salts)
    assert 0 == pseudonymizer.forget_expired(clock.now_ms())
    pseudonymizer.install([])

    assert 1 == pseudonymizer.forget_expired(clock.now_ms())
    assert 0 == pseudonymizer.forget_expired(clock.now_ms())


def test_visit_over_midnight_keeps_its_id_until_the_overlap_ends(tmp_path: Path) -> None:
    """
    23:58, 00:05 and 00:20 are one visitor under the old salt; 00:31 is a new one; a newcomer at 00:05 is new.
    """
    clock = FakeClock(at("2026-11-22T22:58:00"))
    calendar = calendar_at(tmp_path, clock)
    pseudonymizer = equipped(calendar.salts([ZONE]))
    before = who(pseudonymizer, clock)
    clock.wall_ms = at("2026-11-22T23:05:00")
    first, newcomer = who(pseudonymizer, clock), who(pseudonymizer, clock, address="203.0.113.78")
    clock.wall_ms = at("2026-11-22T23:20:00")
    second = who(pseudonymizer, clock)
    clock.wall_ms = at("2026-11-22T23:31:00")
    after = who(pseudonymizer, clock)

    assert before == first == second
    assert (before.day + 1, before.day + 1) == (newcomer.day, after.day)
    assert before.id != after.id


def test_table_forgets_the_longest_silent(clock: FakeClock) -> None:
    """
    When a neighbourhood is full, the one silent for longest makes room.
    """
    table = OpenVisitTable(bytearray(TABLE_BYTES))
    for number in range(PROBES + 1):
        table.note(5 + SLOTS * number, 100 + number)

    assert [False, True, True] == [table.seen_since(5 + SLOTS * number, 0) for number in (0, 1, PROBES)]
    table.wipe()
    assert not table.seen_since(5 + SLOTS, 0)
