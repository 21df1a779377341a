"""
A file that is written once from front to back, measured while it grows.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO


class CopiedFile:
    """
    Counts bytes and lines and takes the checksum of what is written to it; without a path it only does that.
    """

    def __init__(self, path: Path | None) -> None:
        self.size = 0
        self._lines = 0
        self._hash = hashlib.sha256()
        self._file: IO[bytes] | None = None
        if path is not None:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._file = os.fdopen(descriptor, "wb")

    def write(self, chunk: bytes) -> int:
        """
        Write a chunk, and count it.
        """
        self.size += len(chunk)
        self._lines += chunk.count(b"\n")
        self._hash.update(chunk)
        if self._file is not None:
            self._file.write(chunk)
        return len(chunk)

    def __enter__(self) -> CopiedFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def rows(self) -> int:
        """
        Rows of a copied table: every line but the one with the names.
        """
        return max(self._lines - 1, 0)

    @property
    def sha256(self) -> str:
        """
        The checksum so far, as hexadecimal digits.
        """
        return self._hash.hexdigest()
