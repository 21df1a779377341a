"""
A test-only server that speaks enough of ClickHouse's HTTP interface for its client, and executes on chDB.

Run as a process of its own (one process owns one chDB directory):
`python -m tests.http_chdb_server DIRECTORY [--port 0] [--password TEXT]`; it prints `listening PORT`.
Source: https://clickhouse.com/docs/interfaces/http
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb
import lz4.frame

# In the query string, but no settings of the engine.
TRANSPORT = frozenset(
    (
        "query",
        "database",
        "user",
        "password",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "quota_key",
        "role",
        "compress",
        "decompress",
        "buffer_size",
        "wait_end_of_query",
        "client_protocol_version",
    )
)
AUTHENTICATION_FAILED = 516
UNKNOWN_THINGS = {46, 47, 60, 81}
OVERLOADED = {202, 241}
_INSERT = re.compile(rb"\A\s*INSERT\s+INTO\b[^\n]*?\bFORMAT\s+(\w+)[ \t]*\n", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)")
_NAME = re.compile(r"\A[A-Za-z_][A-Za-z0-9_]*\Z")


class EngineError(Exception):
    """
    What the engine said, with its error code.
    """

    def __init__(self, text: str) -> None:
        found = _CODE.search(text)
        self.code = int(found[1]) if found else 1002
        super().__init__(text)


class Handler(BaseHTTPRequestHandler):
    """
    One keep-alive connection: a thread and an engine connection of its own.
    """

    protocol_version = "HTTP/1.1"
    # Answers are two small writes: without this each waits 40 ms for the other side's acknowledgement.
    disable_nagle_algorithm = True
    password = ""
    directory = ""
    engine: Any = None

    def finish(self) -> None:
        super().finish()
        if self.engine is not None:
            self.engine.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """
        Keep quiet.
        """

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n", {})
        else:
            self.do_POST()

    def do_POST(self) -> None:
        body = _plain(b"".join(self._body()), self.headers.get("Content-Encoding", ""))
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        try:
            self._check_password()
            result = self._execute(body, parameters)
        except EngineError as refused:
            code = refused.code
            status = 403 if code == AUTHENTICATION_FAILED else 404 if code in UNKNOWN_THINGS else 500
            self._answer(status, str(refused).encode(), {"X-ClickHouse-Exception-Code": str(code)})
            return
        headers = {"X-ClickHouse-Summary": json.dumps({"read_rows": "0"}), "X-ClickHouse-Timezone": "UTC"}
        if result:
            headers["X-ClickHouse-Format"] = "TabSeparated"
        wants = parameters.get("enable_http_compression") == "1"
        if wants and "gzip" in self.headers.get("Accept-Encoding", ""):
            result = gzip.compress(result, 1)
            headers["Content-Encoding"] = "gzip"
        self._answer(200, result, headers)

    def _body(self) -> Iterator[bytes]:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            yield self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _check_password(self) -> None:
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        given = base64.b64decode(value).decode().partition(":")[2] if scheme == "Basic" else ""
        if given != self.password:
            raise EngineError(
                f"Code: {AUTHENTICATION_FAILED}. DB::Exception: default: Authentication failed: password is incorrect. "
                "(AUTHENTICATION_FAILED)"
            )

    def _execute(self, body: bytes, parameters: Mapping[str, str]) -> bytes:
        if "query" in parameters:
            body = parameters["query"].encode() + b"\n" + body
        settings = {
            name: value
            for name, value in parameters.items()
            if name not in TRANSPORT and not name.startswith("param_") and _NAME.match(name)
        }
        bound = {name[6:]: value for name, value in parameters.items() if name.startswith("param_")}
        if database := parameters.get("database"):
            self._run(f"USE {_identifier(database)}")
        if found := _INSERT.match(body):
            return self._insert(found, body, settings)
        try:
            for name, value in settings.items():
                self._run(f"SET {name} = {_text(value)}")
            return self._run(body.decode(), bound)
        finally:
            for name in settings:
                self._run(f"SET {name} = DEFAULT")

    def _insert(self, found: re.Match[bytes], body: bytes, settings: Mapping[str, str]) -> bytes:
        head = body[: found.end()].decode().rstrip()
        kind = found[1].decode()
        head = head[: head.upper().rindex("FORMAT")]
        clause = ", ".join(f"{name} = {_text(value)}" for name, value in settings.items())
        with tempfile.NamedTemporaryFile(suffix=".rows") as file:
            file.write(body[found.end() :])
            file.flush()
            chosen = f"SETTINGS {clause}" if clause else ""
            return self._run(f"{head} FROM INFILE {_text(file.name)} {chosen} FORMAT {kind}")

    def _run(self, sql: str, bound: Mapping[str, str] | None = None) -> bytes:
        if self.engine is None:
            self.engine = chdb.connect(self.directory)
        try:
            return self.engine.query(sql, "TabSeparated", params=dict(bound or {})).bytes() or b""
        except Exception as error:
            raise EngineError(str(error)) from error

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _plain(body: bytes, encoding: str) -> bytes:
    if encoding == "lz4":
        return lz4.frame.decompress(body)  # type: ignore[no-any-return]  # the package has no types
    if encoding == "gzip":
        return gzip.decompress(body)
    assert encoding == "", encoding
    return body


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def main() -> None:
    """
    Serve until told to stop.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--password", default="")
    chosen = parser.parse_args()
    Handler.directory = str(chosen.directory)
    Handler.password = chosen.password
    # Keeps the engine open between requests, whatever connections come and go.
    keeper = chdb.connect(Handler.directory)
    server = ThreadingHTTPServer(("127.0.0.1", chosen.port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"listening {server.server_address[1]}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    keeper.close()
    sys.stdout.flush()
    # The engine's own threads may still be finishing; the directory is a test's and goes away.
    os._exit(0)


if __name__ == "__main__":
    main()
