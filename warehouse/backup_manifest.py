"""
The manifest of a backup: what is in it, so that putting it back can tell whether all of it came.
"""

from __future__ import annotations

import msgspec

MANIFEST_FORMAT = 1
MANIFEST_BYTES_MAX = 16 * 1024**2
"""At about 150 bytes an entry and one entry a month and table, this lasts for ever."""


class BackupError(Exception):
    """
    A backup cannot be made or put back. The text is one sentence that says what to do.
    """


class Entry(msgspec.Struct, frozen=True):
    """
    One file of a backup. `rows` is 0 for what is no table's rows.
    """

    name: str
    size: int
    rows: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """
    What a backup says about itself.
    """

    version: str
    created_ms: int
    """When it was made, epoch milliseconds UTC."""
    migration: int
    """Number of the last migration its warehouse had."""
    registry: bool
    entries: tuple[Entry, ...]
    format: int = MANIFEST_FORMAT

    def encoded(self) -> bytes:
        """
        Write it as JSON.
        """
        return msgspec.json.format(msgspec.json.encode(self), indent=1)

    def table_rows(self) -> dict[str, int]:
        """
        Tell the rows of each table.
        """
        rows: dict[str, int] = {}
        for entry in self.entries:
            if entry.name.startswith("warehouse/"):
                table = entry.name.split("/")[1]
                rows[table] = rows.get(table, 0) + entry.rows
        return rows


def parse_manifest(content: bytes) -> Manifest:
    """
    Read a manifest.

    Raises:
        BackupError: it is none, or of a later form.
    """
    if len(content) > MANIFEST_BYTES_MAX:
        raise BackupError("the backup's manifest is too long to be one of Daysalt")
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(f"the backup's manifest cannot be read ({error}): take another backup") from None
    if manifest.format != MANIFEST_FORMAT:
        raise BackupError(
            f"the backup has form {manifest.format}, this version of Daysalt knows {MANIFEST_FORMAT}: use the version "
            f"{manifest.version[:20]} that made it"
        )
    return manifest
