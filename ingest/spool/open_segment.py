"""
A segment while it is written: `<name>.open`, locked by its writer, and `<name>.mark`, which says how much is safe.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from pathlib import Path

from ingest.spool.segment import HEADER, MARK, OPEN, SEALED, UNBORN, header
from warehouse.clock import Clock
from warehouse.data_dir import sync_directory

MARK_BYTES = 8


class OpenSegment:
    """
    A file being written. `size` is what was written, the mark what is safe.
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
        self._descriptor = -1
        try:
            self._descriptor = os.open(unborn, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
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
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError:
            os.ftruncate(self._descriptor, self.size)
            raise
        self.size += len(data)

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
        struct.pack_into("<Q", self._mark, 0, end)

    def cut_back(self) -> None:
        """
        Give up what is not known to be safe.
        """
        if not self._sealed:
            os.ftruncate(self._descriptor, self._safe)
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
                os.fdatasync(self._descriptor)
                self._path.rename(self._path.with_suffix(SEALED))
        finally:
            self._release()

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
        os.write(descriptor, bytes(MARK_BYTES))
        return mmap.mmap(descriptor, MARK_BYTES)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
