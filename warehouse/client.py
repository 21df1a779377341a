"""
The one client for both stores: `chdb:///path` in this process, or `clickhouse://` over HTTP.

Values travel as parameters, never inside the text of a query. The embedded engine takes one query at a time per
client, so `Warehouse` hands out one client per thread.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote, urlsplit

from warehouse import changes

# The driver and the columns are imported where a store is first used: the keeper and the commands know this module for
# its errors, and need not hold 50 MiB for them.
if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from warehouse.native import Column

QUERY_SECONDS_MAX = 15
"""Time limit of one question, in seconds; a panel that needs longer says so."""

QUERY_MEMORY_BYTES_MAX = 2 * 1024**3

COPY_FORMAT = "TabSeparatedWithNames"
"""One row is one line, so a copy's rows can be counted without the engine, and names survive a change of columns."""

COPY_CHUNK_BYTES = 1024**2

READ_SETTINGS: Mapping[str, object] = {
    "max_execution_time": QUERY_SECONDS_MAX,
    "max_memory_usage": QUERY_MEMORY_BYTES_MAX,
}


class WarehouseUnavailable(Exception):
    """
    The store cannot be reached or is not answering. Retry with backoff.
    """


class WarehouseRefused(Exception):
    """
    The store refused the statement or the rows. Retrying the same thing will not help.
    """


class QueryTimeout(Exception):
    """
    A question ran longer than `QUERY_SECONDS_MAX`. Ask for a shorter period.
    """


# ClickHouse error codes that mean "not now": network, too many queries, memory, read-only at start, too many parts,
# and an engine that is ending.
RETRYABLE_CODES = frozenset({159, 202, 209, 210, 236, 241, 242, 243, 252, 279, 319, 425, 499, 999})
TIMEOUT_CODES = frozenset({159, 160})


class Warehouse:
    """
    A store, reached by its address.
    """

    def __init__(self, url: str, *, read_settings: Mapping[str, object] = READ_SETTINGS) -> None:
        """
        Args:
            url: `chdb:///path` or `clickhouse://user:password@host:8123/database` (`clickhouses://` for TLS).
        """
        parts = urlsplit(url)
        self.embedded = parts.scheme == "chdb"
        self._url = parts
        self._store = url
        self._read_settings = dict(read_settings)
        self._local = threading.local()
        self._clients: list[tuple[threading.Thread, Client]] = []
        self._lock = threading.Lock()
        if self.embedded:
            self.database = "default"
            self.path: Path | None = Path(unquote(parts.path))
        else:
            self.database = unquote(parts.path.strip("/")) or "default"
            self.path = None

    def query(
        self, sql: str, parameters: Mapping[str, object] | None = None, *, settings: Mapping[str, object] | None = None
    ) -> list[tuple[Any, ...]]:
        """
        Ask a question.

        Args:
            sql: a SELECT with `{name:Type}` placeholders.
            parameters: values for the placeholders.
            settings: engine settings for this question, over the read limits.

        Returns:
            The rows as tuples, in the store's order.

        Raises:
            QueryTimeout: it ran longer than `QUERY_SECONDS_MAX`.
            WarehouseUnavailable: the store is away; ask again later.
            WarehouseRefused: the question is wrong.
        """
        merged = {**self._read_settings, **(settings or {})}
        try:
            result = self._client().query(sql, parameters=dict(parameters or {}), settings=merged)
        except Exception as error:
            raise _translated(error) from error
        return [tuple(row) for row in result.result_rows]

    def insert(self, table: str, columns: Mapping[str, Sequence[object]], *, token: str | None = None) -> None:
        """
        Insert column lists of equal length; rows are on disk when this returns (tables sync after insert).

        Args:
            token: deduplication token; the same token with the same rows counts once within the table's window.
                Without one, every insert counts.

        Raises:
            WarehouseUnavailable: not written, or not known to be; repeat with the same token.
            WarehouseRefused: the rows are wrong and will stay wrong.
        """
        # Without a token the engine compares the rows and swallows equal ones, also with insert_deduplicate=0, which
        # newer versions ignore (seen with 26.9): a token that never comes again is understood by all of them.
        settings: dict[str, object] = {"insert_deduplication_token": token or secrets.token_hex(16)}
        try:
            self._client().insert(
                table, list(columns.values()), column_names=list(columns), column_oriented=True, settings=settings
            )
        except Exception as error:
            raise _translated(error) from error
        finally:
            changes.note_insert(self._store, table)

    def insert_block(self, table: str, columns: Mapping[str, Column], *, token: str | None = None) -> None:
        """
        Insert columns without touching single rows; everything else is as with `insert`.

        Raises:
            WarehouseUnavailable, WarehouseRefused: as for `insert`.
        """
        from warehouse.native import native_block

        settings = {"insert_deduplication_token": token or secrets.token_hex(16)}
        block = native_block(columns)
        try:
            self._client().raw_insert(
                table, column_names=list(columns), insert_block=block, fmt="Native", settings=settings
            )
        except Exception as error:
            raise _translated(error) from error
        finally:
            changes.note_insert(self._store, table)

    def command(self, sql: str, parameters: Mapping[str, object] | None = None) -> None:
        """
        Run a statement that returns nothing.

        Raises:
            WarehouseUnavailable, WarehouseRefused: as for `query`.
        """
        try:
            self._client().command(sql, parameters=dict(parameters or {}))
        except Exception as error:
            raise _translated(error) from error
        finally:
            changes.note_command(self._store, sql)

    def state(self, table: str) -> tuple[str, int]:
        """
        Name the state of a table: another one after this process inserted into it or sent a command that names it. The
        embedded store has no other writer, so what was read in the same state is still true.
        """
        return self._store, changes.changes(self._store, table)

    def removals(self, table: str) -> tuple[str, int]:
        """
        Name the state of a table as far as anything was taken out of it, or altered.
        """
        return self._store, changes.removals(self._store, table)

    def copy_out(
        self,
        sql: str,
        write: Callable[[bytes], object],
        parameters: Mapping[str, object] | None = None,
        *,
        form: str = COPY_FORMAT,
    ) -> None:
        """
        Hand on the rows of a question as chunks of tab-separated lines under a line of column names, without holding
        them in memory. The read limits do not apply: a whole month may take longer than a page may.

        Args:
            form: another of the engine's formats.

        Raises:
            WarehouseUnavailable, WarehouseRefused: as for `query`.
        """
        try:
            opened = self._client().raw_stream(sql, parameters=dict(parameters or {}), fmt=form)
        except Exception as error:
            raise _translated(error) from error
        stream = cast("BinaryIO", opened)  # both engines give a readable file, which the client's types hide
        try:
            while True:
                try:
                    chunk = stream.read(COPY_CHUNK_BYTES)
                except Exception as error:
                    raise _translated(error) from error
                if not chunk:
                    return
                write(chunk)
        finally:
            stream.close()

    def copy_in(self, table: str, file: BinaryIO) -> None:
        """
        Insert what `copy_out` wrote; columns are matched by name, and those the file lacks get their defaults.

        Raises:
            WarehouseUnavailable, WarehouseRefused: as for `insert`; some rows may be in.
        """
        try:
            self._client().raw_insert(table, insert_block=file, fmt=COPY_FORMAT, settings={"insert_deduplicate": 0})
        except Exception as error:
            raise _translated(error) from error
        finally:
            changes.note_insert(self._store, table)

    def close(self) -> None:
        """
        Close every thread's client. An embedded store is then free for another process.
        """
        with self._lock:
            clients, self._clients = self._clients, []
        for _, client in clients:
            client.close()
        self._local = threading.local()

    def _client(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = self._connect()
            self._local.client = client
            with self._lock:
                self._clients.append((threading.current_thread(), client))
            self._close_orphans()
        return client

    def _close_orphans(self) -> None:
        # Pools of threads let idle ones go and make new ones; without this every new one would leave a client behind.
        with self._lock:
            orphans = [client for thread, client in self._clients if not thread.is_alive()]
            self._clients = [(thread, client) for thread, client in self._clients if thread.is_alive()]
        for client in orphans:
            client.close()

    def _connect(self) -> Client:
        import clickhouse_connect

        try:
            if self.embedded:
                assert self.path is not None
                self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
                return clickhouse_connect.get_client(interface="chdb", path=str(self.path))
            return clickhouse_connect.get_client(
                host=self._url.hostname or "localhost",
                port=self._url.port or 8123,
                username=unquote(self._url.username or "default"),
                password=unquote(self._url.password or ""),
                database=self.database,
                secure=self._url.scheme == "clickhouses",
                # A session allows one query at a time; the threads have a client each, but a retry must not wait.
                autogenerate_session_id=False,
            )
        except Exception as error:
            raise _translated(error) from error


def _translated(error: Exception) -> Exception:
    if isinstance(error, (WarehouseUnavailable, WarehouseRefused, QueryTimeout)):
        return error
    from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError, OperationalError

    text = str(error)
    code = _code(text)
    if code in TIMEOUT_CODES:
        return QueryTimeout(f"the question ran longer than {QUERY_SECONDS_MAX} seconds")
    if code in RETRYABLE_CODES or (code is None and isinstance(error, (OperationalError, OSError))):
        return WarehouseUnavailable(_first_line(text))
    if isinstance(error, (DatabaseError, ClickHouseError)) or code is not None:
        return WarehouseRefused(_first_line(text))
    if isinstance(error, (ConnectionError, TimeoutError, OSError)):
        return WarehouseUnavailable(_first_line(text))
    return WarehouseRefused(_first_line(text))


def _code(text: str) -> int | None:
    for marker in ("Code: ", "code: "):
        start = text.find(marker)
        if start >= 0:
            digits = text[start + len(marker) :].split(".", 1)[0].split(",", 1)[0].strip()
            if digits.isdigit():
                return int(digits)
    return None


def _first_line(text: str) -> str:
    # Only the first line: the engine appends the whole statement, which may be long.
    return text.strip().splitlines()[0][:300] if text.strip() else "no reason given"
