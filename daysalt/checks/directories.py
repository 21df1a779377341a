"""
Checks of directories, modes and space.
"""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

from daysalt.checks.check import Check
from daysalt.commands.output import bytes_text
from warehouse.settings import Settings

DISK_FREE_BYTES_MIN = 1024**3
"""Below this the engine's merges and the spool come close to a full disk."""


def check_data_dir(settings: Settings) -> Check:
    """
    The data directory is there, ours, writable and closed to others.
    """
    path, name = settings.data_dir, "data directory"
    if not path.exists():
        return Check(name, "note", f"{path} does not exist yet; the first start makes it")
    if not path.is_dir():
        return Check(name, "unwell", f"{path} is not a directory: move it away, or set DAYSALT_DATA_DIR")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Check(name, "unwell", f"{path} is not writable for this user: change its owner, or set DAYSALT_DATA_DIR")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Check(name, "unwell", f"{path} has mode {mode:04o}, so others can look into it: run `chmod 700 {path}`")
    return Check(name, "well", f"{path}, mode {mode:04o}")


def check_disk(settings: Settings) -> Check:
    """
    There is room to go on.
    """
    path = next(parent for parent in (settings.data_dir, *settings.data_dir.parents) if parent.exists())
    free = shutil.disk_usage(path).free
    # Room for the spool to grow to its limit is worth knowing; a nearly full disk is a fault.
    if free < DISK_FREE_BYTES_MIN:
        return Check("disk", "unwell", f"{bytes_text(free)} are free at {path}: make room, or move the data directory")
    if free < settings.spool_max_bytes:
        return Check(
            "disk", "note", f"{bytes_text(free)} are free, less than DAYSALT_SPOOL_MAX_BYTES lets the spool grow"
        )
    return Check("disk", "well", f"{bytes_text(free)} are free")


def check_keys_dir(settings: Settings) -> Check:
    """
    The keys lie outside the data directory and are closed to others.
    """
    path, name = settings.keys_dir, "keys directory"
    if not path.exists():
        return Check(name, "note", f"{path} does not exist yet; the first start makes it")
    real, data = path.resolve(), settings.data_dir.resolve()
    if real == data or data in real.parents:
        return Check(
            name, "unwell", f"{path} leads into the data directory: set DAYSALT_KEYS_DIR to a place outside it"
        )
    if not path.is_dir():
        return Check(name, "unwell", f"{path} is not a directory: move it away, and put the keys directory back")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Check(
            name, "unwell", f"{path} is not writable, so no key can be made or destroyed: change its owner or its mount"
        )
    return _closed(name, path, 0o700)


def check_root_key(settings: Settings) -> Check:
    """
    The root key is readable for us alone.
    """
    path, name = settings.root_key_file, "root key"
    if not path.exists():
        return Check(name, "note", f"{path} does not exist yet; the first start makes it")
    if settings.data_dir.resolve() in path.resolve().parents:
        return Check(name, "unwell", f"{path} lies in the data directory, so backups may hold it: move it out of there")
    return _closed(name, path, 0o600)


def _closed(name: str, path: Path, wanted: int) -> Check:
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        return Check(name, "unwell", f"{path} has mode {mode:04o}: run `chmod {wanted:o} {path}`")
    if status.st_uid != os.getuid():
        return Check(name, "unwell", f"{path} belongs to another user: run Daysalt as that user, or change its owner")
    return Check(name, "well", f"{path}, mode {mode:04o}")
