"""
Reads files that a running server may take away meanwhile: engines merge parts, drains delete segments.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def files_of(folder: Path) -> Iterator[Path]:
    """
    Walk all plain files below a folder; one that has gone is passed over, where `Path.rglob` would fail.
    """
    for inside, folders, names in os.walk(folder):
        folders.sort()
        paths = (Path(inside, name) for name in sorted(names))
        yield from (path for path in paths if path.is_file() and not path.is_symlink())


def content_of(path: Path) -> bytes:
    """
    Read a file; one that has gone since it was found holds nothing.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
