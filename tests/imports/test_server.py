"""
Imports through a real server: over the public port, and with a process that dies in the middle.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.imports.importing import line
from tests.processes.family import children_of, kill
from tests.server import Server, run_server

pytestmark = [pytest.mark.server, pytest.mark.timeout(300)]
IMPORT = "/api/v1/import?site_id=site1.test"
LINES = 50_000
"""More than one batch."""
DEADLINE_SECONDS = 90


def content(lines: int) -> Iterator[bytes]:
    """
    Write lines, some over two years, each its own visitor, without holding them.
    """
    for number in range(lines):
        day, second = divmod(number, 1000)
        date = f"{2022 + day // 300}-{1 + day % 300 // 25:02}-{1 + day % 25:02}"
        at = f"{date}T10:{second // 60:02}:{second % 60:02}Z"
        yield json.dumps(line(at, visitor=f"v{number}", page=f"/page-{number % 500}")).encode() + b"\n"


def client(server: Server) -> httpx.Client:
    headers = {"authorization": f"Bearer {server.admin_key}"}
    return httpx.Client(base_url=server.base_url, headers=headers, timeout=DEADLINE_SECONDS, trust_env=False)


def pageviews(asking: httpx.Client) -> tuple[int, int]:
    """
    Ask for all pageviews and visits, as soon as the store answers.
    """
    question = {"site_id": "site1.test", "metrics": ["pageviews", "visits"], "date_range": "all"}
    ends = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = asking.post("/api/v2/query", json=question)
        if answer.is_success:
            first, second = answer.json()["results"][0]["metrics"]
            return first, second
        assert time.monotonic() < ends, answer.text
        time.sleep(0.1)


def test_import_over_the_public_port(tmp_path: Path) -> None:
    """
    A stream of many lines over years is in the stats when it is answered; a stream that broke off is not.
    """
    with run_server(tmp_path) as server, client(server) as asking:
        asking.post("/api/v1/sites", json={"domain": "site1.test"}).raise_for_status()
        break_off(server)

        answer = asking.post(IMPORT, content=content(LINES)).json()

        assert (LINES, []) == (answer["imported"], answer["rejected"])
        assert (LINES, LINES) == pageviews(asking)


def break_off(server: Server) -> None:
    """
    Send half a body with no length said, and go away.
    """
    with socket.create_connection(("127.0.0.1", urlsplit(server.base_url).port or 0)) as sending:
        body = b"".join(content(2000))
        head = f"POST {IMPORT} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {server.admin_key}\r\n"
        sending.sendall(head.encode() + b"transfer-encoding: chunked\r\n\r\n" + b"%x\r\n" % len(body) + body + b"\r\n")


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """
    An import whose store is killed while it writes is finished by the next store; the same file then adds nothing.
    """
    with run_server(tmp_path) as server, client(server) as asking:
        asking.post("/api/v1/sites", json={"domain": "site1.test"}).raise_for_status()
        broken = asking.post(IMPORT, content=killing(server, content(LINES)))

        again = sent_again(asking)

        assert 502 == broken.status_code
        assert (0, LINES) == (again["imported"], again["repeated"])
        assert (LINES, LINES) == pageviews(asking)


def killing(server: Server, lines: Iterator[bytes]) -> Iterator[bytes]:
    """
    Send all lines; kill the store as soon as the first batch is noted as stored.
    """

    def watch() -> None:
        ends = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < ends and not [*(server.data_dir / "imports").glob("*/stored")]:
            time.sleep(0.001)
        for store in children_of(server.process.pid, "store"):
            kill(store)

    threading.Thread(target=watch, daemon=True).start()
    yield from lines


def sent_again(asking: httpx.Client) -> dict[str, Any]:
    """
    Send the file once more, as soon as there is a store to take it.
    """
    ends = time.monotonic() + DEADLINE_SECONDS
    while True:
        answer = asking.post(IMPORT, content=content(LINES))
        if answer.is_success:
            return answer.json()
        assert time.monotonic() < ends, answer.text
        time.sleep(0.2)
