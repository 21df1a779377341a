"""
From the bytes of a file to staged events, line by line, knowing what of the file was imported before.

Identity is the content: a file that begins with an imported one continues after it, so the same file again has
nothing to add. The content itself is not kept, only its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ingest.event import Event
from ingest.imports.line import LineError
from ingest.imports.staging import Plan, Stage
from ingest.imports.unpacking import Unpacker
from warehouse.imports import ImportRow

LINE_BYTES_MAX = 64 * 1024
REJECTIONS_MAX = 10_000
"""How many rejected lines are told one by one; all are counted."""
_LONG, _TAKEN = b"long", b"taken"
"""Why the rest of a line is passed over: it is too long, or an earlier import had it."""
TOO_LONG = f"the line is longer than {LINE_BYTES_MAX} bytes"


@dataclass(slots=True)
class Rejections:
    """
    Lines that were not taken: number in the file, and why.
    """

    lines: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    count: int = 0

    def add(self, line: int, error: str) -> None:
        """
        Note one; beyond `REJECTIONS_MAX` it is counted only.
        """
        self.count += 1
        if len(self.lines) < REJECTIONS_MAX:
            self.lines.append((line, error))


class EventReader(Protocol):
    """
    Knows a format.
    """

    def read(self, raw: bytes, /) -> Event | None:
        """
        Make an event of a line without its line feed; None of one that is left out.

        Raises:
            LineError: it is no line of this format.
        """
        ...

    def restart(self) -> None:
        """
        Forget what was counted: all lines so far belong to an earlier import.
        """
        ...


class Intake:
    """
    One file on its way into a staging directory.
    """

    def __init__(self, stage: Stage, reader: EventReader, known: Sequence[ImportRow]) -> None:
        """
        Args:
            known: the imports of the site so far.
        """
        self._stage = stage
        self._reader = reader
        self._known = tuple(row.number for row in known)
        self._marks = sorted(known, key=lambda row: row.content_bytes)
        self._unpacker = Unpacker()
        self._hash = hashlib.sha256()
        self._at_line_end = self._hash
        self._line_end = self._position = 0
        self._rest = b""
        self._swallow = b""
        self.line = 0
        """Number of the line read last."""
        self.repeated = 0
        """Events that an earlier import had already."""
        self.follows = 0
        self.rejections = Rejections()

    @property
    def content_bytes(self) -> int:
        """How much was read, unpacked."""
        return self._position

    def feed(self, chunk: bytes) -> None:
        """
        Take the next piece of the file, as it is on the disk or the wire.

        Raises:
            ImportRefused: it is no file that can be read at all.
            OSError: the staging directory cannot be written.
        """
        for piece in self._unpacker.feed(chunk):
            self._feed(piece)

    def finish(self, number: int, site_id: int, kind: str, label: str) -> Plan:
        """
        Take the end of the file.

        Returns:
            The plan of what is staged, not yet sealed.

        Raises:
            ImportRefused, OSError: as for `feed`.
        """
        self._feed(self._unpacker.finish())
        content_bytes, digest = self._position, self._hash
        if self._rest or self._swallow == _LONG:
            rejected = self.rejections.count
            self._end_line(b"")
            if self.rejections.count > rejected:
                # Perhaps cut off in the middle: the whole line may come with the file's next version.
                content_bytes, digest = self._line_end, self._at_line_end
        return Plan(
            number=number,
            site_id=site_id,
            format=kind,
            label=label,
            content_bytes=content_bytes,
            digest=digest.hexdigest(),
            follows=self.follows,
            known=self._known,
            rejected=self.rejections.count,
            days=self._stage.days,
        )

    def _feed(self, piece: bytes) -> None:
        while self._marks and self._position + len(piece) >= self._marks[0].content_bytes:
            mark = self._marks.pop(0)
            here = mark.content_bytes - self._position
            self._take(piece[:here])
            piece = piece[here:]
            if self._hash.hexdigest() == mark.digest:
                self._continue_after(mark)
        self._take(piece)

    def _continue_after(self, mark: ImportRow) -> None:
        if self._rest:
            # It ended without a line feed, and its last line was taken all the same.
            self._end_line(b"")
            self._swallow = _TAKEN
        self.repeated += self._stage.count
        self._stage.clear()
        self._reader.restart()
        self.rejections = Rejections()
        self.follows = mark.number
        self._at_line_end, self._line_end = self._hash.copy(), self._position

    def _take(self, piece: bytes) -> None:
        if not piece:
            return
        self._position += len(piece)
        end = piece.rfind(b"\n") + 1
        if not end:
            self._hash.update(piece)
            self._more(piece)
            return
        self._hash.update(piece[:end])
        self._at_line_end, self._line_end = self._hash.copy(), self._position - len(piece) + end
        self._hash.update(piece[end:])
        first, *lines = piece[: end - 1].split(b"\n")
        self._end_line(first)
        for line in lines:
            self._line(line)
        self._more(piece[end:])

    def _more(self, piece: bytes) -> None:
        if not self._swallow:
            self._rest += piece
            if len(self._rest) > LINE_BYTES_MAX:
                self._rest, self._swallow = b"", _LONG

    def _end_line(self, last: bytes) -> None:
        rest, swallow = self._rest, self._swallow
        self._rest = self._swallow = b""
        if swallow == _LONG:
            self.line += 1
            self.rejections.add(self.line, TOO_LONG)
        elif swallow != _TAKEN:
            self._line(rest + last)

    def _line(self, raw: bytes) -> None:
        self.line += 1
        if len(raw) > LINE_BYTES_MAX:
            self.rejections.add(self.line, TOO_LONG)
            return
        if not raw or raw.isspace():
            return
        try:
            event = self._reader.read(raw)
        except LineError as error:
            self.rejections.add(self.line, str(error))
            return
        if event is not None:
            self._stage.add(event, self.line)
