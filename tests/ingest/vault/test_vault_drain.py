"""
The vault lane in the store: every hit once, whatever dies in between; one row per day, site and address.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from daysalt.spool_retry import retry_refused
from ingest.manifest import Manifest
from ingest.spool.segment import frame, header
from ingest.vault import drain as drain_module
from ingest.vault.drain import VaultDrain
from ingest.vault.row import VaultRow, encode_row
from ingest.vault.rows import day_row_counts, days_with_rows, drop_day, erase_rows, find_rows, newest_batch
from tests.clocks import FakeClock
from tests.ingest.vault.lanes import DAY, MIDNIGHT_MS
from warehouse.client import Warehouse, WarehouseRefused, WarehouseUnavailable
from warehouse.site_rows import forget_site


class Died(BaseException):
    """
    The process is gone; nothing after this line ran.
    """


def row(name: str, hits: int = 1, hour: int = 5, site: int = 1, day: int = DAY) -> VaultRow:
    return VaultRow(site, day, name.encode().ljust(16, b"."), b"c" * 45, 1 << hour, hits)


def put(spool: Path, number: int, *frames: list[VaultRow]) -> None:
    lane = spool / "vault"
    lane.mkdir(parents=True, exist_ok=True)
    data = header(1) + b"".join(frame([encode_row(row) for row in rows]) for rows in frames)
    (lane / f"{number:013d}-aa-000001.seg").write_bytes(data)


def make(tmp_path: Path, warehouse: Any, clock: FakeClock, told: list[Any] | None = None, **named: Any) -> VaultDrain:
    told = [] if told is None else told

    def tell(kind: str, name: str, size: int) -> None:
        told.append((kind, name, size))

    named = {"retention_days": 45, **named}
    return VaultDrain(tmp_path, tmp_path / "drain", warehouse, clock, report=tell, **named)


def run_dry(drain: VaultDrain) -> None:
    while drain.step():
        pass


def stored(warehouse: Warehouse) -> dict[tuple[int, int, str], tuple[int, int]]:
    rows = warehouse.query(
        "SELECT toUInt16(day), site_id, trimRight(toString(bidx), '.'), groupBitOr(hours), sum(hits) FROM vault "
        "WHERE site_id != 0 GROUP BY day, site_id, bidx"
    )
    return {(day, site, str(name).rstrip(".")): (hours, hits) for day, site, name, hours, hits in rows}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(MIDNIGHT_MS + 6 * 3_600_000)


def test_rows_are_put_together(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Partial rows of a batch and of later ones are one row with all hours and the sum of hits; segments are given back.
    """
    put(tmp_path, 1, [row("a", 2, 3), row("b")], [row("a", 3, 4), row("a", 5, site=2)])
    drain = make(tmp_path, warehouse, clock)
    run_dry(drain)
    put(tmp_path, 2, [row("a", 7, 3)])
    run_dry(drain)

    a, b = (DAY, 1, "a"), (DAY, 1, "b")
    assert {a: (1 << 3 | 1 << 4, 12), b: (1 << 5, 1), (DAY, 2, "a"): (1 << 5, 5)} == stored(warehouse)
    assert 4 == drain.rows
    assert [] == list((tmp_path / "vault").iterdir())
    warehouse.command("OPTIMIZE TABLE vault FINAL")
    assert 3 == warehouse.query("SELECT count() FROM vault WHERE site_id != 0")[0][0]


STEPS = ("before manifest", "after manifest", "after first day", "after insert", "after done", "after removal")


@pytest.mark.parametrize("where", STEPS)
def test_killed_between_any_two_steps_counts_once(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """
    A death at each step of a batch that spans two days, then a new start: every hit once.
    """
    put(tmp_path, 1, [row("a"), row("b", 2)])
    run_dry(make(tmp_path, warehouse, clock))
    put(tmp_path, 2, [row("a", 10), row("c", 20, day=DAY - 1)])

    def dying(real: Callable[..., Any], *, before: bool = False, at: int = 1, when: Any = None) -> Any:
        calls = [0]

        def call(*args: Any, **named: Any) -> Any:
            calls[0] += when is None or when(*args)
            if before and calls[0] == at:
                raise Died
            result = real(*args, **named)
            if calls[0] == at:
                raise Died
            return result

        return call

    def is_done(_directory: Path, manifest: Manifest) -> bool:
        return manifest.done

    drain = make(tmp_path, warehouse, clock)
    with monkeypatch.context() as patch:
        write, insert = drain_module.write_manifest, drain_module.insert_rows
        if where in ("before manifest", "after manifest"):
            patch.setattr(drain_module, "write_manifest", dying(write, before=where == "before manifest"))
        elif where in ("after first day", "after insert"):
            at = 1 if where == "after first day" else 2
            patch.setattr(drain_module, "insert_rows", dying(insert, at=at))
        elif where == "after done":
            patch.setattr(drain_module, "write_manifest", dying(write, when=is_done))
        else:
            patch.setattr(drain_module.SpoolReader, "remove", dying(drain_module.SpoolReader.remove))
        with pytest.raises(Died):
            run_dry(drain)
    run_dry(make(tmp_path, warehouse, clock))

    once = {(DAY, 1, "a"): (1 << 5, 11), (DAY, 1, "b"): (1 << 5, 2), (DAY - 1, 1, "c"): (1 << 5, 20)}
    assert once == stored(warehouse)
    assert [] == list((tmp_path / "vault").iterdir())


def test_without_the_mark_a_replay_counts_twice(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The control of the test above: a drain that does not ask for the mark doubles the hits of a batch it repeats.
    """
    put(tmp_path, 1, [row("a", 4)])
    real = drain_module.insert_rows

    def dies_after(*args: Any, **named: Any) -> None:
        real(*args, **named)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(drain_module, "insert_rows", dies_after)
        with pytest.raises(Died):
            make(tmp_path, warehouse, clock).step()

    def forgetful(*_args: object) -> int:
        return 0

    monkeypatch.setattr(drain_module, "newest_batch", forgetful)
    run_dry(make(tmp_path, warehouse, clock))

    assert {(DAY, 1, "a"): (1 << 5, 8)} == stored(warehouse)


def test_an_unsure_insert_is_asked_for(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    The store took the rows and its answer was lost: the next try writes nothing.
    """

    class Unsure:
        def __init__(self) -> None:
            self.failures = 1

        def insert_block(self, *args: Any, **named: Any) -> None:
            warehouse.insert_block(*args, **named)
            self.failures -= 1
            if self.failures == 0:
                raise WarehouseUnavailable("gone")

        def __getattr__(self, name: str) -> Any:
            return getattr(warehouse, name)

    put(tmp_path, 1, [row("a", 3)])
    drain = make(tmp_path, Unsure(), clock)
    with pytest.raises(WarehouseUnavailable):
        drain.step()
    run_dry(drain)

    assert {(DAY, 1, "a"): (1 << 5, 3)} == stored(warehouse)


def test_a_refused_batch_is_set_aside(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    After five refusals the batch is in quarantine, and the next one goes on.
    """

    class Refusing:
        refused = 0

        def insert_block(self, *args: Any, **named: Any) -> None:
            if self.refused < 5:
                self.refused += 1
                raise WarehouseRefused("no")
            warehouse.insert_block(*args, **named)

        def __getattr__(self, name: str) -> Any:
            return getattr(warehouse, name)

    told: list[Any] = []
    put(tmp_path, 1, [row("a")])
    drain = make(tmp_path, Refusing(), clock, told)
    for _ in range(4):
        with pytest.raises(WarehouseRefused):
            drain.step()
    drain.step()
    put(tmp_path, 2, [row("b")])
    run_dry(drain)

    assert [("refused", "vault batch 1", 1)] == told
    assert (tmp_path / "quarantine" / "vault-batch-1.refused").exists()
    assert [(DAY, 1, "b")] == list(stored(warehouse))


def test_a_batch_refused_over_midnight_counts_once(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Where the store took one day of a batch and refused the other, only the other day is set aside: tried again, each
    hit counts once.
    """

    class RefusingToday:
        refuses = True

        def insert_block(self, table: str, columns: Any, *, token: str) -> None:
            if self.refuses and f"-{DAY}" in token:
                raise WarehouseRefused("no")
            warehouse.insert_block(table, columns, token=token)

        def __getattr__(self, name: str) -> Any:
            return getattr(warehouse, name)

    store = RefusingToday()
    put(tmp_path, 1, [row("a", 3, day=DAY - 1), row("a", 2), row("b", 4)])
    drain = make(tmp_path, store, clock)
    for _ in range(4):
        with pytest.raises(WarehouseRefused):
            drain.step()
    drain.step()
    yesterday = stored(warehouse)
    store.refuses = False
    retry_refused(warehouse, tmp_path, clock, "vault-batch-1.refused")
    run_dry(drain)

    assert [(DAY - 1, 1, "a")] == list(yesterday)
    assert {
        (DAY - 1, 1, "a"): (1 << 5, 3), (DAY, 1, "a"): (1 << 5, 2), (DAY, 1, "b"): (1 << 5, 4)
    } == stored(warehouse)  # fmt: skip
    assert [] == list((tmp_path / "quarantine").iterdir())


def test_what_was_erased_does_not_come_after(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Rows on their way while their address is erased are let go, others are not; half a minute later the address counts
    again, unless the lane was never empty meanwhile.
    """
    index = row("a").bidx
    drain = make(tmp_path, warehouse, clock)
    drain.let_go([(1, DAY, index), (1, DAY - 2, index)])
    clock.advance(seconds=31)
    put(tmp_path, 1, [row("a"), row("b"), row("a", site=2), row("a", day=DAY - 2)])
    run_dry(drain)
    first = set(stored(warehouse))
    put(tmp_path, 2, [row("a")])
    run_dry(drain)

    assert {(DAY, 1, "b"), (DAY, 2, "a"), (DAY - 2, 1, "a")} == first
    assert (DAY, 1, "a") in stored(warehouse)


def test_rows_that_are_due_and_rows_of_removed_sites_are_let_go(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock
) -> None:
    """
    A spool that waited for 45 days brings nothing back, and a site that is gone stays gone.
    """

    def exists(site: int) -> bool:
        return site != 9

    put(tmp_path, 1, [row("due", day=DAY - 45), row("last", day=DAY - 44), row("gone", site=9)])
    run_dry(make(tmp_path, warehouse, clock, site_exists=exists))

    assert [(DAY - 44, 1, "last")] == list(stored(warehouse))


def test_a_lost_manifest_does_not_reuse_a_number(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Without the state directory numbers go on from the store's newest.
    """
    put(tmp_path, 1, [row("a")])
    run_dry(make(tmp_path, warehouse, clock))
    (tmp_path / "drain" / "manifest.json").unlink(missing_ok=True)
    put(tmp_path, 2, [row("a")])
    run_dry(make(tmp_path, warehouse, clock))

    assert (2, {(DAY, 1, "a"): (1 << 5, 2)}) == (newest_batch(warehouse), stored(warehouse))


def test_rows_are_found_by_index_and_day(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Asked for by site, day and index, oldest day first, merged; nothing else comes back.
    """
    put(tmp_path, 1, [row("a", 2), row("a", 1, day=DAY - 3), row("b")], [row("a", 3, 7)])
    run_dry(make(tmp_path, warehouse, clock))
    index = row("a").bidx
    found = find_rows(warehouse, [(1, DAY, index), (1, DAY - 3, index), (1, DAY - 1, index), (2, DAY, index)])

    assert [(DAY - 3, 1, 1 << 5, 1), (DAY, 1, 1 << 5 | 1 << 7, 5)] == [
        (one.day, one.site_id, one.hours, one.hits) for one in found
    ]
    assert [(index, b"c" * 45)] * 2 == [(one.bidx, one.ct) for one in found]
    assert [] == find_rows(warehouse, [])


def test_rows_are_erased_for_good(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Erasing takes the rows of one address on one site, and leaves the others.
    """
    put(tmp_path, 1, [row("a"), row("a", site=2), row("b"), row("a", day=DAY - 1)])
    run_dry(make(tmp_path, warehouse, clock))
    index = row("a").bidx

    assert 2 == erase_rows(warehouse, [(1, DAY, index), (1, DAY - 1, index)])
    assert {(DAY, 2, "a"), (DAY, 1, "b")} == set(stored(warehouse))


def test_a_day_is_dropped_whole(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    A dropped day has no row left, its neighbours all of theirs; dropping it again does nothing.
    """
    put(tmp_path, 1, [row("a"), row("b"), row("a", day=DAY - 1)])
    run_dry(make(tmp_path, warehouse, clock))
    counts = day_row_counts(warehouse)
    drop_day(warehouse, DAY)
    drop_day(warehouse, DAY)

    assert {DAY: 2, DAY - 1: 1} == counts
    assert ([DAY - 1], {DAY - 1: 1}) == (days_with_rows(warehouse), day_row_counts(warehouse))


def test_a_day_that_is_over_is_one_part(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Attack 4: after midnight nothing tells which rows of a day were written together, or when.
    """
    drain = make(tmp_path, warehouse, clock)
    warehouse.command("SYSTEM STOP MERGES vault")
    for number in range(1, 4):
        put(tmp_path, number, [row(f"n{number}")])
        run_dry(drain)
    parts = "SELECT count() FROM system.parts WHERE table = 'vault' AND active"
    before = warehouse.query(parts)[0][0]
    warehouse.command("SYSTEM START MERGES vault")
    clock.advance(seconds=20 * 3600)
    run_dry(drain)

    assert (3, 1) == (before, warehouse.query(parts)[0][0])


def test_a_row_has_nothing_to_join_by(warehouse: Warehouse) -> None:
    """
    Attack 4: but for site and day, no column of the vault is a column of events, visits or rollups; no row of a person
    carries a batch.
    """
    columns = {
        str(name)
        for (name,) in warehouse.query("SELECT name FROM system.columns WHERE table = 'vault' AND database = 'default'")
    }

    assert {"day", "site_id", "bidx", "ct", "hours", "hits", "batch"} == columns


def test_people_carry_no_batch(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Batches are numbered in time; only the vault's own row has the number.
    """
    put(tmp_path, 1, [row("a")])
    run_dry(make(tmp_path, warehouse, clock))

    assert [(0, 1), (1, 0)] == warehouse.query("SELECT site_id, batch FROM vault ORDER BY site_id")


def test_a_removed_site_leaves_no_row(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Removing a site removes its rows of the vault.
    """
    put(tmp_path, 1, [row("a"), row("a", site=2)])
    run_dry(make(tmp_path, warehouse, clock))
    forget_site(warehouse, 1)

    assert [(DAY, 2, "a")] == list(stored(warehouse))


def test_damage_is_kept_aside(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    A frame that is no vault row is quarantined and reported; the next one counts.
    """
    told: list[Any] = []
    put(tmp_path, 1, [row("a")])
    path = next((tmp_path / "vault").iterdir())
    good = path.read_bytes()
    path.write_bytes(good[:16] + frame([b"\xa1x"]) + good[16:])
    run_dry(make(tmp_path, warehouse, clock, told))

    assert ["corrupt"] == [kind for kind, _, _ in told]
    assert [(DAY, 1, "a")] == list(stored(warehouse))
