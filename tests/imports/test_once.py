"""
Exactly once: the same file again, a file that grew, a crash in the middle, and taking an import out again.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from ingest.imports import settling
from ingest.imports.importer import Importer, Receiving
from tests.clocks import FakeClock
from tests.imports.importing import line, ndjson, take_in
from tests.imports.test_import import totals
from warehouse.client import Warehouse, WarehouseRefused, WarehouseUnavailable
from warehouse.imports import ImportRefused
from warehouse.registry.sites import Site

LINES = [line(f"2021-01-{day:02}T{hour:02}:00:00Z", visitor=f"v{hour % 3}") for day in (1, 2, 3) for hour in range(24)]


def staged_files(tmp_path: Path) -> list[Path]:
    """
    List what lies in staging directories.
    """
    return [path for path in (tmp_path / "imports").rglob("*") if path.is_file()]


@pytest.mark.parametrize("piece", [1, 97, 100_000])
def test_the_same_file_counts_once(piece: int, importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    The same content again adds nothing, however it is cut on the wire.
    """
    first = take_in(importer, site, ndjson(LINES))
    before = totals(warehouse)

    again = take_in(importer, site, ndjson(LINES), piece=piece)

    assert (72, 0, 72) == (first["imported"], again["imported"], again["repeated"])
    assert before == totals(warehouse)


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_file_that_grew_continues(end: bytes, importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    A file that begins with an imported one adds what comes after it, also where that ended without a line feed.
    """
    short, whole = ndjson(LINES[:40]).rstrip(b"\n") + end, ndjson(LINES)

    first = take_in(importer, site, short)
    second = take_in(importer, site, whole, piece=1000)
    third = take_in(importer, site, whole)

    assert (40, 32, 0) == (first["imported"], second["imported"], third["imported"])
    assert 72 == totals(warehouse)[0]


def test_a_line_cut_off_comes_whole_with_the_next_version(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    A last line that was cut in the middle is rejected, and counts when the longer file has all of it.
    """
    whole = ndjson(LINES)

    first = take_in(importer, site, whole[: len(ndjson(LINES[:40])) + 20])
    second = take_in(importer, site, whole)

    assert (40, [41], 32, []) == (
        first["imported"], [one["line"] for one in first["rejected"]], second["imported"], second["rejected"],
    )  # fmt: skip
    assert 72 == totals(warehouse)[0]


def test_another_file_is_another_import(importer: Importer, site: Site, warehouse: Warehouse) -> None:
    """
    A file that only shares lines with an imported one counts whole.
    """
    take_in(importer, site, ndjson(LINES))

    answer = take_in(importer, site, ndjson(LINES[1:]))

    assert 71 == answer["imported"]
    assert 143 == totals(warehouse)[0]


def test_sites_do_not_share_imports(importer: Importer, site: Site, context: Any, warehouse: Warehouse) -> None:
    """
    The same file counts on each site.
    """
    other = context.registry.sites.add("site2.test")
    take_in(importer, site, ndjson(LINES))

    assert 72 == take_in(importer, other, ndjson(LINES))["imported"]


def make(tmp_path: Path, warehouse: Warehouse, clock: FakeClock) -> Importer:
    """
    Start the process anew.
    """
    return Importer(tmp_path, warehouse, clock, resting=threading.Lock())


@pytest.mark.parametrize("batches", [0, 1, 2, 4])
@pytest.mark.parametrize("noted", [True, False])
def test_a_crash_in_the_middle_counts_once(
    batches: int,
    noted: bool,
    importer: Importer,
    site: Site,
    warehouse: Warehouse,
    clock: FakeClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    A process that dies between two batches, with the last one noted or not, leaves an import that the next process
    finishes; the file sent again then adds nothing.
    """
    monkeypatch.setattr(settling, "BATCH_EVENTS", 15)
    written = 0
    insert = settling.insert_batch

    class Killed(BaseException):
        pass

    def dying(*arguments: Any, **named: Any) -> None:
        nonlocal written
        if written == batches and noted:
            raise Killed
        insert(*arguments, **named)
        written += 1
        if written > batches:
            raise Killed

    monkeypatch.setattr(settling, "insert_batch", dying)
    with pytest.raises(Killed):
        take_in(importer, site, ndjson(LINES))
    monkeypatch.setattr(settling, "insert_batch", insert)
    following = make(tmp_path, warehouse, clock)

    finished = following.resume()
    again = take_in(following, site, ndjson(LINES))

    assert (1, 0, 72) == (finished, again["imported"], again["repeated"])
    assert (72, 72, 9) == totals(warehouse)
    assert [] == staged_files(tmp_path)


def test_what_is_being_finished_is_waited_for(
    importer: Importer,
    site: Site,
    warehouse: Warehouse,
    clock: FakeClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    While an import of the last process is being finished, no other one of its site begins: it would not know of it,
    and the same file would count twice.
    """
    receiving = importer.begin(site)
    assert receiving is not None
    receiving.feed(ndjson(LINES))
    staged = receiving._reading.seal("ndjson")  # type: ignore[reportPrivateUsage]  # dies between seal and store
    assert staged is not None
    staged.release()
    following = make(tmp_path, warehouse, clock)
    begun: list[Receiving | None] = []
    insert = settling.insert_batch

    def looking(*arguments: Any, **named: Any) -> None:
        begun.append(following.begin(site))
        insert(*arguments, **named)

    monkeypatch.setattr(settling, "insert_batch", looking)

    assert 1 == following.resume()
    assert [None] == begun
    assert 72 == take_in(following, site, ndjson(LINES))["repeated"]


def test_a_broken_stream_leaves_nothing(importer: Importer, site: Site, warehouse: Warehouse, tmp_path: Path) -> None:
    """
    What came of a stream that broke off is forgotten, and the site is free.
    """
    receiving = importer.begin(site)
    assert receiving is not None
    receiving.feed(ndjson(LINES))

    receiving.abandon()

    assert [] == staged_files(tmp_path)
    assert 72 == take_in(importer, site, ndjson(LINES))["imported"]
    assert 72 == totals(warehouse)[0]


def test_a_reader_that_died_leaves_nothing(
    importer: Importer, site: Site, warehouse: Warehouse, clock: FakeClock, tmp_path: Path
) -> None:
    """
    What a dead process had read, but not to the end, is removed by the next one.
    """
    directory = tmp_path / "imports" / "0000000001"
    directory.mkdir(parents=True)
    (directory / "18628.records").write_bytes(b"half")

    assert 0 == make(tmp_path, warehouse, clock).resume()
    assert [] == staged_files(tmp_path)


def test_one_import_of_a_site_at_a_time(importer: Importer, site: Site, context: Any) -> None:
    """
    A second stream for the same site waits; one for another site does not.
    """
    first = importer.begin(site)
    other = importer.begin(context.registry.sites.add("site2.test"))

    assert isinstance(first, Receiving) and isinstance(other, Receiving)
    assert importer.begin(site) is None
    first.abandon()
    other.abandon()


def test_a_store_that_is_away_is_waited_for(
    importer: Importer, site: Site, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An insert that failed and was written all the same counts once.
    """
    insert = settling.insert_batch
    tries: list[bool] = []

    def failing(*arguments: Any, salvage: bool, **named: Any) -> None:
        insert(*arguments, salvage=salvage, **named)
        tries.append(salvage)
        if len(tries) < 3:
            raise WarehouseUnavailable("gone")

    monkeypatch.setattr(settling, "insert_batch", failing)
    monkeypatch.setattr(settling, "BACKOFF_SECONDS", (0, 0, 0))

    assert 72 == take_in(importer, site, ndjson(LINES))["imported"]
    assert 3 == len(tries)
    assert 72 == totals(warehouse)[0]


def test_a_store_that_refuses_has_nothing(
    importer: Importer, site: Site, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    When the store refuses a batch, the batches before it are taken out again.
    """
    monkeypatch.setattr(settling, "BATCH_EVENTS", 15)
    insert = settling.insert_batch
    tries: list[int] = []

    def refusing(*arguments: Any, **named: Any) -> None:
        tries.append(1)
        if len(tries) == 3:
            raise WarehouseRefused("no")
        insert(*arguments, **named)

    monkeypatch.setattr(settling, "insert_batch", refusing)

    with pytest.raises(WarehouseRefused):
        take_in(importer, site, ndjson(LINES))

    assert (0, 0, 0) == totals(warehouse)
    assert [] == staged_files(tmp_path)
    assert [] == importer.listed(site.id)


def test_an_import_is_taken_out_again(importer: Importer, site: Site, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    Removing an import deletes its events and visits and nobody else's, and its file may come again.
    """
    take_in(importer, site, ndjson(LINES))
    clock.advance(seconds=1)
    take_in(importer, site, ndjson(LINES[5:10]))
    first, second = importer.listed(site.id)

    row, events = importer.remove(site.id, first.id)

    assert (72, 72, first.id) == (events, row.events, row.id)
    assert 5 == totals(warehouse)[0]
    assert [second.id] == [row.id for row in importer.listed(site.id)]
    assert 72 == take_in(importer, site, ndjson(LINES))["imported"]


def test_what_others_continue_stays(importer: Importer, site: Site, warehouse: Warehouse, clock: FakeClock) -> None:
    """
    An import that another one continues cannot be removed before that one.
    """
    take_in(importer, site, ndjson(LINES[:40]))
    clock.advance(seconds=1)
    take_in(importer, site, ndjson(LINES))
    first, second = importer.listed(site.id)

    with pytest.raises(ImportRefused, match=f"remove {second.id} first"):
        importer.remove(site.id, first.id)

    assert 72 == totals(warehouse)[0]


def test_an_unknown_import_is_told(importer: Importer, site: Site) -> None:
    """
    Removing what is not there says so.
    """
    with pytest.raises(ImportRefused, match="there is no import 'ffff'"):
        importer.remove(site.id, "ffff")
