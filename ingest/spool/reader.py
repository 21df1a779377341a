"""
The drain's end of the spool: what is safe to read, recovery of what a dead collector left, quarantine of damage.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.event import Event, Record
from ingest.spool.segment import (
    HEADER,
    MARK,
    OPEN,
    SEALED,
    SLOW_DOWN,
    Piece,
    R,
    SpoolError,
    check_header,
    frame,
    header,
    make_private,
    read_mark,
    read_pieces,
    torn_bytes,
    whole_bytes,
)
from warehouse.data_dir import sync_directory

QUARANTINE = "quarantine"
MS_DIGITS = 13
"""Digits of the creation time that a segment's name begins with."""


@dataclass(frozen=True, slots=True)
class SegmentState:
    """
    A segment as the drain may see it: readable from the header to `safe_bytes`.
    """

    name: str
    safe_bytes: int
    sealed: bool

    @property
    def writer(self) -> str:
        """The collector that wrote it, by the random name it gave itself."""
        return writer_of(self.name)


@dataclass(frozen=True, slots=True)
class Range:
    """
    A stretch of one segment, in bytes from the beginning of the file.
    """

    segment: str
    start: int
    end: int


def writer_of(segment: str) -> str:
    """
    Tell the collector that wrote a segment, by the random name it gave itself.
    """
    return segment.split("-")[1] if segment.count("-") == 2 else segment


class SpoolReader:
    """
    All segments of a spool directory.
    """

    def __init__(self, directory: Path, report: Callable[[str, str, int], None]) -> None:
        """
        Args:
            report: told (`torn` or `corrupt`, segment name, bytes) for every piece of damage; never its content.
        """
        make_private(directory)
        self._directory = directory
        self._report = report
        self._refused: set[str] = set()

    def segments(self) -> list[SegmentState]:
        """
        List the segments, oldest first, after sealing those whose writer died.
        """
        found: list[SegmentState] = []
        for entry in sorted(self._directory.iterdir()):
            if entry.suffix == OPEN:
                state = self._open_state(entry)
            elif entry.suffix == SEALED:
                state = SegmentState(entry.stem, entry.stat().st_size, sealed=True)
            else:
                continue
            if state is not None and state.safe_bytes >= HEADER.size and self._usable(state):
                found.append(state)
        return found

    def cut(self, state: SegmentState, start: int, bytes_max: int, *, before: int | None = None) -> tuple[Range, bool]:
        """
        Find the next range of whole frames, as many as fit into `bytes_max` and at least one.

        Args:
            before: epoch seconds UTC; end ahead of the first frame that holds an event of this second or later.

        Returns:
            The range to write into the manifest, an empty one when `before` leaves nothing; and whether `before` was
            what ended it.
        """
        end = min(state.safe_bytes, start + bytes_max)
        pieces = list(read_pieces(self._bytes(state.name, start, end), start))
        if end < state.safe_bytes and pieces and pieces[-1].damaged:
            # The cut went through a frame. Leave it for the next batch, unless it is all there is.
            pieces.pop()
            if not pieces:
                pieces = [next(read_pieces(self._bytes(state.name, start, state.safe_bytes), start))]
        end = start
        for piece in pieces:
            if before is not None and _newest(piece.records() or ()) >= before:
                return Range(state.name, start, end), True
            end = piece.end
        return Range(state.name, start, end), False

    def last_second(self, wanted: Range) -> int:
        """
        Tell the newest event's time in the last frame of a range, epoch seconds UTC; 0 when it has none.
        """
        pieces = list(read_pieces(self._bytes(wanted.segment, wanted.start, wanted.end), wanted.start))
        return _newest(pieces[-1].records() or ())

    def take(self, state: SegmentState, start: int, bytes_max: int) -> tuple[Range, list[Record]]:
        """
        Cut the next range and read it.
        """
        taken, _ = self.cut(state, start, bytes_max)
        return taken, self.read(taken)

    def read(self, wanted: Range) -> list[Record]:
        """
        Read the records of a range that a manifest names. Damage inside it is quarantined and reported.
        """
        return [record for records in self.frames(wanted) for record in records]

    def frames(self, wanted: Range) -> Iterator[list[Record]]:
        """
        Read the records of a range, frame by frame, as `read` does.
        """
        return self.decoded(wanted, Piece.records)

    def decoded(self, wanted: Range, decode: Callable[[Piece], list[R] | None]) -> Iterator[list[R]]:
        """
        Read the records of a range, frame by frame, of any lane: `decode` gives None for what it cannot read.
        """
        for piece in read_pieces(self._bytes(wanted.segment, wanted.start, wanted.end), wanted.start):
            found = decode(piece)
            if found is None:
                self._quarantine(wanted.segment, piece)
            else:
                yield found

    def remove(self, segments: Sequence[str]) -> None:
        """
        Give segments back to the disk; the store has all of their records.
        """
        for name in segments:
            (self._directory / (name + SEALED)).unlink(missing_ok=True)
        if segments:
            sync_directory(self._directory)

    def copy(self, ranges: Sequence[Range], target: Path) -> None:
        """
        Copy ranges into a segment of their own, for a batch that the store refuses. Its date is that of the oldest
        segment in it: what is set aside lives no longer than what is stored.
        """
        pieces = (self._bytes(piece.segment, piece.start, piece.end) for piece in ranges)
        _write_segment(target, pieces, [piece.segment for piece in ranges])

    def set_aside(self, ranges: Sequence[Range], records: Sequence[bytes], target: Path) -> None:
        """
        Write encoded records of these ranges into a segment of their own, as `copy` does with all of them.
        """
        _write_segment(target, [frame(records)] if records else [], [piece.segment for piece in ranges])

    def slow_down(self, *, wanted: bool) -> None:
        """
        Ask all collectors to refuse events for a while, or to take them again.
        """
        path = self._directory / SLOW_DOWN
        if wanted:
            path.touch(mode=0o600)
        else:
            path.unlink(missing_ok=True)

    def exists(self, segment: str) -> bool:
        """
        Tell whether a segment is still there, open or sealed.
        """
        return any((self._directory / (segment + suffix)).exists() for suffix in (OPEN, SEALED))

    def _open_state(self, path: Path) -> SegmentState | None:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return self._sealed_meanwhile(path)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return self._marked_state(path)
            if not path.exists():
                return self._sealed_meanwhile(path)
            return self._recover(path, descriptor)
        finally:
            os.close(descriptor)

    def _marked_state(self, path: Path) -> SegmentState | None:
        try:
            return SegmentState(path.stem, read_mark(path) or 0, sealed=False)
        except FileNotFoundError:
            return self._sealed_meanwhile(path)

    def _sealed_meanwhile(self, path: Path) -> SegmentState | None:
        sealed = path.with_suffix(SEALED)
        return SegmentState(path.stem, sealed.stat().st_size, sealed=True) if sealed.exists() else None

    def _recover(self, path: Path, descriptor: int) -> SegmentState | None:
        # Nobody holds the lock: the writer is dead. Its whole frames count, answered or not; the torn tail goes.
        data = path.read_bytes()
        mark = path.with_suffix(MARK)
        if len(data) < HEADER.size:
            path.unlink()
            mark.unlink(missing_ok=True)
            return None
        whole = whole_bytes(data)
        if whole < len(data):
            if torn := torn_bytes(data, whole):
                self._report("torn", path.stem, torn)
            os.ftruncate(descriptor, whole)
        os.fsync(descriptor)
        path.rename(path.with_suffix(SEALED))
        mark.unlink(missing_ok=True)
        sync_directory(self._directory)
        return SegmentState(path.stem, whole, sealed=True)

    def _usable(self, state: SegmentState) -> bool:
        if state.name in self._refused:
            return False
        try:
            check_header(self._bytes(state.name, 0, HEADER.size), state.name)
        except SpoolError:
            self._refused.add(state.name)
            self._report("corrupt", state.name, state.safe_bytes)
            return False
        return True

    def _bytes(self, segment: str, start: int, end: int) -> bytes:
        for suffix in (SEALED, OPEN, SEALED):
            # Twice: between the two looks the writer may have sealed it.
            try:
                with (self._directory / (segment + suffix)).open("rb") as file:
                    file.seek(start)
                    return file.read(end - start)
            except FileNotFoundError:
                continue
        raise SpoolError(f"segment {segment} is gone from the spool")

    def _quarantine(self, segment: str, piece: Piece) -> None:
        folder = self._directory.parent / QUARANTINE
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{segment}-{piece.start}.bad"
        if not path.exists():
            path.write_bytes(piece.data)
            path.chmod(0o600)
            _date(path, [segment])
        self._report("corrupt", segment, len(piece.data))


def _write_segment(target: Path, frames: Iterable[bytes], segments: Sequence[str]) -> None:
    with target.open("wb") as file:
        file.write(header(0))
        file.writelines(frames)
        file.flush()
        os.fsync(file.fileno())
    target.chmod(0o600)
    _date(target, segments)


def _date(path: Path, segments: Sequence[str]) -> None:
    """
    Give a file the date of the oldest segment that its bytes come from; retention deletes it by that.
    """
    made_ms = min((int(name.partition("-")[0]) for name in segments if name[:MS_DIGITS].isdigit()), default=None)
    if made_ms is not None:
        os.utime(path, (made_ms / 1000, made_ms / 1000))


def _newest(records: Sequence[Record]) -> int:
    return max((record.ts for record in records if isinstance(record, Event)), default=0)
