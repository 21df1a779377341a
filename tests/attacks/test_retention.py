"""
Attacks 8 to 16: bringing destroyed keys back, keeping them alive, and bending the vault's cipher.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daysalt.retention import OpenStore
from daysalt.vault.audit import LOG_FILE, UNREADABLE
from daysalt.vault.holds import FILE as HOLDS_FILE
from daysalt.vault.holds import HoldError
from daysalt.vault.requests import Request
from ingest.keys.keyring import KeyDestroyed, KeyId, Keyring, KeyringError
from ingest.keys.keyring_file import read_keyring, write_keyring
from ingest.keys.salts import SaltCalendar
from ingest.retention.canary import ADDRESS as CANARY
from ingest.retention.canary import table_index
from ingest.sightings import Sighting
from ingest.spool.writer import SpoolWriter
from ingest.vault.cipher import VaultCipher, VaultUnreadable, mapped_address
from ingest.vault.drain import VaultDrain
from ingest.vault.row import LANE, VAULT_SITE
from ingest.vault.sink import VaultSink
from tests.clocks import FakeClock
from tests.ingest.retention.test_executor import EVERY_STEP, at, crashes_after, proofs, verified
from tests.ingest.retention.world import World
from tests.ingest.vault.lanes import sighting
from tests.processes.family import until
from tests.turns import Turn
from tests.vault.test_reads import ALONE, ANNA, BO, HOLD, OTHER, V4, Vault, desk_of
from warehouse.client import Warehouse
from warehouse.days import DAY_MS
from warehouse.privacy.proofs import DAY
from warehouse.retire import find_canary

ADDRESS = mapped_address(bytes([203, 0, 113, 77]), whole_ipv6=True)


def collected(world: World) -> tuple[str, int, bytes, bytes]:
    """
    Keep one address today: its day, and its row.
    """
    keys = world.live()
    number = world.clock.now_ms() // DAY_MS
    cipher = VaultCipher(keys[1], 1, number)
    index = cipher.index(ADDRESS)
    return world.today, number, index, cipher.seal(index, ADDRESS)


def opens(keyring: Keyring, row: tuple[str, int, bytes, bytes]) -> bool:
    """
    Try every key of the vault that a keyring gives on a row.
    """
    _, number, index, ciphertext = row
    for key_id in keyring.ids("vault"):
        key = keyring.get(key_id)
        try:
            if key is not None and VaultCipher(key, 1, number).open(index, ciphertext) == ADDRESS:
                return True
        except VaultUnreadable:
            continue
    return False


def test_08_a_restore_on_day_46_opens_nothing(tmp_path: Path) -> None:
    """
    The rows of a backup of D + 10 are noise under today's keyring, and under a keyring stolen then once the root key
    was rotated. The control is the limit that `docs/privacy.md` states: stolen together with the root key, it opens.
    """
    world = World(tmp_path, FakeClock(at("2026-09-20T00:00:00")))
    row = collected(world)
    world.clock.advance(ms=10 * DAY_MS)
    world.tick()
    stolen, with_root = tmp_path / "stolen", tmp_path / "stolen-with-root"
    for copy in (stolen, with_root):
        shutil.copytree(world.settings.keys_dir, copy)
    world.keyring.rotate_root()
    shutil.copy2(world.settings.root_key_file, tmp_path / "root-of-today")
    world.clock.advance(ms=36 * DAY_MS)
    world.tick()

    assert not opens(world.keyring, row)
    with pytest.raises(KeyringError, match="root key does not open"):
        Keyring(stolen, tmp_path / "root-of-today", world.clock)
    assert opens(Keyring(with_root, with_root / "root.key", world.clock), row)


def test_09_the_boundary_is_exact(tmp_path: Path) -> None:
    """
    What came at 00:00:00 and at 23:59:59 is found at D + 44 23:59:59 and not at D + 45 00:00:00. The control, a vault
    that keeps its keys a day longer, still finds both.
    """
    found: list[list[int]] = []
    for days in (45, 46):
        vault = Vault(tmp_path / str(days), retention_days=days)
        midnight = vault.clock.now_ms() // DAY_MS * DAY_MS
        for moment, address in ((midnight, V4), (midnight + DAY_MS - 1000, OTHER)):
            vault.clock.advance(ms=moment - vault.clock.now_ms())
            vault.see(address)
        vault.clock.advance(ms=midnight + 45 * DAY_MS - 1000 - vault.clock.now_ms())
        before = len(vault.lookup()) + len(vault.lookup(address=OTHER))
        vault.clock.advance(seconds=1)
        found.append([before, len(vault.lookup()) + len(vault.lookup(address=OTHER))])

    assert [[2, 0], [2, 2]] == found


def test_10_a_crash_at_any_step_of_a_purge_converges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Killed after each step in turn, the next start ends with one proof a day and no key under a proof. The control: a
    destruction that only pretends is never proved.
    """
    world = World(tmp_path, FakeClock(at("2026-09-20T00:00:00")), retention_days=1)
    for step in EVERY_STEP:
        row = collected(world)
        world.clock.advance(ms=DAY_MS)
        assert crashes_after(world, step, monkeypatch), step
        assert not (row[0] in proofs(world) and opens(world.keyring, row))
        world.tick()
        assert row[0] == proofs(world)[-1]
        assert not opens(world.keyring, row)
    assert len(EVERY_STEP) == verified(world).days
    row = collected(world)
    world.clock.advance(ms=DAY_MS)

    def pretended(key_ids: list[KeyId], mark: KeyId | None = None) -> list[KeyId]:
        return key_ids

    monkeypatch.setattr(world.keyring, "destroy_all", pretended)
    world.tick()
    assert (True, False) == (opens(world.keyring, row), row[0] in proofs(world))


def test_11_a_store_that_is_away_keeps_nothing_alive(tmp_path: Path) -> None:
    """
    The key dies on D + 45 with the store down, the partition when it is back; the status shows both. The control is a
    purge that waits for the store: its row opens on D + 46.
    """
    world = World(tmp_path, FakeClock(at("2026-09-20T00:00:00")))
    row = collected(world)
    alive = world.keyring.get(KeyId("vault", "1", row[0]))
    world.tick()
    world.store.away = True
    world.clock.advance(ms=45 * DAY_MS)
    world.tick()
    status = world.part.status()

    assert not opens(world.keyring, row)
    assert ([row[0]], True) == (status["unfinished"], row[0] in world.store.rows)
    assert alive is not None
    assert ADDRESS == VaultCipher(alive, 1, row[1]).open(row[2], row[3]), "the control: had it waited"
    world.store.away = False
    world.tick()
    assert ([], [row[0]], False) == (world.part.status()["unfinished"], proofs(world), row[0] in world.store.rows)


def test_12_a_clock_set_back_makes_no_salt_again(tmp_path: Path) -> None:
    """
    Set back into a day whose salt is dead, the day that had begun goes on, and the alarm says why. The control, a
    keyring that lost its tombstones, makes that salt a second time.
    """
    clock = FakeClock(at("2026-11-20T12:00:00"))
    keyring = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)
    calendar = SaltCalendar(keyring, clock, lambda _: None)
    calendar.salts(["Etc/UTC"])
    clock.advance(ms=DAY_MS)
    calendar.salts(["Etc/UTC"])
    calendar.destroy_due()
    clock.wall_ms -= DAY_MS
    alarms: list[str] = []
    dead = KeyId("salt", "Etc/UTC", "2026-11-20")
    again = SaltCalendar(keyring, clock, alarms.append).salts(["Etc/UTC"])

    assert [at("2026-11-21") // DAY_MS] == [salt.day for salt in again]
    assert ["clock went backwards" in alarm for alarm in alarms] == [True]
    with pytest.raises(KeyDestroyed):
        keyring.get_or_make(dead)
    keyring.close()
    state = read_keyring(tmp_path / "keys" / "keyring.json")
    write_keyring(tmp_path / "keys" / "keyring.json", type(state)(state.epochs, state.keys, {}, state.high_water_ms))
    weakened = Keyring(tmp_path / "keys", tmp_path / "keys" / "root.key", clock)
    assert weakened.get_or_make(dead)


def test_13_a_leap_of_the_clock_destroys_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Sixty days ahead in a moment: no key dies and the vault takes nothing, until somebody confirms. The control, a
    calendar that believes every clock, loses them all at once.
    """
    left: list[int] = []
    for name, believing in (("careful", False), ("believing", True)):
        world = World(tmp_path / name, FakeClock(at("2026-09-20T00:00:00")))
        collected(world)
        world.tick()
        world.clock.wall_ms += 60 * DAY_MS
        if believing:
            monkeypatch.setattr(SaltCalendar, "paused", False)
        world.tick()
        left.append(len(world.keyring.ids("vault")))
        if not believing:
            assert ({}, True) == (world.live(), "leapt" in world.part.trouble)
            world.calendar.believe_clock()
            world.tick()
            assert [] == world.keyring.ids("vault")

    assert [3, 0] == left


def _nonces(cipher: VaultCipher, count: int) -> list[bytes]:
    """
    Seal the same address again and again, and keep what must not repeat: sub-key number and nonce.
    """
    index = cipher.index(ADDRESS)
    return [cipher.seal(index, ADDRESS)[:13] for _ in range(count)]


def test_14_no_nonce_comes_twice_under_one_key() -> None:
    """
    Eight processes with one key and 2^17 encryptions repeat nothing, and a key's cap rolls to a sub-key. The control,
    randomness cloned as by a snapshot, repeats every one.
    """
    key = b"k" * 32
    used = [nonce for _ in range(8) for nonce in _nonces(VaultCipher(key, 1, 1), 2**14)]
    capped = _nonces(VaultCipher(key, 1, 1, encryptions_max=3), 7)

    def cloned() -> Callable[[int], bytes]:
        numbers = iter(range(10**6))
        return lambda size: next(numbers).to_bytes(size, "big")

    clones = [nonce for _ in range(2) for nonce in _nonces(VaultCipher(key, 1, 1, random_bytes=cloned()), 100)]

    assert 2**17 == len(used) == len(set(used))
    assert [0, 0, 0, 1, 1, 1, 2] == [nonce[0] for nonce in capped]
    assert (200, 100) == (len(clones), len(set(clones)))


def test_15_a_moved_ciphertext_does_not_open() -> None:
    """
    Between days, sites and rows: always the same error, which tells nothing. The control is a cipher that binds
    nothing to its texts: there it opens.
    """
    key, other_index = b"k" * 32, b"i" * 16
    cipher = VaultCipher(key, 1, 20_000)
    index = cipher.index(ADDRESS)
    sealed = cipher.seal(index, ADDRESS)
    errors: set[str] = set()
    for moved, row in (
        (VaultCipher(key, 1, 20_001), index),
        (VaultCipher(key, 2, 20_000), index),
        (VaultCipher(b"o" * 32, 1, 20_000), index),
        (cipher, other_index),
    ):
        with pytest.raises(VaultUnreadable) as refused:
            moved.open(row, sealed)
        errors.add(str(refused.value))
    loose = [VaultCipher(key, 1, day) for day in (20_000, 20_001)]
    for one in loose:
        one._bound = b""  # pyright: ignore[reportPrivateUsage]  # weakened for this

    assert {"a row of the vault cannot be read"} == errors
    assert ADDRESS == loose[1].open(b"", loose[0].seal(b"", ADDRESS))


def test_15_a_moved_row_is_told_of(tmp_path: Path) -> None:
    """
    Where the product opens ciphertexts, one that was moved leaves an entry in the audit log: a hold's, and the canary's
    in the vault's table. The controls, unmoved, open and leave none.
    """
    vault = Vault(tmp_path / "hold")
    for case, address in (("CASE-1", V4), ("CASE-2", OTHER)):
        vault.see(address)
        asyncio.run(vault.reads.hold(ALONE, address, **{**HOLD, "case": case}))
    desk = desk_of(vault)
    shown = asyncio.run(desk.hold_show("CASE-1"))
    before = _unreadable(vault.data)
    path = vault.data / HOLDS_FILE
    holds = json.loads(path.read_text())
    holds[0]["sealed"], holds[1]["sealed"] = holds[1]["sealed"], holds[0]["sealed"]
    path.write_text(json.dumps(holds))
    with pytest.raises(HoldError) as refused:
        asyncio.run(desk.hold_show("CASE-1"))

    assert (V4, []) == (shown["address"], before)
    assert [("hold", "CASE-1", "")] == _unreadable(vault.data)
    assert not any(address in str(refused.value) for address in (V4, OTHER))

    told: list[list[tuple[str, str, str]]] = []
    for moved in (False, True):
        world = World(tmp_path / str(moved), FakeClock(at("2026-09-20T00:00:00")), retention_days=2)
        collected(world)
        day, (index, _) = world.today, world.store.canaries[world.today]
        world.clock.advance(ms=DAY_MS)
        collected(world)
        if moved:
            world.store.canaries[day] = index, world.store.canaries[world.today][1]
        for _ in range(3):
            world.tick()
            world.clock.advance(seconds=3600)
        told.append(_unreadable(world.settings.data_dir))

    assert [[], [("canary", "", "2026-09-20")]] == told


def _unreadable(data_dir: Path) -> list[tuple[str, str, str]]:
    log = data_dir / LOG_FILE
    entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    return [
        (entry["subject_kind"], entry["ticket"], entry["day"]) for entry in entries if entry["action"] == UNREADABLE
    ]


def test_16_a_hold_keeps_one_address_and_no_other(tmp_path: Path) -> None:
    """
    Held by two people, A is readable after D + 45 in the hold and nowhere else, B not at all; its end ends A, too. The
    control is a hold that spares the day's key: there B is found, too.
    """
    vault = Vault(tmp_path)
    vault.see(V4)
    vault.see(OTHER)
    asked = asyncio.run(vault.reads.hold(ANNA, V4, **HOLD))
    assert isinstance(asked, Request)
    made: Any = asyncio.run(vault.reads.approve(BO, asked.id))
    vault.clock.advance(ms=45 * DAY_MS)
    spared = vault.keys.days()
    for day in vault.keys.due_days():
        vault.keys.destroy_day(day)

    assert (ANNA.name, BO.name) == (made.requester, made.approver)
    assert V4 == vault.reads.holds.read("CASE-1")[0]
    assert ([], []) == (vault.keys.days(), vault.keys.living())
    vault.reads.end_hold(BO, "CASE-1")
    with pytest.raises(HoldError):
        vault.reads.holds.read("CASE-1")
    longer = Vault(tmp_path / "spared", retention_days=400)
    longer.see(V4)
    longer.see(OTHER)
    longer.clock.advance(ms=45 * DAY_MS)
    assert spared
    assert 1 == len(longer.lookup(address=OTHER))


def test_the_canary_dies_in_the_real_store(tmp_path: Path, quick_store: Warehouse) -> None:
    """
    Sealed by a collector's vault, carried through spool and drain into the embedded store: found there on its last day,
    opened, and told of in the proof; gone with its partition. The control, a day that the drain never carried, is
    proved as unseen.
    """
    world = World(tmp_path, FakeClock(at("2026-09-20T08:00:00")), retention_days=2)
    store = OpenStore(quick_store)
    days: list[str] = []
    found: list[bool] = []
    for carried in (True, False):
        days.append(world.today)
        world.live()
        _carry(world, quick_store, address=V4, carried=carried)
        key = world.keyring.get(KeyId("vault", str(VAULT_SITE), world.today))
        assert key is not None
        found.append(find_canary(quick_store, world.today, table_index(key)) is not None)
        world.clock.advance(ms=DAY_MS)
        _finished(world, store)
    world.clock.advance(ms=DAY_MS)
    _finished(world, store)
    records = [signed.record for signed in world.part.retention.chain.of_kind(DAY)]

    assert [True, False] == found
    assert [("found", 1), ("unseen", 0)] == [(row["canary"]["table"], row["rows_dropped"]) for row in records]
    assert days == [row["day"] for row in records]
    assert 0 == quick_store.query("SELECT count() FROM vault")[0][0]
    assert 2 == verified(world).days


def _finished(world: World, store: OpenStore) -> None:
    """
    Destroy what is due, and wait until the engine let go of what was dropped.
    """
    world.part.destroy_due()
    until(lambda: not world.part.finish(store, []).waiting, "a dropped day is still on disk")


def _carry(world: World, warehouse: Warehouse, *, address: str, carried: bool) -> None:
    """
    Let a collector see an address and the canary, and the drain bring both into the store.
    """

    async def keys(wanted: list[tuple[int, int]]) -> list[bytes | None]:
        return world.vault_keys.make(wanted)

    turn = Turn()
    spool = SpoolWriter(
        world.settings.spool_dir / LANE, world.clock, turn, sync=True, wait_in_place_us=10**9, bytes_max=10**9
    )
    sink = VaultSink(world.clock, spool, keys, whole_ipv6=True)
    sink.install_sites([1, VAULT_SITE])
    now = world.clock.now_ms()
    sink.see([sighting(address, now), Sighting(now, VAULT_SITE, CANARY, "", (), sighting(address).beacon, None)])
    asyncio.run(sink.write())
    turn.take()
    spool.close()
    if carried:
        drain = VaultDrain(
            world.settings.spool_dir, world.settings.data_dir / "drain", warehouse, world.clock,
            retention_days=2, report=lambda _kind, _name, _size: None,
        )  # fmt: skip
        while drain.step():
            pass
    else:
        shutil.rmtree(world.settings.spool_dir / LANE)


def test_every_day_is_proved_once(tmp_path: Path) -> None:
    """
    What the attacks above left is a chain that holds: kinds and days in order.
    """
    world = World(tmp_path, FakeClock(at("2026-09-20T00:00:00")), retention_days=2)
    for _ in range(5):
        collected(world)
        world.clock.advance(ms=DAY_MS)
        world.tick()

    assert [signed.record["day"] for signed in world.part.retention.chain.of_kind(DAY)] == proofs(world)
    assert 4 == verified(world).days
