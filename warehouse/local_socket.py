"""
How the processes and the commands talk on one machine: JSON lines over a unix socket that only our user can open.

A request is one line `{"op": ..., ...}`. The answer is any number of lines `{"progress": {...}}` and then one
`{"result": {...}}` or `{"refused": "sentence"}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

LINE_BYTES_MAX = 16 * 1024 * 1024
FULL_SECONDS = 1.0
"""How long nobody is accepted after the system said that no more files may be opened."""
PATH_BYTES_MAX = 100
"""What a socket address may be long on every system we run on (Linux: 108, macOS: 104)."""

Fields = dict[str, Any]
Operation = Callable[..., Awaitable[Fields]] | Callable[..., AsyncIterator[Fields]]


class SocketAbsent(Exception):
    """
    Nobody listens: the server does not run.
    """


class SocketRefused(Exception):
    """
    The other side refused; the text is one sentence for a person.
    """


def call(path: Path, op: str, *, timeout_s: float = 30, **arguments: Any) -> Fields:
    """
    Ask for one thing.

    Raises:
        SocketAbsent: nobody listens.
        SocketRefused: it was refused, or the other side went away.
    """
    result: Fields = {}
    for line in stream(path, op, timeout_s=timeout_s, **arguments):
        result = line
    return result


def stream(path: Path, op: str, *, timeout_s: float = 600, **arguments: Any) -> Iterator[Fields]:
    """
    Ask for one thing that takes a while.

    Returns:
        Progress lines as they come; the last one is the result.

    Raises:
        SocketAbsent, SocketRefused: as for `call`.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with _ShortPath(path) as address:
                connection.connect(address)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            raise SocketAbsent(f"no server listens on {path}") from None
        except PermissionError:
            raise SocketRefused(
                f"{path} belongs to another user; run the command as the user the server runs as"
            ) from None
        try:
            connection.sendall(json.dumps({"op": op, **arguments}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                for text in lines:
                    line: Fields = json.loads(text)
                    if "refused" in line:
                        raise SocketRefused(str(line["refused"]))
                    if "result" in line:
                        yield line["result"]
                        return
                    yield line["progress"]
        except TimeoutError:
            raise SocketRefused(f"the server did not answer {op} within {timeout_s:.0f} seconds") from None
        except (ConnectionError, ValueError):
            pass
        raise SocketRefused(f"the server went away while it worked on {op}; try again")


class Listening:
    """
    A socket that answers operations. Made by `listen`.
    """

    def __init__(self, listener: socket.socket, operations: Mapping[str, Operation]) -> None:
        self._listener = listener
        self._operations = operations
        self._answering: set[asyncio.Task[None]] = set()
        self.resume()

    @property
    def descriptor(self) -> int:
        """
        Number of the open file.
        """
        return self._listener.fileno()

    @property
    def idle(self) -> bool:
        """
        Whether nobody has a connection.
        """
        return not self._answering

    def pause(self) -> None:
        """
        Let those who come wait in the socket's queue.
        """
        asyncio.get_running_loop().remove_reader(self._listener)

    def resume(self) -> None:
        """
        Answer those who wait and who come.
        """
        if self._listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def close(self) -> None:
        """
        Answer nobody who comes from now on.
        """
        self.pause()
        self._listener.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        except OSError:  # no more files may be opened: those who wait go on waiting
            self.pause()
            asyncio.get_running_loop().call_later(FULL_SECONDS, self.resume)
            return
        connection.setblocking(False)  # the method's own way
        task = asyncio.get_running_loop().create_task(self._answer(connection))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=LINE_BYTES_MAX)
        try:
            await _answer(reader, writer, self._operations)
        except (ConnectionError, asyncio.IncompleteReadError, ValueError):
            pass  # the asker went away or spoke nonsense
        finally:
            writer.close()


async def listen(path: Path, operations: Mapping[str, Operation], listener: socket.socket | None = None) -> Listening:
    """
    Answer operations on a socket of mode 0600. An operation is a coroutine function that returns fields, or an async
    generator of progress fields whose last one is the result. One that raises `SocketRefused` refuses.

    Args:
        listener: a socket that listens on the path already, taken over.
    """
    return Listening(listener or bind_private(path), operations)


def bind_private(path: Path) -> socket.socket:
    """
    Open a listening unix socket that only our user can reach, in place of one left by an earlier process.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # Nobody else may connect, not even between the creation and a chmod.
    before = os.umask(0o177)
    try:
        with _ShortPath(path) as address:
            listener.bind(address)
    finally:
        os.umask(before)
    listener.listen()
    listener.setblocking(False)  # the method's own way
    return listener


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, operations: Mapping[str, Operation]
) -> None:
    async for text in reader:
        request: Fields = json.loads(text)
        operation = operations.get(str(request.pop("op", "")))
        try:
            if operation is None:
                raise SocketRefused("the server does not know this operation; are both of one version?")
            try:
                answer = operation(**request)
                if isinstance(answer, AsyncIterator):
                    last: Fields | None = None
                    async for fields in answer:
                        if last is not None:
                            _write(writer, {"progress": last})
                            await writer.drain()
                        last = fields
                    _write(writer, {"result": last or {}})
                else:
                    _write(writer, {"result": await answer})
            except TypeError as error:
                raise SocketRefused(f"wrong arguments: {error}") from error
        except SocketRefused as refused:
            _write(writer, {"refused": str(refused)})
        await writer.drain()


def _write(writer: asyncio.StreamWriter, line: Fields) -> None:
    writer.write(json.dumps(line).encode() + b"\n")


class _ShortPath:
    """
    A path that fits into a socket address: a long one is reached through its directory's descriptor.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def __enter__(self) -> str:
        text = str(self._path)
        if len(os.fsencode(text)) <= PATH_BYTES_MAX:
            return text
        self._descriptor = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        return f"/proc/self/fd/{self._descriptor}/{self._path.name}"

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)


def refusing(operation: Callable[..., Awaitable[Fields]], refusals: tuple[type[Exception], ...]) -> Operation:
    """
    Answer these errors of an operation as refusals, with their own sentence; any other is a mistake of ours.
    """

    async def run(**fields: Any) -> Fields:
        try:
            return await operation(**fields)
        except refusals as error:
            raise SocketRefused(str(error)) from error

    return run
