"""
The data directory: one owner at a time, readable by nobody else.

The server holds the lock as long as it runs. A command that needs the directory for itself takes the lock; when it
cannot, a server runs, and the command asks that through its socket instead.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

LOCK_FILE = "daysalt.lock"
SETUP_TOKEN_FILE = "setup-token"  # noqa: S105 - the name of the file, not a token
STORE_SOCKET = "store.sock"
KEEPER_SOCKET = "keeper.sock"
DASHBOARD_SOCKET = "dashboard.sock"
RISK_SOCKET = "risk.sock"
OBSERVATIONS_SOCKET = "observations.sock"
NETWORK_FILE = "networks.mmdb"
"""The network list that `daysalt data fetch` builds, in the directory of lists."""
SOURCES_FILE, BOTS_FILE = "sources.json", "bots.json"
"""What it fetches there of names of sources, and of patterns of robots."""
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


class DataDirError(Exception):
    """
    The data directory cannot be used. The text is one sentence that says what to do.
    """


class DataDirInUse(DataDirError):
    """
    Another process holds the directory's lock: a server, or a command that needs it for itself.
    """


class DataDirLock:
    """
    A held lock. The kernel lets go of it when the process ends, however it ends.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @property
    def descriptor(self) -> int:
        """
        Number of the open file that holds the lock.
        """
        assert self._descriptor is not None
        return self._descriptor

    def release(self) -> None:
        """
        Let go. A second call does nothing.
        """
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> DataDirLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


def make_data_dir(path: Path) -> None:
    """
    Make the directory when it is missing, and see that only its owner can enter.

    Raises:
        DataDirError: it is no directory, or cannot be made, written or closed to others.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=DIRECTORY_MODE)
        if path.stat().st_mode & 0o077:
            path.chmod(DIRECTORY_MODE)
    except (FileExistsError, NotADirectoryError):
        raise DataDirError(
            f"the data directory {path} is not a directory: move that file away, or set DAYSALT_DATA_DIR"
        ) from None
    except OSError as error:
        raise _unusable(path, error) from None


def lock_data_dir(path: Path) -> DataDirLock:
    """
    Take the directory, making it (mode 0700) when it is missing.

    Raises:
        DataDirInUse: another process has it.
        DataDirError: it is read-only or no directory.
    """
    make_data_dir(path)
    try:
        # Not inherited by programs this process starts: a lock shared with a child outlives its owner.
        descriptor = os.open(path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise DataDirInUse(
            f"the data directory {path} is in use by another Daysalt process: stop that one, or set DAYSALT_DATA_DIR"
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise _unusable(path, error) from None
    return DataDirLock(path, descriptor)


def write_private(path: Path, text: str) -> None:
    """
    Write a file that only its owner can read, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """
    Make names made, renamed or removed in a directory survive power loss.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> DataDirError:
    return DataDirError(
        f"the data directory {path} cannot be used ({(error.strerror or 'no reason given').lower()}): "
        "make it writable for this user, or set DAYSALT_DATA_DIR to another path"
    )
