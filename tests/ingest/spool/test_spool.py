"""
Hop 5: what was acknowledged is there after a crash, and damage costs only what is damaged.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.event import Record
from ingest.spool import open_segment
from ingest.spool.disk import TRY_IN_PLACE_EACH
from ingest.spool.early_write import begin_to_write
from ingest.spool.reader import SpoolReader
from ingest.spool.segment import HEADER, encode_record, frame, header, read_pieces, whole_bytes
from ingest.spool.usage import spool_usage
from ingest.spool.writer import CROWD_MIN, SYNC_PAUSE_SECONDS, SpoolFull, SpoolWriter
from tests.clocks import FakeClock
from tests.ingest.records import event
from tests.turns import Turn


def ignore(_kind: str, _name: str, _size: int) -> None:
    """
    Hear of damage and do nothing.
    """


@pytest.fixture
def turn() -> Turn:
    return Turn()


def writer_in(directory: Path, clock: FakeClock, turn: Turn, **limits: Any) -> SpoolWriter:
    # Waiting for the disk in place, however slow it is today: one turn then does everything.
    limits = {"bytes_max": 10**9, "wait_in_place_us": 10**9} | limits
    return SpoolWriter(directory, clock, turn, sync=True, **limits)


def read_all(directory: Path, damage: list[tuple[str, str, int]] | None = None) -> list[Record]:
    damage = [] if damage is None else damage

    def tell(kind: str, name: str, size: int) -> None:
        damage.append((kind, name, size))

    reader = SpoolReader(directory, tell)
    found: list[Record] = []
    for state in reader.segments():
        position = HEADER.size
        while position < state.safe_bytes:
            taken, records = reader.take(state, position, 10**9)
            assert records == reader.read(taken)
            found.extend(records)
            position = taken.end
    return found


def test_done_comes_after_the_write_and_readers_see_it(tmp_path: Path, clock: FakeClock, turn: Turn) -> None:
    """
    A record is answered for once per turn of the loop, and is then readable while the segment is open.
    """
    writer, told = writer_in(tmp_path, clock, turn), list[Exception | None]()
    writer.append([encode_record(event(1))], told.append)
    writer.append([encode_record(event(2))], told.append)

    assert ([], []) == (told, read_all(tmp_path))
    turn.take()
    assert ([None, None], [event(1), event(2)]) == (told, read_all(tmp_path))


def test_bytes_that_are_not_safe_are_not_read(tmp_path: Path, clock: FakeClock, turn: Turn) -> None:
    """
    The drain stops at the mark, whatever the file holds beyond it.
    """
    writer = writer_in(tmp_path, clock, turn)
    writer.append([encode_record(event(1))], lambda _: None)
    turn.take()
    (path,) = tmp_path.glob("*.open")
    with path.open("ab") as file:
        file.write(frame([encode_record(event(2))]))

    assert [event(1)] == read_all(tmp_path)


def test_dead_writer_leaves_whole_frames(tmp_path: Path, clock: FakeClock) -> None:
    """
    A segment whose writer died is cut at its last whole frame and sealed.
    """
    data = header(1) + frame([encode_record(event(1))]) + frame([encode_record(event(2))])[:-3]
    (tmp_path / "0000000000001-aa-000001.open").write_bytes(data)
    (tmp_path / "0000000000001-aa-000001.mark").write_bytes(bytes(8))
    damage: list[tuple[str, str, int]] = []

    assert [event(1)] == read_all(tmp_path, damage)
    assert "torn" == damage[0][0]
    assert ["0000000000001-aa-000001.seg"] == [path.name for path in tmp_path.iterdir()]


def test_corrupt_middle_is_set_aside_and_the_rest_is_read(tmp_path: Path) -> None:
    """
    One flipped bit costs one frame, which goes to quarantine and keeps the date of its segment: it dies by that.
    """
    spool = tmp_path / "events"
    spool.mkdir()
    frames = [frame([encode_record(event(at))]) for at in range(3)]
    bad = bytearray(frames[1])
    bad[-2] ^= 1
    (spool / "0000000000001-aa-000001.seg").write_bytes(header(1) + frames[0] + bytes(bad) + frames[2])
    damage: list[tuple[str, str, int]] = []

    assert [event(0), event(2)] == read_all(spool, damage)
    assert ("corrupt", "0000000000001-aa-000001", len(bad)) == damage[0]
    (aside,) = (tmp_path / "quarantine").iterdir()
    assert (bytes(bad), 1) == (aside.read_bytes(), round(aside.stat().st_mtime * 1000))


def test_what_is_no_segment_is_reported_and_left(tmp_path: Path) -> None:
    """
    A file with a strange header is neither read nor removed.
    """
    (tmp_path / "0-x-1.seg").write_bytes(b"something else entirely")
    damage: list[tuple[str, str, int]] = []

    assert [] == read_all(tmp_path, damage)
    assert ["corrupt"] == [kind for kind, _, _ in damage]
    assert (tmp_path / "0-x-1.seg").exists()


def test_full_spool_refuses(tmp_path: Path, clock: FakeClock, turn: Turn) -> None:
    """
    At its limit the spool takes nothing more, until there is room again.
    """
    writer = writer_in(tmp_path, clock, turn, bytes_max=80)
    writer.append([encode_record(event(1))], lambda _: None)
    turn.take()

    with pytest.raises(SpoolFull):
        writer.append([encode_record(event(2))], lambda _: None)
    assert "DAYSALT_SPOOL_MAX_BYTES" in writer.trouble


def test_a_drain_far_behind_is_waited_for(tmp_path: Path, clock: FakeClock, turn: Turn) -> None:
    """
    While the drain asks for it the spool takes nothing, and a drain that died keeps it closed for ten seconds only.
    """
    reader, writer = SpoolReader(tmp_path, ignore), writer_in(tmp_path, clock, turn)
    reader.slow_down(wanted=True)
    seconds = clock.now_ms() / 1000
    os.utime(tmp_path / "slow-down", (seconds, seconds))
    clock.advance(seconds=2)
    with pytest.raises(SpoolFull):
        writer.append([encode_record(event(1))], lambda _: None)
    assert "far behind" in writer.trouble
    clock.advance(seconds=9)
    writer.append([encode_record(event(1))], lambda _: None)
    turn.take()
    reader.slow_down(wanted=False)

    assert [event(1)] == read_all(tmp_path)
    assert not (tmp_path / "slow-down").exists()


def test_disk_that_refuses_is_told_and_leaves_no_half_frame(
    tmp_path: Path, clock: FakeClock, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    When the disk is full the waiting ones hear of it, and what was safe before is still whole.
    """
    writer, told = writer_in(tmp_path, clock, turn), list[Exception | None]()
    writer.append([encode_record(event(1))], lambda _: None)
    turn.take()
    real = os.pwrite

    def half(descriptor: int, data: memoryview, offset: int) -> int:
        if len(data) < 60:
            raise OSError(errno.ENOSPC, "no space")
        return real(descriptor, data[:50], offset)

    monkeypatch.setattr(os, "pwrite", half)
    writer.append([encode_record(event(2))], told.append)
    turn.take()
    monkeypatch.undo()
    assert "refuses writes (ENOSPC)" in writer.trouble
    writer.append([encode_record(event(3))], told.append)
    turn.take()

    assert "" == writer.trouble
    assert [SpoolFull, type(None)] == [type(error) for error in told]
    assert [event(1), event(3)] == read_all(tmp_path)


@pytest.fixture
def small_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Room is made from the second record on, for four or five more.
    """
    monkeypatch.setattr(open_segment, "ROOM_FROM_BYTES", 150)
    monkeypatch.setattr(open_segment, "ROOM_BYTES", 500)


@pytest.mark.usefixtures("small_room")
def test_room_is_written_into_and_given_back(tmp_path: Path, clock: FakeClock, turn: Turn) -> None:
    """
    The file grows once for several groups, is read up to the mark all the while, and is as long as its records at the
    end.
    """
    writer = writer_in(tmp_path, clock, turn)
    lengths: list[int] = []
    for at in range(8):
        writer.append([encode_record(event(at))], lambda _: None)
        turn.take()
        lengths.append(next(tmp_path.glob("*.open")).stat().st_size)
        assert [event(n) for n in range(at + 1)] == read_all(tmp_path)
    writer.close()
    (sealed,) = tmp_path.glob("*.seg")

    assert 3 <= len(set(lengths)) < len(lengths) - 2
    assert sealed.stat().st_size < lengths[-1]
    assert [event(n) for n in range(8)] == read_all(tmp_path)


@pytest.mark.usefixtures("small_room")
def test_room_does_not_count_as_used(tmp_path: Path, clock: FakeClock, turn: Turn) -> None:
    """
    The limit is one of records: a spool that is full stays so when a segment is sealed and its room is given back.
    """
    writer = writer_in(tmp_path, clock, turn)
    for at in range(3):
        writer.append([encode_record(event(at))], lambda _: None)
        turn.take()
    (path,) = tmp_path.glob("*.open")
    written = whole_bytes(path.read_bytes())
    used, _ = spool_usage(tmp_path, clock.now_ms())
    writer.close()

    assert written <= used < written + 100
    assert spool_usage(tmp_path, clock.now_ms())[0] == written


@pytest.mark.usefixtures("small_room")
@pytest.mark.parametrize("torn", [0, 20], ids=["whole", "torn"])
def test_room_of_a_dead_writer_is_no_damage(tmp_path: Path, clock: FakeClock, turn: Turn, torn: int) -> None:
    """
    What a crash leaves of it is cut off without a word; half a frame in it is told with its own size.
    """
    writer, damage = writer_in(tmp_path / "alive", clock, turn), list[tuple[str, str, int]]()
    for at in range(3):
        writer.append([encode_record(event(at))], lambda _: None)
        turn.take()
    (path,) = (tmp_path / "alive").glob("*.open")
    left = bytearray(path.read_bytes())
    size = whole_bytes(bytes(left))
    assert size < len(left)
    left[size : size + torn] = b"\x7e" * torn
    (tmp_path / "dead").mkdir()
    (tmp_path / "dead" / path.name).write_bytes(left)

    assert [event(n) for n in range(3)] == read_all(tmp_path / "dead", damage)
    assert [torn][: bool(torn)] == [told[2] for told in damage]
    writer.close()


@pytest.mark.usefixtures("small_room")
def test_no_room_on_a_full_disk_is_no_refusal(
    tmp_path: Path, clock: FakeClock, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The last bytes of a disk are for beacons: where room cannot be made, records are appended.
    """
    writer, told = writer_in(tmp_path, clock, turn), list[Exception | None]()
    real = os.pwrite

    def nearly_full(descriptor: int, data: memoryview, offset: int) -> int:
        if not bytes(data).strip(b"\0"):
            raise OSError(errno.ENOSPC, "no space")
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", nearly_full)
    for at in range(4):
        writer.append([encode_record(event(at))], told.append)
        turn.take()

    assert [None] * 4 == told
    assert [event(n) for n in range(4)] == read_all(tmp_path)


def test_segments_are_sealed_by_size_and_age(tmp_path: Path, clock: FakeClock, turn: Turn) -> None:
    """
    A segment ends when it is large or old enough, also when nothing more arrives.
    """
    writer = writer_in(tmp_path, clock, turn, segment_bytes_max=200, segment_age_ms_max=1000)
    for at in range(4):
        writer.append([encode_record(event(at))], lambda _: None)
        turn.take()
    assert (1, 1) == (len(list(tmp_path.glob("*.seg"))), len(list(tmp_path.glob("*.open"))))
    clock.advance(seconds=2)
    writer.seal_if_due()

    assert ([], 4) == (list(tmp_path.glob("*.open")), len(read_all(tmp_path)))


def test_a_batch_is_cut_between_frames(tmp_path: Path, clock: FakeClock, turn: Turn) -> None:
    """
    Small limits cut a backlog into ranges of whole frames; together they are everything, once.
    """
    writer = writer_in(tmp_path, clock, turn)
    for at in range(5):
        writer.append([encode_record(event(at))], lambda _: None)
        turn.take()
    writer.close()
    reader = SpoolReader(tmp_path, ignore)
    (state,) = reader.segments()
    position, found = HEADER.size, list[Record]()
    while position < state.safe_bytes:
        taken, records = reader.take(state, position, 30)
        assert (position, 1) == (taken.start, len(records))
        position = taken.end
        found.extend(records)

    assert [event(at) for at in range(5)] == found


@given(st.binary(max_size=300), st.integers(0, 2), st.integers(0, 200), st.integers(1, 255))
def test_no_bytes_break_the_reader(noise: bytes, where: int, at: int, flip: int) -> None:
    """
    Whatever the bytes, pieces cover them without a gap and good frames survive.
    """
    frames = [frame([encode_record(event(n))]) for n in range(3)]
    frames.insert(where, noise)
    data = bytearray(b"".join(frames))
    data[at % len(data)] ^= flip
    pieces = list(read_pieces(bytes(data), 16))

    assert [16, *(piece.end for piece in pieces)] == [*(piece.start for piece in pieces), 16 + len(data)]
    assert 2 <= sum(len(piece.records() or ()) for piece in pieces)
    assert whole_bytes(header(1) + bytes(data)) <= HEADER.size + len(data)


def test_groups_share_a_slow_sync(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    While the disk takes one group, the next ones are written and wait for the sync after it; nobody hears too early.
    """
    real, let_go = os.fdatasync, [threading.Event(), threading.Event()]
    syncs: list[int] = []

    def slow(descriptor: int) -> None:
        syncs.append(descriptor)
        if len(syncs) <= len(let_go):
            assert let_go[len(syncs) - 1].wait(10)
        real(descriptor)

    async def run() -> tuple[list[int], list[int], list[int]]:
        loop = asyncio.get_running_loop()
        writer = SpoolWriter(tmp_path, clock, loop, sync=True, bytes_max=10**9, wait_in_place_us=-1)
        monkeypatch.setattr(os, "fdatasync", slow)
        futures = [loop.create_future() for _ in range(3)]

        def told(number: int) -> Callable[[Exception | None], None]:
            return lambda error: futures[number].set_result(error)

        for number in range(3):
            writer.append([encode_record(event(number))], told(number))
            writer.commit()
        before = [number for number, future in enumerate(futures) if future.done()]
        let_go[0].set()
        assert await futures[0] is None
        middle = [number for number, future in enumerate(futures) if future.done()]
        seen = len(read_all(tmp_path))
        let_go[1].set()
        assert [None, None] == [await futures[1], await futures[2]]
        writer.close()
        return before, middle, [seen, len(syncs)]

    before, middle, (seen, count) = asyncio.run(run())
    monkeypatch.undo()

    assert ([], [0], 1) == (before, middle, seen)
    assert [event(0), event(1), event(2)] == read_all(tmp_path)
    assert 3 == count  # one for the first, one for both that came meanwhile, one for sealing


def test_a_fast_disk_gives_way_to_others_who_wait_for_the_loop(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While somebody else waits for the loop, the disk is waited for in a thread; later in place again.
    """

    async def run() -> tuple[list[bool], list[bool]]:
        writer = SpoolWriter(tmp_path, clock, asyncio.get_running_loop(), sync=True, bytes_max=10**9,
                             wait_in_place_us=10**9)  # fmt: skip
        at_once: list[bool] = []
        waited: list[bool] = []
        for number, until in enumerate((0.0, float("inf"), 0.0)):
            writer.give_way()
            monkeypatch.setattr(writer._disk, "_give_way_until", until)  # pyright: ignore[reportPrivateUsage]  # no test waits
            safe: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
            writer.append([encode_record(event(number))], safe.set_result)
            writer.commit()
            at_once.append(safe.done())
            waited.append(await safe is None)
        writer.close()
        return at_once, waited

    assert ([True, False, True], [True] * 3) == asyncio.run(run())
    assert [event(0), event(1), event(2)] == read_all(tmp_path)


class _Delays(Turn):
    """
    A loop that keeps what is to come later apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.later: list[Callable[[], object]] = []

    def call_later(self, _delay: float, callback: Callable[[], object]) -> object:
        self.later.append(callback)
        return None


def _after_a_sync(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, at: float = 5.0
) -> tuple[SpoolWriter, _Delays]:
    for module in ("disk", "pause", "writer"):
        monkeypatch.setattr(f"ingest.spool.{module}.time", SimpleNamespace(perf_counter=lambda: at))
    turn, told = _Delays(), list[Exception | None]()
    writer = writer_in(tmp_path, clock, turn)
    writer.append_one(encode_record(event(0)), told.append)
    turn.take()
    assert ([None], []) == (told, turn.later)
    return writer, turn


def test_right_after_a_sync_a_record_waits_for_company(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The first record is safe at once; the next one shares its sync with whatever comes within a moment.
    """
    writer, turn = _after_a_sync(tmp_path, clock, monkeypatch)
    told: list[Exception | None] = []

    writer.append_one(encode_record(event(1)), told.append)
    turn.take()
    writer.append_one(encode_record(event(2)), told.append)
    turn.take()
    assert ([], 1) == (told, len(turn.later))

    monkeypatch.setattr("ingest.spool.pause.time", SimpleNamespace(perf_counter=lambda: 5.0 + SYNC_PAUSE_SECONDS))
    turn.later.pop()()
    turn.take()
    assert [None, None] == told


def test_a_crowd_does_not_wait_for_company(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    As many records as shared the last sync end the pause, however early.
    """
    writer, turn = _after_a_sync(tmp_path, clock, monkeypatch)
    told: list[Exception | None] = []

    for number in range(CROWD_MIN):
        writer.append_one(encode_record(event(number)), told.append)
    turn.take()

    assert CROWD_MIN * [None] == told
    assert [event(0), *(event(number) for number in range(CROWD_MIN))] == read_all(tmp_path)


def test_the_end_of_a_pause_is_of_its_own_group(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A group that had its company sooner leaves a timer behind, which must not cut the next group's pause short.
    """
    writer, turn = _after_a_sync(tmp_path, clock, monkeypatch)
    told: list[Exception | None] = []
    for number in range(CROWD_MIN):
        writer.append_one(encode_record(event(number)), told.append)
    turn.take()
    assert (CROWD_MIN * [None], 1) == (told, len(turn.later))

    writer.append_one(encode_record(event(0)), told.append)
    turn.later.pop()()
    turn.take()
    assert (CROWD_MIN, 1) == (len(told), len(turn.later))

    monkeypatch.setattr("ingest.spool.pause.time", SimpleNamespace(perf_counter=lambda: 6.0))
    turn.later.pop()()
    turn.take()
    assert CROWD_MIN + 1 == len(told)


def test_work_is_done_while_the_disk_writes(
    tmp_path: Path, clock: FakeClock, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What else is to be done comes between the beginning of a sync and its end; that it fails is nobody's business who
    waits for the disk, and a disk that fails still gets it done.
    """
    real, done, told = os.fdatasync, list[str](), list[Exception | None]()

    def begun(_: int) -> None:
        done.append("begun")

    def synced(descriptor: int) -> None:
        done.append("synced")
        real(descriptor)

    def fails() -> None:
        done.append("failed")
        raise ValueError

    to_do: list[Callable[[], None]] = [lambda: done.append("worked"), fails, lambda: done.append("worked")]
    writer = writer_in(tmp_path, clock, turn, find_work=lambda: to_do.pop(0) if to_do else None)
    monkeypatch.setattr("ingest.spool.open_segment.begin_to_write", begun)
    monkeypatch.setattr(os, "fdatasync", synced)
    for number in range(2):
        writer.append([encode_record(event(number))], told.append)
        turn.take()
    assert ["begun", "worked", "synced", "begun", "failed", "synced"] == done
    assert [None, None] == told

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)
    writer.append([encode_record(event(2))], told.append)
    turn.take()
    monkeypatch.undo()

    assert (["begun", "worked"], True) == (done[6:], isinstance(told[-1], SpoolFull))
    assert [event(0), event(1)] == read_all(tmp_path)


def test_the_early_write_makes_nothing_of_a_bad_file() -> None:
    """
    It is a hint: what the kernel says to it is the sync's to tell.
    """
    begin_to_write(-1)


def test_a_slow_disk_is_tried_in_place_now_and_then(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    While the disk is waited for in a thread, one sync of many is done in place, to see how fast it is by now.
    """
    real, threads = os.fdatasync, list[threading.Thread]()

    def seen(descriptor: int) -> None:
        threads.append(threading.current_thread())
        real(descriptor)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        writer = SpoolWriter(tmp_path, clock, loop, sync=True, bytes_max=10**9, wait_in_place_us=-1)
        monkeypatch.setattr(os, "fdatasync", seen)
        for number in range(TRY_IN_PLACE_EACH + 2):
            future = loop.create_future()
            writer.append([encode_record(event(number))], future.set_result)
            writer.commit()
            assert await future is None
        monkeypatch.undo()
        writer.close()

    asyncio.run(run())

    assert 1 == threads.count(threading.current_thread())
    assert threading.current_thread() is threads[TRY_IN_PLACE_EACH]


def test_failed_sync_takes_back_what_is_not_safe(
    tmp_path: Path, clock: FakeClock, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    When the disk fails a sync, those who wait hear of it and what was not safe is not read.
    """
    writer, told = writer_in(tmp_path, clock, turn), list[Exception | None]()
    writer.append([encode_record(event(1))], told.append)
    turn.take()

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fail)
        writer.append([encode_record(event(2))], told.append)
        with suppress(OSError):  # sealing the segment fails, too; its safe part is recovered by the drain
            turn.take()
    writer.append([encode_record(event(3))], told.append)
    turn.take()

    assert [type(None), SpoolFull, type(None)] == [type(error) for error in told]
    assert [event(1), event(3)] == read_all(tmp_path)


def test_a_group_is_bounded_by_bytes(
    tmp_path: Path, clock: FakeClock, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Many large requests in one turn become several frames, none of them larger than the reader takes.
    """
    monkeypatch.setattr("ingest.spool.writer.GROUP_BYTES_MAX", 100)
    writer, told = writer_in(tmp_path, clock, turn), list[Exception | None]()
    for at in range(4):
        writer.append([encode_record(event(at))], told.append)

    assert [None, None] * 1 == told[:2]
    turn.take()
    assert ([None] * 4, 4) == (told, len(read_all(tmp_path)))


def test_closing_believes_a_sync_that_failed(tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A stop while a sync fails tells the senders so: the disk may well say yes to a second one and have lost the bytes.
    """
    real, let_go, calls = os.fdatasync, threading.Event(), list[int]()

    def fail_once(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 1:
            assert let_go.wait(10)
            raise OSError(errno.EIO, "input/output error")
        real(descriptor)

    async def run() -> list[Exception | None]:
        told: list[Exception | None] = []
        writer = SpoolWriter(
            tmp_path, clock, asyncio.get_running_loop(), sync=True, bytes_max=10**9, wait_in_place_us=-1
        )
        monkeypatch.setattr(os, "fdatasync", fail_once)
        writer.append([encode_record(event(1))], told.append)
        writer.commit()
        let_go.set()
        writer.close()
        await asyncio.sleep(0)
        return told

    told = asyncio.run(run())
    monkeypatch.undo()

    assert [SpoolFull] == [type(error) for error in told]
    assert [] == read_all(tmp_path)
