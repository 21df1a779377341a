"""
The file format of a segment: a header, then frames. `docs/architecture.md` draws it.

Header, 16 bytes: magic `DAYSALT` and one version byte, then the creation time in epoch milliseconds, little endian.
Frame: magic, payload bytes, record count, CRC-32 of the eight bytes before it and the payload (four little-endian
32-bit numbers), then the payload: one msgpack array of records. A frame is what one group commit wrote.

A segment is `<name>.open` while its writer lives (the writer holds a lock on it) and `<name>.seg` once it is sealed.
`<name>.mark` beside an open segment holds the count of bytes that are safe, and nobody reads beyond it. An open segment
may end in zeros, room that its writer made ahead; a sealed one does not.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from ingest.event import DropCount, Event, Record

MAGIC = b"DAYSALT"
VERSION = 1
HEADER = struct.Struct("<7sBQ")
FRAME = struct.Struct("<IIII")
FRAME_MAGIC = 0x5A17DA7E
FRAME_BYTES_MAX = 64 * 1024 * 1024
"""Larger than any group a collector writes; a length beyond it is damage."""

OPEN, SEALED, MARK, UNBORN = ".open", ".seg", ".mark", ".new"

SLOW_DOWN = "slow-down"
"""A file the drain touches in the spool while it falls behind; collectors then answer as if the spool were full."""
SLOW_DOWN_FRESH_MS = 10_000
"""A drain that died, or lost its store, does not keep collectors closed: an untouched file means nothing."""

MARKED = struct.Struct("<Q")
"""What a mark holds: bytes of its segment that are safe."""
_ARRAY32 = struct.Struct(">BI")
_MAGIC_BYTES = FRAME_MAGIC.to_bytes(4, "little")
_decode = msgspec.msgpack.Decoder(list[Event | DropCount]).decode
_encoder = msgspec.msgpack.Encoder()


R = TypeVar("R")
"""A lane's kind of record."""


class SpoolError(Exception):
    """
    A segment cannot be used at all: a wrong header or a version of the future.
    """


def encode_record(record: Record) -> bytes:
    """
    Encode one record, ready to be put into a frame beside others.
    """
    return _encoder.encode(record)


def header(created_ms: int) -> bytes:
    """
    Make the header of a new segment.
    """
    return HEADER.pack(MAGIC, VERSION, created_ms)


def frame(records: Sequence[bytes]) -> bytes:
    """
    Make one frame of encoded records.
    """
    payload = _ARRAY32.pack(0xDD, len(records)) + b"".join(records)
    sizes = struct.pack("<II", len(payload), len(records))
    return FRAME.pack(FRAME_MAGIC, len(payload), len(records), zlib.crc32(payload, zlib.crc32(sizes))) + payload


@dataclass(frozen=True, slots=True)
class Piece:
    """
    A stretch of a segment, `start` to `end` in bytes from the beginning of the file: a whole frame, or damage.
    """

    start: int
    end: int
    data: bytes | memoryview
    """The payload of the frame, checked; or the damaged bytes."""
    count: int = 0
    """How many records the frame says it has."""
    damaged: bool = False

    def records(self) -> list[Record] | None:
        """
        Decode a frame of the lane of events; None for damage, and for what is whole but not what this version writes.
        """
        return self.decoded(_decode)

    def decoded(self, decode: Callable[[bytes | memoryview], list[R]]) -> list[R] | None:
        """
        Decode a frame of any lane; None as with `records`.
        """
        if self.damaged:
            return None
        try:
            records = decode(self.data)
        except (msgspec.DecodeError, msgspec.ValidationError):
            return None
        return records if len(records) == self.count else None


def check_header(data: bytes, name: str) -> None:
    """
    Refuse what is not a segment of this version.

    Raises:
        SpoolError: says which file, and what to do.
    """
    if len(data) < HEADER.size:
        raise SpoolError(f"{name} is shorter than a segment's header; move it out of the spool")
    magic, version, _ = HEADER.unpack_from(data)
    if magic != MAGIC:
        raise SpoolError(f"{name} is not a segment; move it out of the spool")
    if version != VERSION:
        raise SpoolError(f"{name} has format version {version}, this version reads {VERSION}: run the newer version")


def read_pieces(data: bytes, start: int) -> Iterator[Piece]:
    """
    Split bytes of a segment into frames and damage. Never raises on bad bytes.

    Args:
        data: from the segment's offset `start` on; must begin at a frame.

    Returns:
        Pieces in order that cover all of `data`, without a gap. An unfinished frame at the end comes as damage.
    """
    position = 0
    view = memoryview(data)
    while position < len(data):
        found = _frame_at(view, position)
        if found is not None:
            end, count = found
            yield Piece(start + position, start + end, view[position + FRAME.size : end], count)
            position = end
            continue
        after = position + 1
        while True:
            after = data.find(_MAGIC_BYTES, after)
            if after < 0:
                after = len(data)
                break
            if _frame_at(view, after) is not None:
                break
            after += 1
        yield Piece(start + position, start + after, data[position:after], damaged=True)
        position = after


def whole_bytes(data: bytes) -> int:
    """
    Tell how many bytes of a segment, header included, are whole: what follows the last good frame is a torn tail, or
    room that its writer made ahead.
    """
    whole = HEADER.size
    for piece in read_pieces(data[HEADER.size :], HEADER.size):
        if not piece.damaged:
            whole = piece.end
    return whole


def torn_bytes(data: bytes, whole: int) -> int:
    """
    Tell how many bytes of a tail behind `whole` were written: room is zeros to the end.
    """
    return len(data[whole:].rstrip(b"\0"))


def read_mark(segment: Path) -> int | None:
    """
    Read how many bytes of an open segment are safe; None for a mark that is not whole.

    Raises:
        FileNotFoundError: it was sealed meanwhile, or its writer is dead.
    """
    mark = segment.with_suffix(MARK).read_bytes()
    return int(MARKED.unpack(mark)[0]) if len(mark) == MARKED.size else None


def _frame_at(data: memoryview, position: int) -> tuple[int, int] | None:
    body = position + FRAME.size
    if body > len(data):
        return None
    magic, length, count, checksum = FRAME.unpack_from(data, position)
    end = body + length
    if magic != FRAME_MAGIC or length > FRAME_BYTES_MAX or end > len(data):
        return None
    if zlib.crc32(data[body:end], zlib.crc32(data[position + 4 : position + 12])) != checksum:
        return None
    return end, count


def make_private(directory: Path) -> None:
    """
    Make a directory of the spool, and the spool itself, closed to everybody else.
    """
    directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    directory.mkdir(exist_ok=True, mode=0o700)
