"""
What a running Daysalt counted for a site, asked over its stats API.
"""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.server import Server

FRESH_SECONDS = 10
"""How long a number may take to show; the contract's two seconds are held to elsewhere."""


class Counted:
    """
    One site of a server, and its numbers.
    """

    def __init__(self, server: Server, domain: str) -> None:
        """
        Make the site, with small cells shown, and wait until it is measured.
        """
        self.domain = domain
        self._client = httpx.Client(
            base_url=server.base_url, headers={"authorization": f"Bearer {server.admin_key}"}, trust_env=False
        )
        self._client.post("/api/v1/sites", json={"domain": domain}).raise_for_status()
        self._client.put(f"/api/v1/sites/{domain}/settings", json={"k": 1}).raise_for_status()
        server.await_site(domain)

    def by(self, dimension: str, metric: str = "events", *filters: Any) -> dict[str, int]:
        """
        Count by a dimension, today.
        """
        question = {
            "site_id": self.domain, "metrics": [metric], "date_range": "all", "dimensions": [dimension],
            "filters": list(filters),
        }  # fmt: skip
        answer = self._client.post("/api/v2/query", json=question).raise_for_status().json()
        return {row["dimensions"][0]: row["metrics"][0] for row in answer["results"]}

    def expect(self, dimension: str, expected: dict[str, int], metric: str = "events", *filters: Any) -> None:
        """
        Wait until the counts are as expected, or fail showing what they are.
        """
        ends = time.monotonic() + FRESH_SECONDS
        while (found := self.by(dimension, metric, *filters)) != expected and time.monotonic() < ends:
            time.sleep(0.1)
        assert expected == found, f"{dimension}: {found}"

    def close(self) -> None:
        self._client.close()
