"""
Days die on time and are proved, whatever goes wrong meanwhile.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import ingest.retention.executor
import ingest.vault.cipher
from ingest.keys import keyring as keyring_module
from ingest.keys.keyring import KeyId
from ingest.retention.canary import opens_canary
from ingest.retention.executor import BEHIND_MS_MAX
from ingest.vault.cipher import VaultCipher, VaultUnreadable, mapped_address
from tests.clocks import FakeClock
from tests.ingest.retention.world import Crash, World, crashing
from warehouse.privacy.proofs import DAY, KEYS, Verified, verify_chain

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Do not wait for the disk: power is not cut here, and thousands of days pass.
    """

    def synced(descriptor: int) -> None:
        assert descriptor >= 0

    monkeypatch.setattr("os.fsync", synced)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, FakeClock(at("2026-09-20T00:00:00")))


def verified(world: World) -> Verified:
    return verify_chain(world.part.retention.chain.records)


def proofs(world: World) -> list[str]:
    return [str(signed.record["day"]) for signed in world.part.retention.chain.of_kind(DAY)]


def pass_days(world: World, days: int) -> None:
    for _ in range(days):
        world.clock.advance(ms=DAY_MS)
        world.live()
        world.tick()


def test_a_day_dies_at_its_boundary_to_the_second(world: World) -> None:
    """
    At D + 44 23:59:59 a key still opens; at D + 45 00:00:00 it is gone and the proof is signed.
    """
    world.live()
    first = world.today
    pass_days(world, 44)
    world.clock.advance(ms=DAY_MS - 1000)
    world.tick()
    before = world.keyring.get(KeyId("vault", "1", first))
    world.clock.advance(seconds=1)
    world.tick()

    assert (True, None) == (before is not None, world.keyring.get(KeyId("vault", "1", first)))
    assert [first] == proofs(world)
    (proof,) = world.part.retention.chain.of_kind(DAY)
    assert {"keys": 3, "before": "found", "table": "found", "after": "dead"} == proof.record["canary"]
    assert (2, 3) == (proof.record["rows_dropped"], len(proof.record["keys"]))
    assert proof.record["due_ms"] == proof.record["destroyed_ms"] == world.clock.now_ms()
    assert first not in world.store.rows


def test_sixty_days_leave_one_proof_a_day(world: World) -> None:
    """
    Over 60 days, hour by hour, with the clocks of Stockholm and New York changing: one valid proof a day, no key older
    than 45 days, no salt older than its day and half an hour.
    """
    keys: dict[str, dict[int, bytes]] = {}
    for hour in range(60 * 24):
        if hour % 24 == 0:
            keys[world.today] = world.live()
        world.calendar.salts(["Europe/Stockholm", "America/New_York"])
        world.tick()
        living = world.keyring.ids("vault")
        assert {key.day for key in living} <= set(sorted(keys)[-45:])
        assert len(world.keyring.ids("salt")) <= 4
        world.clock.advance(ms=HOUR_MS)

    days = sorted(keys)
    found = verified(world)
    assert days[:15] == proofs(world)
    assert (15, days[0], days[14], ()) == (found.days, found.first_day, found.last_day, found.late)
    salts = [
        key
        for signed in world.part.retention.chain.of_kind(KEYS)
        if signed.record["purpose"] == "salt"
        for key in signed.record["keys"]
    ]
    # The last tick is at 23:00 UTC on November 18: 00:00 in Stockholm, 18:00 in New York, where it began on the 19th.
    zones = [key["scope"] for key in salts]
    assert (59, 60) == (zones.count("Europe/Stockholm"), zones.count("America/New_York"))
    assert all(key["destroyed_ms"] - key["created_ms"] <= 27 * HOUR_MS for key in salts)


def test_ten_days_of_outage_are_caught_up_at_start(world: World) -> None:
    """
    A server that was off for ten days destroys what was due before it does anything else, and says how late it was.
    """
    world.live()
    pass_days(world, 40)
    world.clock.advance(ms=15 * DAY_MS)
    world.restart()
    destroyed = world.part.destroy_due()

    assert 11 == len(destroyed)
    assert set() == {key.day for key in world.keyring.ids("vault")} & set(destroyed)
    world.part.finish(world.store, destroyed)
    found = verified(world)
    assert (11, 9) == (found.days, len(found.late))
    assert "" == world.part.trouble


STEPS = ["note", "destroy", "count", "drop", "prove", "forget"]


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_after_any_step_is_healed(world: World, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Killed after each step of destruction, the next start finishes it: one proof, no key, with the right rows.
    """
    world.live()
    first = world.today
    pass_days(world, 44)
    world.clock.advance(ms=DAY_MS)
    retention = world.part.retention
    victims: dict[str, tuple[Any, str]] = {
        "note": (ingest.retention.executor, "write_state"),
        "destroy": (world.vault_keys, "destroy_day"),
        "count": (retention, "count_rows"),
        "drop": (world.store, "drop"),
        "prove": (retention.chain, "append"),
        "forget": (retention, "_forget"),
    }
    victim, name = victims[step]
    with monkeypatch.context() as patched:
        if step == "prove":
            world.part.retention.prove_keys()  # other keys' proofs are written before; the day's is the one to die at
            world.calendar.destroy_due()
            world.risk_keys.destroy_due()
            world.event_id_keys.destroy_due()
            world.part.retention.prove_keys()
        patched.setattr(victim, name, crashing(getattr(victim, name)))
        with pytest.raises(Crash):
            world.tick()
    assert step in ("prove", "forget") or [] == proofs(world)
    assert [] == proofs(world) or world.keyring.get(KeyId("vault", "1", first)) is None
    world.restart()
    world.tick()
    world.tick()

    assert [first] == proofs(world)
    assert (1, ()) == (verified(world).days, verified(world).late)
    assert None is world.keyring.get(KeyId("vault", "1", first))
    assert [] == world.part.retention.unfinished()
    assert [2] == [signed.record["rows_dropped"] for signed in world.part.retention.chain.of_kind(DAY)]


def test_a_crash_between_a_death_and_its_proof_is_healed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A salt destroyed right before a crash is proved by the next start, once.
    """
    world.live()
    world.clock.advance(ms=2 * DAY_MS)
    with monkeypatch.context() as patched:
        patched.setattr(keyring_module, "write_keyring", crashing(keyring_module.write_keyring))
        with pytest.raises(Crash):
            world.calendar.destroy_due()
    world.restart()
    world.tick()
    world.restart()
    world.tick()

    checks = [key["check"] for signed in world.part.retention.chain.of_kind(KEYS) for key in signed.record["keys"]]
    assert len(checks) == len(set(checks)) == len(world.part.retention.chain.checks) > 0
    assert {stone.check for stone in world.keyring.tombstones() if stone.check} == set(checks)


def test_a_store_that_is_away_keeps_no_key_alive(world: World) -> None:
    """
    With the store down the key still dies on time; after 24 hours the vault takes no more addresses, then all heals.
    """
    world.live()
    first = world.today
    pass_days(world, 44)
    world.store.away = True
    pass_days(world, 1)

    assert None is world.keyring.get(KeyId("vault", "1", first))
    assert ("", [first], []) == (world.part.trouble, world.part.retention.unfinished(), proofs(world))
    world.clock.advance(ms=BEHIND_MS_MAX + 1)
    world.tick()
    assert "24 hours behind" in world.part.trouble
    assert {} == world.live()
    world.store.away = False
    world.tick()
    assert "" == world.part.trouble
    assert 2 == len(proofs(world))


def test_a_leap_pauses_until_somebody_confirms(world: World) -> None:
    """
    A clock that leaps 60 days destroys nothing and closes the vault; confirmed, everything due dies.
    """
    world.live()
    world.tick()
    world.clock.wall_ms += 60 * DAY_MS
    world.tick()

    assert 3 == len(world.keyring.ids("vault"))
    assert "leapt" in world.part.trouble
    assert {} == world.live()
    world.calendar.believe_clock()
    world.tick()
    assert [] == world.keyring.ids("vault")
    assert "" == world.part.trouble
    assert 16 == len(proofs(world))


def test_a_longer_period_is_for_new_days_only(world: World) -> None:
    """
    Days collected under 10 days die after 10, also when the period is 45 by then; a shorter one applies to all at once.
    """
    world.restart(retention_days=10)
    world.tick()
    world.live()
    first = world.today
    pass_days(world, 5)
    world.restart(retention_days=45)
    pass_days(world, 5)

    assert [first] == proofs(world)
    pass_days(world, 10)
    assert 6 == len(proofs(world))
    world.restart(retention_days=3)
    world.tick()
    assert 18 == len(proofs(world))
    assert {3, 10} == {signed.record["retention_days"] for signed in world.part.retention.chain.of_kind(DAY)}


def test_a_day_without_addresses_is_proved_too(world: World) -> None:
    """
    Days on which nothing was kept leave no hole.
    """
    world.tick()
    world.clock.advance(ms=45 * DAY_MS)
    world.tick()

    (proof,) = world.part.retention.chain.of_kind(DAY)
    assert ({"keys": 0, "before": "none", "table": "none", "after": "dead"}, []) == (
        proof.record["canary"],
        proof.record["keys"],
    )
    assert 1 == verified(world).days


def test_what_is_left_in_the_store_or_the_spool_forbids_the_proof(world: World) -> None:
    """
    While rows, parts or files of the day are found, no proof is signed.
    """
    world.live()
    pass_days(world, 44)
    left = world.settings.spool_dir / "vault" / "old.seg"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x")
    import os

    written = at("2026-09-19T00:00:00") / 1000
    os.utime(left, (written, written))
    pass_days(world, 1)

    assert [] == proofs(world)
    assert "1 files" in world.part.waiting
    left.unlink()
    world.tick()
    assert 1 == len(proofs(world))


def test_quarantined_files_die_too(world: World) -> None:
    """
    What the drain set aside is deleted when its period is over, and not before.
    """
    import os

    old, young = (world.settings.spool_dir / "quarantine" / name for name in ("old.bad", "young.bad"))
    old.parent.mkdir(parents=True)
    for path, day in ((old, "2026-09-20"), (young, "2026-10-30")):
        path.write_bytes(b"x")
        written = at(day + "T12:00:00") / 1000
        os.utime(path, (written, written))
    world.clock.wall_ms = world.clock.steady_ms = at("2026-11-04T00:00:01")
    world.restart()
    world.tick()

    assert (False, True) == (old.exists(), young.exists())


def test_the_canary_finds_a_key_that_was_not_destroyed(world: World) -> None:
    """
    Positive control: against a key that lives on the canary opens, so its silence afterwards means something.
    """
    keys = world.live()
    from ingest.retention.canary import seal_canary

    sealed = seal_canary(keys[1], world.today)

    assert (True, False) == (opens_canary(keys[1], world.today, sealed), opens_canary(keys[2], world.today, sealed))
    assert not opens_canary(keys[1], "2026-09-21", sealed)


def test_the_canary_of_the_table_is_seen_on_the_last_day(world: World) -> None:
    """
    On the last day of its life it is found by its index and opened; a row that is no canary is not taken for one; a
    store that was away all day leaves a proof that says so.
    """
    days: list[str] = []
    for number in range(3):
        days.append(world.today)
        world.live()
        if number == 1:
            index, _ = world.store.canaries[world.today]
            world.store.canaries[world.today] = index, bytes(45)
        world.clock.advance(ms=DAY_MS)
        world.tick()
    pass_days(world, 43)  # the first two are dead now, the third one is on its last day
    world.store.away = True
    world.restart()
    (world.settings.data_dir / "proofs" / "retention.json").write_text(
        (world.settings.data_dir / "proofs" / "retention.json").read_text().replace(days[2], "2000-01-01")
    )
    world.restart()
    world.tick()
    world.clock.advance(ms=DAY_MS)
    world.tick()
    world.store.away = False
    world.tick()

    told = {signed.record["day"]: signed.record["canary"] for signed in world.part.retention.chain.of_kind(DAY)}
    assert ["found", "unseen", "unseen"] == [told[day]["table"] for day in days]
    assert {"found"} == {told[day]["before"] for day in days}
    assert 3 == verified(world).days


def test_a_canary_left_in_the_table_forbids_the_proof(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A store that says it dropped a day and still has its canary, in a double weakened for this, is found out; so is a
    key that still opens what the table had.
    """
    world.live()
    first = world.today
    pass_days(world, 44)

    def still_there(day: str, index: bytes) -> bytes:
        return kept[1]

    kept, key = world.store.canaries[first], world.keyring.get(KeyId("vault", "0", first))
    assert key is not None
    canaries = world.part.retention.table_canaries
    assert (True, False) == (canaries.opened_by([key], first), canaries.opened_by([bytes(32)], first))
    world.clock.advance(ms=DAY_MS)
    with monkeypatch.context() as patched:
        patched.setattr(world.store, "canary", still_there)
        world.tick()
        assert ([], True) == (proofs(world), "still in the vault's table" in world.part.waiting)
    world.tick()

    assert [first] == proofs(world)


EVERY_STEP = ["prepare", *STEPS]


@pytest.mark.parametrize("retention_days", [45, 7])
def test_sixty_days_of_outage_crashes_and_changing_clocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, retention_days: int
) -> None:
    """
    Sixty days with an hour more in Stockholm and in New York, ten days of them switched off, and on every day on which
    something dies a crash after the next one of the steps: one valid proof for each day, and at no moment opens a
    ciphertext whose day is over.
    """
    # Every key is tried on every row, twice a day: what is derived of a key is the same each time.
    monkeypatch.setattr(ingest.vault.cipher, "_derived", cache(ingest.vault.cipher._derived))  # pyright: ignore[reportPrivateUsage]
    world = World(tmp_path, FakeClock(at("2026-09-20T00:00:00")), retention_days=retention_days)
    sealed: dict[str, tuple[int, bytes, bytes]] = {}
    crashes: list[str] = []
    days: list[str] = []
    for number in range(60):
        days.append(world.today)
        if 20 <= number < 30:
            world.clock.advance(ms=DAY_MS)
            continue
        if number == 30:
            world.restart()
            world.part.destroy_due()  # as a start does, before anything is served
        if number >= retention_days:
            step = EVERY_STEP[len(crashes) % len(EVERY_STEP)]
            crashes += [step] if crashes_after(world, step, monkeypatch) else []
        world.tick()
        keys = world.live()
        today = world.clock.now_ms() // DAY_MS
        cipher, address = VaultCipher(keys[1], 1, today), mapped_address(bytes([203, 0, 113, 77]), whole_ipv6=True)
        sealed[world.today] = today, cipher.index(address), cipher.seal(cipher.index(address), address)
        for _ in range(2):
            world.tick()
            assert _opening(world, sealed) == [day for day, row in sealed.items() if today < row[0] + retention_days]
            world.clock.advance(ms=12 * HOUR_MS)

    found = verified(world)
    assert days[: 60 - retention_days] == proofs(world)
    assert (60 - retention_days, days[0]) == (found.days, found.first_day)
    # Late are only those that fell due while it was off.
    assert (
        days[20 - retention_days : 29 - retention_days] == list(found.late) if retention_days < 20 else not found.late
    )
    assert set(EVERY_STEP) == set(crashes)


def _opening(world: World, sealed: dict[str, tuple[int, bytes, bytes]]) -> list[str]:
    """
    Try every living key of the vault on every row there ever was, and list the days that one opens.
    """
    living = [key for key_id in world.keyring.ids("vault") if (key := world.keyring.get(key_id)) is not None]
    opened: list[str] = []
    for day, (number, index, ciphertext) in sealed.items():
        for key in living:
            try:
                VaultCipher(key, 1, number).open(index, ciphertext)
            except VaultUnreadable:
                continue
            opened.append(day)
    return opened


def crashes_after(world: World, step: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """
    Tick, die right after a step, and start anew. Whether it came to that step.
    """
    retention = world.part.retention
    append = retention.chain.append

    def dying_append(kind: str, facts: Any) -> Any:
        signed = append(kind, facts)
        if kind == DAY:
            raise Crash
        return signed

    victims: dict[str, tuple[Any, str]] = {
        "prepare": (retention, "_prepare"),
        "note": (ingest.retention.executor, "write_state"),
        "destroy": (world.vault_keys, "destroy_day"),
        "count": (retention, "count_rows"),
        "drop": (world.store, "drop"),
        "prove": (retention.chain, "append"),
        "forget": (retention, "_forget"),
    }
    victim, name = victims[step]
    with monkeypatch.context() as patched:
        patched.setattr(victim, name, dying_append if step == "prove" else crashing(getattr(victim, name)))
        try:
            world.tick()
        except Crash:
            patched.undo()
            world.restart()
            return True
    return False


def test_a_day_whose_key_survives_is_not_proved(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A destruction that only pretends, in a double weakened for this, is found out and leaves no proof.
    """

    def pretended(key_ids: list[KeyId], mark: KeyId | None = None) -> list[KeyId]:
        return key_ids

    world.live()
    pass_days(world, 44)
    world.clock.advance(ms=DAY_MS)
    with monkeypatch.context() as patched:
        patched.setattr(world.keyring, "destroy_all", pretended)
        world.tick()

        assert [] == proofs(world)
    world.tick()
    assert 1 == len(proofs(world))
