"""
A counted sender: every beacon has a page of its own, so that what was answered can be compared with what is stored.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import httpx

from tests.ingest.collectors import CHROME
from tests.server import Server

DOMAIN = "site1.test"
DEADLINE_S = 40
ADDRESSES = ("203.0.113.0", "203.0.113.1", "203.0.113.2", "203.0.113.3")


class CountedSender:
    """
    A few threads that send beacons until told to stop, and note what was answered.
    """

    def __init__(self, server: Server, threads: int = 4, host: str = "", addresses: Sequence[str] = ADDRESSES) -> None:
        """
        Args:
            host: of the pages, and then a part of their names in `accepted`; by default the site's own, which is not.
            addresses: what the threads, in turn, say their address is.
        """
        self._addresses = addresses
        self._host = host
        self._address = urlsplit(server.base_url)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._next = 0
        self.accepted: list[str] = []
        self.refused: Counter[int] = Counter()
        self.broken = 0
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)]

    def __enter__(self) -> CountedSender:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def _run(self, number: int) -> None:
        connection = HTTPConnection(self._address.hostname or "", self._address.port, timeout=10)
        try:
            self._send_until_stopped(connection, number)
        finally:
            connection.close()

    def _send_until_stopped(self, connection: HTTPConnection, number: int) -> None:
        headers = {
            "User-Agent": CHROME,
            "Content-Type": "text/plain",
            "X-Forwarded-For": self._addresses[number % len(self._addresses)],
        }
        while not self._stop.is_set():
            with self._lock:
                self._next += 1
                page = f"/p{self._next}"
            body = json.dumps({"n": "pageview", "d": DOMAIN, "u": f"https://{self._host or DOMAIN}{page}"})
            try:
                connection.request("POST", "/api/event", body, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, HTTPException):
                # Not answered, so not promised. A browser would be in the same place.
                connection.close()
                self.broken += 1
                time.sleep(0.02)
                continue
            with self._lock:
                if answer.status == 202 and answer.getheader("x-plausible-dropped") is None:
                    self.accepted.append(self._host + page)
                else:
                    self.refused[answer.status] += 1


def stored_pages(server: Server, *, by_host: bool = False) -> dict[str, int]:
    """
    Ask how often each page is stored; by host, the same path of two hosts is two pages.
    """
    query = {
        "site_id": DOMAIN,
        "metrics": ["pageviews"],
        "date_range": "all",
        "dimensions": [*(["event:hostname"] if by_host else []), "event:page"],
        "pagination": {"limit": 10_000, "offset": 0},
    }
    found: dict[str, int] = {}
    while True:
        answer = ask(server, query)
        rows: list[dict[str, list[object]]] = answer.json()["results"]
        for row in rows:
            found["".join(map(str, row["dimensions"]))] = int(str(row["metrics"][0]))
        if len(rows) < 10_000:
            return found
        query = {**query, "pagination": {"limit": 10_000, "offset": len(found)}}


def ask(server: Server, query: Mapping[str, object]) -> httpx.Response:
    """
    Ask a question of the stats API, waiting while the dashboard starts.
    """
    ends = time.monotonic() + DEADLINE_S
    while True:
        answer = httpx.post(
            f"{server.base_url}/api/v2/query",
            json=dict(query),
            headers={"Authorization": f"Bearer {server.admin_key}"},
            timeout=30,
            trust_env=False,
        )
        if answer.status_code != 502:
            assert answer.is_success, answer.text
            return answer
        assert time.monotonic() < ends, "the dashboard did not come back"
        time.sleep(0.1)


def await_stored(server: Server, pages: list[str], *, by_host: bool = False) -> dict[str, int]:
    """
    Wait until every page is stored, and give all that is.
    """
    ends = time.monotonic() + DEADLINE_S
    while True:
        found = stored_pages(server, by_host=by_host)
        if found.keys() >= set(pages) or time.monotonic() > ends:
            return found
        time.sleep(0.2)
