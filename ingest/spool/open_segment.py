"""
A segment while it is written: `<name>.open`, locked by its writer, and `<name>.mark`, which says how much is safe.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path

from ingest.spool.early_write import begin_to_write
from ingest.spool.segment import HEADER, MARK, MARKED, OPEN, SEALED, UNBORN, header
from warehouse.clock import Clock
from warehouse.data_dir import sync_directory

ROOM_BYTES = 256 * 1024
"""Zeros written ahead: a sync of bytes that replace others needs no journal, and takes half the time and half the
processor of one that makes the file longer. Figures in docs/decisions.md."""
ROOM_GROUPS_MIN = 4
"""Groups of the present size that room must be enough for."""
ROOM_FROM_BYTES = 64 * 1024
"""A segment shorter than this gets no room: on a quiet site it would be more than all its beacons."""


class OpenSegment:
    """
    A file being written. `size` is what was written, the mark what is safe; behind it there may be room, zeros.
    """

    def __init__(self, directory: Path, name: str, clock: Clock, *, sync: bool) -> None:
        self._path = directory / (name + OPEN)
        self._mark_path = directory / (name + MARK)
        self._sealed = False
        self.opened_ms = clock.monotonic_ms()
        # The mark comes first: a segment without one would be taken for a dead writer's.
        self._mark = _make_mark(self._mark_path)
        # TRICKY: locked before it gets its name, or the drain could take it for a dead writer's and clear it away.
        unborn = self._path.with_suffix(UNBORN)
        self.size = self._safe = 0
        self._length = 0
        """Of the file, room included."""
        self._wants_room = sync
        self._descriptor = -1
        try:
            self._descriptor = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            self.append(header(clock.now_ms()))
            unborn.rename(self._path)
            if sync:
                sync_directory(directory)
        except OSError:
            # A disk that is full for an hour must not be left with a descriptor and two names for each beacon.
            unborn.unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)
            self._release()
            raise

    def append(self, data: bytes) -> None:
        """
        Write; half of it never stays.
        """
        try:
            self._write(data, self.size)
        except OSError:
            self._shorten(self.size)
            raise
        self.size += len(data)
        if self.size > self._length:
            self._length = self.size
            # What would fill the room at once, as batches do, is appended: writing it twice saves no sync.
            if self._wants_room and self.size >= ROOM_FROM_BYTES and len(data) * ROOM_GROUPS_MIN <= ROOM_BYTES:
                self._make_room()

    def begin_sync(self) -> None:
        """
        Have what was written sent to the disk; it is safe only after `sync`.
        """
        begin_to_write(self._descriptor)

    def sync(self) -> None:
        """
        Have the disk take what was written; may run in a thread.
        """
        os.fdatasync(self._descriptor)

    def mark(self, end: int) -> None:
        """
        Say that everything before `end` is safe to read.
        """
        self._safe = end
        MARKED.pack_into(self._mark, 0, end)

    def cut_back(self) -> None:
        """
        Give up what is not known to be safe.
        """
        if not self._sealed:
            self._shorten(self._safe)
            self.size = self._safe

    def seal(self) -> None:
        """
        Close it for good; without a record in it, it goes.
        """
        if self._sealed:
            return
        self._sealed = True
        try:
            if self.size <= HEADER.size:
                self._path.unlink(missing_ok=True)
            else:
                self._shorten(self.size)
                os.fdatasync(self._descriptor)
                self._path.rename(self._path.with_suffix(SEALED))
        finally:
            self._release()

    def _make_room(self) -> None:
        try:
            self._write(bytes(ROOM_BYTES), self.size)
        except OSError:
            # A nearly full disk: what matters is in, and every further byte is for beacons.
            self._wants_room = False
            self._shorten(self.size)
        else:
            self._length = self.size + ROOM_BYTES

    def _write(self, data: bytes, offset: int) -> None:
        view = memoryview(data)
        while view:
            written = os.pwrite(self._descriptor, view, offset)
            view, offset = view[written:], offset + written

    def _shorten(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        self._length = size

    def _release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        self._mark.close()
        self._mark_path.unlink(missing_ok=True)


def _make_mark(path: Path) -> mmap.mmap:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        # TRICKY: written, not only made long enough. A hole in a mapped file on a full disk is no OSError but SIGBUS.
        os.write(descriptor, bytes(MARKED.size))
        return mmap.mmap(descriptor, MARKED.size)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
