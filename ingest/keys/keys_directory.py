"""
The keys directory: closed to everybody else, held by one process, with the root key in it unless that lies elsewhere.
"""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
from pathlib import Path

from warehouse.data_dir import sync_directory

KEY_BYTES = 32
NEXT_SUFFIX = ".next"
"""A root key about to take the place of the one in use."""

_TAG = "# Daysalt: leave this directory out of every backup. A copy of it undoes the promise that keys die.\n"


class KeyringError(Exception):
    """
    The keyring cannot be opened or written. Not retryable before somebody acted on what it says.
    """


def make_directory(directory: Path) -> None:
    """
    Make the directory when it is missing, see that it is ours alone, and mark it to be left out of backups.

    Raises:
        KeyringError: it belongs to somebody else, or cannot be used.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        status = directory.stat()
        if status.st_uid != os.geteuid():
            raise KeyringError(
                f"the keys directory {directory} belongs to another user; give it to the one Daysalt runs as"
            )
        if status.st_mode & 0o077:
            directory.chmod(0o700)
        (directory / "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55\n" + _TAG)
    except OSError as error:
        raise KeyringError(f"the keys directory {directory} cannot be used: {error.strerror}") from error


def lock_directory(directory: Path, descriptor: int | None = None) -> int:
    """
    Take the keyring for this process. The kernel lets go of it when the process ends, however it ends.

    Args:
        descriptor: the lock file, open already, from the program that this process was before.

    Returns:
        The open file. TRICKY: to close any open file of this name lets go of the lock.

    TRICKY: a lock of the process (`lockf`), not of the open file, so that a program started meanwhile has no share in
    it. Two keepers with one keyring would each write what they know, and the second one's keys would be gone.
    """
    opened = -1 if descriptor is None else descriptor
    try:
        if opened < 0:
            opened = os.open(directory / "keyring.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if opened >= 0:
            os.close(opened)
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise KeyringError(
                f"the keys directory {directory} is in use by another Daysalt process: stop that one, or set "
                "DAYSALT_KEYS_DIR"
            ) from None
        raise KeyringError(f"the keys directory {directory} cannot be used: {error.strerror}") from error
    return opened


def read_root_key(path: Path, *, may_make: bool) -> bytes:
    """
    Read the root key, making it on first start.

    Raises:
        KeyringError: it is missing, open to others, or no key.
    """
    try:
        if not path.exists():
            if not may_make:
                raise KeyringError(
                    f"there is a keyring but no root key at {path}: put it back (DAYSALT_ROOT_KEY_FILE), or move the "
                    "keys directory away to start with new keys"
                )
            _write_root_key(path, secrets.token_bytes(KEY_BYTES))
        return _read(path)
    except OSError as error:
        raise KeyringError(f"the root key {path} cannot be used: {error.strerror}") from error


def make_next_root_key(path: Path) -> bytes:
    """
    Put a new root key beside the one in use; `take_next_root_key` puts it in its place.

    Raises:
        KeyringError: the directory of the root key cannot be written.
    """
    following = path.with_name(path.name + NEXT_SUFFIX)
    try:
        following.unlink(missing_ok=True)
        _write_root_key(following, secrets.token_bytes(KEY_BYTES))
        return _read(following)
    except OSError as error:
        raise KeyringError(
            f"a new root key cannot be put beside {path} ({error.strerror}): make its directory writable for this user "
            "while the root key is rotated"
        ) from error


def next_root_key(path: Path) -> bytes | None:
    """
    Read the root key that a rotation put beside the one in use; None when there is none.

    Raises:
        KeyringError: it cannot be read.
    """
    following = path.with_name(path.name + NEXT_SUFFIX)
    try:
        return _read(following) if following.exists() else None
    except OSError as error:
        raise KeyringError(f"the root key {following} cannot be used: {error.strerror}") from error


def take_next_root_key(path: Path) -> None:
    """
    Put the new root key in the place of the old one, which is gone then.

    Raises:
        KeyringError: the directory of the root key cannot be written.
    """
    try:
        path.with_name(path.name + NEXT_SUFFIX).replace(path)
        sync_directory(path.parent)
    except OSError as error:
        raise KeyringError(f"the new root key cannot take the place of {path}: {error.strerror}") from error


def _write_root_key(path: Path, key: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    sync_directory(path.parent)


def _read(path: Path) -> bytes:
    if path.stat().st_mode & 0o077:
        raise KeyringError(f"the root key {path} can be read by others; run `chmod 400 {path}`")
    try:
        root = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        raise KeyringError(f"the root key {path} must hold {KEY_BYTES * 2} hexadecimal digits") from None
    if len(root) != KEY_BYTES:
        raise KeyringError(f"the root key {path} must hold {KEY_BYTES * 2} hexadecimal digits")
    return root
