"""
Files outside the store that hold rows of people: quarantined bytes, and the vault's lane of the spool. They have the
same date of death as what they would have become.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

QUARANTINE = "quarantine"
VAULT_LANE = "vault"


def delete_expired(spool_dir: Path, now: datetime, retention_days: int) -> int:
    """
    Delete quarantined files that were written `retention_days` before today, one day at least.

    Returns:
        How many there were.
    """
    last = now.date() - timedelta(days=max(1, retention_days))
    deleted = 0
    for path in _files(spool_dir, QUARANTINE):
        # Somebody else may have taken the file away, and read-only files are tried again tomorrow.
        with suppress(OSError):
            if _written(path) <= last.isoformat():
                path.unlink()
                deleted += 1
    return deleted


def files_of_day(spool_dir: Path, day: str) -> tuple[int, int]:
    """
    Look for files that could hold rows of a day of the vault or of one before it.

    Returns:
        How many files were looked at, and how many were written on that day or earlier.
    """
    seen = hits = 0
    for path in (*_files(spool_dir, QUARANTINE), *_files(spool_dir, VAULT_LANE)):
        with suppress(OSError):
            seen += 1
            hits += _written(path) <= day
    return seen, hits


def _files(spool_dir: Path, folder: str) -> Iterator[Path]:
    for directory in sorted(spool_dir.rglob(folder)) if spool_dir.is_dir() else ():
        yield from (path for path in sorted(directory.rglob("*")) if path.is_file())


def _written(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date().isoformat()
