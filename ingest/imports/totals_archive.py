"""
The ZIP of a CSV export, opened with suspicion: names, kinds of packing and sizes are looked at before anything is
unpacked, and what is unpacked is counted.

Nothing of it is ever written under a name from the archive.
"""

from __future__ import annotations

import hashlib
import re
import zipfile
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from warehouse.imports import ImportRefused

FILES_MAX = 1_000
"""Files in one archive; an export has ten."""
UNPACKED_BYTES_MAX = 4 * 1024 * 1024 * 1024
"""All files together, unpacked: twenty times the largest export we heard of."""
LINE_BYTES_MAX = 64 * 1024
NAME_SHOWN = 80

# Source: https://plausible.io/docs/csv-import, "File naming convention".
_NAME = re.compile(r"imported_([a-z_]+?)(?:_(\d{8})_(\d{8}))?\.csv\Z")
_PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class TableFile:
    """
    One file of an export.

    Attributes:
        name: in the archive, as it is shown.
        table: what it is about, such as `entry_pages`.
        first, last: the days that its name promises; None when it promises none.
    """

    name: str
    table: str
    first: date | None
    last: date | None


class TotalsArchive:
    """
    An archive whose names and sizes are as they should be. Close it.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises:
            ImportRefused: it is no archive of an export; the text says why.
        """
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGED as error:
            if isinstance(error, OSError):
                raise
            raise ImportRefused("the ZIP archive is damaged: download the export again") from None
        try:
            self.files = _looked_at(self._zip.infolist())
        except BaseException:
            self._zip.close()
            raise
        self.unpacked_bytes = sum(self._zip.getinfo(one.name).file_size for one in self.files)
        """As the archive says; what it really is is counted."""
        self.read_bytes = 0
        """How much of all files was unpacked so far."""
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """
        The identity of what was read: the same tables with the same content, however they are packed.
        """
        return self._hash.hexdigest()

    def close(self) -> None:
        self._zip.close()

    def lines(self, file: TableFile) -> Generator[tuple[int, bytes]]:
        """
        Unpack a file line by line. Close it.

        Returns:
            Each line with its number and its line feed.

        Raises:
            ImportRefused: it cannot be unpacked, or it is more than it says.
        """
        self._hash.update(f"{file.table}\0".encode())
        number = 0
        try:
            with self._zip.open(file.name) as content:
                while line := content.readline(LINE_BYTES_MAX + 1):
                    number += 1
                    self.read_bytes += len(line)
                    if len(line) > LINE_BYTES_MAX:
                        raise ImportRefused(
                            f"{shown(file.name)} line {number}: the line is longer than {LINE_BYTES_MAX:,} bytes:"
                            " this is no export"
                        )
                    if self.read_bytes > UNPACKED_BYTES_MAX:
                        raise ImportRefused(
                            f"the archive unpacks to more than {UNPACKED_BYTES_MAX // 1024**3} GiB: this is no export"
                        )
                    self._hash.update(line)
                    yield number, line
        except _DAMAGED:
            raise ImportRefused(
                f"{shown(file.name)} in the ZIP archive is damaged: download the export again"
            ) from None


def shown(name: str) -> str:
    """
    A name from an archive as it may stand in a sentence.
    """
    text = "".join(one if one.isprintable() else "?" for one in name)
    return text if len(text) <= NAME_SHOWN else f"{text[:NAME_SHOWN]}..."


def _looked_at(entries: list[zipfile.ZipInfo]) -> list[TableFile]:
    if len(entries) > FILES_MAX:
        raise ImportRefused(f"the archive has {len(entries):,} files, an export has ten: this is no export")
    found: list[TableFile] = []
    unpacked = 0
    for entry in entries:
        name = entry.filename
        if entry.is_dir() or _NAME.fullmatch(name) is None:
            raise ImportRefused(
                f"the archive holds {shown(name)!r}: an export holds files such as"
                " imported_visitors_20240101_20240131.csv and nothing else"
            )
        if entry.flag_bits & _ENCRYPTED:
            raise ImportRefused(f"{shown(name)} is encrypted: make the archive again without a password")
        if entry.compress_type not in _PACKINGS:
            raise ImportRefused(f"{shown(name)} is packed in a way that is not read here: pack it again as plain ZIP")
        unpacked += entry.file_size
        found.append(_table_file(name))
    if unpacked > UNPACKED_BYTES_MAX:
        raise ImportRefused(f"the archive unpacks to more than {UNPACKED_BYTES_MAX // 1024**3} GiB: this is no export")
    if not found:
        raise ImportRefused("the ZIP archive is empty: download the export again")
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        raise ImportRefused("the archive holds two files of the same name: this is no export")
    # The same export in another order of files is the same export.
    return sorted(found, key=lambda one: one.name)


def _table_file(name: str) -> TableFile:
    match = _NAME.fullmatch(name)
    assert match is not None
    table, begin, end = match.groups()
    if begin is None:
        return TableFile(name, table, None, None)
    try:
        first, last = (date(int(text[:4]), int(text[4:6]), int(text[6:])) for text in (begin, end))
    except ValueError:
        raise ImportRefused(
            f"{shown(name)} has a day in its name that does not exist: download the export again"
        ) from None
    if first > last:
        raise ImportRefused(f"{shown(name)} ends before it begins: download the export again")
    return TableFile(name, table, first, last)
