"""
The server a load test is aimed at: one of its own, or one that is given.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import numpy as np
from numpy.typing import NDArray

from loadtests.outcome import Stored, compare_pages
from loadtests.tally import ACCEPTED, UNKNOWN
from loadtests.traffic import DOMAIN, Traffic

SITE_SECONDS_MAX = 30.0
STORED_SECONDS_MAX = 120.0
PAGE_ROWS = 10_000


class TargetError(Exception):
    """
    The target cannot be used; the text says what to do.
    """


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where to send, and the key to ask with.
    """

    host: str
    port: int
    key: str

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def ask(self, method: str, path: str, body: object | None = None) -> httpx.Response:
        """
        Make a request with the key.
        """
        return httpx.request(
            method,
            f"{self.url}{path}",
            json=body,
            headers={"authorization": f"Bearer {self.key}"},
            timeout=60,
            trust_env=False,
        )

    def prepare_site(self) -> None:
        """
        Make the site of load tests if there is none, and wait until beacons for it are taken.

        Raises:
            TargetError: the server refuses, or nobody answers.
        """
        try:
            made = self.ask("POST", "/api/v1/sites", {"domain": DOMAIN})
        except httpx.HTTPError as error:
            raise TargetError(f"{self.url} does not answer ({type(error).__name__})") from None
        if made.status_code in (401, 403):
            raise TargetError(f"{self.url} does not know the key; give its DAYSALT_ADMIN_KEY in the environment")
        self.await_site()

    def await_site(self) -> None:
        """
        Wait until the site has reached the collectors. Asks with an engagement that counts nowhere.

        Raises:
            TargetError: it has not.
        """
        ends = time.monotonic() + SITE_SECONDS_MAX
        beacon = json.dumps({"n": "engagement", "u": f"https://{DOMAIN}/", "d": DOMAIN, "sd": 1})
        agent = {"user-agent": "Mozilla/5.0 (nobody)"}
        while True:
            with suppress(httpx.HTTPError):
                answer = httpx.post(f"{self.url}/api/event", content=beacon, headers=agent, timeout=5, trust_env=False)
                if answer.status_code == 202 and "x-plausible-dropped" not in answer.headers:
                    return
            if time.monotonic() > ends:
                raise TargetError(f"{self.url} does not take beacons for {DOMAIN}; add that site first")
            time.sleep(0.1)

    def stored_by_page(self, run: str) -> dict[str, int]:
        """
        Ask the stats for the pageviews of each page of a run.
        """
        today = datetime.now(UTC).date()
        found: dict[str, int] = {}
        offset = 0
        while True:
            query = {
                "site_id": DOMAIN,
                "metrics": ["pageviews"],
                "date_range": [str(today - timedelta(days=1)), str(today + timedelta(days=1))],
                "dimensions": ["event:page"],
                "pagination": {"limit": PAGE_ROWS, "offset": offset},
            }
            answer = self.ask("POST", "/api/v2/query", query)
            answer.raise_for_status()
            rows = answer.json()["results"]
            for row in rows:
                if str(row["dimensions"][0]).startswith(f"/load/{run}/"):
                    found[str(row["dimensions"][0])] = int(row["metrics"][0])
            if len(rows) < PAGE_ROWS:
                return found
            offset += PAGE_ROWS

    def compare(self, traffic: Traffic, run: str, outcomes: NDArray[np.uint8], events_in_request: int) -> Stored:
        """
        Wait until everything accepted is in the stats, or for `STORED_SECONDS_MAX`, and compare page by page.
        """
        by_outcome: dict[int, Counter[str]] = {ACCEPTED: Counter(), UNKNOWN: Counter()}
        for outcome, pages in by_outcome.items():
            for number in np.flatnonzero(outcomes == outcome).tolist():
                first = number * events_in_request
                pages.update(traffic.page_of(event) for event in range(first, first + events_in_request))
        ends = time.monotonic() + STORED_SECONDS_MAX
        while True:
            found = compare_pages(by_outcome[ACCEPTED], by_outcome[UNKNOWN], self.stored_by_page(run))
            if not found.lost or time.monotonic() > ends:
                return found
            time.sleep(1)


def read_target(url: str, key: str, *, own: bool) -> Target:
    """
    Check a given target.

    Args:
        own: the operator said that the server is theirs.

    Raises:
        TargetError: it is no plain HTTP address, its key is missing, or it is another machine and nobody said whose.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
        raise TargetError(f"the target {url} must look like http://host:port; TLS belongs to the proxy in front")
    if not own and not _is_loopback(parts.hostname):
        raise TargetError(f"{parts.hostname} is another machine; load it only if it is yours, and say --yes-i-own-it")
    if not key:
        raise TargetError("set DAYSALT_ADMIN_KEY to the key of that server: what was stored is asked with it")
    return Target(parts.hostname, parts.port or 80, key)


def _is_loopback(host: str) -> bool:
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return all(ipaddress.ip_address(address).is_loopback for address in found)
