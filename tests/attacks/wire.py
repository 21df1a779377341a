"""
An attacker's end of a connection: bytes as they come, no client library in between that would put them right.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.ingest.collectors import CHROME
from tests.processes.load import DOMAIN
from tests.server import Server

ANSWER_SECONDS_MAX = 10.0


def connect(server: Server, *, seconds: float = ANSWER_SECONDS_MAX) -> socket.socket:
    """
    Open a connection to the public port.
    """
    address = urlsplit(server.base_url)
    assert address.hostname is not None
    return socket.create_connection((address.hostname, address.port or 80), timeout=seconds)


def beacon(path: str = "/", **fields: Any) -> bytes:
    """
    Make the body of a good pageview.
    """
    return json.dumps({"n": "pageview", "d": DOMAIN, "u": f"https://{DOMAIN}{path}", **fields}).encode()


def post(body: bytes, *headers: bytes, path: bytes = b"/api/event", length: bool = True) -> bytes:
    """
    Make a POST as bytes, with a browser's user agent unless another is given.
    """
    lines = [b"POST " + path + b" HTTP/1.1", b"host: localhost", *headers]
    if not any(header.lower().startswith(b"user-agent:") for header in headers):
        lines.append(b"user-agent: " + CHROME.encode())
    if length:
        lines.append(b"content-length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ask_raw(server: Server, pieces: bytes | Iterable[bytes], *, seconds: float = ANSWER_SECONDS_MAX) -> bytes:
    """
    Send bytes, the rest of them only while nothing has come back, and give what comes back up to the end of the
    answer; empty when the connection was closed without one.
    """
    with connect(server, seconds=seconds) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in (pieces,) if isinstance(pieces, bytes) else pieces:
                connection.sendall(piece)
                if _has_come(connection):
                    break
        return read_answer(connection)


def read_answer(connection: socket.socket) -> bytes:
    """
    Read one answer with its body; empty when the other end closed instead.
    """
    found = b""
    with suppress(ConnectionResetError):
        while b"\r\n\r\n" not in found:
            piece = connection.recv(65536)
            if not piece:
                return found
            found += piece
        head, _, body = found.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                while len(body) < int(value):
                    piece = connection.recv(65536)
                    if not piece:
                        break
                    body += piece
                return head + b"\r\n\r\n" + body
    return found


def status(answer: bytes) -> int:
    """
    Give the status of an answer; 0 when there is none.
    """
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def resident_kib(pid: int) -> int:
    """
    Tell the resident memory of a process, in KiB.
    """
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def _has_come(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK)) or True
    except BlockingIOError:
        return False
    finally:
        connection.settimeout(ANSWER_SECONDS_MAX)
