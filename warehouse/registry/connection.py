"""
The way into the registry's database: one engine, read and write transactions, failures in one sentence.

Several processes share the file: the server's and every command. SQLite therefore runs in write-ahead mode, so
readers never wait, and a write takes its lock at the start instead of failing half-way.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, select, update
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from warehouse.registry.errors import RegistryAddressError, RegistryUnavailable
from warehouse.registry.schema import STATE

BUSY_SECONDS_MAX = 10
"""How long a writer waits for another process's write before it gives up."""

_WAL_TRIES_MAX = 100


class RegistryConnection:
    """
    An open registry database.
    """

    def __init__(self, url: str) -> None:
        """
        Args:
            url: `sqlite:////absolute/path` or `postgresql+pg8000://user:password@host/database`.

        Raises:
            RegistryAddressError: the address is of another kind.
            RegistryUnavailable: it cannot be opened.
        """
        self._url = _parsed(url)
        self.path = registry_path(url)
        self.dialect = self._url.get_backend_name()
        if self.path is not None:
            _make_private_file(self.path)
            _switch_to_wal(self.path)
            self._engine = create_engine(self._url, connect_args={"timeout": BUSY_SECONDS_MAX})
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", _begin_sqlite)
        else:
            self._engine = create_engine(self._url, pool_pre_ping=True)
        self._writer = self._engine.execution_options(daysalt_write=True)

    @contextmanager
    def read(self) -> Generator[Connection]:
        """
        Open a transaction that sees one state of the registry.
        """
        with self._translating(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """
        Open a transaction that changes something collectors need not know.
        """
        with self._translating(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def change(self) -> Generator[Connection]:
        """
        Open a transaction that changes something collectors must know: the revision goes up with it.
        """
        with self.write() as connection:
            # First statement of the transaction, so that on PostgreSQL too one change is made at a time.
            connection.execute(update(STATE).values(revision=STATE.c.revision + 1))
            yield connection

    def revision(self) -> int:
        """
        Tell the number that goes up with every change collectors must see.
        """
        with self.read() as connection:
            return int(connection.execute(select(STATE.c.revision)).scalar_one())

    def close(self) -> None:
        """
        Close every connection.
        """
        self._engine.dispose()

    @contextmanager
    def _translating(self) -> Generator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise RegistryUnavailable(self._sentence(error)) from error

    def _sentence(self, error: SQLAlchemyError) -> str:
        # The driver's own words only: SQLAlchemy's add the statement and its values, which may be a person's.
        words = str(error.orig) if isinstance(error, DBAPIError) else type(error).__name__
        words = words.splitlines()[0][:200] if words else type(error).__name__
        if self.path is None:
            host = self._url.host or "its server"
            return f"the registry on {host} does not answer ({words}): check DAYSALT_REGISTRY_URL"
        return f"the registry {self.path} cannot be used ({words}): check that the file is whole, writable and not full"


def registry_path(url: str) -> Path | None:
    """
    Tell the file of a SQLite registry; None when it lives in a database server.

    Raises:
        RegistryAddressError: the address is of a kind the registry cannot use.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or "").absolute()


def _parsed(url: str) -> URL:
    allowed = "sqlite:////path/registry.sqlite or postgresql+pg8000://user:password@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise RegistryAddressError(f"DAYSALT_REGISTRY_URL is not an address: use {allowed}") from None
    if parsed.drivername == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    if parsed.drivername == "postgresql+pg8000":
        return parsed
    raise RegistryAddressError(
        f"DAYSALT_REGISTRY_URL begins with {parsed.drivername!r}, which is not supported: use {allowed}"
    )


def _make_private_file(path: Path) -> None:
    # Made before SQLite opens it: its journals take over the file's mode, and nobody reads it in between.
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise RegistryUnavailable(
            f"the registry {path} cannot be opened ({error.strerror}): make its directory writable for this user"
        ) from None


def _switch_to_wal(path: Path) -> None:
    # TRICKY: switching needs the file alone and does not wait by itself, so two first starts at once would fail.
    for _ in range(_WAL_TRIES_MAX):
        try:
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS_MAX)
            try:
                connection.execute("PRAGMA journal_mode=WAL").fetchone()
                return
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise RegistryUnavailable(f"the registry {path} cannot be opened ({error}): check the file") from None
            time.sleep(0.05)
        except sqlite3.DatabaseError as error:
            raise RegistryUnavailable(
                f"the registry {path} is not a whole SQLite file ({error}): restore it with `daysalt restore`"
            ) from None
    raise RegistryUnavailable(f"the registry {path} stays locked by another process: stop it and try again")


def _prepare_sqlite(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: it would begin them late and without the write lock.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    # What is deleted is written over, not left in the file as free room.
    connection.execute("PRAGMA secure_delete=ON")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("daysalt_write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
