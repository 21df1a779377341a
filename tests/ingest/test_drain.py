"""
Hops 6 and 7: every acknowledged event is in the store once, whatever dies in between.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest import drain as drain_module
from ingest.drain import Drain
from ingest.event import DropCount
from ingest.manifest import Manifest, ManifestError, read_manifest
from ingest.spool.segment import encode_record, frame, header
from tests.clocks import FakeClock
from tests.ingest.records import MIDNIGHT, event
from warehouse.client import Warehouse, WarehouseRefused, WarehouseUnavailable


class Died(BaseException):
    """
    The process is gone; nothing after this line ran.
    """


def put(spool: Path, number: int, *records: Any) -> None:
    put_by(spool, "aa", number, *records)


def put_by(spool: Path, writer: str, number: int, *records: Any) -> None:
    spool.mkdir(exist_ok=True)
    data = header(1) + b"".join(frame([encode_record(record)]) for record in records)
    (spool / f"{number:013d}-{writer}-000001.seg").write_bytes(data)


def make(tmp_path: Path, warehouse: Any, clock: FakeClock, told: list[Any] | None = None) -> Drain:
    told = [] if told is None else told

    def tell(kind: str, name: str, size: int) -> None:
        told.append((kind, name, size))

    return Drain(tmp_path / "events", tmp_path / "drain", warehouse, clock, report=tell)


def stored(warehouse: Warehouse) -> tuple[int, int, int]:
    events, visits = warehouse.query("SELECT count(), uniqExact(visit_id) FROM events")[0]
    pageviews = warehouse.query("SELECT sum(p) FROM (SELECT max(pageviews) p FROM visits GROUP BY visit_id)")[0][0]
    return events, visits, pageviews


def run_dry(drain: Drain) -> None:
    while drain.step():
        pass


def test_records_become_rows_and_segments_go(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    What is in the spool is in the store after a step, and the used segment is given back.
    """
    put(tmp_path / "events", 1, event(0), event(5, path="/b"), event(9, visitor=2), DropCount(1, MIDNIGHT, "bot", 3))
    drain = make(tmp_path, warehouse, clock)

    assert 4 == drain.step()
    assert 0 == drain.step()
    assert (3, 2, 3) == stored(warehouse)
    assert [] == list((tmp_path / "events").iterdir())


def test_what_waits_is_estimated(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    What came after a batch was cut waits, about as many events as its bytes have room for.
    """
    spool = tmp_path / "events"
    put(spool, 1, *(event(number) for number in range(50)))
    drain = make(tmp_path, warehouse, clock)
    drain.step()
    assert 0 == drain.waiting()

    put(spool, 2, *(event(number) for number in range(50, 90)))
    assert 35 <= drain.waiting() <= 45
    run_dry(drain)
    assert 0 == drain.waiting()


STEPS = (
    "before manifest",
    "after manifest",
    "after events",
    "after visits",
    "after insert",
    "after done",
    "after removal",
)


@pytest.mark.parametrize("collectors", [1, 3])
@pytest.mark.parametrize("where", STEPS)
def test_killed_between_any_two_steps_counts_once(
    tmp_path: Path,
    warehouse: Warehouse,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
    collectors: int,
) -> None:
    """
    A death at each step of a batch, then a new start: every event once, visits whole, and in the order things happened
    whichever of several collectors took them, also when more has come meanwhile.
    """
    spool = tmp_path / "events"
    first = [event(0), event(5, path="/b"), event(9, visitor=2)]
    second = [event(60, path="/c"), event(61, path="/d"), event(70, visitor=3), DropCount(1, MIDNIGHT, "bot", 3)]

    def put_all(records: list[Any], number: int) -> None:
        for writer in range(collectors):
            # Backwards, so that the directory's order is not the order of time.
            put_by(spool, f"{9 - writer:02d}", number, *records[writer::collectors])

    put_all(first, 1)
    run_dry(make(tmp_path, warehouse, clock))
    put_all(second, 2)

    def always(*_args: Any, **_named: Any) -> bool:
        return True

    def dying(real: Callable[..., Any], *, before: bool = False, when: Callable[..., bool] = always) -> Any:
        def call(*args: Any, **named: Any) -> Any:
            if before and when(*args, **named):
                raise Died
            result = real(*args, **named)
            if when(*args, **named):
                raise Died
            return result

        return call

    with monkeypatch.context() as patch:
        if where in ("before manifest", "after manifest"):
            real = drain_module.write_manifest
            patch.setattr(drain_module, "write_manifest", dying(real, before=where == "before manifest"))
        elif where in ("after events", "after visits"):

            def is_table(name: str, *_args: Any, **_named: Any) -> bool:
                return name == where.removeprefix("after ")

            patch.setattr(warehouse, "insert_block", dying(warehouse.insert_block, when=is_table))
        elif where == "after insert":
            patch.setattr(drain_module, "insert_batch", dying(drain_module.insert_batch))
        elif where == "after done":

            def is_done(_directory: Path, manifest: Manifest) -> bool:
                return manifest.done

            patch.setattr(drain_module, "write_manifest", dying(drain_module.write_manifest, when=is_done))
        else:
            patch.setattr(drain_module.SpoolReader, "remove", dying(drain_module.SpoolReader.remove))
        with pytest.raises(Died):
            run_dry(make(tmp_path, warehouse, clock))
    # What came while nobody drained must not slip into the batch that is replayed.
    put_by(spool, "00", 3, event(62, path="/e"))
    run_dry(make(tmp_path, warehouse, clock))

    assert (7, 3, 7) == stored(warehouse)
    assert [("/",), ("/b",), ("/c",), ("/d",), ("/e",)] == warehouse.query(
        "SELECT pathname FROM events WHERE visitor_id = 1 ORDER BY seq"
    )
    assert [(3,)] == warehouse.query("SELECT sum(hits) FROM drops")
    assert [] == list(spool.iterdir())


def test_store_away_then_back(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While the store is away nothing is lost, and an insert that was written but not confirmed counts once.
    """
    put(tmp_path / "events", 1, event(0), event(5))
    drain = make(tmp_path, warehouse, clock)
    real = warehouse.insert_block

    def unsure(*args: Any, **named: Any) -> None:
        real(*args, **named)
        raise WarehouseUnavailable("connection lost")

    with monkeypatch.context() as patch:
        patch.setattr(warehouse, "insert_block", unsure)
        for _ in range(3):
            with pytest.raises(WarehouseUnavailable):
                drain.step()
            clock.advance(seconds=1)
    assert 3000 <= drain.lag_ms
    run_dry(drain)

    assert (2, 1, 2) == stored(warehouse)
    assert 0 == drain.lag_ms


def test_batch_the_store_refuses_is_set_aside(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    After a few tries a refused batch goes to quarantine, loudly, and the next one passes.
    """
    told: list[Any] = []
    put(tmp_path / "events", 1, event(0))
    drain = make(tmp_path, warehouse, clock, told)

    def refuse(*_: Any, **__: Any) -> None:
        raise WarehouseRefused("no")

    with monkeypatch.context() as patch:
        patch.setattr(warehouse, "insert_block", refuse)
        for _ in range(drain_module.REFUSALS_MAX - 1):
            with pytest.raises(WarehouseRefused):
                drain.step()
        drain.step()
    put(tmp_path / "events", 2, event(5, visitor=9))
    run_dry(drain)

    assert "refused" == told[-1][0]
    assert ["batch-1.refused"] == [path.name for path in (tmp_path / "quarantine").iterdir()]
    # The date of the records, not of the refusal, which may be weeks later.
    assert 1 == round((tmp_path / "quarantine" / "batch-1.refused").stat().st_mtime * 1000)
    assert 1 == stored(warehouse)[0]


def test_damaged_manifest_stops_with_a_sentence(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    A manifest nobody can read is not guessed at.
    """
    (tmp_path / "drain").mkdir()
    (tmp_path / "drain" / "manifest.json").write_text("{")

    with pytest.raises(ManifestError, match="restore a backup"):
        make(tmp_path, warehouse, clock).step()
    assert (tmp_path / "drain" / "manifest.json").exists()


def test_two_collectors_are_put_in_order(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Events of one visitor that came through two collectors make one visit with the right entry and exit.
    """
    put(tmp_path / "events", 1, event(20, path="/last"))
    put(tmp_path / "events", 2, event(10, path="/first"))
    run_dry(make(tmp_path, warehouse, clock))

    assert [("/first", "/last")] == warehouse.query(
        "SELECT min(entry).3, max(exit).3 FROM visits GROUP BY visit_id"
    )  # fmt: skip
    manifest = read_manifest(tmp_path / "drain")
    assert manifest is not None
    assert manifest.done


def test_events_of_a_removed_site_are_let_go(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    What lies in the spool for a site that was removed never reaches the store.
    """
    put(tmp_path / "events", 1, event(0), event(0, site_id=2))

    def tell(_kind: str, _name: str, _size: int) -> None:
        return

    def exists(site_id: int) -> bool:
        return site_id == 1

    run_dry(Drain(tmp_path / "events", tmp_path / "drain", warehouse, clock, report=tell, site_exists=exists))

    assert [(1, 1)] == warehouse.query("SELECT site_id, count() FROM events GROUP BY site_id")
    assert [] == list((tmp_path / "events").iterdir())


def test_with_two_collectors_the_newest_waits(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Beside another collector, what is younger than the hold-back stays for the next batch, so that the earlier page
    that reaches its spool later is still the entry, and its source the visit's.
    """
    now = clock.now_ms() // 1000 - MIDNIGHT
    spool = tmp_path / "events"
    put_by(spool, "aa", 1, event(now - 9, visitor=2))
    put_by(spool, "bb", 2, event(now, path="/second"))
    drain = make(tmp_path, warehouse, clock)
    run_dry(drain)
    assert (1, 1, 1) == stored(warehouse)
    put_by(spool, "aa", 3, event(now - 1, path="/first", source="Google"))
    clock.advance(seconds=2)
    run_dry(drain)

    assert [("/first", "/second", "Google")] == warehouse.query(
        "SELECT min(entry).3, max(exit).3, any(source) FROM visits WHERE visitor_id = 1 GROUP BY visit_id"
    )


def test_before_a_stop_nothing_waits(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    The last batches before a stop take everything.
    """
    now = clock.now_ms() // 1000 - MIDNIGHT
    put_by(tmp_path / "events", "aa", 1, event(now))
    put_by(tmp_path / "events", "bb", 2, event(now))

    assert 0 == make(tmp_path, warehouse, clock).step()
    assert 2 == make(tmp_path, warehouse, clock).step(hold_back=False)


def test_a_backlog_of_two_collectors_is_cut_at_one_second(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However far each collector's share of a batch would reach, visits are put together in the order of time.
    """
    monkeypatch.setattr(drain_module, "BATCH_BYTES_MAX", 600)
    monkeypatch.setattr(drain_module, "BATCH_REST_BYTES", 1)
    pages = [event(at, path=f"/{at:02d}", source=f"{at:02d}") for at in range(20)]
    put_by(tmp_path / "events", "aa", 1, *pages[:15:2], *pages[15:])
    put_by(tmp_path / "events", "bb", 2, *pages[1:15:2])
    drain = make(tmp_path, warehouse, clock)
    run_dry(drain)

    assert drain.counters.batches > 2
    assert [[(at + 1, f"/{at:02d}") for at in range(20)]] == [
        warehouse.query("SELECT seq, pathname FROM events ORDER BY seq")
    ]
    assert [("00",)] == warehouse.query("SELECT DISTINCT source FROM events")


def a_minute_behind(directory: Path, warehouse: Warehouse, clock: FakeClock) -> tuple[Drain, int]:
    """
    Make a drain that was caught up a minute ago.

    Returns:
        The drain, and now in seconds since `MIDNIGHT`.
    """
    clock.advance(seconds=-60)
    drain = make(directory, warehouse, clock)
    clock.advance(seconds=60)
    return drain, clock.now_ms() // 1000 - MIDNIGHT


def lags_of(drain: Drain) -> list[int]:
    """
    Bring everything in, and give the lag after each batch in seconds.
    """
    lags: list[int] = []
    while drain.step():
        lags.append(drain.lag_ms // 1000)
    return lags


def test_lag_when_each_segment_fills_a_batch(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A batch that ends with a segment is behind, too, while there are others: a storm's segments are as large as a batch.
    """
    monkeypatch.setattr(drain_module, "BATCH_BYTES_MAX", 250)
    monkeypatch.setattr(drain_module, "BATCH_REST_BYTES", 200)
    drain, now = a_minute_behind(tmp_path, warehouse, clock)
    for number, ago in enumerate((50, 40, 30, 20), start=1):
        put(tmp_path / "events", number, event(now - ago))

    assert [50, 40, 30, 0] == lags_of(drain)


def test_lag_is_the_age_of_what_is_missing(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While the drain catches up, its lag is how old the newest stored events are, and zero once it has.
    """
    monkeypatch.setattr(drain_module, "BATCH_BYTES_MAX", 250)
    monkeypatch.setattr(drain_module, "BATCH_REST_BYTES", 1)
    drain, now = a_minute_behind(tmp_path, warehouse, clock)
    put(tmp_path / "events", 1, *(event(now - ago) for ago in (50, 40, 30, 20, 10)))
    lags = lags_of(drain)

    assert lags == sorted(lags, reverse=True)
    assert 20 <= lags[0] <= 50
    assert 0 == lags[-1]


def test_a_record_no_row_can_be_made_of_is_set_aside(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    A batch that cannot even be encoded blocks nothing: it goes to quarantine and the visits forget it.
    """
    put(tmp_path / "events", 1, event(0), event(1, scroll_depth=256))
    drain = make(tmp_path, warehouse, clock)
    for _ in range(drain_module.REFUSALS_MAX - 1):
        with pytest.raises(struct.error):
            drain.step()
    drain.step()
    put(tmp_path / "events", 2, event(5))
    run_dry(drain)

    assert ["batch-1.refused"] == [path.name for path in (tmp_path / "quarantine").iterdir()]
    assert (1, 1, 1) == stored(warehouse)
    assert 1 == drain.counters.events


def test_collectors_are_slowed_in_a_storm_and_not_after_an_outage(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A drain that had caught up and falls 45 seconds behind asks for a pause until it has caught up again; a backlog
    that an outage left asks for none.
    """
    mark = tmp_path / "events" / "slow-down"
    monkeypatch.setattr(drain_module, "BATCH_BYTES_MAX", 250)
    monkeypatch.setattr(drain_module, "BATCH_REST_BYTES", 1)

    def storm(number: int) -> None:
        now = clock.now_ms() // 1000 - MIDNIGHT
        put(tmp_path / "events", number, *(event(now - ago) for ago in (58, 56, 54, 52, 50, 48)))

    clock.advance(seconds=-100)
    drain = make(tmp_path, warehouse, clock)
    clock.advance(seconds=100)
    storm(1)
    while drain.step():
        assert not mark.exists()
    clock.advance(seconds=60)
    storm(2)
    drain.step()
    drain.step()
    assert mark.exists()
    run_dry(drain)
    drain.step()

    assert not mark.exists()


def test_a_batch_that_takes_its_time_is_looked_at(
    tmp_path: Path, warehouse: Warehouse, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While a batch is under way on a crowded core, collectors are asked to refuse once it is 45 seconds behind; while it
    waits for a store that hangs, they are asked no longer.
    """
    mark = tmp_path / "events" / "slow-down"
    drain = make(tmp_path, warehouse, clock)
    run_dry(drain)
    put(tmp_path / "events", 1, event(clock.now_ms() // 1000 - MIDNIGHT))
    seen: list[bool] = []
    insert = drain_module.insert_batch

    def slow(*args: Any, **named: Any) -> None:
        for seconds in (44, 2, 15):
            clock.advance(seconds=seconds)
            drain.look()
            seen.append(mark.exists())
        insert(*args, **named)

    monkeypatch.setattr(drain_module, "insert_batch", slow)
    run_dry(drain)

    assert [False, True, False] == seen


@pytest.mark.parametrize("crash", [False, True])
def test_late_events_find_their_visit_in_the_store(
    crash: bool, tmp_path: Path, warehouse: Warehouse, clock: FakeClock
) -> None:
    """
    Events hours late join the visit that was written hours ago, and a replay after a crash puts them where the first
    try did.
    """
    put(tmp_path / "events", 1, event(0, seed=1), event(60, visitor=2, seed=2))
    drain = make(tmp_path, warehouse, clock)
    run_dry(drain)
    put(tmp_path / "events", 2, event(20_000, seed=3))
    run_dry(drain)
    put(tmp_path / "events", 3, event(20_100, visitor=3, seed=4))
    run_dry(drain)
    # In two segments, so that one batch has the ordinary and the late.
    put(tmp_path / "events", 4, event(20_200), event(600, seed=5, path="/late"), event(9_000, visitor=2, seed=6))
    if crash:
        insert = drain_module.insert_batch

        def insert_and_die(*rows: Any, **more: Any) -> None:
            insert(*rows, **more)
            raise Died

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(drain_module, "insert_batch", insert_and_die)
            with pytest.raises(Died):
                drain.step()
        drain = make(tmp_path, warehouse, clock)
    run_dry(drain)

    rows = warehouse.query(
        "SELECT visit_id, toUnixTimestamp(min(start)) - {midnight:UInt32}, max(pageviews) FROM visits "
        "GROUP BY visit_id ORDER BY visit_id",
        {"midnight": MIDNIGHT},
    )
    assert [(1, 0, 2), (2, 60, 1), (3, 20_000, 2), (4, 20_100, 1), (6, 9_000, 1)] == rows
