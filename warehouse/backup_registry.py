"""
The registry in a backup: a copy taken while others write, without what must not outlive a restore.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from warehouse.backup_manifest import BackupError

LEFT_OUT = ("sign_ins", "links", "attempts")
"""A restored backup must not sign anybody in, nor make a used link good again."""


def copy_registry(source: Path, target: Path) -> None:
    """
    Copy a SQLite registry at one moment.

    Raises:
        BackupError: it is missing or cannot be read.
    """
    if not source.exists():
        raise BackupError(f"there is no registry at {source} yet: add a site or start the server first")
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    try:
        reader, writer = sqlite3.connect(source, timeout=10), sqlite3.connect(target)
        try:
            reader.backup(writer)
            # One file without journals beside it, and without free pages that still hold what is deleted here.
            writer.execute("PRAGMA journal_mode=DELETE")
            for table in LEFT_OUT:
                writer.execute(f"DELETE FROM {table}")  # noqa: S608 - a table name of ours
            writer.commit()
            writer.execute("VACUUM")
        finally:
            reader.close()
            writer.close()
    except sqlite3.Error as error:
        raise BackupError(f"the registry {source} cannot be copied ({error}): check that it is whole") from None


def check_registry(path: Path) -> None:
    """
    Check that a copied registry is whole.

    Raises:
        BackupError: it is not.
    """
    try:
        connection = sqlite3.connect(path)
        try:
            verdict = connection.execute("PRAGMA integrity_check").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise BackupError(f"the registry in the backup cannot be read ({error}): take another backup") from None
    if verdict != ("ok",):
        raise BackupError("the registry in the backup is damaged: take another backup")


def is_empty(path: Path) -> bool:
    """
    Tell whether a registry is missing or has neither a site nor anybody with a password.
    """
    if not path.exists() or path.stat().st_size == 0:
        return True
    try:
        connection = sqlite3.connect(path, timeout=10)
        try:
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if "sites" not in tables:
                return not tables
            sites = connection.execute("SELECT count(*) FROM sites").fetchone()[0]
            people = connection.execute("SELECT count(*) FROM users WHERE password_hash IS NOT NULL").fetchone()[0]
            return sites == 0 and people == 0
        finally:
            connection.close()
    except sqlite3.Error:
        return False
