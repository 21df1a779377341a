"""
Content of an import as it comes, unpacked when it is gzip, a bounded piece at a time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from warehouse.imports import ImportRefused

GZIP_MAGIC = b"\x1f\x8b"
PIECE_BYTES_MAX = 1024 * 1024
"""How much is unpacked at once: a small file may unpack to a thousand times its size."""
_GZIP = 16 + zlib.MAX_WBITS


class Unpacker:
    """
    Looks at the first two bytes and unpacks gzip, several members one after another too; else hands on as it is.
    """

    def __init__(self) -> None:
        self._head = b""
        self._packed: bool | None = None
        self._gzip = zlib.decompressobj(_GZIP)
        self._fresh = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """
        Take a chunk, give what it unpacks to.

        Raises:
            ImportRefused: it is no whole gzip.
        """
        if self._packed is None:
            self._head += chunk
            if len(self._head) < len(GZIP_MAGIC):
                return
            self._packed = self._head.startswith(GZIP_MAGIC)
            chunk, self._head = self._head, b""
        if not self._packed:
            yield chunk
            return
        yield from self._unpack(chunk)

    def finish(self) -> bytes:
        """
        Give what is left, at the end of the content.

        Raises:
            ImportRefused: the gzip ends in the middle.
        """
        if self._packed and not self._gzip.eof and not self._fresh:
            raise ImportRefused("the gzip file ends in the middle: send it again, whole")
        return self._head

    def _unpack(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if self._gzip.eof:
                self._gzip, self._fresh = zlib.decompressobj(_GZIP), True
                # Padding between and after members is allowed.
                chunk = chunk.lstrip(b"\x00")
                continue
            try:
                piece = self._gzip.decompress(chunk, PIECE_BYTES_MAX)
            except zlib.error:
                raise ImportRefused("the gzip file is damaged: make it again, or send it unpacked") from None
            self._fresh = False
            if piece:
                yield piece
            chunk = self._gzip.unused_data if self._gzip.eof else self._gzip.unconsumed_tail
