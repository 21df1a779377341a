"""
Where the events of an import wait on disk until all of them are read: records by local day, and an index to sort by.
Daily totals wait as rows of reports, in pieces.

What lies here is what the spool holds, too: no label, no address, no key. A day is sorted by its index and read piece
by piece, so memory does not grow with the file.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from ingest.event import ENGAGEMENT, Event
from warehouse.data_dir import sync_directory, write_private
from warehouse.imported_totals import TotalsRow

BUFFER_BYTES_MAX = 8 * 1024 * 1024
"""What waits in memory over all days before it is written."""
WINDOW_BYTES = 128 * 1024
"""How much is read at once; files are mostly in the order of time."""
FILES_SYNCED_ONE_BY_ONE = 16
"""Beyond so many, the system is asked to sync all it has."""
PLAN, LOCK, STORED = "plan.json", "lock", "stored"
TOTALS_AT_ONCE = 20_000
"""Rows of totals in one file, and in one insert."""

_ENTRY = struct.Struct("<QQIQ")
_ENTRY_TYPE = np.dtype([("order", "<u8"), ("start", "<u8"), ("length", "<u4"), ("line", "<u8")])


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """
    What an import is, once all of it is read: from here on it can be finished by whoever finds it.
    """

    number: int
    site_id: int
    format: str
    label: str
    content_bytes: int
    digest: str
    follows: int
    known: tuple[int, ...]
    """Numbers of the imports of the site that were known when the reading began."""
    rejected: int
    days: dict[int, int]
    """Events by local day (days since 1970-01-01); of daily totals, lines of the export."""


class _Day:
    __slots__ = ("count", "index", "records", "written")

    def __init__(self) -> None:
        self.records, self.index = bytearray(), bytearray()
        self.written = self.count = 0


class Stage:
    """
    A staging directory being filled; locked while somebody works on it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.parent.mkdir(mode=0o700, exist_ok=True)
        directory.mkdir(mode=0o700)
        self._lock = _lock(directory)
        assert self._lock is not None, "a new directory is nobody's"
        self._encoder = msgspec.msgpack.Encoder()
        self._days: dict[int, _Day] = {}
        self._buffered = 0
        self._totals: list[TotalsRow] = []
        self._pieces = 0

    @property
    def count(self) -> int:
        """How many events are staged."""
        return sum(day.count for day in self._days.values())

    def add(self, event: Event, line: int) -> None:
        """
        Stage one event.

        Args:
            line: its number in the file.
        """
        day = self._days.get(event.day)
        if day is None:
            day = self._days[event.day] = _Day()
        record = self._encoder.encode(event)
        # Of two things in one second the engagement is the later one, wherever the lines stand.
        order = event.ts << 1 | (event.name == ENGAGEMENT)
        day.index += _ENTRY.pack(order, day.written + len(day.records), len(record), line)
        day.records += record
        day.count += 1
        self._buffered += len(record) + _ENTRY.size
        if self._buffered >= BUFFER_BYTES_MAX:
            self._write()

    def add_totals(self, row: TotalsRow) -> None:
        """
        Stage one row of daily totals.
        """
        self._totals.append(row)
        if len(self._totals) >= TOTALS_AT_ONCE:
            self._write_totals()

    def clear(self) -> None:
        """
        Forget what was staged.
        """
        for day in self._days:
            for path in _paths(self.directory, day):
                path.unlink(missing_ok=True)
        self._days, self._buffered = {}, 0

    @property
    def days(self) -> dict[int, int]:
        """Events by local day."""
        return {number: day.count for number, day in sorted(self._days.items())}

    def seal(self, plan: Plan) -> None:
        """
        Make what is staged durable, and say that it is whole.

        Raises:
            OSError: it cannot be written.
        """
        self._write()
        if self._totals:
            self._write_totals()
        paths = [path for day in self._days for path in _paths(self.directory, day)]
        paths += [_piece(self.directory, number) for number in range(self._pieces)]
        if len(paths) > FILES_SYNCED_ONE_BY_ONE:
            os.sync()
        else:
            for path in paths:
                _sync(path)
        sync_directory(self.directory.parent)
        write_private(self.directory / PLAN, msgspec.json.encode(plan).decode())

    def as_staged(self, plan: Plan) -> Staged:
        """
        Hand on what is sealed; it stays locked.
        """
        lock, self._lock = self._lock, None
        return Staged(self.directory, plan, lock)

    def discard(self) -> None:
        """
        Remove all of it.
        """
        shutil.rmtree(self.directory, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _write_totals(self) -> None:
        with open(_piece(self.directory, self._pieces), "xb", opener=_private) as file:
            file.write(self._encoder.encode(self._totals))
        self._pieces, self._totals = self._pieces + 1, []

    def _write(self) -> None:
        for number, day in self._days.items():
            if day.records:
                for path, buffer in zip(_paths(self.directory, number), (day.records, day.index), strict=True):
                    with open(path, "ab", opener=_private) as file:
                        file.write(buffer)
                day.written += len(day.records)
                day.records, day.index = bytearray(), bytearray()
        self._buffered = 0


class Staged:
    """
    A sealed staging directory, to be stored.
    """

    def __init__(self, directory: Path, plan: Plan, lock: int | None) -> None:
        self.directory = directory
        self.plan = plan
        self._lock = lock
        self._decode = msgspec.msgpack.Decoder(Event).decode

    @property
    def stored(self) -> int:
        """
        How many batches are known to be in the store.
        """
        try:
            return int((self.directory / STORED).read_text("ascii"))
        except (FileNotFoundError, ValueError):
            return 0

    def note_stored(self, batches: int) -> None:
        """
        Note how many batches are in the store.
        """
        write_private(self.directory / STORED, str(batches))

    def events_of(self, day: int) -> Iterator[tuple[Event, int]]:
        """
        Read the events of a local day in the order of time, each with its line number.
        """
        records, index = _paths(self.directory, day)
        entries = np.fromfile(index, _ENTRY_TYPE)
        order = np.argsort(entries["order"], kind="stable")
        starts, lengths, lines = entries["start"][order], entries["length"][order], entries["line"][order]
        window, window_start = b"", 0
        with records.open("rb", buffering=0) as file:
            for start, length, line in zip(starts, lengths, lines, strict=True):
                first, size = int(start), int(length)
                at = first - window_start
                if at < 0 or at + size > len(window):
                    window = os.pread(file.fileno(), max(WINDOW_BYTES, size), first)
                    window_start, at = first, 0
                yield self._decode(window[at : at + size]), int(line)

    @property
    def totals_pieces(self) -> int:
        """
        How many files of daily totals there are.
        """
        return sum(1 for _ in self.directory.glob("*.totals"))

    def totals_of(self, number: int) -> list[TotalsRow]:
        """
        Read one file of daily totals.
        """
        return msgspec.msgpack.decode(_piece(self.directory, number).read_bytes(), type=list[TotalsRow])

    def discard(self) -> None:
        """
        Remove all of it.
        """
        shutil.rmtree(self.directory, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """
        Let somebody else work on it.
        """
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def open_staged(directory: Path) -> Staged | None:
    """
    Take a sealed import that nobody works on. One that was never sealed is removed: its reader is gone.

    Returns:
        None when there is nothing to finish.
    """
    try:
        lock = _lock(directory)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if lock is None:
        return None
    try:
        plan = msgspec.json.decode((directory / PLAN).read_bytes(), type=Plan)
    except (FileNotFoundError, msgspec.DecodeError):
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)
        return None
    return Staged(directory, plan, lock)


def left_over(directory: Path, site_id: int) -> Iterator[Staged]:
    """
    Take, one by one, the sealed imports of a site that nobody works on. Those of other sites are not even locked:
    somebody who looks for them at this moment would take them for somebody's.
    """
    for path, plan in _plans(directory):
        if plan is not None and plan.site_id == site_id:
            staged = open_staged(path)
            if staged is not None:
                yield staged


def sites_left_over(directory: Path) -> set[int]:
    """
    Tell which sites have sealed imports; those that were never sealed, and whose reader is gone, are removed.
    """
    sites: set[int] = set()
    for path, plan in _plans(directory):
        if plan is not None:
            sites.add(plan.site_id)
        elif (staged := open_staged(path)) is not None:
            # Sealed just now, by a reader that left it to us.
            sites.add(staged.plan.site_id)
            staged.release()
    return sites


def _plans(directory: Path) -> Iterator[tuple[Path, Plan | None]]:
    for path in sorted(directory.iterdir()) if directory.is_dir() else ():
        try:
            yield path, msgspec.json.decode((path / PLAN).read_bytes(), type=Plan)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
            yield path, None


def _lock(directory: Path) -> int | None:
    descriptor = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _paths(directory: Path, day: int) -> tuple[Path, Path]:
    return directory / f"{day}.records", directory / f"{day}.index"


def _piece(directory: Path, number: int) -> Path:
    return directory / f"{number}.totals"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
